"""Every endpoint × whoever may ask × own and others' × spelling, told from the table of access."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from yarl import URL

from kassa.app.web import HANDLERS
from kassa.gateway.description import endpoints_of
from kassa.gateway.middleware import CONTRACTS
from kassa.kit.access import ACCESS, ANYBODY, ROLES, SCOPES, Access, Permission
from kassa.kit.wire import endpoints
from tests.journey.running import RunningShop

STRANGER, OWNER, OTHER = "anonymous", "owner", "other buyer"
ENDED, ENDED_KEY = "ended session", "ended key"
KEYS = tuple(f"key for {scope}" for scope in SCOPES)
STAFF = tuple(role for role in ROLES if role != "user")
WHO = (STRANGER, ENDED, ENDED_KEY, OWNER, OTHER, *STAFF, *KEYS)
REFUSED = {401, 403, 404}
PUBLIC = [handler for handlers in HANDLERS.values() for handler in handlers]
ENDPOINTS = [f"{verb.upper()} {path}" for verb, path, _ in endpoints_of(PUBLIC)]
"""All that the shop answers, as its description names them."""
BESIDE = ("/health", "/ready", "/openapi.json", "/docs", "/docs/page.css")
"""What anybody is told besides, and nobody is refused."""
HIDDEN = [
    ("GET", "/metrics"),
    ("POST", "/webhook"),
    *((each.mark.verb, each.mark.path) for of in CONTRACTS for each in endpoints(of) if each.mark.callers),
]
"""What is answered on the services' own ports alone: here there is nothing, for an administrator either."""
NOBODY = Access()
OWNED = {"{order_id}", "{session_id}"}


class Row(NamedTuple):
    """One thing to be asked for. `is_owned`: it belongs to the owner."""

    verb: str
    path: str
    body: dict[str, Any] | None
    access: Access
    is_owned: bool


class Target(NamedTuple):
    """What there is to be asked for: an order of the owner with a payment, a product, and another session of theirs."""

    order_id: str
    product_id: str
    session_id: str


def rows(target: Target) -> Iterator[Row]:
    """Each endpoint; twice, if some of what anybody may ask needs a permission. What is sent stops behind the door:
    its body is never right."""
    missing = (
        "event_id",
        "user_id",
        "key_id",
        "family_id",
        "discount_id",
        "endpoint_id",
        "mail_id",
        "dispute_id",
        "notice_id",
    )
    known = (
        target._asdict()
        | {name: f"{name[:3]}_none" for name in missing}
        | {"number": "1", "name": "none", "token": "0" * 64}
    )
    for endpoint in sorted(ENDPOINTS, key=len, reverse=True):  # One session is ended before all of them are.
        access = ACCESS[endpoint]
        verb, template = endpoint.split(" ")
        # A session at Stripe is another thing under the same name.
        mine = known if template.startswith("/auth/") else known | {"session_id": "cs_none"}
        path = template.format(**mine)
        body: dict[str, Any] | None = None if verb in ("GET", "DELETE") else {}
        is_owned = access.is_own and any(name in template for name in OWNED)
        if template == "/payments/create-session":
            body, is_owned = {"orderId": target.order_id}, True
        if template.endswith("/claim"):
            body = {"guestToken": f"guest_{'0' * 64}"}
        if template.endswith("/destination"):
            body = {"destination": {"name": "Ada", "country": "HK", "region": "Kowloon", "lines": ["1 Nathan Road"]}}
        if template.endswith("/returns"):
            body = {"items": [{"productId": target.product_id, "quantity": 1}]}
        if template == "/withdrawals":
            body = {"orderId": target.order_id, "name": "Ada"}
        if template.endswith("/refund"):
            body = {"amount": 0}
        is_shared = access.is_open and not access.is_own and access.permission is not None
        yield Row(verb, path, body, access._replace(permission=None) if is_shared else access, is_owned)
        if is_shared:
            yield Row(verb, f"{path}?includeInactive=true", body, Access(permission=access.permission), False)
    for path in BESIDE:
        yield Row("GET", path, None, ANYBODY, False)
    for verb, template in HIDDEN:
        yield Row(verb, re.sub(r"\{\w+\}", target.order_id, template), None if verb == "GET" else {}, NOBODY, False)


