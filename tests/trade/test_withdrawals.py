"""Withdrawing: within the period, with an account or without one, in two steps, once; and what is owed for it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kassa.contracts.mail import MailRefused
from kassa.kit.clock import DAY, HOUR, MINUTE
from kassa.kit.identity import guest, guest_token
from kassa.kit.ids import ORDER
from kassa.kit.problem import Unavailable
from kassa.order.domain import Kind, Order, Stage
from kassa.order.quoting import Asked
from kassa.order.withdrawing import period_end
from tests.trade.parcels_door import Api, api
from tests.trade.test_order_mails import Mailbox
from tests.trade.test_selling import asks, selling
from tests.trade.world import World, found, world

EMAIL = "buyer@shop.example"


@pytest.fixture
def box() -> Mailbox:
    return Mailbox()


@pytest.fixture
async def shop(tmp_path: Path, form: str, box: Mailbox) -> AsyncIterator[World]:
    async with world(tmp_path, form=form, mails=box) as opened:
        yield opened
        assert await opened.audit() == []


@pytest.fixture
async def ask(shop: World, tmp_path: Path) -> AsyncIterator[Api]:
    async with api(shop, tmp_path) as opened:
        yield opened


async def withdraw(
    ask: Api, order: Order, *lines: tuple[str, int], who: str = "", key: str | None = None, **more: Any
) -> httpx.Response:
    """What somebody states who knows the order's number and e-mail address."""
    items = [{"productId": product_id, "quantity": quantity} for product_id, quantity in lines]
    body = {"orderId": order.id, "name": "Ada Buyer", "email": EMAIL, "items": items, "confirm": True, **more}
    return await ask("POST", "/withdrawals", {name: each for name, each in body.items() if each is not None}, who, key)


async def delivered(ask: Api, order: Order, *lines: tuple[str, int]) -> None:
    """Sent in one parcel, and come."""
    number = len((await ask.order(order.id)).get("shipments", ())) + 1
    await ask.ship(order.id, *lines)
    await ask("POST", f"/orders/{order.id}/shipments/{number}/delivered")


async def refund(ask: Api, order: Order, **body: Any) -> httpx.Response:
    return await ask("POST", f"/payments/{order.id}/refund", body)


async def test_in_two_steps_without_an_account_and_it_is_acknowledged(shop: World, ask: Api, box: Mailbox) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 2))
    preview = await withdraw(ask, order, confirm=False, remark="too\n\nlarge")
    assert preview.status_code == 200
    shown = preview.json()["statement"]
    assert (shown["isConfirmed"], shown["withdrawal"]["amountMinor"]) == (False, 3998)
    assert "withdrawals" not in await ask.order(order.id)
    answer = await withdraw(ask, order, remark="too\n\nlarge")
    assert answer.status_code == 201
    made = answer.json()["statement"]["withdrawal"]
    assert (made["name"], made["email"], made["remark"]) == ("Ada Buyer", EMAIL, "too large")
    assert made["items"] == [{"productId": mug, "name": "Mug", "quantity": 2, "toSendBack": 0, "withheld": 2}]
    assert (made["status"], made["amountMinor"], made["receivedAt"][:10]) == ("received", 3998, "2026-01-01")
    assert made["refundBy"][:10] == "2026-01-15"
    (mail,) = [each for each in box.mails if each.kind == "order_withdrawn"]
    assert (mail.to, mail.says["withdrawal"]["receivedAt"]) == (EMAIL, made["receivedAt"])
    order_shown = await ask.order(order.id, "user")
    assert order_shown["withdrawals"] == [made]
    assert (order_shown["toRefundMinor"], order_shown["refundBy"]) == (3998, made["refundBy"])


