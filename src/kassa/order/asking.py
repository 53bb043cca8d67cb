"""What a buyer asks for, as it was sent, in the order service's own terms; and who asks."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request

from kassa.contracts.inventory import Line
from kassa.contracts.mail import language
from kassa.kit.email import normalised_email
from kassa.kit.identity import Principal, TokenVerifier
from kassa.kit.problem import Invalid, Unauthenticated
from kassa.kit.text import LINES, normalised_lines
from kassa.kit.web import header, principal_of, read_body
from kassa.order.discounts import LONGEST_CODE
from kassa.order.lines_wire import NewLine
from kassa.order.parts_wire import read_address
from kassa.order.quote_wire import NewQuote
from kassa.order.quoting import Asked, buyer_of
from kassa.order.wire import LONGEST_LOCALE, LONGEST_NOTE, NewOrder

_LINES = re.compile(LINES)
_NOBODY = "send an Authorization header with a Bearer token from /auth/login, or order as a guest, with an email"


async def buyer_and_order(request: Request[Any, Any, Any]) -> tuple[Principal | None, NewOrder]:
    """Who orders, None for a guest who has no token yet, and what. Unauthenticated for whoever is neither."""
    if header(request, b"authorization") is not None:
        principal = await principal_of(request)
        new = await read_body(request, NewOrder)
        if principal.is_guest and new.email is None:
            raise Invalid.field("email", "is missing: a guest gives one")
        return principal, new
    if b'"email"' not in await request.body():
        raise Unauthenticated(_NOBODY)
    new = await read_body(request, NewOrder)
    if new.email is None:
        raise Unauthenticated(_NOBODY)
    return None, new


def lines_of(items: Sequence[NewLine]) -> list[Line]:
    """The goods that are asked for."""
    return [Line(line.product_id, line.quantity) for line in items]


def asked_of(new: NewOrder, principal: Principal | None) -> Asked:
    """What is asked for besides goods; Invalid where that cannot be. Where more is asked for, a user's e-mail address
    is that of the account, if no other is given."""
    if len(new.locale or "") > LONGEST_LOCALE:
        raise Invalid.field("locale", f"must have at most {LONGEST_LOCALE} characters")
    asked = Asked(
        destination=read_address(new.destination, "destination"),
        billing=read_address(new.billing, "billing"),
        method_id=new.shipping_method,
        code=_code(new.discount_code),
        email=normalised_email(new.email) if new.email is not None else "",
        note=_note(new.note),
        locale=language(new.locale) if new.locale else "",
        expected_minor=new.expected_total_minor,
    )
    account = principal.email if principal is not None else ""
    if account and not asked.email and not asked.is_plain:
        asked = msgspec.structs.replace(asked, email=account)
    known = asked.email or account
    return msgspec.structs.replace(asked, buyer=buyer_of(known)) if known else asked


async def quoted_of(request: Request[Any, Any, Any], new: NewQuote) -> Asked:
    """What is asked for besides goods; Invalid where that cannot be. Whose uses of discounts count is who asks, as far
    as that is known: what an e-mail address has used would tell whose it is."""
    email = normalised_email(new.email) if new.email is not None else ""
    own = await _own_email(request)
    return Asked(
        destination=read_address(new.destination, "destination"),
        method_id=new.shipping_method,
        code=_code(new.discount_code),
        email=email,
        buyer=buyer_of(own) if own and email in ("", own) else "",
    )


async def _own_email(request: Request[Any, Any, Any]) -> str:
    """That of the account whose token is sent; empty for anybody else, who may ask as well."""
    token = header(request, b"authorization")
    if token is None:
        return ""
    verifier: TokenVerifier = request.app.state["verifier"]
    try:
        principal = await verifier.principal(token)
    except Unauthenticated:
        return ""
    return principal.email if principal.scopes is None else ""


def _note(text: str) -> str:
    note = normalised_lines(text, LONGEST_NOTE)
    if len(note) > LONGEST_NOTE:
        raise Invalid.field("note", f"must have at most {LONGEST_NOTE} characters")
    if not _LINES.fullmatch(note):
        raise Invalid.field("note", "must be text: leave out the control characters, such as NUL")
    return note


def _code(code: str | None) -> str | None:
    if code is not None and len(code) > 4 * LONGEST_CODE:
        raise Invalid.field("discountCode", f"must have at most {LONGEST_CODE} characters")
    return code
