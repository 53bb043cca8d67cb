"""Links that were mailed: to set a new password, and to show that an address is one's own.

Opening one changes nothing, for programs that look through mails open them as well: what it leads to has a button. Its
token goes from the address into a cookie at once, so that it stands in no history and is told to nobody.
"""

import re
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.pages.client import ApiProblem
from kassa.pages.language import _, later
from kassa.pages.told import refusal, wrong_fields
from kassa.pages.visit import Visit, Visiting

RESET, VERIFY = "kassa_reset", "kassa_verify"
_TOKEN = re.compile(r"[\w.-]{1,128}", re.ASCII)
_HOUR = 3600
_NO_LINK = later("This link has expired, has been used, or is incomplete. Only the latest one we sent works.")


@get("/account/forgotten", include_in_schema=False)
async def forgotten_page(visit: Visiting) -> Response[str]:
    return _forgotten(visit)


@post("/account/forgotten", include_in_schema=False)
async def send_link(visit: Visiting) -> Response[str]:
    """The same page whether the address has an account or not."""
    try:
        await visit.api.send("POST", "/auth/password/forgotten", Any, {"email": visit.field("email")})
    except ApiProblem as problem:
        if problem.status >= 500:
            raise
        errors = wrong_fields(problem)
        return _forgotten(visit, problem.status, errors=errors, trouble="" if errors else refusal(problem))
    return _forgotten(visit, is_sent=True)


def _forgotten(visit: Visit, status: int = 200, **shown: Any) -> Response[str]:
    visit.is_private = True
    values = {"email": visit.field("email")}
    return visit.page(
        "forgotten.html", status, values=values, **{"errors": {}, "trouble": "", "is_sent": False, **shown}
    )


@get("/account/reset/{token:str}", include_in_schema=False)
async def open_reset(visit: Visiting, token: FromPath[str]) -> Response[str]:
    return _opened(visit, RESET, token, "/account/reset")


@get("/account/reset", include_in_schema=False)
async def reset_page(visit: Visiting) -> Response[str]:
    return _reset(visit) if visit.cookie(RESET) else _no_link(visit, "/account/forgotten")


@post("/account/reset", include_in_schema=False)
async def set_password(visit: Visiting) -> Response[str]:
    body = {"token": visit.cookie(RESET), "new": visit.form.get("new", "")}
    try:
        await visit.api.send("POST", "/auth/password/reset", Any, body)
    except ApiProblem as problem:
        if problem.status >= 500:
            raise
        if problem.code == "invalid_link":
            return _no_link(visit, "/account/forgotten", problem.status)
        errors = wrong_fields(problem)
        return _reset(visit, problem.status, errors=errors, trouble="" if errors else refusal(problem))
    visit.forget(RESET)
    visit.api.tokens.forget()
    return visit.redirect("/account/login", "password-set")


def _reset(visit: Visit, status: int = 200, **shown: Any) -> Response[str]:
    visit.is_private = True
    return visit.page("reset.html", status, **{"errors": {}, "trouble": "", **shown})


@get("/account/verify/{token:str}", include_in_schema=False)
async def open_verification(visit: Visiting, token: FromPath[str]) -> Response[str]:
    return _opened(visit, VERIFY, token, "/account/verify")


@get("/account/verify", include_in_schema=False)
async def verify_page(visit: Visiting) -> Response[str]:
    """For whoever is logged in: of a link alone nothing is verified."""
    visit.is_private = True
    if not visit.is_logged_in and visit.cookie(VERIFY):
        return visit.redirect("/account/login?next=/account/verify")
    return visit.page("verify.html") if visit.cookie(VERIFY) else _no_link(visit, "/account")


@post("/account/verify", include_in_schema=False)
async def verify(visit: Visiting) -> Response[str]:
    visit.require_login()
    try:
        await visit.api.send("POST", "/auth/email/verify", Any, {"token": visit.cookie(VERIFY)})
    except ApiProblem as problem:
        if problem.code not in ("invalid_link", "mail_off"):
            raise
        return _no_link(visit, "/account", problem.status)
    visit.forget(VERIFY)
    return visit.redirect("/account", "verified")


@post("/account/verify/again", include_in_schema=False)
async def verify_again(visit: Visiting) -> Response[str]:
    visit.require_login()
    try:
        await visit.api.send("POST", "/auth/email/verification", Any)
    except ApiProblem as problem:
        if problem.code != "already_verified":
            raise
        return visit.redirect("/account", "verified")
    return visit.redirect("/account", "verification-sent")


def _opened(visit: Visit, name: str, token: str, address: str) -> Response[str]:
    """From the link to its page; a link that cannot be one leaves an earlier one alone."""
    visit.is_private = True
    if _TOKEN.fullmatch(token):
        visit.keep(name, token, _HOUR)
    answer = visit.redirect(address)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _no_link(visit: Visit, again: str, status: int = 404) -> Response[str]:
    visit.is_private = True
    return visit.page("no_link.html", status, detail=_(_NO_LINK), again=again)


MAILED_LINKS: tuple[Any, ...] = (
    forgotten_page,
    send_link,
    open_reset,
    reset_page,
    set_password,
    open_verification,
    verify_page,
    verify,
    verify_again,
)
