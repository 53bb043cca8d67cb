"""Records what a shop does while a story really runs: who asks whom, what changes, and which effect made it."""

import re
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import msgspec
from tests.support import FakeClock
from tests.trade.stores import SQLITE, stores
from tests.trade.world import World

from kassa.contracts.mail import Mail
from kassa.invoicing.store import InvoiceStore
from kassa.kit.effects import Aggregate, Effect
from kassa.kit.problem import Problem
from kassa.order.machine import MACHINE as ORDERS
from kassa.order.store import OrderStore
from kassa.payment.machine import MACHINE as PAYMENTS
from kassa.payment.processor import Refused
from kassa.payment.store import PaymentStore
from kassa.product.store import ProductStore

PEOPLE = ("Buyer", "Operator", "Stripe")
_TIMERS = {*ORDERS.timers, *PAYMENTS.timers}
(UNTOLD,) = {kind for machine in (ORDERS, PAYMENTS) for (_, kind), move in machine.table.items() if not move.is_told}
"""The one kind of news that leaves no audit entry."""
_CHANGES_STRIPE = ("refund", "expire_session", "answer_dispute")
_SHARED = Path("/dev/shm")  # noqa: S108 - memory is enough for what is kept for a moment
_WHERE = _SHARED if _SHARED.is_dir() else None
_IDS = re.compile(r"(refund|dispute|evidence) \S+?(:|$)")
_carrying: ContextVar[tuple[str, str] | None] = ContextVar("carrying", default=None)


class Recorder:
    """`lines` are those of a sequence diagram; `and_then` is what each effect has made happen, and whose it was."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.and_then: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)

    def says(self, who: str, whom: str, what: str) -> None:
        """Somebody asks somebody for something; who is no service does so because of nothing."""
        if who in PEOPLE:
            _carrying.set(None)
        self.lines.append(f"{who}->>{whom}: {what}")

    def answers(self, who: str, whom: str, what: str) -> None:
        """An answer that decides what comes next."""
        self.lines.append(f"{who}-->>{whom}: {what}")

    def begins(self, what: str) -> None:
        """What was recorded so far is told elsewhere."""
        self.lines = [f"Note over order,payment: {what}"]

    def note(self, whose: str, what: str) -> None:
        """Something happens there."""
        self.lines.append(f"Note over {whose}: {what}")

    def made(self, what: str) -> None:
        """Something has happened; an effect has made it, if one is being carried out."""
        if (effect := _carrying.get()) is not None:
            self.and_then[effect][what] = None

    def changed(self, of: str, before: Aggregate | None, after: Aggregate) -> None:
        """A document was saved: what has happened to it, and what it wants because of it."""
        known = {each.id for each in before.effects} if before else set()
        wanted = [each.kind for each in after.effects if each.id not in known and each.done_at is None]
        wanted = [f"{'later' if kind in _TIMERS else 'then'} {kind}" for kind in wanted]
        follows = f"<br/>{', '.join(wanted)}" if wanted else ""
        told = after.audit[len(before.audit) if before else 0 :]
        for entry in told:
            what = _without_ids(entry.what)
            self.made(f"{of}: {what}")
            stages = f"{entry.from_state or 'new'} → {entry.to_state}"
            moved = "" if entry.from_state == entry.to_state else f": {stages}"
            self.note(of, f"{what}{moved}{follows if entry is after.audit[-1] else ''}")
        if follows and not told:
            self.made(f"{of}: {UNTOLD}")
            self.note(of, f"{UNTOLD}{follows}")


def _without_ids(what: str) -> str:
    return _IDS.sub(r"\1\2", what).replace("->", "→")


class Heard:
    """A service, as one that calls it has it: each call is noted, and a refusal."""

    def __init__(self, recorder: Recorder, caller: str, callee: str, service: Any) -> None:
        self._recorder, self._caller, self._callee, self._service = recorder, caller, callee, service

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._service, name)
        return self._noted(name, method) if callable(method) and not name.startswith("_") else method

    def _noted(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        recorder, caller, callee = self._recorder, self._caller, self._callee

        async def call(*given: Any, **named: Any) -> Any:
            status = next((each.status for each in given if hasattr(each, "input_id") and hasattr(each, "status")), "")
            recorder.says(caller, callee, f"{name} {status}".strip())
            if callee == "inventory" or (callee == "Stripe" and name in _CHANGES_STRIPE):
                recorder.made(f"{callee}: {name}")
            try:
                answer = await method(*given, **named)
            except (Problem, Refused) as refusal:
                recorder.answers(callee, caller, refusal.code or "refused")
                raise
            said = getattr(answer, "outcome", None) or (callee == "Stripe" and getattr(answer, "status", None))
            if said:
                recorder.answers(callee, caller, str(said))
            return answer

        return call


class Written:
    """Mails, each of which is noted."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def send(self, mail: Mail) -> None:
        self._recorder.made(f"mail: {mail.kind.replace('_', ' ')}")

    async def forget(self, about: str) -> None:
        """Nothing is kept."""


