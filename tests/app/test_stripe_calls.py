"""Stripe's SDK over our own client: what it is told of an answer, and what it does not do for each call any more."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from stripe import _util

from kassa.contracts.payment import StripeUnreachable
from kassa.payment import processor_stripe
from kassa.payment.processor import Refused, SavedFailure
from kassa.payment.processor_http import lighten
from kassa.payment.processor_stripe import StripeProcessor
from tests.gateway.upstream import Reader, Writer, head_of, upstream

SESSION = (
    b'{"id": "cs_1", "status": "open", "payment_status": "unpaid", "amount_total": 1, "currency": "usd",'
    b' "expires_at": 1, "url": "https://pay.example/1"}'
)


class Stripe:
    """Answers with one status, header and body, however often."""

    def __init__(self) -> None:
        self.status, self.body, self.header = "200 OK", SESSION, b""
        self.connections = 0
        self.heads: list[tuple[str, dict[str, str]]] = []

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        self.connections += 1
        while True:
            try:
                line, headers = await head_of(reader)
            except asyncio.IncompleteReadError:
                return
            self.heads.append((line, dict(headers)))
            await reader.readexactly(int(dict(headers).get("content-length", 0)))
            head = b"HTTP/1.1 %b\r\n%bcontent-length: %d\r\n\r\n"
            writer.write(head % (self.status.encode(), self.header, len(self.body)) + self.body)


@pytest.fixture
def stripe_there() -> Stripe:
    return Stripe()


@pytest.fixture
async def processor(stripe_there: Stripe) -> AsyncIterator[StripeProcessor]:
    async with upstream(stripe_there) as url:
        processor = StripeProcessor("sk_test_1", ("whsec_1",), url)
        yield processor
        await processor.close()


async def test_calls_share_a_connection_and_say_what_stripe_wants_to_know(
    processor: StripeProcessor, stripe_there: Stripe
) -> None:
    for number in range(3):
        assert (await processor.open_session({"mode": "payment"}, f"key-{number}")).id == "cs_1"
    assert stripe_there.connections == 1
    line, headers = stripe_there.heads[-1]
    assert line == "POST /v1/checkout/sessions HTTP/1.1"
    assert headers["idempotency-key"] == "key-2"
    assert headers["authorization"] == "Bearer sk_test_1"
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert headers["stripe-version"] == stripe.api_version


async def test_no_line_is_made_for_a_log_that_nobody_reads(
    processor: StripeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    monkeypatch.setattr(_util, "logfmt", made.append)
    await processor.session("cs_1")
    assert made == []


@given(sent=st.dictionaries(st.text(), st.text() | st.integers(), max_size=5))
def test_what_is_sent_is_written_as_by_the_standard_library(sent: dict[str, str | int]) -> None:
    assert urlencode_of_the_sdk(sent.items()) == urlencode(list(sent.items()))


def urlencode_of_the_sdk(parameters: Iterable[tuple[str, str | int]]) -> str:
    lighten()
    requestor: Any = import_module("stripe._api_requestor")
    written: str = requestor.urlencode(parameters)
    return written


@pytest.mark.parametrize(
    ("status", "header", "body", "expected"),
    [
        ("400 Bad Request", b"", b'{"error": {"message": "no", "type": "invalid_request_error"}}', Refused),
        ("500 Oops", b"iDEMPOTENT-replayed: true\r\n", b'{"error": {"message": "no"}}', SavedFailure),
        ("500 Oops", b"", b'{"error": {"message": "no"}}', StripeUnreachable),
        ("200 OK", b"", b"<html>", StripeUnreachable),
        ("200 OK", b"", b'{"id": "\xff"}', StripeUnreachable),
        ("302 Found", b"location: http://127.0.0.1:1/\r\n", b"{}", StripeUnreachable),
    ],
)
async def test_answers_are_told_apart(
    processor: StripeProcessor,
    stripe_there: Stripe,
    status: str,
    header: bytes,
    body: bytes,
    expected: type[Exception],
) -> None:
    stripe_there.status, stripe_there.header, stripe_there.body = status, header, body
    with pytest.raises(expected):
        await processor.open_session({}, "key")
    assert len(stripe_there.heads) == 1


async def test_nobody_waits_longer_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor_stripe, "TIMEOUT_SECONDS", 0.1)
    ended = asyncio.Event()

    async def hang(reader: Reader, writer: Writer) -> None:
        await reader.read()
        ended.set()

    async with upstream(hang) as url:
        processor = StripeProcessor("sk_test_1", (), url)
        with pytest.raises(StripeUnreachable):
            await processor.open_session({}, "key")
        await asyncio.wait_for(ended.wait(), 30)
        await processor.close()
