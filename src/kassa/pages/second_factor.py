"""A second factor: the second step of a log-in, and setting it up and off in one's account. Without scripts."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import segno
from litestar import Response, get, post
from markupsafe import Markup

from kassa.pages.account_models import RecoveryCodes, SecondFactor, SecondFactorMade, Session, SetUp
from kassa.pages.client import ApiProblem
from kassa.pages.language import _, later
from kassa.pages.told import refusal
from kassa.pages.visit import Visit, Visiting, safe_next

# A QR code holds 2,331 of them at level M.
_LONGEST_URI = 2000
_WRONG_RECOVERY = later("This recovery code is wrong, or has been used already. Check it, or use another one.")


def second_step(visit: Visit, challenge: str, target: str, status: int = 200, **wrong: Any) -> Response[str]:
    """The page that asks for a code, after the right password."""
    shown = {"errors": {}, "trouble": "", **wrong}
    return visit.page("second_step.html", status, challenge=challenge, next=target, **shown)


@post("/account/login/code", include_in_schema=False)
async def log_in_with_code(visit: Visiting) -> Response[str]:
    challenge, target = visit.field("challenge"), safe_next(visit.field("next") or "/")
    try:
        body = {"challenge": challenge, "code": visit.field("code")}
        await visit.api.start_session("/auth/login/second-factor", body)
    except ApiProblem as problem:
        if problem.status >= 500:
            raise
        if problem.code == "wrong_code":
            wrong = (
                {"recovery": _(_WRONG_RECOVERY)} if visit.field("kind") == "recovery" else {"code": refusal(problem)}
            )
            return second_step(visit, challenge, target, problem.status, errors=wrong)
        if problem.status == 429:
            words = " ".join((refusal(problem), _("You can use a recovery code right away.")))
            return second_step(visit, challenge, target, problem.status, trouble=words)
        words = _("That took too long. Please log in again.")
        return visit.page("login.html", problem.status, values={}, errors={}, trouble=words, next=target)
    return visit.redirect(target, "logged-in")


@get("/account/second-factor", include_in_schema=False)
async def second_factor_page(visit: Visiting) -> Response[str]:
    visit.require_login()
    return await _page(visit)


@post("/account/second-factor", include_in_schema=False)
async def begin(visit: Visiting) -> Response[str]:
    visit.require_login()
    try:
        begun = await visit.api.send("POST", "/auth/second-factor", SetUp, {"password": visit.form.get("password", "")})
    except ApiProblem as problem:
        return await _refused(visit, problem, {"wrong_credentials": "password"})
    return _set_up(visit, begun.uri)


@post("/account/second-factor/confirm", include_in_schema=False)
async def confirm(visit: Visiting) -> Response[str]:
    visit.require_login()
    uri = visit.field("uri")
    try:
        body = {"code": visit.field("code")}
        made = await visit.api.send("POST", "/auth/second-factor/confirm", SecondFactorMade, body)
    except ApiProblem as problem:
        is_drawn = uri.startswith("otpauth://totp/") and uri.isascii() and len(uri) <= _LONGEST_URI
        if problem.code == "wrong_code" and is_drawn:
            return _set_up(visit, uri, problem.status, {"code": refusal(problem)})
        return await _refused(visit, problem, {})
    visit.api.tokens.accept(made.session)
    return visit.page("recovery_codes.html", codes=made.recovery_codes, is_new=True)


@post("/account/second-factor/recovery-codes", include_in_schema=False)
async def renew(visit: Visiting) -> Response[str]:
    visit.require_login()
    try:
        path = "/auth/second-factor/recovery-codes"
        made = await visit.api.send("POST", path, RecoveryCodes, _password_and_code(visit))
    except ApiProblem as problem:
        return await _refused(visit, problem, {"wrong_credentials": "renew_password", "wrong_code": "renew_code"})
    return visit.page("recovery_codes.html", codes=made.recovery_codes, is_new=False)


@post("/account/second-factor/remove", include_in_schema=False)
async def remove(visit: Visiting) -> Response[str]:
    visit.require_login()
    try:
        session = await visit.api.send("POST", "/auth/second-factor/remove", Session, _password_and_code(visit))
    except ApiProblem as problem:
        return await _refused(visit, problem, {"wrong_credentials": "remove_password", "wrong_code": "remove_code"})
    visit.api.tokens.accept(session)
    return visit.redirect("/account/second-factor", "second-factor-off")


SECOND_FACTOR: tuple[Any, ...] = (log_in_with_code, second_factor_page, begin, confirm, renew, remove)


def _password_and_code(visit: Visit) -> dict[str, str]:
    return {"password": visit.form.get("password", ""), "code": visit.field("code")}


def _set_up(visit: Visit, uri: str, status: int = 200, errors: dict[str, str] | None = None) -> Response[str]:
    secret = parse_qs(urlsplit(uri).query).get("secret", [""])[0]
    parts = [secret[place : place + 4] for place in range(0, len(secret), 4)]
    # Black on white in the dark, too: not every camera reads it the other way round.
    qr = Markup(segno.make(uri, error="m").svg_inline(dark="#000", light="#fff", omitsize=True))  # noqa: S704
    return visit.page("set_up.html", status, uri=uri, secret=" ".join(parts), qr=qr, errors=errors or {})


async def _refused(visit: Visit, problem: ApiProblem, fields: dict[str, str]) -> Response[str]:
    """The page with what was wrong; `fields` names the one beside which each refusal stands."""
    if problem.status >= 500 or (problem.status == 401 and problem.code not in ("wrong_credentials", "wrong_code")):
        raise problem
    words = {"wrong_credentials": _("This is not your password."), "wrong_code": refusal(problem)}
    if problem.code in fields:
        return await _page(visit, problem.status, {fields[problem.code]: words[problem.code]})
    return await _page(visit, problem.status, {}, refusal(problem))


async def _page(
    visit: Visit, status: int = 200, errors: dict[str, str] | None = None, trouble: str = ""
) -> Response[str]:
    factor = await visit.api.get("/auth/second-factor", SecondFactor)
    return visit.page("second_factor.html", status, factor=factor, errors=errors or {}, trouble=trouble)