async def test_the_same_statement_twice_is_one_withdrawal(shop: World, ask: Api, box: Mailbox) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 3))
    answers = await asyncio.gather(*(withdraw(ask, order, (mug, 1)) for _ in range(3)))
    assert {each.json()["statement"]["withdrawal"]["id"] for each in answers} == {
        answers[0].json()["statement"]["withdrawal"]["id"]
    }
    keyed = [await withdraw(ask, order, (mug, 1), key="one", name="Another name") for _ in range(2)]
    assert keyed[1].headers["idempotent-replayed"] == "true"
    assert [each.number for each in (await shop.order_now(order)).sending.withdrawals] == [1, 2]
    # Later the same words are another statement.
    shop.clock.advance(HOUR)
    await withdraw(ask, order, (mug, 1))
    assert len((await shop.order_now(order)).sending.withdrawals) == 3
    assert [each.kind for each in box.mails].count("order_withdrawn") == 3


async def test_after_all_is_withdrawn_the_same_again_is_no_other(shop: World, ask: Api) -> None:
    order = await ask.paid((await shop.sell(), 2))
    first, again = [(await withdraw(ask, order)).json()["statement"] for _ in range(2)]
    assert first["withdrawal"] == again["withdrawal"]
    shop.clock.advance(HOUR)
    late = await withdraw(ask, order)
    assert (late.status_code, late.json()["code"]) == (409, "not_withdrawable")


async def test_the_number_that_people_say_is_enough(shop: World, ask: Api) -> None:
    order = await ask.paid((await shop.sell(), 1))
    answer = await withdraw(ask, order, orderId=f"#{order.number}")
    assert answer.status_code == 201
    said = answer.json()["statement"]
    assert (said["orderId"], said["orderNumber"]) == (order.id, order.number)


async def test_a_wrong_number_or_address_is_answered_alike(shop: World, ask: Api) -> None:
    order = await ask.paid((await shop.sell(), 1))
    answers = [
        await withdraw(ask, order, email="other@shop.example"),
        await withdraw(ask, order, orderId="ord_" + "0" * 26),
        await withdraw(ask, order, orderId="17"),
        await withdraw(ask, order, orderId=str(order.number), email="other@shop.example"),
        await withdraw(ask, order, who="other", email=None),
    ]
    plain = [{name: each for name, each in answer.json().items() if name != "requestId"} for answer in answers]
    assert plain == [plain[0]] * len(plain)
    assert (plain[0]["status"], plain[0]["code"]) == (404, "order_not_found")
    assert (await withdraw(ask, order, email=None)).status_code == 401
    assert (await shop.order_now(order)).sending.withdrawals == ()


async def test_buyers_and_staff_need_not_say_the_address_and_nobody_else_is_written_to(
    shop: World, ask: Api, box: Mailbox
) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 3))
    elsewhere = await withdraw(ask, order, (mug, 1), who="user", email="x@victim.example")
    assert (elsewhere.status_code, elsewhere.json()["errors"][0]["field"]) == (422, "email")
    assert (await withdraw(ask, order, (mug, 1), who="user", email=None)).status_code == 201
    assert (await withdraw(ask, order, (mug, 1), who="support", email=None)).status_code == 201
    withdrawals = (await shop.order_now(order)).sending.withdrawals
    assert [each.is_by_staff for each in withdrawals] == [False, True]
    assert {each.to for each in box.mails} == {EMAIL}


async def test_a_guest_has_the_orders_token(shop: World, ask: Api) -> None:
    order_id = shop.ids.new(ORDER)
    token = guest_token(shop.guests._key, order_id)
    asked = Asked(email="guest@shop.example")
    order = await shop.place((await shop.sell(), 1), who=guest(token), order_id=order_id, asked=asked, is_guest=True)
    await shop.pay(await shop.open(order, guest(token)))
    assert (await withdraw(ask, order, who=token, email=None)).status_code == 201


@pytest.mark.parametrize("days", [1, 13])
async def test_until_the_last_day_is_over_it_is_in_time(shop: World, ask: Api, days: int) -> None:
    mug, plate = await shop.sell(), await shop.sell(name="Plate")
    order = await ask.paid((mug, 1), (plate, 1))
    await delivered(ask, order, (mug, 1))
    await shop.later(60 * DAY)
    # The plate has not come yet.
    assert (await withdraw(ask, order, (mug, 1), confirm=False)).status_code == 200
    assert period_end(await shop.order_now(order)) is None
    await delivered(ask, order, (plate, 1))
    await shop.later(days * DAY)
    assert (await withdraw(ask, order, (mug, 1))).status_code == 201


