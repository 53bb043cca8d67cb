"""docs/stories.md: what happens between the services, in one diagram a story; each has really run for it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import cache
from typing import NamedTuple

from tests.trade.world import ADMIN, BUYER, TTL, World

from generator.markdown import page, sequence
from generator.recorder import Recorder, recorded
from kassa.contracts.inventory import Line
from kassa.kit.clock import MINUTE
from kassa.kit.identity import guest, guest_token
from kassa.kit.ids import EVIDENCE, REFUND
from kassa.kit.problem import Problem
from kassa.order.domain import Order
from kassa.order.parcels import Shipment, Withdrawal
from kassa.payment.domain import Payment
from kassa.payment.paid_parts import Goods

INTRODUCTION = """\
How an order, its stock and its payment come to their ends together. Each diagram was recorded while the story ran, with
the real services on a scripted Stripe. A solid arrow is a call, a dashed one an answer that decides what comes next. A
note is what was stored: the news, the change of state that it made, and the effects that were stored with it, to be
carried out then, or later by a timer. An effect is tried until it is done, so that a crash between any two lines delays
what follows and loses nothing. [States and effects](states.md) has the tables behind this."""


class Story:
    """A shop with one mug on sale, and what its buyer does."""

    def __init__(self, shop: World, recorder: Recorder) -> None:
        self.shop = shop
        self.recorder = recorder
        self.mug = ""

    async def place(self) -> Order:
        """The buyer orders."""
        self.mug = await self.shop.sell(stock=1)
        self.recorder.lines.clear()  # What the shop has on sale is no part of a story.
        self.recorder.says("Buyer", "order", "place")
        return await self.shop.place((self.mug, 1))

    async def open(self, order: Order) -> Payment:
        """The buyer goes to pay."""
        self.recorder.says("Buyer", "payment", "open_session")
        return await self.shop.open(order)

    async def opened(self) -> tuple[Order, Payment]:
        """The buyer orders, and goes to pay, as the first story tells."""
        order = await self.place()
        payment = await self.open(order)
        self.recorder.begins("placed, with an open session, as above")
        return order, payment

    async def paid(self) -> tuple[Order, Payment]:
        """The buyer has paid, as the first story tells."""
        order, payment = await self.opened()
        await self.pay(payment)
        self.recorder.begins("paid, as above")
        return order, payment

    async def expired(self) -> Payment:
        """The buyer has not paid, as the third story tells."""
        _, payment = await self.opened()
        await self.wait()
        self.recorder.begins("expired, as above")
        return payment

    async def pay(self, payment: Payment) -> None:
        """The buyer pays."""
        self.recorder.says("Buyer", "Stripe", "pay")
        session_id = str(payment.session_id)
        self.shop.stripe.pay(session_id)
        await self.hear(self.shop.stripe.session_event("completed", session_id))

    async def hear(self, event: bytes) -> None:
        """Stripe tells of something."""
        self.recorder.says("Stripe", "payment", f"event {json.loads(event)['type']}")
        await self.shop.hook(event)

    async def wait(self, minutes: int = TTL // MINUTE + 1) -> None:
        """Time passes."""
        await self.shop.later(minutes * MINUTE)


async def paid(story: Story) -> None:
    """Paid. The payment's success confirms the order, whose confirmation sells what it holds."""
    await story.pay(await story.open(await story.place()))


async def declined(story: Story) -> None:
    """Declined. A card is refused, and the shop's policy is to end the order for it. The session could still be paid:
    so it is expired first, and only what Stripe then says frees the stock."""
    _, payment = await story.opened()
    story.recorder.says("Buyer", "Stripe", "pay by a card that is declined")
    await story.hear(story.shop.stripe.decline_event(str(payment.session_id)))


async def expired(story: Story) -> None:
    """Expired. Nobody pays until the deadline: the order closes, and asks for its session to be ended."""
    await story.opened()
    await story.wait()


