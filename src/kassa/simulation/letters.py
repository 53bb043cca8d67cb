"""Mails of a simulated shop: the server that takes them, with trouble on the way, and what must hold of them."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from email.message import EmailMessage
from typing import NamedTuple

from kassa.contracts.auth import Contact
from kassa.contracts.mail import Mail, MailRefused
from kassa.kit.effects import Effect
from kassa.kit.problem import NotFound, Unavailable
from kassa.order.domain import Kind, Order, Todo
from kassa.order.machine import MAILS
from kassa.simulation.books import Books
from kassa.simulation.surroundings import Host

_BEFORE = {
    Todo.MAIL_CONFIRMED: {Kind.PAID, Kind.HELD, Kind.GIVEN},
    Todo.MAIL_CANCELLED: {Kind.ENDED, Kind.SOLD_OUT, Kind.CALLED_OFF},
    Todo.MAIL_REFUNDED: {Kind.PARTLY_REFUNDED, Kind.FULLY_REFUNDED},
    Todo.MAIL_RECEIVED: {Kind.PLACED},
    Todo.MAIL_SHIPPED: {Kind.SHIPPED},
    Todo.MAIL_WITHDRAWN: {Kind.WITHDRAWN},
}
"""What must have happened to an order about which this is written."""


class Letter(NamedTuple):
    """A mail that has arrived."""

    mail: Mail
    message_id: str


class Letterbox:
    """The mail server. `arrived` are the mails that it took, by their causes."""

    def __init__(self) -> None:
        self.arrived: dict[str, list[Letter]] = defaultdict(list)


class Way:
    """One process's way to the mail server; satisfies kassa.mail.postmen.Postman."""

    def __init__(self, process: Host, box: Letterbox) -> None:
        self._process = process
        self._faults = process.world.faults
        self._box = box

    async def send(self, mail: Mail, message: EmailMessage) -> None:
        """See Postman."""
        await self._process.pause(mail.about)
        if self._faults.strikes("mail server is down", mail.about):
            raise Unavailable("the mail server cannot be reached")
        if self._faults.strikes("mail refused", mail.about):
            raise MailRefused("550 no such user")
        self._box.arrived[mail.cause].append(Letter(mail, message["Message-ID"]))
        await self._process.pause(mail.about)
        if self._faults.strikes("mail server's answer lost", mail.about):
            raise Unavailable("the mail server did not answer")

    async def forget(self, about: str) -> None:
        """See Postman: nothing is kept."""


class Contacts:
    """What a simulated auth service says: accounts are written to at an address that tells whose it is."""

    async def contact(self, user_id: str) -> Contact:
        """See kassa.contracts.auth.Auth."""
        if not user_id:
            raise NotFound("there is no such user")
        return Contact(f"{user_id}@mail.example", "", "de", is_verified=True)


def letters(books: Books, box: Letterbox) -> Iterator[str]:
    """I13: a buyer is written to once for each cause, about what has happened, and about nothing else."""
    known: dict[str, tuple[Order, Effect]] = {}
    for order in books.orders.values():
        known |= {effect.id: (order, effect) for effect in order.effects if effect.kind in MAILS}
    for cause, found in box.arrived.items():
        if len({letter.message_id for letter in found}) != 1:
            yield f"I13: the mails of {cause} are not one"
        if cause not in known:
            yield f"I13: nobody asked for the mail of {cause}"
    ids = Counter(found[0].message_id for found in box.arrived.values())
    yield from (f"I13: {count} mails are taken for one" for count in ids.values() if count > 1)
    for cause, (order, effect) in known.items():
        yield from _of_cause(order, effect, box.arrived.get(cause, []))


def _of_cause(order: Order, effect: Effect, found: list[Letter]) -> Iterator[str]:
    is_given_up = any(entry.input_id == effect.id and entry.what == Kind.NOT_WRITTEN for entry in order.audit)
    is_cancelled = any(
        str(each.number) == effect.args.get("shipment") and each.cancelled_at is not None
        for each in order.sending.shipments
    )
    if effect.done_at is not None and not (found or is_given_up or is_cancelled or effect.is_dropped):
        yield f"I13: {effect.id} is done, and no mail has come"
    happened = {entry.what for entry in order.audit}
    if found and not happened & _BEFORE[Todo(effect.kind)]:
        yield f"I13: order {order.id} was written about what has not happened: {effect.kind}"
    to = order.sale.email if order.sale is not None and order.sale.email else f"{order.user_id}@mail.example"
    for letter in found:
        if letter.mail.about != order.id or letter.mail.kind != f"order_{effect.kind.removeprefix('mail_')}":
            yield f"I13: {effect.id} is another mail than it says"
        if letter.mail.to != to:
            yield f"I13: {effect.id} was sent to somebody else"