async def test_after_the_period_it_is_refused_but_for_staff(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 2))
    await delivered(ask, order)
    until = (await ask.order(order.id, "user"))["withdrawUntil"]
    assert until == "2026-01-16T01:00:00.000Z"  # Delivered on 1 January, whose fourteenth day after is the 15th.
    await shop.later(15 * DAY)
    late = await withdraw(ask, order)
    assert (late.status_code, late.json()["code"], late.json()["endedAt"]) == (409, "withdrawal_period_over", until)
    assert (await withdraw(ask, order, (mug, 1), who="support", email=None)).status_code == 201


async def test_what_is_digital_can_be_withdrawn_from_when_it_is_bought(shop: World, ask: Api) -> None:
    order = await ask.paid((await shop.sell(name="Song", is_digital=True), 2))
    [made] = (await withdraw(ask, order, confirm=False)).json()["statement"]["withdrawal"]["items"]
    # There is nothing to be sent back, and nothing that would have been sent.
    assert (made["quantity"], made["toSendBack"], made["withheld"]) == (2, 0, 0)
    await shop.later(20 * DAY)
    assert (await withdraw(ask, order)).json()["code"] == "withdrawal_period_over"


async def test_what_is_excluded_stays_and_the_others_go_on(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    ring = await shop.sell(name="Engraved ring", withdrawal_excluded="made_to_order")
    brush = await shop.sell(name="Toothbrush", withdrawal_excluded="sealed_hygiene")
    order = await ask.paid((mug, 1), (ring, 1), (brush, 1))
    items = {item.name: item.withdrawal_excluded for item in order.items}
    assert items == {"Mug": "", "Engraved ring": "made_to_order", "Toothbrush": "sealed_hygiene"}
    alone = await withdraw(ask, order, (ring, 1))
    assert (alone.status_code, alone.json()["code"]) == (409, "withdrawal_excluded")
    assert alone.json()["excluded"] == [{"productId": ring, "name": "Engraved ring", "reason": "made_to_order"}]
    statement = (await withdraw(ask, order, (mug, 1), (ring, 1))).json()["statement"]
    assert [each["name"] for each in statement["withdrawal"]["items"]] == ["Mug"]
    assert statement["excluded"] == [{"productId": ring, "name": "Engraved ring", "reason": "made_to_order"}]
    # Sealed goods are excluded only when they come back unsealed.
    assert (await withdraw(ask, order)).json()["statement"]["withdrawal"]["items"][0]["name"] == "Toothbrush"
    # What is said of the product later changes nothing of the order.
    await shop.product.update(mug, {"withdrawal_excluded": "perishable"}, "usr_admin")
    assert (await ask.order(order.id))["items"][0].get("withdrawalExcluded") is None


async def test_what_was_sent_comes_back_and_what_was_not_is_not_sent(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 5))
    await delivered(ask, order, (mug, 2))
    made = (await withdraw(ask, order, (mug, 4))).json()["statement"]["withdrawal"]
    assert (made["items"][0]["toSendBack"], made["items"][0]["withheld"]) == (1, 3)
    shown = await ask.order(order.id)
    assert shown["leftToSend"] == []
    assert [(each["status"], each["items"][0]["quantity"]) for each in shown["returns"]] == [("approved", 1)]
    assert (await ask.ship(order.id, (mug, 1))).json()["code"] == "too_many_to_send"
    declined = await ask("POST", f"/orders/{order.id}/returns/1/decline")
    assert (declined.status_code, declined.json()["code"]) == (409, "return_fixed")
    assert (await withdraw(ask, order, (mug, 2))).json()["code"] == "too_many_to_withdraw"
    closed = await ask("POST", f"/orders/{order.id}/returns/1/close")
    assert closed.status_code == 200
    cancelled = await ask("POST", f"/orders/{order.id}/shipments/1/cancel")
    assert cancelled.json()["code"] == "shipment_fixed"


