"""What buyers are written about their orders: once for each cause, when it is time, and to whom."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kassa.contracts.inventory import Line
from kassa.contracts.mail import Mail, MailRefused
from kassa.kit.clock import DAY, HOUR, MINUTE, Millis
from kassa.kit.identity import Principal
from kassa.kit.ids import ORDER, REFUND
from kassa.kit.inputs import number_of
from kassa.kit.problem import Problem, Unavailable
from kassa.order.domain import Kind, Order, Stage
from kassa.order.giving_up import WORDS, Because
from kassa.order.parcels import Shipment
from kassa.order.quoting import Asked
from tests.trade.test_attention import asked
from tests.trade.world import ADMIN, BUYER, TTL, World, world


class Mailbox:
    """What was written. `trouble` is what sending ends with, if it does not succeed."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.forgotten: list[str] = []
        self.trouble: Problem | None = None

    async def send(self, mail: Mail) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.mails.append(mail)

    async def forget(self, about: str) -> None:
        self.forgotten.append(about)

    @property
    def kinds(self) -> list[str]:
        return [each.kind.removeprefix("order_") for each in self.mails]


@pytest.fixture
def box() -> Mailbox:
    return Mailbox()


@pytest.fixture
async def shop(tmp_path: Path, form: str, box: Mailbox) -> AsyncIterator[World]:
    async with world(tmp_path, form=form, mails=box) as opened:
        yield opened
        assert await opened.audit() == []


def _line(product_id: str) -> Line:
    return Line(product_id, 1)


async def _paid(shop: World) -> Order:
    order = await shop.place((await shop.sell(), 1))
    await shop.pay(await shop.open(order))
    return await shop.order_now(order)


async def _refund(shop: World, order: Order, amount: int = 0) -> None:
    await shop.payment.refunding.refund(order.id, shop.ids.new(REFUND), amount, "scratched", who=ADMIN.id)
    await shop.settle()


async def test_who_pays_at_once_gets_one_mail(shop: World, box: Mailbox) -> None:
    order = await _paid(shop)
    await shop.later(HOUR)
    (mail,) = box.mails
    assert (mail.kind, mail.to, mail.locale, mail.about) == ("order_confirmed", "buyer@shop.example", "en", order.id)
    assert mail.says["link"] == f"https://shop.example/account/orders/{order.id}"
    assert mail.says["order"]["totalAmountMinor"] == 1999


async def test_who_does_not_pay_is_told_how_long_the_goods_are_held(shop: World, box: Mailbox) -> None:
    await shop.place((await shop.sell(), 1))
    await shop.later(MINUTE)
    assert box.kinds == []
    await shop.later(2 * MINUTE)
    assert box.kinds == ["received"]
    await shop.later(TTL)
    # Whoever has left an order alone is not written to once more.
    assert box.kinds == ["received"]


@pytest.mark.parametrize("who", [BUYER, ADMIN])
async def test_an_order_that_is_cancelled_by_hand_is_told(shop: World, box: Mailbox, who: Principal) -> None:
    order = await shop.place((await shop.sell(), 1))
    await shop.order.cancel(order.id, who)
    await shop.settle()
    assert box.kinds == ["cancelled"]
    assert box.mails[0].says["order"]["reason"] in ("cancelled_by_buyer", "cancelled_by_operator")


async def test_each_refund_is_told_once_with_what_is_back_by_then(shop: World, box: Mailbox) -> None:
    order = await _paid(shop)
    await _refund(shop, order, 500)
    await shop.reconcile(fix=True)
    await shop.settle()
    await _refund(shop, order)
    await shop.later(HOUR)
    assert box.kinds == ["confirmed", "refunded", "refunded"]
    assert [each.says["refunded"] for each in box.mails[1:]] == ["5.00", "19.99"]


async def _ship(shop: World, order: Order) -> None:
    shipment = Shipment(id=shop.ids.new("shp"), number=0, lines=(), carrier="DHL", tracking_number="123", sent_at=0)
    await shop.fulfilling.ship(order.id, shipment, (), None, ADMIN)
    await shop.settle()


async def test_a_parcel_is_told_with_what_is_in_it_and_where_it_is_followed(shop: World, box: Mailbox) -> None:
    order = await _paid(shop)
    await _ship(shop, order)
    said = box.mails[-1].says["shipment"]
    assert box.kinds == ["confirmed", "shipped"]
    assert (said["items"], said["carrier"]) == ([{"name": "Mug", "quantity": 1}], "DHL")
    assert "123" in said["trackingUrl"]


async def test_a_parcel_that_was_noted_by_mistake_is_not_told_any_more(shop: World, box: Mailbox) -> None:
    order = await _paid(shop)
    box.trouble = Unavailable("not now")
    await _ship(shop, order)
    await shop.fulfilling.cancel(order.id, 1, ADMIN)
    box.trouble = None
    await shop.later(HOUR)
    assert box.kinds == ["confirmed"]