def expected(row: Row, who: str) -> set[int] | None:
    """The statuses of a refusal; None: let in."""
    access = row.access
    if access == NOBODY:
        return {401, 404}
    # Who orders without a token is a guest, and gives an e-mail address: nobody does here.
    if access.is_open and not access.is_own:
        return None
    if who in (STRANGER, ENDED, ENDED_KEY):
        return {401}
    if access.permission is not None and may(who, access.permission):
        return None
    if row.is_owned:
        return None if who == OWNER else {403, 404}
    return None if access.is_own and who not in KEYS else {403}


def may(who: str, permission: Permission) -> bool:
    """Whether somebody of this name has the permission."""
    return who == f"key for {permission}" or permission in ROLES.get(who, ())


def spellings(path: str) -> list[str]:
    """Other ways to write the path, which must not open what it does not."""
    first, _, rest = path[1:].partition("/")
    return [
        f"{path}/",
        f"//{path[1:]}",
        f"/{first}//{rest}",
        f"/%{ord(first[0]):02x}{first[1:]}/{rest}",
        f"/{first.upper()}/{rest}",
        f"/{first}/./{rest}",
        f"/x/../{first}/{rest}",
        f"/{first}/{rest.replace('/', '%2f', 1)}",
        f"{path};a=1",
    ]


class Matrix:
    """Asks for everything as everybody."""

    def __init__(self, shop: RunningShop, tokens: dict[str, str], target: Target) -> None:
        self._shop = shop
        self._tokens = tokens
        self._rows = list(rows(target))
        self.cases = 0

    async def wrong(self) -> list[str]:
        """The cases in which the answer is not what the table says."""
        found: list[str] = []
        for row in self._rows:
            # A token that is not good is refused by the door also where none is needed.
            asking = [who for who in WHO if not (row.access.is_open and who in (ENDED, ENDED_KEY))]
            found += await asyncio.gather(*(self._case(row, who) for who in asking))
        return [each for each in found if each]

    async def opened(self, each: int = 1) -> list[str]:
        """The cases in which another spelling opens what is refused under the plain one; of `each` so many one."""
        refused = [(row, who) for row in self._rows for who in WHO if expected(row, who)]
        asked = [(row, who, path) for row, who in refused for path in spellings(row.path.partition("?")[0])]
        asked = asked[::each]
        found: list[str] = []
        for begin in range(0, len(asked), 50):
            found += await asyncio.gather(*(self._spelled(*each) for each in asked[begin : begin + 50]))
        return [wrong for wrong in found if wrong]

    async def _case(self, row: Row, who: str) -> str:
        status, wanted = await self._ask(row, who, row.path), expected(row, who)
        is_there = row.is_owned or row.path in BESIDE
        is_in = status < 500 and (status not in (REFUSED if is_there else {401, 403}))
        if is_in if wanted is None else status in wanted:
            return ""
        return f"{row.verb} {row.path} as {who}: {status} instead of {wanted or 'being let in'}"

    async def _spelled(self, row: Row, who: str, path: str) -> str:
        query = row.path.partition("?")[2]
        status = await self._ask(row, who, f"{path}?{query}" if query else path)
        return "" if 400 <= status < 406 else f"{row.verb} {path} as {who}: {status}"

    async def _ask(self, row: Row, who: str, path: str) -> int:
        self.cases += 1
        headers = {"Authorization": f"Bearer {self._tokens[who]}"} if who in self._tokens else {}
        url = URL(self._shop.base + path, encoded=True)
        async with self._shop.http.request(row.verb, url, json=row.body, headers=headers) as answer:
            await answer.read()
            return answer.status
