"""The audit finds what should never be of events: each promise is broken by hand and must be named."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from kassa.app.audit_told import STUCK_AFTER
from kassa.app.following import CLOCKS_DIFFER
from kassa.contracts.events import NewEvent
from kassa.kit.clock import DAY, MINUTE
from kassa.kit.documents import Between
from kassa.kit.inputs import outgoing_id
from kassa.outgoing.store import ONLY, Endpoint, Queue, Told
from tests.outgoing.listening import Listened
from tests.trade.stores import FORMS
from tests.trade.world import ADMIN, world


@pytest.fixture(params=FORMS)
async def listened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Listened]:
    async with world(tmp_path, form=request.param) as shop:
        made = await Listened.on(shop)
        await made.events.listen(is_on=True)
        shop.clock.advance(CLOCKS_DIFFER + MINUTE)
        order = await shop.place((await shop.sell(), 2))
        await shop.pay(await shop.open(order))
        await made.follow()
        assert await made.shop.audit() == []
        yield made


async def _event(listened: Listened, number: int = 2) -> Told:
    """What was told of the order."""
    (order,) = await listened.shop.order.orders.find({}, limit=1)
    event = await listened.events.store.events.get(outgoing_id(order.id, number))
    assert event is not None
    return event


async def lose_an_event(listened: Listened) -> None:
    await listened.events.store.events.delete((await _event(listened)).id)


async def tell_of_what_has_not_happened(listened: Listened) -> None:
    event = await _event(listened)
    await listened.events.publish(
        [NewEvent(outgoing_id(event.subject, 9), event.type, 1, event.subject, 9, event.about)]
    )


async def tell_of_no_order(listened: Listened) -> None:
    event = await _event(listened)
    other = f"{event.subject[:-1]}{'1' if event.subject.endswith('0') else '0'}"
    await listened.events.publish([NewEvent(outgoing_id(other, 1), event.type, 1, other, 1, other)])


async def tell_it_under_another_id(listened: Listened) -> None:
    event = await _event(listened)
    await listened.events.publish([NewEvent("evt_again", event.type, 1, event.subject, 2, event.about)])


async def tell_another_thing(listened: Listened) -> None:
    event = await _event(listened)
    await listened.events.store.events.save(msgspec.structs.replace(event, occurred_at=event.occurred_at + 1))


async def tell_in_another_order(listened: Listened) -> None:
    first, second = await _event(listened, 1), await _event(listened, 2)
    events = listened.events.store.events
    await events.save(msgspec.structs.replace(first, position=second.position))
    await events.save(msgspec.structs.replace(second, position=first.position))


async def tell_two_at_one_position(listened: Listened) -> None:
    event = await _event(listened)
    await listened.events.store.events.insert(msgspec.structs.replace(event, id="evt_again", version=0))


async def cut_off_the_end(listened: Listened) -> None:
    head = await listened.events.store.heads.get(ONLY)
    assert head is not None
    await listened.events.store.heads.save(msgspec.structs.replace(head, position=head.position + 1, added=()))


async def never_mark_what_happens(listened: Listened) -> None:
    order, outbox = await _order(listened), listened.shop.order.outbox
    known, outbox.heard_since = outbox.heard_since, lambda: None
    await listened.shop.fulfilling.hold(order, "a doubt", ADMIN)
    outbox.heard_since = known


async def leave_a_mark_lying(listened: Listened) -> None:
    shop, order = listened.shop, await _order(listened)
    await shop.fulfilling.hold(order, "a doubt", ADMIN)
    shop.clock.advance(STUCK_AFTER + MINUTE)
    await shop.sell()
    for follower in listened.followers[2:]:
        await follower.run_due()


async def leave_a_product_lying(listened: Listened) -> None:
    shop = listened.shop
    await shop.sell()
    shop.clock.advance(STUCK_AFTER + MINUTE)
    await shop.place((await shop.sell(), 1))
    await listened.followers[0].run_due()


async def mark_what_was_told(listened: Listened) -> None:
    orders = listened.shop.order.orders
    order = await orders.get(await _order(listened))
    assert order is not None
    await orders.save(msgspec.structs.replace(order, untold_from=len(order.audit)))


async def lose_a_queue(listened: Listened) -> None:
    await _endpoint(listened)


async def tell_further_than_the_log(listened: Listened) -> None:
    await listened.events.store.queues.insert(Queue(id=await _endpoint(listened), position=1000))


async def _endpoint(listened: Listened) -> str:
    endpoint = Endpoint(id="end_1", url="https://x.example", types=(), description="", secrets=(), made_at=1)
    return (await listened.events.store.endpoints.insert(endpoint)).id


async def _order(listened: Listened) -> str:
    (order,) = await listened.shop.order.orders.find({}, limit=1)
    return order.id


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        (lose_an_event, "is not told"),
        (lose_an_event, "is not the one after the last"),
        (tell_of_what_has_not_happened, "it tells the 9. thing, and 2 have happened"),
        (tell_of_no_order, "of which it could tell"),
        (tell_it_under_another_id, "not named after what it tells"),
        (tell_another_thing, "another thing"),
        (tell_in_another_order, "told in another order"),
        (tell_two_at_one_position, "is there twice"),
        (cut_off_the_end, "were told"),
        (never_mark_what_happens, "'held back', the 3. that happened to it, is not told"),
        (leave_a_mark_lying, "it is not told"),
        (leave_a_product_lying, "it is not told"),
        (mark_what_was_told, "it is to be told from 3 on, 2 of 2 are noted as told"),
        (lose_a_queue, "no queue"),
        (tell_further_than_the_log, "told up to 1000"),
    ],
)
async def test_a_broken_promise_is_named(
    listened: Listened, breaks: Callable[[Listened], Awaitable[None]], words: str
) -> None:
    await breaks(listened)
    found = [each for each in await listened.shop.audit() if each.invariant.startswith("I14")]
    assert any(words in each.text for each in found), found


async def test_what_is_not_kept_any_more_is_missed_by_nobody(listened: Listened) -> None:
    shop = listened.shop
    shop.clock.advance(31 * DAY)
    await shop.fulfilling.hold(await _order(listened), "a doubt", ADMIN)
    await listened.follow()
    assert await listened.events.remove_old() > 0
    assert await listened.shop.audit() == []
    kept = await listened.events.store.events.find({"subject": await _order(listened)}, limit=9)
    assert [each.sequence for each in kept] == [3]


async def test_what_is_added_and_not_stored_yet_is_under_way(listened: Listened) -> None:
    store = listened.events.store
    head = await store.heads.get(ONLY)
    assert head is not None
    assert head.added
    for each in head.added:
        await store.events.delete(each.id)
    assert await listened.shop.audit() == []
    assert await store.events.count({"position": Between(at_least=head.added[0].position)}) == 0
