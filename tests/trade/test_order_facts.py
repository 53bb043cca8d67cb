"""What is stored of an order is told as it is, to who answers disputes: nothing that did not happen."""

import msgspec

from kassa.contracts.facts import Pieces, SentMail
from kassa.kit.audit import AuditEntry
from kassa.kit.effects import Effect
from kassa.kit.identity import guest
from kassa.order.domain import Kind, Todo
from kassa.order.facts import facts
from tests.trade.parcels_door import Api
from tests.trade.world import World


async def test_parcels_and_returns_are_told_as_they_stand(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 3))
    assert (await shop.facts.facts_of(order.id)).parcels == []
    await ask.ship(order.id, (mug, 1), carrier="DHL", trackingNumber="00 340")
    await ask.ship(order.id, (mug, 1))
    await ask("POST", f"/orders/{order.id}/shipments/1/delivered")
    await ask("POST", f"/orders/{order.id}/shipments/2/cancel")
    await ask("POST", f"/orders/{order.id}/returns", {"items": [{"productId": mug, "quantity": 1}]})
    known = await shop.facts.facts_of(order.id)
    assert [(each.number, each.carrier, each.tracking_number) for each in known.parcels] == [(1, "DHL", "00 340")]
    assert known.parcels[0].delivered_at == shop.clock.now()
    assert known.parcels[0].items == [Pieces("Mug", 1)]
    assert [(each.items, each.state) for each in known.returns] == [([Pieces("Mug", 1)], "approved")]
    assert (known.is_sent_all, known.email, known.mails) == (False, "buyer@shop.example", [])


async def test_only_mails_that_were_sent_are_told(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 2))
    await ask.ship(order.id, (mug, 1))
    await ask.ship(order.id, (mug, 1))
    await ask("POST", f"/orders/{order.id}/shipments/2/cancel")
    order = await shop.order_now(order)
    at = shop.clock.now()

    def mail(number: int, todo: Todo, *, is_dropped: bool = False, done_at: int | None = at, **args: str) -> Effect:
        return Effect(f"{order.id}:{number}:{todo}", todo, at, at, args, done_at=done_at, is_dropped=is_dropped)

    mails = (
        mail(90, Todo.MAIL_CONFIRMED),
        mail(91, Todo.MAIL_SHIPPED, shipment="1"),
        mail(92, Todo.MAIL_SHIPPED, shipment="2"),  # it did not go after all
        mail(93, Todo.MAIL_RECEIVED, is_dropped=True),
        mail(94, Todo.MAIL_REFUNDED, done_at=None),
        mail(95, Todo.MAIL_CANCELLED),  # given up
    )
    given_up = AuditEntry(at, "order-service", Kind.NOT_WRITTEN, "", "", "refused", "", mails[5].id)
    written = msgspec.structs.replace(order, effects=(*order.effects, *mails), audit=(*order.audit, given_up))
    assert facts(written, "buyer@shop.example").mails == [SentMail("confirmed", at), SentMail("shipped", at)]
    assert facts(written, "").mails == []


async def test_of_a_guest_there_is_the_address_that_was_given_or_none(shop: World) -> None:
    who = guest("guest_" + "0" * 64)
    order = await shop.place((await shop.sell(), 1), who=who)
    assert (await shop.facts.facts_of(order.id)).email == ""
