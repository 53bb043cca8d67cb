"""Buyers, Stripe, administrators, lost answers, crashes and time, in any order: in the end all of it goes together.

Everything is real but the clock and Stripe. At no moment is stock oversold, or are there two sessions that could be
paid for one order; when the trouble stops and time passes, every order and all money come to their right end.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kassa.contracts.inventory import Line
from kassa.kit.clock import HOUR, MINUTE, SECOND
from kassa.kit.documents import In
from kassa.kit.identity import Principal
from kassa.kit.ids import ORDER, REFUND
from kassa.order.domain import Stage
from kassa.payment.processor import RefundState, SessionState
from tests.trade.mortal import CALLS, Action, MortalShop, refusable
from tests.trade.stripe_at_the_port import sign
from tests.trade.world import ADMIN, BUYER, OTHER

MOST_ORDERS = 5
TURNS_TO_SETTLE = 80
ENDED = (Stage.CONFIRMED, Stage.REFUNDED, Stage.CANCELLED, Stage.FAILED)
STRIPE = ("open_session", "session", "expire_session", "find_session", "refund", "refunds", "refund_state", "events")

How = dict[str, Any]
HOW = st.fixed_dictionaries({"settles": st.booleans(), "dies_after": st.none() | st.none() | st.integers(2, 40)})
LINES = st.dictionaries(st.integers(0, 2), st.integers(1, 3), min_size=1, max_size=2)


def of_an_order(**given: st.SearchStrategy[Any]) -> Callable[[Any], Any]:
    """A rule about one of the orders that were asked for."""
    made = cast(Any, rule)(one=st.integers(0, MOST_ORDERS - 1), how=HOW, **given)
    return lambda method: precondition(lambda self: bool(self.asked))(made(method))


class OrderMachine(MortalShop, RuleBasedStateMachine):
    """One shop with three products, and what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[str, tuple[Principal, list[tuple[str, int]]]] = {}
        self.refunds: list[tuple[str, str, int, int]] = []
        self.products: list[str] = []

    @initialize(
        policy=st.sampled_from(["cancel", "retry"]),
        stocks=st.tuples(*[st.integers(2, 5)] * 3),
        done=st.lists(st.integers(0, 2), min_size=1, max_size=3),
    )
    def begin(self, policy: str, stocks: tuple[int, ...], done: list[int]) -> None:
        """Of the first orders some have a session already, some are paid and the shop does not know it yet."""
        self.policy = policy
        self.runner.run(self.open())
        for number, stock in enumerate(stocks):
            self.products.append(self.runner.run(self.shop.sell(stock, 700 + 1300 * number)))
        how: How = {"settles": True, "dies_after": None}
        for number, steps in enumerate(done):
            self.place(who=BUYER, lines={0: 1, number: 1}, how=how)
            if steps > 0:
                self.open_session(one=number, times=1, cancels=False, how=how)
            if steps > 1:
                self.pay(one=number, more=0, is_told=False, how=how)

    # What people ask of the shop

    def _order(self, number: int) -> str:
        return list(self.asked)[number % len(self.asked)]

    @precondition(lambda self: len(self.asked) < MOST_ORDERS)
    @rule(who=st.sampled_from([BUYER, OTHER]), lines=LINES, how=HOW)
    def place(self, who: Principal, lines: dict[int, int], how: How) -> None:
        order_id = self.shop.ids.new(ORDER)
        self.asked[order_id] = (who, [(self.products[each], quantity) for each, quantity in lines.items()])
        self.do(self._place(order_id), **how)

    @of_an_order()
    def place_again(self, one: int, how: How) -> None:
        self.do(self._place(self._order(one)), **how)

    async def _place(self, order_id: str) -> None:
        who, lines = self.asked[order_id]
        assert (await self.shop.place(*lines, who=who, order_id=order_id)).id == order_id

    @of_an_order(times=st.integers(1, 3), cancels=st.booleans())
    def open_session(self, one: int, times: int, cancels: bool, how: How) -> None:
        order_id = self._order(one)
        who = self.asked[order_id][0]
        opening = [self.shop.payment.checkout.open_session(order_id, who) for _ in range(times)]
        self.do(*opening, *([self.shop.order.cancel(order_id, who)] if cancels else []), **how)

    @of_an_order(who=st.sampled_from([BUYER, ADMIN]))
    def cancel(self, one: int, who: Principal, how: How) -> None:
        self.do(self.shop.order.cancel(self._order(one), who), **how)

    @of_an_order(amount=st.sampled_from([0, 0, 500, 2000]), pieces=st.integers(-1, 2), times=st.integers(1, 2))
    def refund(self, one: int, amount: int, pieces: int, times: int, how: How) -> None:
        for _ in range(times):
            self.refunds.append((self._order(one), self.shop.ids.new(REFUND), amount, pieces))
        self.do(*(self._refund(*each) for each in self.refunds[-times:]), **how)

    @precondition(lambda self: self.refunds)
    @rule(which=st.integers(0, 9), how=HOW)
    def refund_again(self, which: int, how: How) -> None:
        self.do(self._refund(*self.refunds[which % len(self.refunds)]), **how)

    def _refund(self, order_id: str, refund_id: str, amount: int, pieces: int) -> Action:
        """With so many pieces of each product that there is; all, if they are fewer than none."""
        items = [Line(product_id, pieces) for product_id, _ in self.asked[order_id][1]] if pieces > 0 else []
        return self.shop.payment.refunding.refund(
            order_id, refund_id, amount, "", restock=pieces < 0, items=items, who="usr_admin"
        )

    @rule(product=st.integers(0, 2), change=st.sampled_from([-3, -1, 1, 2]), how=HOW)
    def adjust(self, product: int, change: int, how: How) -> None:
        operation_id = self.shop.inventory.new_operation_id()
        self.do(self.shop.inventory.adjust(self.products[product], change, "", operation_id, "usr_admin"), **how)

    # What happens at Stripe, whether or not its webhook comes

    def _session(self, one: int, *statuses: str) -> SessionState | None:
        order_id, sessions = self._order(one), self.shop.stripe.sessions.values()
        return next((s for s in sessions if s.metadata["orderId"] == order_id and s.status in statuses), None)

    def _tell(self, body: bytes, is_told: bool, how: How) -> None:
        if is_told:
            self.do(self.shop.inbox.receive(body, sign(body)), **how)

    @of_an_order(more=st.sampled_from([0, 0, 0, 0, -100, 5]), is_told=st.booleans())
    def pay(self, one: int, more: int, is_told: bool, how: How) -> None:
        """Also a session that has just expired: there are races that Stripe decides late."""
        if session := self._session(one, "open", "expired"):
            self.shop.stripe.pay(session.id, amount_total=session.amount_total + more)
            self._tell(self.shop.stripe.session_event("completed", session.id), is_told, how)

    @of_an_order(is_told=st.booleans())
    def pay_by_a_slow_method(self, one: int, is_told: bool, how: How) -> None:
        if session := self._session(one, "open"):
            self.shop.stripe.pay(session.id, payment_status="unpaid", intent_status="processing")
            self._tell(self.shop.stripe.session_event("completed", session.id), is_told, how)

    @of_an_order(has_money=st.booleans(), is_told=st.booleans())
    def the_bank_answers(self, one: int, has_money: bool, is_told: bool, how: How) -> None:
        session = self._session(one, "complete")
        if session and session.intent_status == "processing":
            self._tell(self._bank_answers(session, has_money), is_told, how)

    def _bank_answers(self, session: SessionState, has_money: bool) -> bytes:
        paid, failed = {"payment_status": "paid", "intent_status": None}, {"intent_status": "requires_payment_method"}
        self.shop.stripe.put(session.id, **(paid if has_money else failed))
        return self.shop.stripe.session_event(f"async_payment_{'succeeded' if has_money else 'failed'}", session.id)

    @of_an_order(is_told=st.booleans())
    def expire_at_stripe(self, one: int, is_told: bool, how: How) -> None:
        if session := self._session(one, "open"):
            self.shop.stripe.put(session.id, status="expired", url=None)
            self._tell(self.shop.stripe.session_event("expired", session.id), is_told, how)

    @of_an_order(is_told=st.booleans())
    def decline(self, one: int, is_told: bool, how: How) -> None:
        if session := self._session(one, "open"):
            self._tell(self.shop.stripe.decline_event(session.id), is_told, how)

    @of_an_order(amount=st.sampled_from([300, 700]), is_told=st.booleans())
    def refund_in_the_dashboard(self, one: int, amount: int, is_told: bool, how: How) -> None:
        session, stripe = self._session(one, "complete"), self.shop.stripe
        if session and session.payment_status == "paid" and self._given_back(session) + amount <= session.amount_total:
            made = stripe.refund_at_stripe(str(session.intent_id), amount)
            stripe.refund_event("created", made.id)
            charge = {"id": "ch_1", "object": "charge", "metadata": session.metadata}
            self._tell(stripe.event("charge.refunded", {**charge, "payment_intent": session.intent_id}), is_told, how)

    @rule(which=st.lists(st.integers(0, 30), min_size=1, max_size=3), how=HOW)
    def events_come_late_or_again(self, which: list[int], how: How) -> None:
        feed = self.shop.stripe.feed
        bodies = [json.dumps(feed[number % len(feed)]).encode() for number in which if feed]
        self.do(*(self.shop.inbox.receive(body, sign(body)) for body in bodies), **how)

    @rule(call=st.sampled_from(STRIPE), kinds=st.lists(st.sampled_from(["before", "after", "saved"]), min_size=1))
    def stripe_is_in_trouble(self, call: str, kinds: list[str]) -> None:
        has_a_key = call in ("open_session", "refund")  # what has none is not saved
        self.shop.stripe.faults.setdefault(call, []).extend(each for each in kinds if has_a_key or each != "saved")

    @rule(call=st.sampled_from(sum(CALLS.values(), ())), what=st.sampled_from(["question", "answer"]))
    def a_call_gets_lost(self, call: str, what: str) -> None:
        self.lost.setdefault(call, []).append(what)

    @rule(how=HOW)
    def crash(self, how: How) -> None:
        self.do(dies_after=how["dies_after"] or 2)

    @rule(duration=st.sampled_from([SECOND, 20 * SECOND, MINUTE, 10 * MINUTE, 31 * MINUTE, 21 * HOUR]), how=HOW)
    def time_passes(self, duration: int, how: How) -> None:
        self.shop.clock.advance(duration)
        self.do(self._turn(), **how)

    async def _turn(self) -> None:
        """What the worker does, all at once as there."""
        shop = self.shop
        relays = (shop.order.outbox.run_due(), shop.payment.outbox.run_due(), shop.inbox.run_due())
        jobs = (shop.rescue.rescue(), shop.reconciler.fetch_missed_events(), shop.tend_stock())
        await asyncio.gather(*(refusable(each) for each in (*relays, *jobs)))

    @rule(status=st.sampled_from(["pending", "succeeded"]))
    def refunds_are_made(self, status: str) -> None:
        self.shop.stripe.refund_status = status

    @rule(which=st.integers(0, 9), succeeds=st.booleans(), is_told=st.booleans(), how=HOW)
    def a_refund_ends(self, which: int, succeeds: bool, is_told: bool, how: How) -> None:
        """Not modelled: one fails though the order has ended. That is for an operator to mend."""
        pending = [each for each in self.shop.stripe.refunds_made.values() if each.status == "pending"]
        if pending:
            made = pending[which % len(pending)]
            order_id = self.shop.stripe.sessions[str(made.intent_id)[3:]].metadata["orderId"]
            order = self.runner.run(self.shop.order.get(order_id))
            fails = not succeeds and order.stage is Stage.CONFIRMED
            self._tell(self._refund_ends(made, "failed" if fails else "succeeded"), is_told, how)

    def _refund_ends(self, made: RefundState, status: str) -> bytes:
        self.shop.stripe.refunds_made[made.id] = msgspec.structs.replace(made, status=status)
        return self.shop.stripe.refund_event("failed" if status == "failed" else "updated", made.id)

    # What must hold, always and in the end

    @invariant()
    def nothing_is_oversold_and_the_ledger_is_right(self) -> None:
        if self.products:
            levels = self.runner.run(self.shop.stock.levels(self.products))
            assert min(level.available for level in levels.values()) >= 0
            assert self.runner.run(self.shop.stock.differences()) == []

    @invariant()
    def no_order_can_be_paid_twice(self) -> None:
        if self.products:
            sessions = self.shop.stripe.sessions.values()
            payable = [s.metadata["orderId"] for s in sessions if s.status == "open" or s.payment_status == "paid"]
            assert len(set(payable)) == len(payable)

    def _given_back(self, session: SessionState) -> int:
        made = self.shop.stripe.refunds_made.values()
        return sum(each.amount for each in made if each.intent_id == session.intent_id and each.status != "failed")

    def teardown(self) -> None:
        try:
            if self.products:
                self.runner.run(self._come_to_rest())
                self.runner.run(self._check())
        finally:
            self.bury()

    async def _come_to_rest(self) -> None:
        stripe = self.shop.stripe
        stripe.faults.clear()
        stripe.refund_status = "succeeded"
        self.lost.clear()
        for session in [each for each in stripe.sessions.values() if each.intent_status == "processing"]:
            self._bank_answers(session, has_money=session.id[-1] in "13579")
        for made in [each for each in stripe.refunds_made.values() if each.status == "pending"]:
            self._refund_ends(made, "succeeded")
        for _ in range(TURNS_TO_SETTLE):
            self.shop.clock.advance(10 * MINUTE)
            await self._turn()
            await self.shop.settle()
            if await self._is_at_rest():
                return

    async def _is_at_rest(self) -> bool:
        shop = self.shop
        orders, payments = shop.order.orders, shop.payment.payments
        reserved = sum(level.reserved for level in (await shop.stock.levels(self.products)).values())
        waiting = await shop.inbox.events.count({"status": In(("received", "parked"))})
        documents = (*await orders.find({}, limit=99), *await payments.find({}, limit=99))
        return not reserved + waiting and all(each.due_at is None for each in documents)

    async def _check(self) -> None:
        shop = self.shop
        assert await shop.audit() == []
        orders = {order.id: order for order in await shop.order.orders.find({}, limit=100)}
        assert await self._is_at_rest()
        refunds = Counter(each.metadata.get("refundId", each.id) for each in shop.stripe.refunds_made.values())
        assert max(refunds.values(), default=1) == 1
        paid = {s.metadata["orderId"]: s for s in shop.stripe.sessions.values() if s.payment_status == "paid"}
        for order in orders.values():
            assert order.stage in ENDED
            assert (order.stage in (Stage.CONFIRMED, Stage.REFUNDED)) <= (order.id in paid)
        for order_id, session in paid.items():
            order, back = orders[order_id], self._given_back(session)
            assert (order.stage is Stage.CONFIRMED) == (back < session.amount_total)
            assert order.stage is Stage.CANCELLED or session.amount_total == order.total_minor
        assert all(session.status != "open" for session in shop.stripe.sessions.values())


TestOrders = pytest.mark.slow(OrderMachine.TestCase)
TestOrders.settings = settings(
    max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
