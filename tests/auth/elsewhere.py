"""The order service and the mails, as far as auth asks them: at their contracts."""

from kassa.contracts.mail import Mail
from kassa.contracts.order import OrderRecords
from kassa.contracts.stock_notices import NoticeRecord
from kassa.kit.problem import Problem, Unavailable


class Buyers:
    """The order service."""

    def __init__(self) -> None:
        self.with_orders: set[str] = set()
        self.erased: list[str] = []
        self.claimed: list[tuple[str, str]] = []
        self.is_down = False

    async def records_of(self, user_id: str, after: str) -> OrderRecords:
        return OrderRecords([], "")

    async def erase_of(self, user_id: str) -> None:
        self._refuse_if_down()
        self.erased.append(user_id)

    async def buyers_among(self, user_ids: list[str]) -> list[str]:
        return [each for each in user_ids if each in self.with_orders]

    async def claim_of(self, email: str, user_id: str) -> None:
        self._refuse_if_down()
        self.claimed.append((email, user_id))

    def _refuse_if_down(self) -> None:
        if self.is_down:
            raise Unavailable("the order service is down")


class Waiting:
    """What addresses wait for: of each the ids of products."""

    def __init__(self) -> None:
        self.of: dict[str, list[str]] = {}
        self.is_down = False

    async def records_of(self, email: str) -> list[NoticeRecord]:
        at = "2026-01-01T12:00:00Z"
        return [NoticeRecord(f"stn_{number}", each, True, at) for number, each in enumerate(self.of.get(email, ()))]

    async def erase_of(self, email: str) -> None:
        if self.is_down:
            raise Unavailable("the order service is down")
        self.of.pop(email, None)


class Mailbox:
    """All mails that were sent. `trouble` is raised in place of sending."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.forgotten: list[str] = []
        self.trouble: Problem | None = None

    async def send(self, mail: Mail) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.mails.append(mail)

    async def forget(self, about: str) -> None:
        self.forgotten.append(about)
        self.mails = [each for each in self.mails if each.about != about]

    def of(self, kind: str, to: str | None = None) -> list[Mail]:
        """The mails of a kind, to an address if one is named."""
        return [each for each in self.mails if each.kind == kind and to in (None, each.to)]

    def token(self, kind: str) -> str:
        """The token in the last mail of a kind."""
        link: str = self.of(kind)[-1].says["link"]
        return link.rpartition("/")[2]
