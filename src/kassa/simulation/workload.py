"""Who comes to the shop: many buyers for few hot products, and an operator who refunds, cancels and counts stock."""

import asyncio
from collections.abc import Awaitable
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

from kassa.app.shop import Shop, present
from kassa.contracts.inventory import Line
from kassa.kit.identity import Principal, guest
from kassa.kit.ids import ORDER, PRODUCT, REFUND, USER, Ids
from kassa.kit.problem import Problem
from kassa.sandbox import delayed, disputes, payments, refunds, sessions
from kassa.sandbox.call import Call
from kassa.sandbox.errors import ApiError, Json
from kassa.sandbox.events import BY_ITSELF
from kassa.sandbox.payments import CardEntry
from kassa.sandbox.tables import Tx
from kassa.simulation.answers import Answerers
from kassa.simulation.offers import Offers, Wish
from kassa.simulation.second_thoughts import SecondThoughts
from kassa.simulation.warehouse import Warehouse

if TYPE_CHECKING:
    from kassa.simulation.world import World

PRODUCTS, HOT = 6, 2
"""How many products there are, and of how many there is always far too little."""
ARRIVALS = 900.0
"""Buyers come within so many seconds."""
GOOD, DECLINED, CHALLENGED = "4242424242424242", "4000000000000002", "4000002760003184"
SLOWLY_REFUNDED, NOT_REFUNDED = "4000000000007726", "4000000000005126"
ASKED_ABOUT, DISPUTED = "4000000000001976", "4000000000000259"
CARDS = (GOOD, GOOD, GOOD, GOOD, CHALLENGED, SLOWLY_REFUNDED, NOT_REFUNDED, ASKED_ABOUT, DISPUTED)
_LATER, _BANK_DELAY = 45.0, 600.0
_FOR_EVER = 2**40
ADMIN = Principal("usr_admin", "admin@shop.example", "admin", _FOR_EVER)