async def test_a_return_that_was_asked_for_is_approved_and_not_made_twice(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 2))
    await delivered(ask, order)
    await ask("POST", f"/orders/{order.id}/returns", {"items": [{"productId": mug, "quantity": 2}]}, who="user")
    await withdraw(ask, order)
    assert [each["status"] for each in (await ask.order(order.id))["returns"]] == ["approved"]


async def test_refunds_of_the_goods_or_of_any_amount_settle_it(shop: World, ask: Api) -> None:
    mug, plate = await shop.sell(), await shop.sell(name="Plate", price_minor=500)
    order = await ask.paid((mug, 2), (plate, 2))
    await refund(ask, order, amount="1.00")  # for a scratch, before
    await withdraw(ask, order, (mug, 1), (plate, 1))
    assert (await ask.order(order.id))["toRefundMinor"] == 2499
    await refund(ask, order, lines=[{"productId": mug, "quantity": 1}])
    assert (await ask.order(order.id))["toRefundMinor"] == 500
    await refund(ask, order, amount="3.00")
    assert (await ask.order(order.id))["toRefundMinor"] == 200
    await refund(ask, order, amount="2.00")
    shown = await ask.order(order.id)
    assert "toRefundMinor" not in shown
    assert shown["withdrawals"][0]["status"] == "settled"
    await shop.later(20 * DAY)
    assert found(await shop.reconcile(fix=False)) == []


async def test_what_the_shipping_cost_goes_back_with_all_of_the_order(shop: World, ask: Api) -> None:
    await shop.offering.sell(selling(), "usr_admin", None)
    mug = await shop.sell()
    order = await ask.paid((mug, 2), asked=asks(email=EMAIL))
    part = (await withdraw(ask, order, (mug, 1), confirm=False)).json()["statement"]["withdrawal"]
    assert (part["amountMinor"], part["shippingMinor"]) == (1999, 0)
    await withdraw(ask, order, (mug, 1))
    rest = (await withdraw(ask, order, name="Ada")).json()["statement"]["withdrawal"]
    shipping = order.total_minor - 2 * 1999
    assert shipping > 0
    assert (rest["amountMinor"], rest["shippingMinor"]) == (1999 + shipping, shipping)
    await refund(ask, order, lines=[{"productId": mug, "quantity": 2}])
    assert (await ask.order(order.id))["toRefundMinor"] == shipping
    await refund(ask, order, shipping=True)
    assert (await shop.order_now(order)).stage is Stage.REFUNDED


async def test_what_is_not_refunded_in_time_needs_attention_until_it_is(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 2))
    await withdraw(ask, order, (mug, 1))
    waiting = await ask("GET", "/orders/admin/withdrawals?due=in_time")
    assert [(each["orderId"], each["isOverdue"]) for each in waiting.json()["open"]] == [(order.id, False)]
    await shop.later(14 * DAY - HOUR)
    assert (await ask("GET", "/orders/admin/attention")).json()["waiting"] == []
    await shop.later(2 * HOUR)
    (told,) = (await ask("GET", "/orders/admin/attention")).json()["waiting"]
    assert told["kind"] == "refund_due"
    assert told["error"] == "the buyer withdrew, and 19.99 usd for 1 × Mug was to be refunded by 2026-01-15"
    overdue = await ask("GET", "/orders/admin/withdrawals?due=overdue")
    assert [each["amountMinor"] for each in overdue.json()["open"]] == [1999]
    assert (await ask("GET", "/orders/admin/withdrawals?due=in_time")).json()["open"] == []
    await refund(ask, order, lines=[{"productId": mug, "quantity": 1}])
    assert (await ask("GET", "/orders/admin/attention")).json()["waiting"] == []
    assert (await ask("GET", "/orders/admin/withdrawals")).json()["open"] == []


@pytest.mark.parametrize("is_by_item", [True, False])
async def test_a_refund_that_fails_is_owed_again(shop: World, ask: Api, is_by_item: bool) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 1))
    await withdraw(ask, order)
    made = await refund(ask, order, **({"lines": [{"productId": mug, "quantity": 1}]} if is_by_item else {}))
    assert "toRefundMinor" not in await ask.order(order.id)
    await shop.later(20 * DAY)
    assert (await ask("GET", "/orders/admin/attention")).json()["waiting"] == []
    stripe_id = next(each.stripe_id for each in (await shop.payment_now(order)).refunds)
    assert made.status_code == 201
    await shop.hook(shop.stripe.send_back(str(stripe_id)))
    await shop.later(HOUR)
    assert (await ask.order(order.id))["toRefundMinor"] == 1999
    assert [each["kind"] for each in (await ask("GET", "/orders/admin/attention")).json()["waiting"]] == ["refund_due"]


