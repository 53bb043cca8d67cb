"""Stock notices over the wire."""

from typing import Annotated

import msgspec

from kassa.kit.clock import Timestamp, rfc3339
from kassa.kit.email import LONGEST_EMAIL
from kassa.kit.lists import Id, documented
from kassa.stock_notices.domain import StockNotice

LONGEST_LOCALE = 200


class NewStockNotice(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What to wait for, and where to write to: that of the account, if none is given."""

    product_id: Id
    email: Annotated[str, documented("Who is told", format="email", maxLength=LONGEST_EMAIL)] | None = None
    locale: Annotated[str, documented("As in `Accept-Language`", maxLength=LONGEST_LOCALE)] = ""


class Confirming(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which of what the address waits for."""

    id: Id


class Asked(msgspec.Struct, frozen=True, rename="camel"):
    """The same for every address, whether it waits already or not. `needsConfirmation`: a mail asks for it, unless the
    address had too many; false for the verified address of who is logged in."""

    message: str
    needs_confirmation: bool


class StockNoticeOut(msgspec.Struct, frozen=True, rename="camel"):
    """What an address waits for. Of a product that is not on sale any more the name is empty."""

    id: str
    product_id: str
    product_name: str
    is_confirmed: bool
    asked_at: Timestamp


class StockNoticesAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """All of it."""

    notices: list[StockNoticeOut]


class WaitingAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """How many addresses wait for a product, those that did not confirm left out."""

    product_id: str
    waiting: int


def shown(notice: StockNotice, name: str) -> StockNoticeOut:
    """As whoever has the address's token is shown it."""
    is_confirmed = notice.confirmed_at is not None
    return StockNoticeOut(notice.id, notice.product_id, name, is_confirmed, rfc3339(notice.asked_at))
