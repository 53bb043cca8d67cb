"""How much of what can happen has happened: which moves of the state machines, and after which trouble."""

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

from kassa.kit.machine import Machine
from kassa.order import machine as order
from kassa.payment import machine as payment
from kassa.simulation.faults import KINDS

Reached: TypeAlias = tuple[str, str, str, str, str]
"""A change of state: of which collection's document, from which state, by which input, to which state; and what had
hit the order before."""

MACHINES: dict[str, Machine[Any, Any]] = {"orders": order.MACHINE, "payments": payment.MACHINE}


class Coverage(NamedTuple):
    """`moves` of the state machines of orders and payments (collection, state, input) were reached, `missing` were
    not. `pairs` of a move and the trouble before it were reached, of so many `possible`. `others` are the moves of
    refunds and disputes, which Stripe's states make."""

    moves: int
    missing: list[str]
    pairs: int
    possible: int
    others: int


def coverage(reached: Iterable[Reached]) -> Coverage:
    """Compare what was reached with the state machines."""
    known = {
        (name, str(state or ""), str(kind))
        for name, machine in MACHINES.items()
        for (state, kind), move in machine.table.items()
        if move.is_told  # of the others nothing is written down
    }
    pairs = {(name, state, what, trouble) for name, state, what, _, trouble in reached}
    moves = {pair[:3] for pair in pairs}
    of_machines = [pair for pair in pairs if pair[:3] in known]
    others = {move for move in moves - known if move[0] in MACHINES and move[1]}
    missing = sorted(f"{name}: {state or 'none'} + {kind}" for name, state, kind in known - moves)
    return Coverage(len(moves & known), missing, len(of_machines), len(known) * (len(KINDS) + 1), len(others))
