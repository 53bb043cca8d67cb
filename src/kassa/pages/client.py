"""The pages' way to the shop: its own public HTTP API, called in process.

Calling the API instead of the services keeps the pages honest: they can do nothing that a buyer's own
program could not do, and they work the same whether the services are here or elsewhere.
"""

import asyncio
import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from kassa.kit import security
from kassa.pages.account_models import Session
from kassa.pages.asking import Answer, Query, ask

T = TypeVar("T")
Params = Mapping[str, str | int | list[str] | None]

_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_QUESTIONS = ("/quotes",)
_unfinished: set[asyncio.Task[Answer]] = set()


class ApiProblem(Exception):
    """The API said no (RFC 9457), or could not be asked: then `status` is 502, 503 or 504."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        errors: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
        retry_after: str | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = dict(errors or {})
        self.members = dict(members or {})
        self.retry_after = retry_after


@dataclass(frozen=True)
class Caller:
    """The person on whose behalf a page calls: rate limits and logs are about them, not about the pages."""

    ip: str
    request_id: str
    forwarded_for: str | None = None
    program: str = ""


@dataclass
class Tokens:
    access: str | None = None
    refresh: str | None = None
    expires_in: int = 0
    device: str | None = None
    has_changed: bool = field(default=False, compare=False)

    def accept(self, session: Session) -> None:
        self.access, self.refresh = session.token, session.refresh_token
        self.expires_in, self.has_changed = session.expires_in, True
        self.device = session.device_token or self.device

    def forget(self) -> None:
        self.access, self.refresh, self.expires_in, self.has_changed = None, None, 0, True


class ShopClient:
    """One buyer's or operator's view of the API, for the time of one page."""

    def __init__(self, app: Any, caller: Caller, tokens: Tokens | None = None, deadline: float = 20.0) -> None:
        self.tokens = tokens or Tokens()
        self._deadline = deadline
        self._refreshing = asyncio.Lock()
        self._app, self._ip = app, caller.ip
        self._headers = {
            b"x-request-id": caller.request_id.encode(),
            b"accept": b"application/json",
            b"user-agent": caller.program.encode("latin-1"),  # as it came
        }
        if caller.forwarded_for:
            self._headers[b"x-forwarded-for"] = caller.forwarded_for.encode("latin-1")  # as it came

    def with_token(self, token: str) -> "ShopClient":
        """The same caller, who shows this token and no other."""
        other = copy.copy(self)
        other.tokens, other._refreshing = Tokens(token), asyncio.Lock()
        return other

    async def get(self, path: str, kind: type[T], params: Params | None = None) -> T:
        return _read(await self._call("GET", path, params=_present(params)), kind)

    async def content(self, path: str) -> bytes:
        """A file, as it is answered."""
        answer = await self._call("GET", path)
        if not answer.is_success:
            raise _problem(answer)
        return answer.content

    async def send(
        self,
        method: str,
        path: str,
        kind: type[T],
        body: object = None,
        key: str | None = None,
        params: Params | None = None,
    ) -> T:
        """Change something; bytes are sent as they are. `key` is the Idempotency-Key, made where the person decided: in
        the form."""
        if key and not (key.isascii() and key.isprintable()):
            raise ApiProblem(400, "malformed_request", "The form is none of this shop.")
        is_file = isinstance(body, bytes)
        content = body if isinstance(body, bytes) else None if body is None else msgspec.json.encode(body)
        answer = await self._call(method, path, params=_present(params), key=key, content=content, is_file=is_file)
        return _read(answer, kind)

    async def start_session(self, path: str, body: object) -> Session:
        """Register or log in, and remember the tokens."""
        session = _read(await self._exchange("POST", path, content=msgspec.json.encode(body)), Session)
        self.tokens.accept(session)
        return session

    async def log_in(self, email: str, password: str) -> Session:
        """Log in, and say that this browser has done so before, if it has."""
        body = {"email": email, "password": password}
        return await self.start_session(
            "/auth/login", {**body, "deviceToken": self.tokens.device} if self.tokens.device else body
        )

    async def log_out(self) -> None:
        """Not through `_call`: that might first trade the very token that is to end for a new one."""
        refresh = self.tokens.refresh
        self.tokens.forget()
        if refresh is not None:
            content = msgspec.json.encode({"refreshToken": refresh})
            _read(await self._exchange("POST", "/auth/logout", content=content), Any)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: Query | None = None,
        key: str | None = None,
        content: bytes | None = None,
        is_file: bool = False,
    ) -> Answer:
        if self.tokens.access is None and self.tokens.refresh is not None:
            await self._refresh(None)
        used = self.tokens.access
        answer = await self._exchange(method, path, params, content, self._with_token(key, is_file=is_file))
        if _is_stale(answer) and self.tokens.refresh is not None:
            is_question = method == "GET" or path in _QUESTIONS
            # Who has been logged out meanwhile is shown what anybody may see; but nothing is done in nobody's name.
            if await self._refresh(used) or is_question:
                answer = await self._exchange(method, path, params, content, self._with_token(key, is_file=is_file))
        return answer

    def _with_token(self, key: str | None, *, is_file: bool) -> dict[bytes, bytes]:
        signed = {b"idempotency-key": key.encode()} if key else {}
        if is_file:
            signed[b"content-type"] = b"application/octet-stream"
        if self.tokens.access:
            signed[b"authorization"] = f"Bearer {self.tokens.access}".encode()
        return signed

    async def _refresh(self, used: str | None) -> bool:
        """Trade the refresh token for new ones, unless a call beside this one has just done so."""
        async with self._refreshing:
            if self.tokens.access != used:
                return self.tokens.access is not None
            if self.tokens.refresh is None:
                return False
            try:
                await self.start_session("/auth/refresh", {"refreshToken": self.tokens.refresh})
            except ApiProblem as problem:
                if problem.status >= 500 or problem.status == 429:
                    raise
                self.tokens.forget()
                return False
            return True

    async def _exchange(
        self,
        method: str,
        path: str,
        params: Query | None = None,
        content: bytes | None = None,
        headers: Mapping[bytes, bytes] = MappingProxyType({}),
    ) -> Answer:
        """Ask once. In a task of its own, so that what the API binds to its context stays there."""
        asking = ask(self._app, self._ip, method, path, {**self._headers, **headers}, params or {}, content)
        task = asyncio.create_task(asking)
        _unfinished.add(task)
        task.add_done_callback(_finished)
        done, _ = await asyncio.wait({task}, timeout=self._deadline)
        if not done:
            # Only a question may be dropped: an order that is being made is left to finish.
            if method == "GET":
                task.cancel()
            raise ApiProblem(504, "timeout", "The shop took too long to answer.")
        answer = task.result()
        if answer.status in (403, 429):
            security.is_told.set(True)  # The page that says so is no second event.
        return answer


def _finished(task: asyncio.Task[Answer]) -> None:
    _unfinished.discard(task)
    if not task.cancelled():
        task.exception()


def path_of(*parts: str) -> str:
    """An API path from parts that come from a browser; what cannot be an id is not found, unasked."""
    for part in parts:
        if not _PLAIN_ID.fullmatch(part):
            raise ApiProblem(404, "not_found", "There is nothing at this address.")
    return "/" + "/".join(quote(part, safe="") for part in parts)


def _present(params: Params | None) -> Query:
    return {name: value for name, value in (params or {}).items() if value is not None and value not in ("", [])}


def _read(answer: Answer, kind: type[T]) -> T:
    if answer.is_success:
        try:
            return msgspec.json.decode(answer.content or b"null", type=kind)
        except msgspec.MsgspecError as broken:
            raise ApiProblem(502, "unreadable_answer", "The shop's answer could not be read.") from broken
    raise _problem(answer)


def _is_stale(answer: Answer) -> bool:
    """Whether the token was refused; a wrong password or code is a 401 too, but a new token does not mend it."""
    return answer.status == 401 and _problem(answer).code not in ("wrong_credentials", "wrong_code")


def _problem(answer: Answer) -> ApiProblem:
    try:
        members = msgspec.json.decode(answer.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        members = {}
    return ApiProblem(
        status=answer.status,
        code=str(members.get("code") or "unexpected"),
        detail=str(members.get("detail") or members.get("title") or ""),
        errors=_by_field(members.get("errors")),
        members=members,
        retry_after=answer.headers.get("retry-after"),
    )


def _by_field(errors: object) -> dict[str, str]:
    if not isinstance(errors, Sequence):
        return {}
    named = (error for error in errors if isinstance(error, dict))
    return {str(error.get("field", "")): str(error.get("message", "")) for error in named}
