"""What happens to orders is told to whoever listens: all of it, once, in order, whatever is killed on the way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from kassa.app.following import CLOCKS_DIFFER, LEARN_EVERY, Ears
from kassa.app.following_stock import CHANGED, LOW
from kassa.contracts.events import Listening, NewEvent
from kassa.kit.audit import AuditEntry
from kassa.kit.clock import DAY, MINUTE, Millis
from kassa.kit.documents import Between
from kassa.kit.ids import REFUND
from kassa.kit.problem import Unavailable
from kassa.order.domain import Kind, Stage
from kassa.order.outgoing import ELSEWHERE, OF_OTHERS, TYPES, told
from kassa.outgoing.wire import TYPES as LISTED
from kassa.payment.domain import Kind as PaymentKind
from kassa.payment.outgoing import CLOSED, OF_REFUNDS, OPENED
from kassa.payment.outgoing import TYPES as PAYMENT_TYPES
from kassa.payment.outgoing import UPDATED as DISPUTE_UPDATED
from kassa.product.outgoing import CREATED, UPDATED, WITHDRAWN
from tests.outgoing.listening import Listened
from tests.trade.stores import FORMS
from tests.trade.world import ADMIN, BUYER, World, world

DISPUTES = (OPENED, DISPUTE_UPDATED, CLOSED)


@asynccontextmanager
async def _listened(directory: Path, form: str) -> AsyncIterator[Listened]:
    async with world(directory, form=form) as shop:
        listened = await Listened.on(shop)
        yield listened
        # Whatever a test does: what has happened is told, or will be.
        assert await listened.shop.audit() == []


@pytest.fixture(params=FORMS)
async def listened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Listened]:
    async with _listened(tmp_path, request.param) as made:
        yield made


async def _paid(shop: World) -> str:
    order = await shop.place((await shop.sell(), 2))
    await shop.pay(await shop.open(order))
    return order.id


def test_every_kind_of_thing_that_happens_to_a_payment_has_a_type_that_is_listed() -> None:
    assert set(PAYMENT_TYPES) == set(PaymentKind)
    way = (PaymentKind.CREATED, PaymentKind.OPENED, PaymentKind.PROCESSING, PaymentKind.PAID)
    assert len({PAYMENT_TYPES[each] for each in way}) == len(way), "one thing would be told as if it had happened twice"


def test_no_type_is_listed_that_is_never_told() -> None:
    ever = {*TYPES.values(), *ELSEWHERE.values(), OF_OTHERS, *PAYMENT_TYPES.values(), *DISPUTES, OF_REFUNDS}
    assert set(LISTED) == {*ever, CREATED, UPDATED, WITHDRAWN, CHANGED, LOW}


def test_every_kind_of_thing_that_happens_to_an_order_has_a_type_that_is_listed() -> None:
    assert set(TYPES) == set(Kind)
    assert {*TYPES.values(), *ELSEWHERE.values(), OF_OTHERS} <= set(LISTED)
    assert set(Stage) >= {stage for _, stage in ELSEWHERE}


async def test_a_paid_order_is_told_with_all_that_is_needed_to_fulfil_it(listened: Listened) -> None:
    await listened.events.listen(is_on=True)
    order_id = await _paid(listened.shop)
    events = await listened.told()
    assert [(each.type, each.sequence, each.data["status"]) for each in events] == [
        ("order.placed", 1, "PENDING"),
        ("order.confirmed", 2, "CONFIRMED"),
    ]
    assert {each.subject for each in events} == {order_id}
    shown = msgspec.to_builtins(events[-1].data["order"])
    assert (shown["id"], shown["status"], shown["totalAmountMinor"]) == (order_id, "CONFIRMED", 3998)
    assert [(each["name"], each["quantity"]) for each in shown["items"]] == [("Mug", 2)]


async def test_payments_refunds_and_disputes_are_told_about_their_order(listened: Listened) -> None:
    shop = listened.shop
    await listened.events.listen(is_on=True)
    order_id = await _paid(shop)
    await shop.payment.refunding.refund(order_id, shop.ids.new(REFUND), 500, "broken", who=ADMIN.id)
    await shop.settle()
    payments, refunds = await listened.told("payment."), await listened.told("refund.")
    assert payments[-1].type == "payment.succeeded"
    assert {each.about for each in (*payments, *refunds)} == {order_id}
    assert [each.data["refundMinor"] for each in refunds] == [500] * len(refunds)
    assert refunds[0].data["refundStatus"] == "requested"
    both = sorted((*payments, *refunds), key=lambda each: each.position)
    assert [each.sequence for each in both] == list(range(1, len(both) + 1))
    assert "broken" not in str(both)


async def test_products_are_told_as_they_are_and_stock_by_what_is_left(listened: Listened) -> None:
    shop = listened.shop
    await listened.events.listen(is_on=True)
    await listened.follow()
    mug = await shop.sell(stock=10)
    await shop.settle()
    await listened.follow()
    await shop.product.update(mug, {"price": Decimal("5.00")}, "usr_admin")
    await listened.follow()
    await shop.product.update(mug, {"is_active": False}, "usr_admin")
    products = await listened.told("product.")
    assert [each.type for each in products] == ["product.created", "product.updated", "product.withdrawn"]
    assert products[1].data["product"]["priceMinor"] == 500
    assert [each.sequence for each in products] == sorted({each.sequence for each in products})
    (level,) = await listened.told("stock.")
    assert (level.type, level.data) == ("stock.changed", {"productId": mug, "stock": 10})


async def test_stock_that_is_low_is_told_as_that_once_for_all_that_moved(listened: Listened) -> None:
    shop = listened.shop
    mug = await shop.sell(stock=10)
    await shop.settle()
    shop.clock.advance(CLOCKS_DIFFER + MINUTE)
    await listened.events.listen(is_on=True)
    await listened.follow()
    for _ in range(2):
        await shop.place((mug, 4))
    (low,) = await listened.told("stock.")
    assert (low.type, low.data["stock"], low.about) == ("stock.low", 2, f"stock_{mug}")
    assert len(await listened.told("stock.")) == 1


async def test_stock_that_moves_before_anybody_who_follows_knows_that_somebody_listens_is_told(
    listened: Listened,
) -> None:
    shop = listened.shop
    mug, _ = await shop.sell(stock=10), await shop.sell(stock=10)
    shop.clock.advance(CLOCKS_DIFFER + MINUTE)
    await listened.events.listen(is_on=True)
    await shop.place((mug, 1))
    told = await listened.told("stock.")
    assert [each.data for each in told] == [{"productId": mug, "stock": 9}]


async def test_nothing_is_marked_or_told_while_nobody_listens(listened: Listened) -> None:
    order_id = await _paid(listened.shop)
    await listened.follow()
    assert (await listened.shop.order.get(order_id)).untold_from is None
    assert await listened.told("") == []


async def test_what_happened_before_anybody_listened_is_not_told_when_more_happens(listened: Listened) -> None:
    shop = listened.shop
    order = await shop.place((await shop.sell(), 1))
    shop.clock.advance(CLOCKS_DIFFER + MINUTE)
    await listened.events.listen(is_on=True)
    await shop.order.cancel(order.id, BUYER)
    await shop.settle()
    assert [(each.type, each.sequence) for each in await listened.told()] == [
        ("order.closing", 2),
        ("order.cancelled", 3),
    ]


async def test_what_is_told_is_not_marked_any_more_and_told_once(listened: Listened) -> None:
    await listened.events.listen(is_on=True)
    order_id = await _paid(listened.shop)
    for _ in range(3):
        assert len(await listened.told()) == 2
    assert (await listened.shop.order.get(order_id)).untold_from is None
    marked = await listened.shop.order.orders.find({"untold_from": Between(at_least=0)}, limit=10)
    assert marked == []


async def test_who_is_killed_between_telling_and_noting_it_tells_nothing_twice(listened: Listened) -> None:
    await listened.events.listen(is_on=True)
    order_id = await _paid(listened.shop)
    await listened.events.publish(told(await listened.shop.order.get(order_id)))
    assert [each.sequence for each in await listened.told()] == [1, 2]


async def test_what_comes_while_it_is_told_is_told_next(listened: Listened) -> None:
    shop, publish = listened.shop, listened.events.publish
    await listened.events.listen(is_on=True)
    order = await shop.place((await shop.sell(), 1))

    async def meanwhile(events: list[NewEvent]) -> None:
        await publish(events)
        listened.events.publish = publish  # type: ignore[method-assign]
        await shop.order.cancel(order.id, BUYER)

    listened.events.publish = meanwhile  # type: ignore[method-assign]
    await listened.follow()
    await shop.settle()
    assert [each.sequence for each in await listened.told()] == [1, 2, 3]


async def test_what_a_process_wrote_before_it_knew_is_told_when_it_knows(listened: Listened) -> None:
    shop = listened.shop
    listened.events.heard = lambda since: None  # Another process is told first.
    await listened.follow()
    await listened.events.listen(is_on=True)
    order_id = await _paid(shop)
    assert (await shop.order.get(order_id)).untold_from is None
    shop.clock.advance(LEARN_EVERY)
    assert [each.type for each in await listened.told()] == ["order.placed", "order.confirmed"]


async def test_who_cannot_ask_knows_what_was_known_before(listened: Listened) -> None:
    await listened.events.listen(is_on=True)
    await listened.follow()

    class Away:
        async def listening(self) -> Listening:
            raise Unavailable("the order service did not answer")

        async def publish(self, events: list[NewEvent]) -> None:
            raise Unavailable("the order service did not answer")

    ears, follower = Ears(Away(), listened.shop.clock), listened.followers[0]
    follower._ears = ears
    follower._events = Away()
    await follower.open()
    await follower.run_due()
    order_id = await _paid(listened.shop)
    assert (await listened.shop.order.get(order_id)).untold_from == 0
    with pytest.raises(Unavailable):
        await follower.run_due()


async def test_nobody_is_told_any_more_when_the_feed_is_switched_off(listened: Listened) -> None:
    await listened.events.listen(is_on=True)
    await _paid(listened.shop)
    await listened.follow()
    await listened.events.listen(is_on=False)
    order_id = await _paid(listened.shop)
    assert (await listened.shop.order.get(order_id)).untold_from is None
    assert len(await listened.told()) == 2
    listened.shop.clock.advance(DAY)
    await listened.events.listen(is_on=True)
    assert len(await listened.told()) == 2


async def test_a_write_that_began_before_somebody_listened_is_marked_after_it(listened: Listened) -> None:
    shop, outbox = listened.shop, listened.shop.order.outbox
    mug = await shop.sell()
    asked: list[int] = []

    def heard_since() -> Millis | None:
        asked.append(1)
        return shop.clock.now() if len(asked) > 1 else None

    outbox.heard_since = heard_since
    order = await shop.place((mug, 1))
    assert (await shop.order.get(order.id)).untold_from == 0


def test_what_a_later_version_has_noted_is_told_as_a_change() -> None:
    from kassa.order.outgoing import _type

    entry = AuditEntry(1, "who", "something new", "PENDING", "PENDING", "", "", "input")
    assert _type(entry) == OF_OTHERS