class Workload:
    """What was asked of the shop, and what it said."""

    def __init__(self, world: "World", buyers: int) -> None:
        self._world = world
        self._buyers = buyers
        chance = world.chance("ids")
        self._ids = Ids(world.clock, chance.randbytes)
        self.products: list[str] = []
        self.acknowledged: set[str] = set()
        self.asked: list[str] = []
        self._paid: list[str] = []
        self._lines: dict[str, list[Line]] = {}
        self.offers = Offers(world, buyers)
        self.answerers = Answerers(world, ADMIN)
        self._warehouse = Warehouse(world, ADMIN, self._lines)
        self.letterbox, self.receiver = world.box, world.receiver

    @property
    def counted(self) -> list[str]:
        """All that the stock counts: goods, and uses of discounts."""
        return [*self.products, *self.offers.discounts.values()]

    async def run(self) -> None:
        """From the first product to the last buyer's end."""
        chance = self._world.chance("workload")
        are_scarce = chance.random() < 0.35
        for number in range(PRODUCTS):
            is_scarce = number < HOT or are_scarce
            most = max(2, self._buyers // 15 if is_scarce else self._buyers)
            await self._sell(700 + 650 * number, chance.randint(1 if is_scarce else most // 2, most))
        await self.offers.open()
        people = [self._buy(number) for number in range(self._buyers)]
        deeds = self._warehouse.work(self._paid, ARRIVALS * 1.5, 2 * self._buyers)
        answers = self.answerers.work(ARRIVALS * 2, self._buyers // 2)
        thoughts = SecondThoughts(self._world, ADMIN, self._lines).come(self._paid, ARRIVALS * 1.5, self._buyers)
        others = (self._keep_shop(chance), self.offers.raise_limits(), deeds, answers, thoughts)
        await asyncio.gather(*people, *others)
        await self._decide(chance)

    async def _sell(self, price_minor: int, stock: int) -> None:
        fields = {"name": "Mug", "description": "", "category": "things", "images": []}
        given = {**fields, "price": Decimal(price_minor) / 100, "stock": stock}
        product_id = self._ids.new(PRODUCT)
        self.products.append(product_id)
        await self._world.insist("", lambda shop: shop.product.create(product_id, given, ADMIN.id))  # type: ignore[union-attr]

    # Buyers

    async def _buy(self, number: int) -> None:
        chance = self._world.chance(f"buyer {number}")
        who = Principal(self._ids.new(USER), "buyer@shop.example", "user", _FOR_EVER)
        await asyncio.sleep(chance.uniform(0, ARRIVALS))
        order_id = self._ids.new(ORDER)
        self.asked.append(order_id)
        wish = self.offers.wish(number, order_id)
        account, who = who, guest(wish.token) if wish.token else who
        if not await self._place(order_id, who, chance, wish):
            return
        if wish.token:
            who = await self._as_a_guest(order_id, wish.token, account)
        await asyncio.sleep(chance.expovariate(1 / 20))
        if chance.random() < 0.1:
            return  # Nothing more is heard of this buyer.
        if chance.random() < 0.06:
            await self._cancel(order_id, who)
            return
        session_id = await self._open(order_id, who, chance)
        if session_id is not None:
            await asyncio.sleep(chance.expovariate(1 / 60))
            await self._check_out(order_id, session_id, who, chance)

    async def _as_a_guest(self, order_id: str, token: str, account: Principal) -> Principal:
        """What guests do before they pay; who pays then comes back."""
        who, chance = guest(token), self._world.chance(f"guest of {order_id}")
        if chance.random() < 0.5:
            await self.offers.peek(who, chance)
        if chance.random() < 0.3:
            self._world.begin(self.offers.claim(order_id, token, account))
            return account if chance.random() < 0.5 else who
        return who

    async def _place(self, order_id: str, who: Principal, chance: Random, wish: Wish) -> bool:
        names = chance.sample(self.products, chance.choice([1, 1, 2]))
        lines = self._lines[order_id] = [Line(each, chance.choice([1, 1, 1, 2, 3])) for each in names]

        ask = self._world.insist if chance.random() < 0.85 else self._world.ask  # Some do not come again.

        def asked(shop: Shop) -> Awaitable[Any]:
            order = present(shop.order, "order")
            if wish.is_plain:
                return order.place(order_id, who.id, lines)
            return order.place(order_id, who.id, lines, wish.asked, is_guest=who.is_guest)

        async def place() -> bool:
            try:
                await ask(order_id, asked)
            except Problem:
                return False
            self.acknowledged.add(order_id)
            return True

        return any(await asyncio.gather(*(place() for _ in range(2 if chance.random() < 0.15 else 1))))

    async def _open(self, order_id: str, who: Principal, chance: Random) -> str | None:
        async def open_session() -> str | None:
            try:
                payment = await self._world.insist(
                    order_id,
                    lambda shop: shop.payment.checkout.open_session(order_id, who),  # type: ignore[union-attr]
                )
            except Problem:
                return None
            return None if payment is None else str(payment.session_id)

        found = await asyncio.gather(*(open_session() for _ in range(2 if chance.random() < 0.15 else 1)))
        return next((session_id for session_id in found if session_id), None)

    async def _check_out(self, order_id: str, session_id: str, who: Principal, chance: Random) -> None:
        way = chance.random()
        if way < 0.10:
            return  # Abandoned at Stripe's page.
        if way < 0.17:
            await asyncio.gather(self._cancel(order_id, who), self._pay(session_id, GOOD, chance))
        elif way < 0.25:
            self._at_stripe(lambda tx: delayed.submit(tx, session_id, "Ada", BY_ITSELF, _BANK_DELAY))
            if chance.random() < 0.4:
                await asyncio.sleep(chance.uniform(10, 500))
                self._at_stripe(lambda tx: delayed.settle(tx, session_id, is_paid=False))
        elif way < 0.35:
            await self._pay(session_id, DECLINED, chance)
            await asyncio.sleep(chance.expovariate(1 / 30))
            await self._pay(session_id, GOOD, chance)
        elif way < 0.40:
            await asyncio.sleep(chance.uniform(1_600, 2_000))  # At the last moment, or after it.
            await self._pay(session_id, GOOD, chance)
        else:
            await self._pay(session_id, chance.choice(CARDS), chance)

    async def _pay(self, session_id: str, card: str, chance: Random) -> None:
        await asyncio.sleep(chance.uniform(0, 2))
        entry = CardEntry(card, 12, 2099, "123")
        is_late = self._world.faults.strikes("money late")
        if is_late:
            await asyncio.sleep(chance.uniform(1_700, 2_500))
            if chance.random() < 0.5:  # Its goods may be gone by then, too.
                await asyncio.gather(*(self._adjust(chance.choice(self.products), -each, chance) for each in (9, 3, 1)))
        outcome = self._at_stripe(lambda tx: payments.submit(tx, session_id, entry, BY_ITSELF, _LATER, is_late=is_late))
        if outcome is not None and outcome.kind == "succeeded":
            self._paid.append(outcome.session["client_reference_id"])
            if is_late and chance.random() < 0.3:  # Who has nothing to show for it asks the bank.
                intent_id = outcome.session["payment_intent"]
                self._at_stripe(lambda tx: _dispute(tx, intent_id))
        if card == CHALLENGED and chance.random() < 0.8:
            await asyncio.sleep(chance.uniform(1, 30))
            self._at_stripe(lambda tx: payments.authenticate(tx, session_id, True, BY_ITSELF, _LATER))

    async def _cancel(self, order_id: str, who: Principal) -> None:
        await _accepted(self._world.insist(order_id, lambda shop: shop.order.cancel(order_id, who)))  # type: ignore[union-attr]

    def _at_stripe(self, job: Any) -> Any:
        try:
            return self._world.stripe.do(job)
        except ApiError:
            return None

    # The operator

    async def _keep_shop(self, chance: Random) -> None:
        for _ in range(self._buyers // 3):
            await asyncio.sleep(chance.expovariate(self._buyers / 3 / (ARRIVALS * 1.5)))
            kind = chance.random()
            if kind < 0.1:
                self._at_stripe(lambda tx: _close_a_dispute(tx, chance))
            elif kind < 0.28:
                await self._adjust(chance.choice(self.products), chance.choice([-2, -1, 1, 2, 3]), chance)
            elif self.asked and kind < 0.38:
                await self._cancel(chance.choice(self.asked), ADMIN)
            elif self._paid and kind < 0.52:
                self._refund_in_dashboard(chance.choice(self._paid), chance)
            elif self._paid:
                order_id, part = chance.choice(self._paid), chance.choice([200, 300, 700])
                amounts = chance.choice([[part], [0], [part, 0]])  # A part, all, or a part and at once the rest.
                await asyncio.gather(*(self._refund(order_id, amount, chance) for amount in amounts))

    async def _decide(self, chance: Random) -> None:
        """Banks decide most of the disputes that are left."""
        while chance.random() < 0.9 and self._at_stripe(lambda tx: _close_a_dispute(tx, chance)):  # noqa: ASYNC110
            await asyncio.sleep(chance.expovariate(1 / 3))

    async def _adjust(self, product_id: str, change: int, chance: Random) -> None:
        operation_id = f"op_{chance.randbytes(8).hex()}"
        await _accepted(
            self._world.insist(
                "",
                lambda shop: shop.inventory.adjust(product_id, change, "count", operation_id, ADMIN.id),  # type: ignore[union-attr]
            )
        )

    async def _refund(self, order_id: str, amount: int, chance: Random) -> None:
        refund_id, way = self._ids.new(REFUND), chance.random()
        line = chance.choice(self._lines[order_id])
        items = [Line(line.product_id, chance.randint(1, line.quantity))] if way < 0.4 else []

        async def refund() -> None:
            await _accepted(
                self._world.insist(
                    order_id,
                    lambda shop: shop.payment.refunding.refund(  # type: ignore[union-attr]
                        order_id, refund_id, amount, "asked", restock=way > 0.7, items=items, who=ADMIN.id
                    ),
                )
            )

        await asyncio.gather(*(refund() for _ in range(2 if chance.random() < 0.2 else 1)))

    def _refund_in_dashboard(self, order_id: str, chance: Random) -> None:
        part = chance.choice([{"amount": "300"}, {"amount": "700"}, {}])  # A part, or all that is left.

        def refund(tx: Tx) -> None:
            session = session_of(tx, order_id)
            if session is not None and session["payment_status"] == "paid":
                given = {"payment_intent": session["payment_intent"], **part}
                refunds.create(tx, Call("POST", "/v1/refunds", given, ""), _LATER)

        self._at_stripe(refund)


def _dispute(tx: Tx, intent_id: str) -> None:
    for (charge_id,) in tx.rows("SELECT id FROM object WHERE kind = 'charge' AND payment_intent = ?", intent_id):
        disputes.open_dispute_over(tx, charge_id, "product_not_received", "needs_response")


def _close_a_dispute(tx: Tx, chance: Random) -> bool:
    """A bank has no more questions, or has decided who is to have the money; False if there is nothing to decide."""
    sql = "SELECT id FROM object WHERE kind = 'dispute' AND state LIKE '%needs_response' ORDER BY seq LIMIT 1"
    for (dispute_id,) in tx.rows(sql):
        disputes.close_dispute(tx, dispute_id, chance.choice(["won", "lost"]), BY_ITSELF)
        return True
    return False


def session_of(tx: Tx, order_id: str) -> Json | None:
    """The last session that was made for an order."""
    sql = (
        "SELECT id FROM object WHERE kind = 'checkout.session'"
        " AND CAST(body AS TEXT) ->> '$.client_reference_id' = ? ORDER BY seq DESC LIMIT 1"
    )
    rows = tx.rows(sql, order_id)
    return sessions.current(tx, rows[0][0]) if rows else None


async def _accepted(work: Awaitable[Any]) -> None:
    """Refusals are fine."""
    try:
        await work
    except Problem:
        return