class Kept:
    """A collection whose changes are noted."""

    def __init__(self, recorder: Recorder, of: str, collection: Any) -> None:
        self._recorder, self._of, self._collection = recorder, of, collection
        self._last: dict[str, Aggregate] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)

    async def insert(self, document: Any) -> Any:
        return self._noted(await self._collection.insert(document))

    async def save(self, document: Any) -> Any:
        return self._noted(await self._collection.save(document))

    def _noted(self, document: Any) -> Any:
        self._recorder.changed(self._of, self._last.get(document.id), document)
        self._last[document.id] = document
        return document


class Entered:
    """A collection to which is only added; what adds to it is noted."""

    def __init__(self, recorder: Recorder, of: str, collection: Any) -> None:
        self._recorder, self._of, self._collection = recorder, of, collection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)

    async def insert(self, document: Any) -> Any:
        self._recorder.made(f"{self._of}: entered")
        return await self._collection.insert(document)


def _carried(recorder: Recorder, of: str, carriers: Any) -> dict[str, Any]:
    """The carriers, noting of everything that happens meanwhile which effect has made it."""

    def noted(kind: str, carry: Callable[..., Any]) -> Callable[..., Any]:
        async def carried(document: Any, effect: Effect) -> Any:
            _carrying.set((of, kind))
            if kind in _TIMERS:
                recorder.note(of, f"the time for {kind} has come")
            return await carry(document, effect)

        return carried

    return {kind: noted(kind, carry) for kind, carry in carriers.items()}


@asynccontextmanager
async def recorded(*, writes: bool = False) -> AsyncIterator[tuple[World, Recorder]]:
    """A shop, and what is recorded of it. `writes`: its buyers are written to."""
    recorder = Recorder()
    with tempfile.TemporaryDirectory(dir=_WHERE) as directory:
        async with stores(SQLITE, Path(directory)) as (database, stock):
            products = await ProductStore.open(database, FakeClock())
            products.prices = Entered(recorder, "price history", products.prices)
            orders = await OrderStore.open(database)
            payments = await PaymentStore.open(database)
            invoices = await InvoiceStore.open(database)
            kept_orders: Any = Kept(recorder, "order", orders.orders)
            kept_payments: Any = Kept(recorder, "payment", payments.payments)
            documents = (
                products,
                msgspec.structs.replace(orders, orders=kept_orders),
                msgspec.structs.replace(payments, payments=kept_payments),
                msgspec.structs.replace(invoices, invoices=Entered(recorder, "invoice", invoices.invoices)),
            )
            shop = World(
                documents,
                stock,
                FakeClock(),
                "cancel",
                lambda *known: Heard(recorder, *known),
                mails=Written(recorder) if writes else None,
            )
            outboxes = {"product": shop.opening, "order": shop.order.outbox, "payment": shop.payment.outbox}
            for of, outbox in outboxes.items():
                outbox.carriers = _carried(recorder, of, outbox.carriers)
            yield shop, recorder
            await shop.settle()