@pytest.mark.parametrize("how", ["by item", "by amount"])
async def test_what_went_back_for_a_closed_withdrawal_is_not_the_next_ones(shop: World, ask: Api, how: str) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 5))
    await withdraw(ask, order, (mug, 2))
    await withdraw(ask, order, (mug, 1), name="Ada")
    about = {"lines": [{"productId": mug, "quantity": 1}]} if how == "by item" else {"amount": 19.99}
    await refund(ask, order, **about)
    assert (await ask.order(order.id))["toRefundMinor"] == 2 * 1999
    path = f"/orders/{order.id}/withdrawals/1/close"
    assert (await ask("POST", path, {"why": "One came back broken"}, who="support")).status_code == 200
    assert (await ask.order(order.id))["toRefundMinor"] == 1999
    preview = (await withdraw(ask, order, confirm=False, name="Eve")).json()["statement"]
    assert preview["leftToWithdraw"] == [{"productId": mug, "quantity": 2}]
    await refund(ask, order, lines=[{"productId": mug, "quantity": 1}])
    assert "toRefundMinor" not in await ask.order(order.id)


async def test_staff_says_why_nothing_more_is_owed(shop: World, ask: Api) -> None:
    order = await ask.paid((await shop.sell(), 1))
    await withdraw(ask, order)
    path = f"/orders/{order.id}/withdrawals/1/close"
    assert (await ask("POST", path, {"why": " "})).status_code == 422
    for _ in range(2):
        closed = await ask("POST", path, {"why": "Paid back in the shop"}, who="support")
    shown = closed.json()["order"]
    assert (shown["withdrawals"][0]["status"], shown["withdrawals"][0]["closedWhy"]) == (
        "closed",
        "Paid back in the shop",
    )
    assert "toRefundMinor" not in shown
    assert "closedWhy" not in str(await ask.order(order.id, "user"))
    assert (await ask("POST", f"/orders/{order.id}/withdrawals/2/close", {"why": "x"})).status_code == 404
    texts = [entry.what for entry in (await shop.order_now(order)).audit]
    assert texts.count(Kind.WITHDRAWAL_CLOSED) == 1


async def test_only_a_contract_is_withdrawn_from(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    pending = await shop.place((mug, 1))
    assert "cancel it" in (await withdraw(ask, pending)).json()["detail"]
    refunded = await ask.paid((mug, 1))
    await refund(ask, refunded)
    assert (await shop.order_now(refunded)).stage is Stage.REFUNDED
    assert (await withdraw(ask, refunded)).json()["code"] == "not_withdrawable"
    await shop.later(2 * HOUR)
    assert (await withdraw(ask, pending)).json()["code"] == "not_withdrawable"
    odd = await withdraw(ask, refunded, ("prd_" + "0" * 26, 1))
    assert odd.status_code == 409


async def test_what_is_refunded_by_item_is_not_withdrawn_once_more(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 2))
    await refund(ask, order, lines=[{"productId": mug, "quantity": 1}])
    assert (await withdraw(ask, order, (mug, 2))).json()["left"] == 1
    assert (await withdraw(ask, order)).json()["statement"]["withdrawal"]["amountMinor"] == 1999


async def test_no_more_is_promised_than_has_not_gone_back(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 3))
    await refund(ask, order, amount="30.00")
    first = (await withdraw(ask, order, (mug, 1))).json()["statement"]["withdrawal"]
    rest = (await withdraw(ask, order)).json()["statement"]["withdrawal"]
    assert (first["amountMinor"], rest["amountMinor"]) == (1999, 3 * 1999 - 3000 - 1999)
    assert (await ask.order(order.id))["toRefundMinor"] == 3 * 1999 - 3000
    await refund(ask, order)
    assert (await ask.order(order.id))["status"] == "REFUNDED"


