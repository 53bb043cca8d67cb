"""The part of the audit that is about mails: that buyers are written to once for each cause, and about nothing else."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

from kassa.app.difference import Difference
from kassa.contracts.auth import Contact
from kassa.kit.clock import MINUTE, Millis
from kassa.kit.effects import Effect
from kassa.kit.ids import ORDER, is_id
from kassa.kit.inputs import number_of
from kassa.kit.problem import NotFound, Unavailable
from kassa.mail.message import digest_of
from kassa.mail.postmen import KEPT, MOST_KEPT, Files, Kept
from kassa.order.domain import TRANSITIONS, Kind, Order, Reason, Stage, Todo
from kassa.order.machine import MAILS, is_guest

_WRITTEN = "I13: a mail for each cause"
_ALWAYS = (Todo.MAIL_RECEIVED, Todo.MAIL_CONFIRMED, Todo.MAIL_REFUNDED, Todo.MAIL_SHIPPED)
"""What is wanted whenever its row is passed; of others that depends."""
_AT_REST: Millis = MINUTE
"""What is so old is not under way any more."""
ContactOf = Callable[[str], Awaitable[Contact]]
"""How an account is written to; NotFound for one that is erased."""


class Written:
    """The mails that lie in files, if they do. `contact_of` is asked about whom there is no mail for."""

    def __init__(
        self, kept: Sequence[tuple[Kept, str]], since: Millis | None, contact_of: ContactOf, now: Millis
    ) -> None:
        self._by_digest: dict[str, list[tuple[Kept, str]]] = defaultdict(list)
        for each, message_id in kept:
            self._by_digest[each.id].append((each, message_id))
        self._oldest = now - KEPT + _AT_REST
        if len(kept) >= MOST_KEPT:
            self._oldest = max(self._oldest, min(each.at for each, _ in kept) + 1)
        self._since = since
        self._contact_of = contact_of
        self._asked: set[str] = set()
        self._unknown: set[str] = set()
        self._newest: Millis = 0

    @classmethod
    async def now(cls, files: Files | None, contact_of: ContactOf, now: Millis) -> "Written":
        """What lies there now."""
        kept, since = ([], None) if files is None else await files.all()
        return cls(kept, since, contact_of, now)

    async def differences(self, orders: Sequence[Order]) -> AsyncIterator[Difference]:
        """Where some orders and what was written about them do not go together."""
        for order in orders:
            self._newest = max(self._newest, order.updated_at)
            mails = [effect for effect in order.effects if effect.kind in MAILS]
            if _has_all(order):
                for text in _as_demanded(order, mails):
                    yield Difference(_WRITTEN, order.id, text)
            else:
                self._unknown.add(order.id)
            for effect in mails:
                if text := await self._of_effect(order, effect):
                    yield Difference(_WRITTEN, order.id, f"{effect.id} {text}")

    def unasked(self) -> Iterator[Difference]:
        """Mails that lie there about orders that have not asked for them; when all orders were looked at."""
        for digest, found in self._by_digest.items():
            kept, _ = found[0]
            is_known = digest in self._asked or kept.about in self._unknown or not is_id(ORDER, kept.about)
            if not is_known and kept.at < self._newest - _AT_REST:
                yield Difference(
                    _WRITTEN, kept.about, f"mail {digest} was written about it, and nothing asked for that"
                )

    async def _of_effect(self, order: Order, effect: Effect) -> str:
        """What is wrong with the mail of an effect, in words."""
        at, digest = int(effect.args.get("since", effect.at)), digest_of(effect.id)
        found = self._by_digest.get(digest, [])
        self._asked.add(digest)
        if len(found) > 1:
            return "was written twice"
        if found:
            kept, message_id = found[0]
            is_other = kept.about != order.id or kept.kind != f"order_{effect.kind.removeprefix('mail_')}"
            is_other = is_other or message_id != digest
            return f"was written as another mail, about {kept.about}" if is_other else ""
        is_to_lie = self._since is not None and effect.done_at is not None and effect.done_at >= self._since
        if not is_to_lie or at < self._oldest or effect.is_dropped or await self._needs_none(order, effect):
            return ""
        return "is done, and its mail is not among those that lie in files"

    async def _needs_none(self, order: Order, effect: Effect) -> bool:
        if any(entry.input_id == effect.id and entry.what == Kind.NOT_WRITTEN for entry in order.audit):
            return True
        number = effect.args.get("shipment", "")
        if any(str(each.number) == number and each.cancelled_at is not None for each in order.sending.shipments):
            return True
        if is_guest(order.user_id):
            return order.sale is None or not order.sale.email
        try:
            await self._contact_of(order.user_id)
        except NotFound:
            return True
        except Unavailable:  # It cannot be told.
            return True
        return False


def _has_all(order: Order) -> bool:
    """Whether the order still has all effects that it ever had: of those that are done the oldest are let go."""
    return not order.effects or number_of(order.effects[0].id) == 0


def _as_demanded(order: Order, mails: Sequence[Effect]) -> Iterator[str]:
    """Where what has happened demands other mails than are planned."""
    least, most = _demanded(order)
    planned = Counter(effect.kind for effect in mails)
    for todo in MAILS:
        if not least[todo] <= planned[todo] <= most[todo]:
            demanded = least[todo] if planned[todo] < least[todo] else most[todo]
            yield f"of {todo} what happened demands {demanded}, and {planned[todo]} were wanted"


def _demanded(order: Order) -> tuple[Counter[Todo], Counter[Todo]]:
    """How often each mail is demanded at least, and at most: by the rows that were passed."""
    least: Counter[Todo] = Counter()
    most: Counter[Todo] = Counter()
    kinds, stages = set(Kind), set(Stage)
    for entry in order.audit:
        if entry.what not in kinds or entry.from_state not in {"", *stages}:
            continue  # Of another version.
        move = TRANSITIONS.get((Stage(entry.from_state) if entry.from_state else None, Kind(entry.what)))
        for todo in move.effects if move is not None else ():
            is_wanted = todo in MAILS and (todo is not Todo.MAIL_REFUNDED or entry.why == "succeeded")
            most[todo] += is_wanted
            is_due = todo is Todo.MAIL_WITHDRAWN or (todo in _ALWAYS and order.locale != "")
            least[todo] += is_wanted and is_due
    is_told = order.reason not in (Reason.EXPIRED, Reason.DECLINED)
    is_cancelled = order.stage in (Stage.CANCELLED, Stage.REVOKED)
    least[Todo.MAIL_CANCELLED] = int(order.locale != "" and is_cancelled and is_told and most[Todo.MAIL_CANCELLED] > 0)
    return least, most