async def cancelled_while_paying(story: Story) -> None:
    """Cancelled while paying. The buyer cancels in one window and pays in another. Stripe decides: the session is paid
    already and cannot be expired, so the order is confirmed."""
    order, payment = await story.opened()
    story.recorder.says("Buyer", "Stripe", "pay")
    story.shop.stripe.pay(str(payment.session_id))
    story.recorder.says("Buyer", "order", "cancel")
    try:
        await story.shop.order.cancel(order.id, BUYER)
    except Problem as problem:
        story.recorder.answers("order", "Buyer", problem.code)
    await story.shop.settle()


async def late_money_kept(story: Story) -> None:
    """Late money, kept. Money comes though the order has ended, for reasons that Stripe alone knows. Its goods are
    still there: they are held once more, and the order is confirmed."""
    payment = await story.expired()
    await story.pay(payment)


async def late_money_sent_back(story: Story) -> None:
    """Late money, sent back. The same, but somebody else has bought the goods meanwhile: all of the money goes back."""
    payment = await story.expired()
    await story.shop.inventory.reserve("other.1", [Line(story.mug, 1)])
    await story.pay(payment)
    await story.wait(2)


async def refunded(story: Story) -> None:
    """Refunded. An operator gives all of the money back, and the goods come back with it."""
    order, _ = await story.paid()
    story.recorder.says("Operator", "payment", "refund")
    refunding, refund_id = story.shop.payment.refunding, story.shop.ids.new(REFUND)
    await refunding.refund(order.id, refund_id, 0, "chipped", restock=True, who="usr_admin")
    await story.shop.settle()


async def disputed(story: Story) -> None:
    """Disputed. The buyer's bank takes the money back, until it has decided. The payment remembers what Stripe tells;
    the order does not change for it. Somebody of the staff answers, with what the shop knows of the order."""
    order, payment = await story.paid()
    story.shop.stripe.dispute(str(payment.session_id), "needs_response")
    await story.hear(story.shop.stripe.dispute_event("created"))
    story.recorder.says("Operator", "payment", "answer")
    payment = await story.shop.payment_now(order)
    drafted, _ = await story.shop.answers.drafted(payment, "du_1")
    evidence_id = story.shop.ids.new(EVIDENCE)
    await story.shop.answers.answer(payment, "du_1", evidence_id, drafted.fields, 1999, who="usr_admin")
    story.shop.stripe.dispute(str(payment.session_id), "won")
    await story.hear(story.shop.stripe.dispute_event("closed"))


async def _never_asked(story: Story) -> None:
    order = await story.place()
    await story.shop.order.cancel(order.id, BUYER)


async def _another_amount(story: Story) -> None:
    _, payment = await story.opened()
    story.shop.stripe.pay(str(payment.session_id), amount_total=5)
    await story.hear(story.shop.stripe.session_event("completed", str(payment.session_id)))


async def _paid_twice(story: Story) -> None:
    _, payment = await story.opened()
    other = await story.shop.stripe.open_session(payment.params, "somebody else's key")
    await story.pay(payment)
    story.shop.stripe.pay(other.id)
    await story.hear(story.shop.stripe.session_event("completed", other.id))


async def _webhooks_lost(story: Story) -> None:
    for becomes in (
        {"status": "complete", "payment_status": "paid", "intent_id": "pi_1"},
        {"status": "complete", "intent_status": "processing"},
        {"status": "complete", "intent_status": "canceled"},
        {"status": "expired"},
    ):
        _, payment = await story.opened()
        story.shop.stripe.put(str(payment.session_id), **becomes)
        await story.wait(3)


async def _unwanted_money(story: Story) -> None:
    order, payment = await story.opened()
    await story.shop.order.cancel(order.id, BUYER)
    await story.shop.settle()
    await story.pay(payment)


async def _part_refunded(story: Story) -> None:
    order, _ = await story.paid()
    refund_id = story.shop.ids.new(REFUND)
    await story.shop.payment.refunding.refund(order.id, refund_id, 500, "", restock=False, who="usr_admin")
    await story.shop.settle()


