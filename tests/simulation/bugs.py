"""Bugs that somebody could write: mutations of the real code, each by its name. The simulation must find them all."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from kassa.app import audit, wiring_order
from kassa.app import effects as app_effects
from kassa.contracts.inventory import summed
from kassa.contracts.payment import Closing, StripeUnreachable
from kassa.inventory.service import InventoryService
from kassa.inventory.stock_redis_mend import Acceptance
from kassa.inventory.stock_redis_repair import Repair
from kassa.inventory.stock_redis_reservations import Reservations
from kassa.kit import documents, inputs, machine, outbox, recent
from kassa.kit.documents import Conflict, Duplicate
from kassa.kit.effects import with_effects
from kassa.kit.ids import ORDER
from kassa.kit.outbox import Outbox
from kassa.kit.recent import Recent
from kassa.order import domain as orders
from kassa.order.domain import Kind as Order
from kassa.order.domain import Stage as OrderStage
from kassa.order.domain import Todo
from kassa.order.orphans import OrphanRescue
from kassa.order.service import OrderService
from kassa.payment import disputes, domain, pieces, refund_effects, refund_states, refunding, refunds
from kassa.payment import machine as payment_machine
from kassa.payment.domain import Kind, Stage
from kassa.payment.domain import Todo as PaymentTodo
from kassa.payment.effects import PaymentEffects
from kassa.payment.inbox import Inbox
from kassa.payment.reconcile import Reconciler
from kassa.payment.service import PaymentService
from kassa.simulation.stripe import Way
from kassa.simulation.stripe_answers import session_state
from kassa.storage.documents_sqlite import SqliteCollection

Patch = pytest.MonkeyPatch
BUGS: dict[str, Callable[[Patch], None]] = {}


def bug(method: Callable[[Patch], None]) -> Callable[[Patch], None]:
    BUGS[method.__name__] = method
    return method


def move(patch: Patch, table: Mapping[Any, Any], before: Any, news: Any, **changes: Any) -> None:
    """Change one transition; without changes, leave it out."""
    if changes:
        patch.setitem(table, (before, news), msgspec.structs.replace(table[before, news], **changes))
    else:
        patch.delitem(table, (before, news))


async def nothing(*_: Any, **__: Any) -> Any:
    return None


# Effects that are dropped


@bug
def a_cancelled_order_keeps_its_stock(patch: Patch) -> None:
    move(patch, orders.TRANSITIONS, OrderStage.PENDING, Order.ENDED, effects=())


@bug
def a_closed_order_keeps_its_stock(patch: Patch) -> None:
    move(patch, orders.TRANSITIONS, OrderStage.CLOSING, Order.ENDED, effects=())


@bug
def a_confirmed_order_is_not_sold(patch: Patch) -> None:
    move(patch, orders.TRANSITIONS, OrderStage.PENDING, Order.PAID, effects=())


@bug
def unwanted_money_is_kept(patch: Patch) -> None:
    move(patch, orders.TRANSITIONS, OrderStage.CANCELLED, Order.UNWANTED, effects=())


@bug
def money_for_what_is_sold_out_is_kept(patch: Patch) -> None:
    move(patch, orders.TRANSITIONS, OrderStage.REVIVING, Order.SOLD_OUT, effects=())


@bug
def a_paid_order_hears_nothing(patch: Patch) -> None:
    move(patch, domain.TRANSITIONS, Stage.INITIATED, Kind.PAID, effects=())


@bug
def an_order_has_no_deadline(patch: Patch) -> None:
    move(patch, orders.TRANSITIONS, None, Order.PLACED, effects=())


@bug
def an_order_does_not_hear_of_refunds(patch: Patch) -> None:
    patch.setattr(PaymentEffects, "note_refund", nothing)


@bug
def late_money_is_not_given_back(patch: Patch) -> None:
    patch.setattr(PaymentService, "refund_late", nothing)


# States that are wrong


@bug
def late_money_revives_without_holding_stock(patch: Patch) -> None:
    changes = {"to": OrderStage.CONFIRMED, "effects": (Todo.COMMIT,)}
    move(patch, orders.TRANSITIONS, OrderStage.CANCELLED, Order.PAID, **changes)


@bug
def late_money_is_ignored_by_the_payment(patch: Patch) -> None:
    move(patch, domain.TRANSITIONS, Stage.FAILED, Kind.PAID)
    move(patch, domain.TRANSITIONS, Stage.CLOSED, Kind.PAID)


@bug
def late_money_is_ignored_by_the_order(patch: Patch) -> None:
    move(patch, orders.TRANSITIONS, OrderStage.CANCELLED, Order.PAID)


@bug
def money_that_comes_while_the_order_closes_is_ignored(patch: Patch) -> None:
    move(patch, orders.TRANSITIONS, OrderStage.CLOSING, Order.PAID)


@bug
def a_declined_card_ends_the_payment(patch: Patch) -> None:
    changes = {"to": Stage.FAILED, "effects": (PaymentTodo.CANCEL_ORDER,)}
    move(patch, domain.TRANSITIONS, Stage.INITIATED, Kind.DECLINED, **changes)


@bug
def completed_is_taken_as_paid(patch: Patch) -> None:
    def kind_of(payment: Any, session: Any) -> Any:
        return Kind.PAID if session.status == "complete" else original(payment, session)

    original = payment_machine.kind_of
    patch.setattr(payment_machine, "kind_of", kind_of)


@bug
def a_full_refund_leaves_the_order_confirmed(patch: Patch) -> None:
    move(patch, orders.TRANSITIONS, OrderStage.CONFIRMED, Order.FULLY_REFUNDED, to=OrderStage.CONFIRMED)


# Calls that are mistaken


@bug
def confirming_releases_the_stock(patch: Patch) -> None:
    def effects(order: Any, *others: Any) -> Any:
        return {**original(order, *others), Todo.COMMIT: order.release_stock}

    original = app_effects.order_effects
    patch.setattr(wiring_order, "order_effects", effects)


@bug
def placing_sells_at_once(patch: Patch) -> None:
    async def reserve(self: Any, reservation_id: str, lines: Any) -> None:
        await original(self, reservation_id, lines)
        await self.commit(reservation_id)

    original = InventoryService.reserve
    patch.setattr(InventoryService, "reserve", reserve)


@bug
def an_order_is_made_anew_with_every_try(patch: Patch) -> None:
    async def place(self: Any, order_id: str, *rest: Any, **how: Any) -> Any:
        return await original(self, f"{ORDER}_{order_id[4:-8]}{next(numbers):08d}", *rest, **how)

    numbers = itertools.count()
    original = OrderService.place
    patch.setattr(OrderService, "place", place)


@bug
def a_payment_is_closed_without_expiring_its_session(patch: Patch) -> None:
    async def close(self: Any, order_id: str) -> Closing:
        return Closing("closed")

    patch.setattr(PaymentService, "close", close)


@bug
def unknown_is_taken_as_expired(patch: Patch) -> None:
    async def expire(self: Any, session_id: str) -> Any:
        try:
            return await original(self, session_id)
        except StripeUnreachable:
            found = self._stripe.request("GET", "/v1/checkout/sessions/*", session_id, {}, None, None)
            return msgspec.structs.replace(session_state(found, None), status="expired", payment_status="unpaid")

    original = Way.expire_session
    patch.setattr(Way, "expire_session", expire)


@bug
def another_price_is_charged(patch: Patch) -> None:
    async def for_payment(self: Any, order_id: str) -> Any:
        order = await original(self, order_id)
        items = [msgspec.structs.replace(each, price_minor=each.price_minor + 1) for each in order.items]
        total = sum(each.price_minor * each.quantity for each in items)
        return msgspec.structs.replace(order, items=items, total_minor=total)

    original = OrderService.for_payment
    patch.setattr(OrderService, "for_payment", for_payment)


@bug
def every_try_of_a_refund_has_a_key_of_its_own(patch: Patch) -> None:
    async def refund(self: Any, params: Any, key: str) -> Any:
        return await original(self, params, f"{key}-{next(numbers)}")

    numbers = itertools.count()
    original = Way.refund
    patch.setattr(Way, "refund", refund)


@bug
def every_try_of_a_session_has_a_key_of_its_own(patch: Patch) -> None:
    async def open_session(self: Any, params: Any, key: str) -> Any:
        return await original(self, params, f"{key}-{next(numbers)}")

    numbers = itertools.count()
    original = Way.open_session
    patch.setattr(Way, "open_session", open_session)


# The machinery


@bug
def what_fails_is_forgotten(patch: Patch) -> None:
    async def postpone(self: Any, document: Any, effect: Any, error: Exception) -> Any:
        return await self._finish(document, effect, None)

    patch.setattr(Outbox, "_postpone", postpone)


@bug
def what_follows_from_an_effect_is_dropped(patch: Patch) -> None:
    async def finish(self: Any, document: Any, effect: Any, step: Any) -> Any:
        return await original(self, document, effect, None)

    original = Outbox._finish
    patch.setattr(Outbox, "_finish", finish)


@bug
def nothing_is_tried_again(patch: Patch) -> None:
    async def run_due(self: Any, limit: int = 100) -> int:
        return 0

    patch.setattr(Outbox, "run_due", run_due)


@bug
def orphans_are_left_alone(patch: Patch) -> None:
    patch.setattr(OrphanRescue, "rescue", nothing)


@bug
def versions_are_ignored(patch: Patch) -> None:
    def init(self: Any, *given: Any) -> None:
        original(self, *given)
        self._known_sql = self._known_sql.replace("AND version = ?", "AND version >= 0 * ?")

    original = SqliteCollection.__init__
    patch.setattr(SqliteCollection, "__init__", init)


@bug
def a_conflict_ends_the_change(patch: Patch) -> None:
    async def change(collection: Any, id: str, step: Any) -> Any:
        current = await collection.get(id)
        if current is None or (changed := step(current)) is current:
            return current
        try:
            return await collection.save(changed)
        except Conflict:
            return current

    async def changed_from(self: Any, known: Any, step: Any) -> Any:
        if (changed := step(known)) is known:
            return None
        try:
            return await self.save(changed)
        except Conflict:
            return known

    patch.setattr(Recent, "_changed_from", changed_from)
    for module in (recent, refund_effects):
        patch.setattr(module, "change", change)


@bug
def what_is_remembered_is_taken_for_what_is_stored(patch: Patch) -> None:
    async def changed_from(self: Any, known: Any, step: Any) -> Any:
        return known if step(known) is known else await original(self, known, step)

    original = Recent._changed_from
    patch.setattr(Recent, "_changed_from", changed_from)


@bug
def what_is_begun_is_noted_as_done(patch: Patch) -> None:
    def wanted(self: Any, document: Any) -> Any:
        effect = original(self, document)
        if effect is not None:
            self.recent.note(document.id, effect.id, lambda current: done(current, effect.id))
        return effect

    def done(current: Any, id: str) -> Any:
        return with_effects(current, outbox._replaced(current.effects, id, done_at=1))

    original = Outbox._wanted
    patch.setattr(Outbox, "_wanted", wanted)


@bug
def an_answer_is_given_before_the_commit(patch: Patch) -> None:
    async def insert(self: Any, document: Any) -> Any:
        async def later() -> None:
            await asyncio.sleep(0.5)
            with contextlib.suppress(Duplicate):
                await original(self, document)

        asyncio.get_running_loop().create_task(later())
        return msgspec.structs.replace(document, version=1)

    original = SqliteCollection.insert
    patch.setattr(SqliteCollection, "insert", insert)


@bug
def inputs_that_were_seen_are_taken_again(patch: Patch) -> None:
    patch.setattr(machine, "has_seen", lambda *_: False)


@bug
def lost_webhooks_stay_lost(patch: Patch) -> None:
    async def look_up(self: Any, payment: Any, timer: Any) -> None:
        return None

    patch.setattr(Reconciler, "fetch_missed_events", nothing)
    patch.setattr(PaymentEffects, "look_up", look_up)


@bug
def an_event_that_cannot_be_acted_on_is_dropped(patch: Patch) -> None:
    async def park(self: Any, event: Any, error: Exception) -> None:
        await documents.change(self.events, event.id, lambda each: replaced_event(each))

    def replaced_event(event: Any) -> Any:
        return msgspec.structs.replace(event, status="ignored", note="", due_at=None)

    async def look_up(self: Any, payment: Any, timer: Any) -> None:
        return None

    patch.setattr(Inbox, "_park", park)
    patch.setattr(PaymentEffects, "look_up", look_up)


@bug
def audit_entries_are_rewritten(patch: Patch) -> None:
    def apply(self: Any, order: Any, news: Any, now: int) -> Any:
        changed = original(self, order, news, now)
        return changed if changed is order else msgspec.structs.replace(changed, audit=changed.audit[-1:])

    original = machine.Machine.apply
    patch.setattr(machine.Machine, "apply", apply)


@bug
def a_refund_that_a_dispute_delayed_is_never_made(patch: Patch) -> None:
    for module in (refunds, disputes):
        patch.setattr(module, "after_dispute", lambda payment, *_: payment)


@bug
def a_refund_that_a_dispute_prevents_is_given_up(patch: Patch) -> None:
    patch.setattr(
        refund_effects, "Refusal", lambda message, is_disputed, _: refunds.Refusal(message, is_back=is_disputed)
    )


@bug
def an_owed_refund_that_is_refused_is_given_up(patch: Patch) -> None:
    patch.setattr(refund_effects, "Refusal", lambda message, *_: refunds.Refusal(message, is_back=True))


@bug
def money_that_a_bank_sent_back_is_on_nobodys_list(patch: Patch) -> None:
    for module in (refunds, refund_states):
        patch.setattr(module, "owed_again", lambda payment, *_: payment)


@bug
def pieces_come_back_as_often_as_they_are_named(patch: Patch) -> None:
    patch.setattr(pieces, "checked", lambda items, *_: pieces.lines(summed(items)))


@bug
def every_try_brings_the_pieces_back_anew(patch: Patch) -> None:
    def restock_id(order_id: str, refund_id: str) -> str:
        return f"{original(order_id, refund_id)}.{next(numbers)}"

    numbers = itertools.count()
    original = inputs.restock_id
    patch.setattr("kassa.order.effects.restock_id", restock_id)


@bug
def stock_that_redis_lost_is_not_made_up_for(patch: Patch) -> None:
    patch.setattr(Repair, "carry_out", nothing)


@bug
def a_restarted_redis_is_trusted(patch: Patch) -> None:
    async def is_accepted(self: Any, run_id: str) -> bool:
        return True

    patch.setattr(Acceptance, "is_accepted", is_accepted)


@bug
def after_a_loss_only_the_ledger_is_asked(patch: Patch) -> None:
    patch.setattr(Repair, "_ask_orders", nothing)


@bug
def after_a_loss_operations_are_not_repeated(patch: Patch) -> None:
    patch.setattr(Repair, "_operate", nothing)


@bug
def what_redis_has_forgotten_never_was(patch: Patch) -> None:
    patch.setattr(Reservations, "ended", nothing)


@bug
def what_redis_has_forgotten_is_sold_again_by_mending(patch: Patch) -> None:
    async def ask_orders(self: Any, since: int) -> None:
        self._plain._ended = None
        await original(self, since)

    original = Repair._ask_orders
    patch.setattr(Repair, "_ask_orders", ask_orders)


@bug
def older_news_of_refunds_is_believed(patch: Patch) -> None:
    def after(self: Any, document: Any, news: Any, now: int) -> Any:
        if isinstance(news, orders.Input):
            news = msgspec.structs.replace(news, payment_version=0)
        return original(self, document, news, now)

    original = machine.Machine.after
    patch.setattr(machine.Machine, "after", after)


@bug
def a_refund_that_the_bank_sends_back_stays_made(patch: Patch) -> None:
    def observed(payment: Any, states: Any, cause: Any, now: int) -> Any:
        return original(payment, [each for each in states if each.status != "failed"], cause, now)

    original = refund_states.observed
    for module in (refunding, refund_effects, refunds):
        patch.setattr(module, "observed", observed)


@bug
def the_audit_passes_over_money_that_a_bank_sent_back(patch: Patch) -> None:
    def differences(payment: Any, order: Any) -> Any:
        return (each for each in original(payment, order) if each.invariant != "I2: money has an order")

    original = audit.payment_differences
    patch.setattr(audit, "payment_differences", differences)
