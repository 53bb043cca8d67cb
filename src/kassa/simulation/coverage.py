"""How much of what can happen has happened: which moves of the state machines, and after which trouble."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from kassa.order import domain as order
from kassa.payment import domain as payment
from kassa.simulation.faults import KINDS

Reached: TypeAlias = tuple[str, str, str, str, str]
"""A change of state: of which collection's document, from which state, by which input, to which state; and what had
hit the order before."""

MACHINES: dict[str, Iterable[tuple[StrEnum, StrEnum]]] = {"orders": order.TRANSITIONS, "payments": payment.TRANSITIONS}


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
    known = {(name, str(state), str(kind)) for name, machine in MACHINES.items() for state, kind in machine}
    pairs = {(name, state, what, trouble) for name, state, what, _, trouble in reached}
    moves = {pair[:3] for pair in pairs}
    of_machines = [pair for pair in pairs if pair[:3] in known]
    others = {move for move in moves - known if move[0] in MACHINES and move[1]}
    missing = sorted(f"{name}: {state} + {kind}" for name, state, kind in known - moves)
    return Coverage(len(moves & known), missing, len(of_machines), len(known) * (len(KINDS) + 1), len(others))