async def test_each_mail_has_a_cause_of_its_own_and_the_same_when_it_is_sent_again(shop: World, box: Mailbox) -> None:
    order = await _paid(shop)
    await _refund(shop, order, 500)
    effects = {effect.id for effect in (await shop.order_now(order)).effects}
    causes = {each.cause for each in box.mails}
    assert len(causes) == 2
    assert causes <= effects


async def test_a_guest_is_written_to_in_their_language_with_a_link_that_opens_the_order(
    shop: World, box: Mailbox
) -> None:
    order_id = shop.ids.new(ORDER)
    asked = Asked(email="ada@mail.example", locale="de")
    guest_id = shop.guests.guest_of(order_id)
    product = await shop.sell()
    order = await shop.order.place(order_id, guest_id, [_line(product)], asked, is_guest=True)
    await shop.later(3 * MINUTE)
    (mail,) = box.mails
    assert (mail.to, mail.locale) == ("ada@mail.example", "de")
    path, token = mail.says["link"].rsplit("/", 1)
    assert path == f"https://shop.example/shop/orders/{order.id}"
    assert token == shop.guests.token_of(order.id, guest_id)


async def test_a_mail_server_that_is_down_delays_the_mail_and_nothing_else(shop: World, box: Mailbox) -> None:
    box.trouble = Unavailable("the mail server cannot be reached")
    order = await _paid(shop)
    assert order.stage is Stage.CONFIRMED
    assert (await shop.level(order.items[0].product_id)).reserved == 0
    await shop.later(DAY)
    assert box.mails == []
    box.trouble = None
    await shop.later(2 * HOUR)
    assert box.kinds == ["confirmed"]


@pytest.mark.parametrize(
    ("trouble", "after", "words"),
    [
        (MailRefused("550 no such user"), 0, "550 no such user"),
        (Unavailable("not now"), 4 * DAY, "could not be reached for days"),
    ],
)
async def test_a_mail_that_cannot_be_sent_is_given_up_and_said(
    shop: World, box: Mailbox, trouble: Problem, after: Millis, words: str
) -> None:
    box.trouble = trouble
    order = await _paid(shop)
    await shop.later(after)
    order = await shop.order_now(order)
    assert [entry.what for entry in order.audit][-1] == Kind.NOT_WRITTEN
    assert order.due_at is None
    assert not order.needs_attention
    told = [entry.text for entry in await shop.order.timeline(order.id, ADMIN)]
    assert any("given up" in text and words in text for text in told)
    assert not any("was emailed" in text for text in told)
    assert not any("mail" in entry.text for entry in await shop.order.timeline(order.id, BUYER))
    box.trouble = None
    await shop.later(5 * DAY)
    assert box.mails == []


async def test_nobody_is_written_to_who_is_forgotten(shop: World, box: Mailbox) -> None:
    box.trouble = Unavailable("not now")
    product = await shop.sell()
    order_id = shop.ids.new(ORDER)
    asked = Asked(email="ada@mail.example")
    await shop.order.place(order_id, shop.guests.guest_of(order_id), [_line(product)], asked, is_guest=True)
    await shop.later(3 * MINUTE)
    await shop.order.erase_guests("ada@mail.example")
    box.trouble = None
    await shop.later(DAY)
    assert box.mails == []
    assert box.forgotten == [order_id]


async def test_a_shop_that_writes_no_mails_plans_none(tmp_path: Path) -> None:
    async with world(tmp_path) as shop:
        order = await _paid(shop)
        assert not [effect for effect in order.effects if "mail" in effect.kind]


@pytest.mark.parametrize("because", list(Because))
async def test_a_mail_that_cannot_be_sent_is_given_up_by_an_operator_and_the_story_says_why(
    shop: World, box: Mailbox, because: Because
) -> None:
    box.trouble = Unavailable("the mail server does not answer")
    order = await _paid(shop)
    (effect,) = [each for each in order.effects if each.kind == "mail_confirmed"]
    path = f"/orders/{order.id}/effects/{number_of(effect.id)}/give-up"
    for _ in range(2):
        answer = await asked(shop, path, method="POST", body={"because": because})
        assert (answer.status_code, answer.json()) == (200, {"waiting": None})
    box.trouble = None
    await shop.later(DAY)
    assert "confirmed" not in box.kinds
    (entry,) = [each for each in (await shop.order_now(order)).audit if each.what == Kind.NOT_WRITTEN]
    assert (entry.who, entry.why) == (ADMIN.id, f"mail_confirmed: {WORDS[because]}")
    (told,) = [each for each in await shop.order.timeline(order.id, ADMIN) if each.kind == Kind.NOT_WRITTEN]
    assert told.text == f"A mail to the buyer was given up: mail_confirmed: {WORDS[because]}."
