"""What a restricted key must be allowed to do: the table, the calls that are made, and what happens where one lacks."""

import inspect
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kassa.cli.doctor_stripe import endpoint_findings
from kassa.contracts.payment import StripeKeyRefused, StripeUnreachable
from kassa.kit.clock import DAY
from kassa.payment.event_handlers import HANDLED
from kassa.payment.processor import PATHS, Processor, Refused
from kassa.payment.processor_stripe import StripeProcessor
from kassa.payment.rights import ANSWERS_RIGHT, COUPONS_RIGHT, ENDPOINTS_RIGHT, RIGHTS, Right, WebhookEndpoint
from tests.trade.stripe_elsewhere import answered
from tests.trade.world import World

ALL = (*RIGHTS, COUPONS_RIGHT, ANSWERS_RIGHT)
HANDBOOK = Path(__file__).parents[2] / "docs" / "operations.md"
ASKED = {
    "open_session": ({"mode": "payment"}, "key"),
    "make_coupon": ({"id": "c_1"}, "key"),
    "answer_dispute": ("du_1", {"submit": True}, "key"),
    "session": ("cs_1",),
    "expire_session": ("cs_1",),
    "find_session": ("pay_1", 0),
    "sessions_since": (0, None),
    "refund": ({"payment_intent": "pi_1"}, "key"),
    "refunds": ("pi_1",),
    "refunds_since": (0, None),
    "refund_state": ("re_1",),
    "dispute_state": ("du_1",),
    "fee": ("pi_1",),
    "disputes_since": (0, None),
    "events": (["refund.created"], 0, None),
}
COMPLETE = {
    "id": "cs_1",
    "status": "complete",
    "payment_status": "unpaid",
    "amount_total": 1,
    "currency": "usd",
    "expires_at": 1,
    "payment_intent": "pi_1",
}


@asynccontextmanager
async def recorded() -> AsyncIterator[tuple[StripeProcessor, list[tuple[str, str]]]]:
    """The way to Stripe, and the calls that are made there; a session is found, nothing else is."""
    calls: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        calls.append((request.method, request.path))
        if request.path == "/v1/checkout/sessions/cs_1":
            return web.json_response(COMPLETE)
        error = {"type": "invalid_request_error", "message": "No such object", "code": "resource_missing"}
        return web.json_response({"error": error}, status=404)

    async with answered(answer) as processor:
        yield processor, calls


def covers(right: Right, method: str, path: str) -> bool:
    under = any(re.match(rf"{re.escape(tried)}(/|$)", path) for _, tried in right.tries)
    return under and (method == "GET" or right.access == "write")


async def test_the_table_has_the_rights_that_the_calls_need_and_no_other() -> None:
    methods = {name for name, each in inspect.getmembers(Processor, inspect.iscoroutinefunction)}
    # What our account is may be asked, and is done without where the key lacks the right (test_stripe_answers).
    assert methods - {"close", "retrieve", "account_id"} == set(ASKED)
    async with recorded() as (processor, calls):
        asked: list[tuple[str, tuple[Any, ...]]] = [*ASKED.items(), *(("retrieve", (kind, "x_1")) for kind in PATHS)]
        for name, args in asked:
            with suppress(Refused, StripeUnreachable):  # nothing is found there
                await getattr(processor, name)(*args)
    assert len(calls) > len(ASKED)
    for method, path in calls:
        assert any(covers(right, method, path) for right in ALL), f"{method} {path} needs a right"
    for right in ALL:
        needed = {"write" if method == "POST" else "read" for method, path in calls if covers(right, method, path)}
        assert right.access in needed, f"nothing needs {right}"


def test_the_handbook_names_the_rights() -> None:
    rows = re.findall(r"^\| ([^|]+) \| (read|write) \|", HANDBOOK.read_text(), flags=re.MULTILINE)
    assert rows == [(right.resource, right.access) for right in (*ALL, ENDPOINTS_RIGHT)]


async def test_a_part_that_the_key_may_not_compare_is_told_and_the_others_go_on(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await shop.place((await shop.sell(), 1))
    payment = await shop.open(order)
    await shop.pay(payment)
    shop.stripe.dispute(str(payment.session_id), "needs_response")

    async def refused(*_: object) -> None:
        raise StripeKeyRefused("Stripe: Having the 'rak_charge_read' permission would allow this request to continue.")

    with monkeypatch.context() as patched:
        for name in ("refunds_since", "events"):
            patched.setattr(shop.stripe, name, refused)
        compared = [await shop.reconciler.fetch_missed_events(), *await shop.reconciler.compare(fix=True)]
    told = {each.name: [(finding.subject, finding.is_mended) for finding in each.findings] for each in compared}
    assert told["refunds"] == told["Stripe's events"] == [("the key", False)]
    assert "rak_charge_read" in next(each for each in compared if each.name == "refunds").findings[0].text
    assert told["disputes"] == [(order.id, True)]


ENDPOINT = WebhookEndpoint("https://shop.example/payments/webhook", "enabled", HANDLED)


@pytest.mark.parametrize(
    ("endpoint", "shop_url", "words"),
    [
        (ENDPOINT, "https://shop.example", ""),
        (WebhookEndpoint(ENDPOINT.url, "enabled", ("*",)), "https://shop.example/", ""),
        (ENDPOINT, None, ""),
        (ENDPOINT, "https://other.example", "https://other.example/payments/webhook"),
        (WebhookEndpoint(ENDPOINT.url, "disabled", HANDLED), None, "is disabled"),
        (WebhookEndpoint(ENDPOINT.url, "enabled", HANDLED[1:]), None, "is not sent checkout.session.completed"),
        (WebhookEndpoint("https://shop.example/other", "enabled", HANDLED), None, "https://shop.example/other"),
    ],
)
def test_the_endpoint_at_stripe_is_compared_with_the_shop(
    endpoint: WebhookEndpoint, shop_url: str | None, words: str
) -> None:
    (finding,) = endpoint_findings([endpoint], shop_url, is_test=False, do_come=False)
    assert finding.is_well is (not words)
    assert words in finding.text
    assert bool(finding.advice) is bool(words)


def test_no_endpoint_at_all_is_well_only_while_events_may_be_forwarded() -> None:
    assert endpoint_findings([], "https://shop.example", is_test=True, do_come=False)[0].is_well
    assert not endpoint_findings([], "https://shop.example", is_test=False, do_come=True)[0].is_well


async def test_a_storefront_elsewhere_is_no_wrong_address_while_webhooks_come(shop: World) -> None:
    async def finding() -> tuple[bool, str]:
        do_come = await shop.notices.do_webhooks_come()
        (found,) = endpoint_findings([ENDPOINT], "https://storefront.example", is_test=False, do_come=do_come)
        return found.is_well, found.text

    shop.stripe.event("checkout.session.expired", {"id": "cs_x", "object": "checkout.session"})
    await shop.reconciler.fetch_missed_events()
    assert (await finding())[0] is False
    await shop.hook(shop.stripe.event("customer.created", {"id": "cus_1", "object": "customer"}))
    assert await finding() == (True, f"webhook endpoint: {ENDPOINT.url} is sent all that the shop acts on")
    shop.clock.advance(8 * DAY)
    assert (await finding())[0] is False
