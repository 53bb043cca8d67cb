"""What each of Stripe's answers means: every class of the SDK's errors, and every status that a caller can see."""

import inspect
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from stripe._api_requestor import _APIRequestor

from kassa.contracts.payment import StripeKeyRefused, StripeUnreachable
from kassa.payment.processor import CallUnderWay, Refused, SavedFailure
from kassa.payment.processor_answers import MEANINGS
from kassa.payment.processor_stripe import StripeProcessor
from tests.trade.stripe_elsewhere import answered

RIGHT = (
    "The provided key 'rk_test_*********1234' does not have the required permissions for this endpoint on account"
    " 'acct_1'. Having the 'rak_charge_write' permission would allow this request to continue."
)
CALLS: dict[str, tuple[Any, ...]] = {
    "open_session": ({"mode": "payment"}, "key"),
    "session": ("cs_1",),
    "refund": ({"payment_intent": "pi_1"}, "key"),
    "retrieve": ("refund", "re_1"),
    "dispute_state": ("du_1",),
}
PAGE = "<html><body>Not here</body></html>"


def error(kind: str = "invalid_request_error", **fields: str) -> dict[str, Any]:
    return {"error": {"type": kind, "message": "Stripe's words", **fields}}


ANSWERS = [
    (400, error(), {}, Refused, "Stripe's words"),
    (402, error("card_error", code="card_declined"), {}, Refused, "Stripe's words"),
    (404, error(code="resource_missing"), {}, Refused, "Stripe's words"),
    (404, error(), {}, Refused, "Stripe's words"),
    (400, error("idempotency_error"), {}, SavedFailure, ""),
    (400, error(code="rate_limit"), {}, StripeUnreachable, "400"),
    (401, error(), {}, StripeKeyRefused, "STRIPE_SECRET_KEY"),
    (403, error(message=RIGHT), {}, StripeKeyRefused, "'rak_charge_write'"),
    (409, error(), {}, StripeUnreachable, "409"),
    (409, error(code="idempotency_key_in_use"), {}, CallUnderWay, ""),
    (429, error(code="lock_timeout"), {}, StripeUnreachable, "429"),
    (500, error("api_error"), {}, StripeUnreachable, "500"),
    (500, error("api_error"), {"Idempotent-Replayed": "true"}, SavedFailure, ""),
    (503, PAGE, {}, StripeUnreachable, "503"),
    # A proxy's page, or that of whatever stands at STRIPE_API_BASE, is no word of Stripe's.
    *((status, PAGE, {}, StripeUnreachable, str(status)) for status in (400, 401, 402, 403, 404, 407, 409)),
    (200, PAGE, {}, StripeUnreachable, ""),
    (200, [], {}, StripeUnreachable, ""),
]


@asynccontextmanager
async def answering(status: int, body: object, headers: dict[str, str]) -> AsyncIterator[StripeProcessor]:
    """The way to a Stripe that answers every call like this."""

    async def answer(request: web.Request) -> web.Response:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, headers=headers)

    async with answered(answer) as processor:
        yield processor


def test_every_class_of_the_sdks_errors_has_a_meaning() -> None:
    """All that API v1 is answered with, and what the SDK says when there is no answer."""
    answered = set(re.findall(r"error\.(\w+Error)\(", inspect.getsource(_APIRequestor.specific_v1_api_error)))
    assert answered | {"APIConnectionError"} == set(MEANINGS)


@pytest.mark.parametrize(("status", "body", "headers", "meaning", "words"), ANSWERS)
async def test_every_answer_has_one_meaning(
    status: int, body: object, headers: dict[str, str], meaning: type[Exception], words: str
) -> None:
    async with answering(status, body, headers) as processor:
        for name, args in CALLS.items():
            with pytest.raises(meaning) as caught:
                await getattr(processor, name)(*args)
            assert words in str(caught.value)
            is_gone = isinstance(body, dict) and body.get("error", {}).get("code") == "resource_missing"
            assert getattr(caught.value, "is_gone", False) is is_gone


async def test_no_answer_at_all_is_unknown() -> None:
    async with answering(200, {}, {}) as processor:
        nobody_there = StripeProcessor("sk_test_x", ("whsec_x",), processor._api_base)
    with pytest.raises(StripeUnreachable):
        await nobody_there.retrieve("refund", "re_1")
    await nobody_there.close()


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, {"id": "acct_1", "object": "account"}, "acct_1"),
        (403, error(message=RIGHT), None),
        (404, error(), None),
        (401, error(), StripeKeyRefused),
        (500, error("api_error"), StripeUnreachable),
        (404, PAGE, StripeUnreachable),
    ],
)
async def test_our_account_is_told_if_the_key_may_ask(
    status: int, body: object, told: str | type[Exception] | None
) -> None:
    async with answering(status, body, {}) as processor:
        if isinstance(told, type):
            with pytest.raises(told):
                await processor.account_id()
        else:
            assert await processor.account_id() == told
