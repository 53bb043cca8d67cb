"""Security events: who did what, from where, and how it ended. Each is a line of the log, and counted.

Their names are those of OWASP's vocabulary, where it has one (Cheat Sheet Series: Logging Vocabulary). The log does not
grow with what somebody does: of one event by one household so many are told one by one in a minute, and of the others,
at its end, how many there were.
"""

import time
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Literal, NamedTuple

import msgspec
import structlog

from kassa.kit.household import household

MINUTE_SECONDS = 60.0
MOST_HOUSEHOLDS = 100
"""So many are told apart, of each event in a minute; all others are one."""
ALWAYS = 1_000_000
_OTHERS = "others"

source: ContextVar[str] = ContextVar("source", default="")
"""The network address that the request comes from."""
asker: ContextVar[str] = ContextVar("asker", default="")
"""The id of the account whose request it is, once that is proved."""
is_told: ContextVar[bool] = ContextVar("is_told", default=False)
"""Whether there is an event about the request already, here or at the door that it came by before."""

log = structlog.get_logger()


class Kind(NamedTuple):
    """One kind of event. `at_once` are told one by one in a minute, of one household. `means` and `watch` are for the
    handbook: what has happened, and what an operator should be woken for."""

    name: str
    outcome: Literal["success", "failure"]
    level: Literal["info", "warning", "error"]
    at_once: int
    means: str
    watch: str = ""


LOGIN = Kind("authn_login_success", "success", "info", ALWAYS, "somebody has logged in")
LOGIN_FAILED = Kind(
    "authn_login_fail",
    "failure",
    "warning",
    20,
    "a wrong password, or an address that nobody has: then `who` is a keyed hash of it, the same for the same address",
    "ten times as many as on other days; many accounts from one household, or one account from many",
)
LOGIN_THROTTLED = Kind(
    "authn_login_fail_max",
    "failure",
    "warning",
    1,
    "tried too soon after failures: 429, no password or code was looked at",
    "it lasts for hours",
)
PASSWORD_CHANGED = Kind("authn_password_change", "success", "info", ALWAYS, "a password was changed, `by` whom")
PASSWORD_CHANGE_FAILED = Kind(
    "authn_password_change_fail",
    "failure",
    "error",
    5,
    "somebody who is logged in does not know the password",
    "any that repeats: a session may be stolen",
)
RESET_ASKED = Kind(
    "authn_password_reset_asked",
    "success",
    "info",
    20,
    "somebody has forgotten a password, or says so; of an address that nobody has `who` is a keyed hash",
    "ten times as many as on other days",
)
LINK_REFUSED = Kind(
    "authn_link_fail",
    "failure",
    "warning",
    5,
    "a link of a mail was tried that is wrong, was used, or is too old",
    "many from one household",
)
EMAIL_VERIFIED = Kind(
    "user_email_verified", "success", "info", ALWAYS, "it is known of an account that its address is its user's"
)
CONFIRMATION_FAILED = Kind(
    "sensitive_confirm_fail",
    "failure",
    "error",
    5,
    "somebody who is logged in, and wants an account's data or its end, does not know the password",
    "any that repeats: a session may be stolen",
)
SECOND_FACTOR_ON = Kind("authn_second_factor_on", "success", "info", ALWAYS, "a second factor was turned on")
SECOND_FACTOR_OFF = Kind(
    "authn_second_factor_off",
    "success",
    "warning",
    ALWAYS,
    "a second factor was turned off, `by` whom: by its owner, with a code, or by somebody who helps them",
    "any, unexpected",
)
SECOND_FACTOR_FAILED = Kind(
    "authn_second_factor_fail",
    "failure",
    "error",
    5,
    "the password is right, and the code is wrong",
    "any that repeats: somebody else may know the password",
)
RECOVERY_CODE_USED = Kind(
    "authn_recovery_code_used",
    "success",
    "warning",
    ALWAYS,
    "a recovery code was taken, and `left` are left",
    "any, unexpected",
)
RECOVERY_CODES_MADE = Kind("authn_recovery_codes_made", "success", "info", ALWAYS, "new recovery codes were made")
DATA_EXPORTED = Kind("sensitive_export", "success", "info", ALWAYS, "an account's data were handed out")
ACCOUNT_ERASED = Kind("user_deleted", "success", "warning", ALWAYS, "an account was erased, `by` whom")
TOKEN_REUSED = Kind(
    "authn_token_reuse",
    "failure",
    "error",
    5,
    "a refresh token was used that had been used before: somebody has a copy, and the session was ended",
    "several in an hour, or any of an administrator",
)
SESSION_ENDED = Kind("session_expired", "success", "info", ALWAYS, "a session was ended before its time, and why")
FORBIDDEN = Kind(
    "authz_fail",
    "failure",
    "error",
    5,
    "403: not allowed to whoever asked, or from where",
    "one account or household with many",
)
LIMITED = Kind(
    "excess_rate_limit_exceeded",
    "failure",
    "warning",
    1,
    "429: more than a limit allows",
    "it lasts, or comes from many households",
)
HOARDING = Kind(
    "excess_open_orders",
    "failure",
    "warning",
    1,
    "409: as many orders wait to be paid as a buyer or an address may have, `per` which",
    "it lasts: somebody keeps goods from others, or `TRUSTED_PROXIES` lacks a proxy",
)
ACCOUNT_MADE = Kind(
    "user_created", "success", "info", 20, "an account was made, with which `role`", "`role` is not `user`, unexpected"
)
RIGHTS_CHANGED = Kind(
    "authz_change",
    "success",
    "warning",
    ALWAYS,
    "what an account may do was changed: `what`, `by` whom",
    "any, unexpected",
)
WEBHOOK_REFUSED = Kind(
    "authn_webhook_fail",
    "failure",
    "error",
    1,
    "a webhook that is not signed by Stripe, or too old",
    "any that repeats: is the secret right, and the clock?",
)
SERVICE_REFUSED = Kind(
    "authn_service_fail",
    "failure",
    "error",
    1,
    "a call between services without a valid signature: `who` is the one that it claims to be",
    "any: it is a setting, or an intruder",
)
API_KEY_MADE = Kind(
    "authn_token_created",
    "success",
    "warning",
    ALWAYS,
    "an API key was made, with which `scopes`, `by` whom",
    "any, unexpected",
)
API_KEY_ENDED = Kind("authn_token_revoked", "success", "warning", ALWAYS, "an API key was ended, `by` whom")
KEYS_ROTATED = Kind("crypt_keys_rotated", "success", "warning", ALWAYS, "a new signing key", "any, unexpected")