@pytest.mark.parametrize("sent", [0, 1, 3])
async def test_its_refund_by_item_keeps_no_other_piece_from_being_sent_or_withdrawn(
    shop: World, ask: Api, sent: int
) -> None:
    await shop.offering.sell(selling(), "usr_admin", None)
    mug = await shop.sell()
    order = await ask.paid((mug, 3), asked=asks(email=EMAIL))
    if sent:
        await ask.ship(order.id, (mug, sent))
    await withdraw(ask, order, (mug, 1))
    await refund(ask, order, lines=[{"productId": mug, "quantity": 1}])
    rest = (await withdraw(ask, order, confirm=False)).json()["statement"]
    assert rest["leftToWithdraw"] == [{"productId": mug, "quantity": 2}]
    one = (await withdraw(ask, order, (mug, 1), confirm=False)).json()["statement"]["withdrawal"]
    assert (one["amountMinor"], one["shippingMinor"]) == (1999, 0)
    if sent < 2:
        await ask.ship(order.id, (mug, 2 - sent))
    await refund(ask, order, lines=[{"productId": mug, "quantity": 1}])
    assert (await withdraw(ask, order, (mug, 2))).json()["left"] == 1


@pytest.mark.parametrize("trouble", [Unavailable(), MailRefused("550 no such user")])
async def test_the_mail_server_stops_nobody_from_withdrawing(shop: World, ask: Api, box: Mailbox, trouble: Any) -> None:
    order = await ask.paid((await shop.sell(), 1))
    box.trouble = trouble
    assert (await withdraw(ask, order)).status_code == 201
    box.trouble = None
    await shop.later(10 * MINUTE)
    written = [each.kind for each in box.mails].count("order_withdrawn")
    given_up = [each.what for each in (await shop.order_now(order)).audit].count(Kind.NOT_WRITTEN)
    assert (written, given_up) == ((1, 0) if isinstance(trouble, Unavailable) else (0, 1))


async def test_who_is_killed_between_the_statement_and_its_mail_has_it_written_by_the_next(
    shop: World, ask: Api, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await ask.paid((await shop.sell(), 1))
    with monkeypatch.context() as killed:
        # What was to follow at once never began.
        killed.setattr(shop.order.outbox, "advance", shop.order.outbox.change)
        killed.setattr(shop.order.outbox, "_take", lambda *_: None)
        assert (await withdraw(ask, order)).status_code == 201
    assert "order_withdrawn" not in [each.kind for each in box.mails]
    await shop.later(2 * MINUTE)
    assert [each.kind for each in box.mails].count("order_withdrawn") == 1
    assert (await withdraw(ask, order)).json()["statement"]["withdrawal"]["number"] == 1


async def test_the_timeline_tells_staff_and_buyer(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 1))
    await withdraw(ask, order, remark="a secret")
    for who in ("admin", "user"):
        texts = [each["text"] for each in (await ask("GET", f"/orders/{order.id}/timeline", who=who)).json()["entries"]]
        (told,) = [each for each in texts if "withdrew" in each]
        assert "withdrawal 1, 1 × Mug; 19.99 USD to be refunded by 2026-01-15" in told
        assert "a secret" not in str(texts)


async def test_what_names_the_buyer_is_forgotten(shop: World, ask: Api) -> None:
    order = await ask.paid((await shop.sell(), 1))
    await withdraw(ask, order, remark="a secret")
    (record,) = (await shop.order.records_of(order.user_id, "")).records
    assert record.order["withdrawals"][0]["remark"] == "a secret"
    await shop.order.erase_of(order.user_id)
    (left,) = (await shop.order_now(order)).sending.withdrawals
    assert (left.name, left.email, left.remark, left.amount_minor) == ("", "", "", 1999)


async def test_a_shop_that_offers_none_answers_so(shop: World, ask: Api) -> None:
    order = await ask.paid((await shop.sell(), 1))
    shop.withdrawals._days = 0
    off = await withdraw(ask, order)
    assert (off.status_code, off.json()["code"]) == (404, "withdrawals_off")
