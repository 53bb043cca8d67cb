"""docs/states.md: the tables that decide what becomes of orders, payments and stock, and what follows from them."""

import inspect
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from generator.markdown import code, codes, first_sentence, mermaid, page, table
from generator.stories import and_then
from kassa.app.effects import auth_effects, order_effects, payment_effects, product_effects
from kassa.auth.customers import Customers
from kassa.auth.mail_effects import Claims, MailEffects
from kassa.inventory.stock import EFFECTS, State
from kassa.inventory.stock import Effect as StockEffect
from kassa.kit.machine import Machine
from kassa.order import domain as order
from kassa.order import machine as ordering
from kassa.order.effects import OrderEffects
from kassa.order.invoices import OrderInvoices
from kassa.order.mails import OrderMails
from kassa.payment import disputes, evidence, refund_states
from kassa.payment import domain as payment
from kassa.payment import machine as paying
from kassa.payment.effects import PaymentEffects
from kassa.payment.evidence_effects import EvidenceEffects
from kassa.payment.history import DISPUTES, EVIDENCE, REFUNDS
from kassa.payment.refund_effects import RefundEffects
from kassa.product import domain as product
from kassa.product.effects import ProductEffects

INTRODUCTION = """\
States are data: one table for orders, one for payments, which one function applies. First it is interpreted what the
news is to the order or payment as it stands; then the table is asked. A pair of state and news that is not in the table
changes nothing, so that news may come late, twice or out of order. All that follows from a change is in its row; what
follows from something that changes no state is in tables of its own, for refunds and for products.
[Correctness](correctness.md) says why that is enough. *And then* is what the effects have made happen in the
[stories](stories.md), which show how it all goes together."""

_REFUNDS = """\
A refund holds its amount from the moment it is asked for. Then Stripe decides, and what it says is applied as it is: a
refund goes from any state to one further down, over several at once too, and never back, so that its events may come in
any order. Failed and canceled are ends alike: such a one gives its amount back, to be refunded again. Those made in
Stripe's dashboard are taken in with the first thing that is heard of them."""
_DISPUTES = """\
Likewise; prevented, won and lost are ends alike. A refund of money that has no order waits while a dispute keeps Stripe
from making it, and is asked for again whenever a dispute has ended."""
_ANSWERS = """\
The answer to a dispute is confirmed by somebody of the staff, and stored before it is sent. Stripe takes it once. One
that was refused had no effect, and gives way to another one."""
_PRODUCTS = """\
A product is on sale or withdrawn, and may be changed in any way at any time: nothing can come too late for it."""
_STOCK = """\
The ledger is a list of movements that is only ever added to. Quantity times effect, summed over a product's movements,
is its stock (I7); in each row `received` is what the other three add up to (I1)."""
_RESERVATION = """\
Whoever releases what was never reserved leaves a reservation that is released from the start, so that a reservation
that comes later is refused."""


def made() -> str:
    """The page."""
    return page(
        "States and effects",
        INTRODUCTION,
        "## Orders",
        _diagram(order.TRANSITIONS),
        _transitions("order", order.TRANSITIONS, order.STATUS, list(order.Stage)),
        f"`reason` is one of {codes(reason.value for reason in order.Reason if reason.value)}.",
        _invariants(ordering.MACHINE),
        "## Payments",
        _diagram(payment.TRANSITIONS),
        _transitions("payment", payment.TRANSITIONS, payment.STATUS, list(payment.Stage)),
        _invariants(paying.MACHINE),
        "## Refunds",
        _REFUNDS,
        _ranked(refund_states.RANK, REFUNDS),
        _follows("payment", payment.MONEY_BACK),
        "## Disputes",
        _DISPUTES,
        _ranked(disputes.RANK, DISPUTES),
        _ANSWERS,
        _ranked(evidence.RANK, EVIDENCE),
        _follows("payment", payment.ANSWERING),
        "## Products",
        _PRODUCTS,
        _follows("product", product.FOLLOWS),
        "## Stock",
        _STOCK,
        table(("Movement", *StockEffect._fields), [(code(kind), *_signed(effect)) for kind, effect in EFFECTS.items()]),
        _reservations(),
        "## Effects",
        "What a change leaves to be done, stored in the same write as the change, and the method that carries it out.",
        _effects(),
    )


def _diagram(transitions: Mapping[tuple[Any, Any], Any]) -> str:
    kinds: dict[tuple[Any, Any], list[str]] = defaultdict(list)
    for (stage, kind), move in transitions.items():
        kinds[stage or "[*]", move.to].append(kind.value)
    return mermaid(f"{stage} --> {to}: {' / '.join(news)}" for (stage, to), news in kinds.items())


def _transitions(
    of: str, transitions: Mapping[tuple[Any, Any], Any], shown: Mapping[Any, str], stages: list[Any]
) -> str:
    by_stage = sorted(transitions.items(), key=lambda item: [None, *stages].index(item[0][0]))
    rows = [
        (
            code(stage or ""),
            kind.value,
            code(move.to),
            code(shown.get(move.to, move.to)),
            codes(move.effects),
            "; ".join(and_then(of, effect) for effect in move.effects),
        )
        for (stage, kind), move in by_stage
    ]
    return table(("State", "News", "Next", "On the wire", "Effects", "And then"), rows)


def _follows(of: str, rows: Mapping[Any, tuple[Any, ...]]) -> str:
    """What follows from something that happens in whatever state."""
    told = [(each, codes(todos), "; ".join(and_then(of, todo) for todo in todos)) for each, todos in rows.items()]
    return table(("What happens", "Effects", "And then"), told)


def _invariants(machine: Machine[Any, Any]) -> str:
    """What is looked at in each write: what would break it fails."""
    return "\n".join(("Nothing is stored unless", "", *(f"- {each}" for each in machine.invariants)))


def _ranked(ranks: Mapping[str, int], words: Mapping[str, str]) -> str:
    return table(
        ("State", "Means"), [(code(state), words[state]) for state in sorted(ranks, key=lambda each: ranks[each])]
    )


def _signed(effect: StockEffect) -> list[str]:
    return [f"{figure:+d}" if figure else "" for figure in effect]


def _reservations() -> str:
    ends = (State.COMMITTED, State.RELEASED)
    lines = [f"[*] --> {State.HELD}: reserve", f"[*] --> {State.RELEASED}: release, before it was reserved"]
    return f"{mermaid([*lines, *(f'{State.HELD} --> {end}' for end in ends)])}\n\n{_RESERVATION}"


def _effects() -> str:
    """The wiring's own tables, asked with the classes in the place of services."""
    payments: Any = PaymentEffects
    refunds: Any = RefundEffects
    answers: Any = EvidenceEffects
    orders: Any = OrderEffects
    mails: Any = OrderMails
    invoices: Any = OrderInvoices
    products: Any = ProductEffects
    accounts: Any = Customers
    links: Any = MailEffects
    claims: Any = Claims
    tables = {
        "account": auth_effects(accounts, links, claims),
        "product": product_effects(products),
        "order": order_effects(orders, mails, invoices),
        "payment": payment_effects(payments, refunds, answers),
    }
    rows = [
        (of, code(kind), code(f"{_module(method)}.{method.__qualname__}"), first_sentence(inspect.getdoc(method)))
        for of, effects in tables.items()
        for kind, method in effects.items()
    ]
    return table(("Of", "Effect", "Carried out by", "Which does"), rows)


def _module(method: Callable[..., Any]) -> str:
    return method.__module__.removeprefix("kassa.")
