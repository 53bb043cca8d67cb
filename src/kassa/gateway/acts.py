"""Writes down what staff and programs do: first that it is asked for, then, before it is answered, how it ended."""

import re
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from kassa.contracts.auth import Act
from kassa.gateway.arrival import App, Message, Receive, Scope, Send, whole_body
from kassa.kit.access import STAFF
from kassa.kit.clock import Clock
from kassa.kit.identity import Principal
from kassa.kit.ids import ACT, Ids
from kassa.kit.problem import Problem, Unavailable
from kassa.kit.wire import request_id

ASKER = "kassa.asker"
"""Where in a request's scope the door says who asks."""
_IN_PATH = re.compile(r"/([a-z]{2,4}_[0-9A-Za-z_]{4,255})(?:/|$)")
_SENT = re.compile(rb'"(?:productId|orderId)"\s{0,8}:\s{0,8}"([!#-~]{1,255})"')
_MADE = re.compile(rb'"id":"([a-z]{2,4}_[0-9a-z]{26})"')
_LONGEST_PATH = 300
log = structlog.get_logger()


def _reads_mail(path: str) -> bool:
    """Whether it is one mail that is asked for: its links let in as whom it went to."""
    first, _, rest = path.lstrip("/").partition("/")
    return first == "mails" and rest.strip("/") != ""


def is_noted(principal: Principal) -> bool:
    """Whether what they do is written down."""
    return principal.role in STAFF or principal.scopes is not None


class Noted:
    """Passes requests on to `app`. Those of staff and API keys that change something or read a mail, and those that
    they are not allowed, are told to `note`. If nobody can write it down, it is not done."""

    def __init__(self, app: App, note: Callable[[Act], Awaitable[None]], ids: Ids, clock: Clock) -> None:
        self._app = app
        self._note = note
        self._ids = ids
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        principal: Principal | None = scope.get(ASKER)
        if principal is None:
            await self._app(scope, receive, send)
        elif scope["method"] in ("GET", "OPTIONS") and not _reads_mail(scope["path"]):
            await self._look(self._act(scope, principal), scope, receive, send)
        else:
            await self._change(self._act(scope, principal), scope, receive, send)

    async def _look(self, act: Act, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message.get("status") == 403:
                await self._note(msgspec.structs.replace(act, status=403))
            await send(message)

        await self._app(scope, receive, answer)

    async def _change(self, act: Act, scope: Scope, receive: Receive, send: Send) -> None:
        body, again = await whole_body(receive)
        if not act.subject and (sent := _SENT.search(body)):
            act = msgspec.structs.replace(act, subject=sent[1].decode("ascii"))
        await self._note(act)
        answered: list[Message] = []

        async def keep(message: Message) -> None:
            answered.append(message)

        try:
            await self._app(scope, again, keep)
        except Problem as problem:
            await self._ended(act, problem.status)
            raise
        made = _MADE.search(b"".join(each.get("body", b"") for each in answered))
        if not act.subject and made:
            act = msgspec.structs.replace(act, subject=made[1].decode("ascii"))
        await self._ended(act, answered[0]["status"] if answered else 500)
        for message in answered:
            await send(message)

    async def _ended(self, act: Act, status: int) -> None:
        try:
            await self._note(msgspec.structs.replace(act, status=status))
        except Unavailable:
            # It is done, and that it was asked for is written down.
            log.warning("how an act ended cannot be written down", act=act.id, status=status)

    def _act(self, scope: Scope, principal: Principal) -> Act:
        path = scope["path"][:_LONGEST_PATH]
        found = _IN_PATH.search(path)
        return Act(
            id=self._ids.new(ACT),
            at=self._clock.now(),
            who=principal.id,
            name=principal.email,
            role=principal.role,
            address=scope["client"][0] if scope["client"] else "",
            what=f"{scope['method']} {path}",
            subject=found[1] if found else "",
            status=0,
            request_id=request_id.get(),
        )