KINDS = tuple(each for each in list(globals().values()) if isinstance(each, Kind))


class _Minute(msgspec.Struct):
    """What one household has done, from its first event on."""

    ends_at: float
    told: int = 0
    untold: int = 0


class Events:
    """Counts the events of a process, and tells them, within bounds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.counts: Counter[str] = Counter()
        self._now = now
        self._minutes: dict[Kind, dict[str, _Minute]] = {kind: {} for kind in KINDS}

    def note(self, kind: Kind, place: str, **said: str) -> None:
        """One event, by whoever is behind the network address `place`."""
        self.counts[kind.name] += 1
        minutes, behind = self._minutes[kind], household(place)
        name = behind if behind in minutes or len(minutes) < MOST_HOUSEHOLDS else _OTHERS
        now = self._now()
        minute = minutes.get(name)
        if minute is not None and now >= minute.ends_at:
            self._end(kind, name)
            minute = None
        if minute is None:
            minute = minutes[name] = _Minute(now + MINUTE_SECONDS)
        if minute.told >= kind.at_once:
            minute.untold += 1
            return
        minute.told += 1
        _tell(kind, behind, said)

    def tell(self, *, is_last: bool = False) -> None:
        """Tell how many there were in the minutes that are over; `is_last`: in those that are not over, too."""
        now = self._now()
        for kind, minutes in self._minutes.items():
            for name in [name for name, minute in minutes.items() if is_last or now >= minute.ends_at]:
                self._end(kind, name)

    def _end(self, kind: Kind, name: str) -> None:
        untold = self._minutes[kind].pop(name).untold
        if untold:
            _tell(kind, name, {"times": untold})


EVENTS = Events()
"""Of this process."""


def event(kind: Kind, who: str = "", **said: str) -> None:
    """Note an event about the request that is being answered. `who`: the account's id, if it is not the one that asks;
    of what else is said nothing may be a secret, nor an address."""
    is_told.set(True)
    EVENTS.note(kind, source.get(), who=who or asker.get(), **said)


def _tell(kind: Kind, behind: str, said: Any) -> None:
    known = {name: value for name, value in {**said, "from": behind}.items() if value}
    getattr(log, kind.level)(kind.name, category="security", outcome=kind.outcome, **known)
