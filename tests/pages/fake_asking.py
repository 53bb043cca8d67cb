"""How the fake shop is asked: who asks what, and the lists that it answers."""

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.datastructures import State

from kassa.kit.access import reaches
from tests.pages.fake_shop import Call, FakeShop, Json, Refused, answer

Ask = Request[Any, Any, State]


def shop_of(request: Ask) -> FakeShop:
    shop: FakeShop = request.app.state["shop"]
    return shop


async def note_call(request: Ask) -> None:
    raw = await request.body()
    is_file = request.headers.get("content-type") == "application/octet-stream"
    body = msgspec.json.decode(raw) if raw and not is_file else {}
    ip = request.client.host if request.client else ""
    query = {name: str(value) for name, value in request.query_params.items()}
    shop = shop_of(request)
    shop.calls.append(Call(request.method, request.url.path, dict(request.headers), body, query, ip))
    # As the gateway: a token that is none is refused, also where none is needed.
    if request.headers.get("Authorization", "").removeprefix("Bearer ") in shop.stale:
        raise Refused(401, "unauthenticated", "the token is not valid; log in again")
    if request.url.path in shop.broken:
        raise shop.broken[request.url.path]


def body_of(request: Ask) -> Json:
    return shop_of(request).calls[-1].body


def user_of(request: Ask) -> Json:
    return shop_of(request).user_of(request.headers.get("Authorization"))


def is_let_in(request: Ask, user: Json) -> bool:
    """As the table of access has it."""
    template = str(request.scope["path_template"]).replace(":str}", "}")
    return reaches(user["role"], f"{request.method} {template}")


def admin_of(request: Ask) -> Json:
    user = user_of(request)
    if not is_let_in(request, user):
        raise Refused(403, "forbidden", "not for this role")
    return user


def listed(request: Ask, name: str, found: list[Any], **more: Any) -> Response[bytes]:
    limit, skip = int(request.query_params.get("limit", 20)), int(request.query_params.get("skip", 0))
    cursor = request.query_params.get("cursor")
    if cursor is not None and not cursor.startswith("behind"):
        raise Refused(422, "validation_failed", errors=[{"field": "cursor", "message": "is not a cursor of this list"}])
    begin = skip + int((cursor or "behind0").removeprefix("behind"))
    end = begin + limit
    following = f"behind{end}" if end < len(found) else None
    pagination = {"total": len(found), "limit": limit, "skip": skip, "nextCursor": following}
    return answer({name: found[begin:end], "pagination": pagination, **more})
