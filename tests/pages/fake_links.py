"""The fake shop's links that are mailed: `FakeShop.links` is the mailbox."""

from typing import Any

from litestar import Response, get, post

from tests.pages.fake_asking import Ask, body_of, shop_of, user_of
from tests.pages.fake_shop import Json, Refused, answer


@post("/auth/password/forgotten", status_code=202)
async def forgotten(request: Ask) -> Response[bytes]:
    shop, email = shop_of(request), body_of(request)["email"]
    if not shop.has_mail:
        raise Refused(409, "mail_off", "This shop sends no mails; ask its operator")
    if "@" not in email:
        error = {"field": "email", "message": "must be an email address such as ada@example.com"}
        raise Refused(422, "validation_failed", "x", errors=[error])
    if email in shop.users:
        shop.mail_link("reset", email)
    return answer({"message": "sent, perhaps"}, 202)


@post("/auth/password/reset", status_code=204)
async def reset(request: Ask) -> None:
    shop, body = shop_of(request), body_of(request)
    user = _user_of_link(request, "reset")
    if len(body["new"]) < 8:
        raise Refused(
            422, "validation_failed", "x", errors=[{"field": "new", "message": "must have at least 8 characters"}]
        )
    del shop.links[body["token"]]
    user["password"] = body["new"]
    shop.refreshable.clear()


@post("/auth/email/verify", status_code=204)
async def verify(request: Ask) -> None:
    _user_of_link(request, "verify")["isVerified"] = True
    del shop_of(request).links[body_of(request)["token"]]


@get("/auth/email/verification")
async def verification(request: Ask) -> Response[bytes]:
    user = user_of(request)
    shown = {"email": user["email"], "emailVerified": user.get("isVerified", False)}
    return answer({**shown, "canSend": shop_of(request).has_mail})


@post("/auth/email/verification", status_code=202)
async def verification_again(request: Ask) -> Response[bytes]:
    user = user_of(request)
    if user.get("isVerified"):
        raise Refused(409, "already_verified", "Your email address is verified already")
    shop_of(request).mail_link("verify", user["email"])
    return answer({"email": user["email"], "emailVerified": False, "canSend": True}, 202)


def _user_of_link(request: Ask, purpose: str) -> Json:
    shop = shop_of(request)
    known, email = shop.links.get(body_of(request)["token"], ("", ""))
    if known != purpose:
        raise Refused(400, "invalid_link", "This link is wrong, was used, or is too old")
    return shop.users[email]


LINK_ROUTES: tuple[Any, ...] = (forgotten, reset, verify, verification, verification_again)