async def _goods_refunded_in_vain(story: Story) -> None:
    order, _ = await story.paid()
    shop, refund_id = story.shop, story.shop.ids.new(REFUND)
    line = Line(order.items[0].product_id, 1)
    await shop.payment.refunding.refund_goods(order.id, refund_id, Goods((line,)), 0, "", who="usr_admin")
    stripe_id = (await shop.payment_now(order)).refunds[0].stripe_id
    await shop.hook(shop.stripe.send_back(str(stripe_id)))
    await shop.settle()


async def _claimed(story: Story) -> None:
    token = guest_token(b"a secret", "a guest")
    order = await story.shop.place((await story.shop.sell(), 1), who=guest(token))
    await story.shop.open(order, guest(token))
    await story.shop.order.claim(order.id, BUYER, token)


async def _written_to(story: Story) -> None:
    order, _ = await story.paid()
    parcel = Shipment(id=story.shop.ids.new("shp"), number=0, lines=(), sent_at=0)
    await story.shop.fulfilling.ship(order.id, parcel, (), None, ADMIN)
    await story.shop.payment.refunding.refund(order.id, story.shop.ids.new(REFUND), 0, "", who="usr_admin")
    left = await story.place()
    await story.wait(3)
    await story.shop.order.cancel(left.id, BUYER)
    order, _ = await story.paid()
    said = Withdrawal(id=story.shop.ids.new("wdr"), number=0, lines=(), name="A Buyer", received_at=0, refund_by=0)
    await story.shop.withdrawals.withdraw(order, said, BUYER.id)
    await story.shop.settle()


Plot = Callable[[Story], Awaitable[None]]
TOLD: tuple[Plot, ...] = (
    paid,
    declined,
    expired,
    cancelled_while_paying,
    late_money_kept,
    late_money_sent_back,
    refunded,
    disputed,
)
UNTOLD: tuple[Plot, ...] = (
    _never_asked,
    _another_amount,
    _paid_twice,
    _webhooks_lost,
    _unwanted_money,
    _part_refunded,
    _goods_refunded_in_vain,
    _claimed,
    _written_to,
)
"""What else the effects do: these are run to know it, and make no diagram."""
WRITTEN = (_written_to,)
"""Of shops that send mails: in the diagrams of all others there would be one wherever a story ends."""

TELLS_STAFF = {("order", "refund_due"): "staff: needs attention, until it is refunded"}
"""What makes nothing happen but that somebody is told."""


class Recorded(NamedTuple):
    """`and_then`: whose effect, which, and what it has made happen."""

    diagrams: dict[str, list[str]]
    and_then: dict[tuple[str, str], list[str]]


@cache
def recordings() -> Recorded:
    """All stories, each run once."""
    return asyncio.run(_run_all())


async def _run_all() -> Recorded:
    diagrams, and_then = {}, {}
    for plot in (*TOLD, *UNTOLD):
        async with recorded(writes=plot in WRITTEN) as (shop, recorder):
            await plot(Story(shop, recorder))
        diagrams[plot.__name__] = recorder.lines
        for effect, made in recorder.and_then.items():
            and_then[effect] = list(dict.fromkeys((*and_then.get(effect, ()), *made)))
    return Recorded(diagrams, and_then)


def and_then(of: str, effect: str) -> str:
    """What an effect has made happen in the stories, and where; ValueError if none of them has carried it out."""
    if (of, effect) in TELLS_STAFF:
        return TELLS_STAFF[of, effect]
    happened: dict[str, list[str]] = {}
    for each in recordings().and_then.get((of, effect), ()):
        where, _, what = each.partition(": ")
        happened.setdefault(where, []).append(what)
    if not happened:
        raise ValueError(f"no story carries out {effect} of the {of}: tell one in generator/stories.py")
    return "; ".join(f"{where}: {' / '.join(what)}" for where, what in happened.items())


def made() -> str:
    """The page."""
    diagrams = recordings().diagrams
    parts = []
    for plot in TOLD:
        title, _, text = " ".join(str(plot.__doc__).split()).partition(". ")
        parts.append(f"## {title}\n\n{text}\n\n{sequence(diagrams[plot.__name__])}")
    return page("Stories", INTRODUCTION, *parts)
