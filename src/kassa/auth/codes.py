"""The codes of a second factor: made, and taken once each. Pure."""

import base64
import hashlib
import hmac
import re
from typing import Literal, NamedTuple

import msgspec
from pyotp import TOTP

from kassa.auth.domain import SecondFactor
from kassa.auth.throttle import Counted, Limit
from kassa.kit.clock import DAY, SECOND, Millis
from kassa.kit.problem import TooManyRequests

STEP: Millis = 30 * SECOND
# RFC 6238, 5.2: one step for clocks that differ, and for whoever types slowly.
_STEPS_AROUND = (-1, 0, 1)
SECRET_BYTES = 20
"""RFC 4226, 4 (R6): 160 bits are recommended."""
RECOVERY_CODES = 10
RECOVERY_BYTES = 15
"""120 bits, which are 24 characters. ASVS 5.0, 6.5.2: from 112 bits on a plain hash may be kept."""
LONGEST_CODE = 100
LONGEST_LABEL = 64
"""Characters of an address that an authenticator is told: each may be twelve in a URI, and 2,331 are what a QR code
holds at level M (ISO/IEC 18004, table 7)."""
WRONG = Limit(free=5, forgotten_every=DAY, longest=DAY)
"""Wrong codes of one account (ASVS 5.0, 6.6.3). Three of a million codes are right at a time: whoever knows the
password has some 20 tries in the first two days and one on each day after that, which makes 1 in 1,000 in a year. Right
codes forget none, so that it is no use to wait for the owner's log-ins."""

_ONE_TIME = re.compile(r"[0-9]{6}")
_RECOVERY = re.compile(r"[a-z2-7]{24}")
_NOT_TYPED = re.compile(r"[\s-]+")


class Tried(NamedTuple):
    """What became of a factor for which somebody has tried a code."""

    factor: SecondFactor
    outcome: Literal["one-time", "recovery", "wrong"]


def new_secret(chance: bytes) -> str:
    """The secret of an authenticator, as people type it, of 20 random bytes or more."""
    return base64.b32encode(chance[:SECRET_BYTES]).decode()


def recovery_code(chance: bytes) -> str:
    """A recovery code of 15 random bytes or more: `k3vq5a-…`, in lower case, without 0, 1, 8 and 9."""
    letters = base64.b32encode(chance[:RECOVERY_BYTES]).decode().lower()
    return "-".join(letters[place : place + 6] for place in range(0, len(letters), 6))


def recovery_hash(code: str) -> str:
    """What of a recovery code is kept. 120 random bits need no salt and no slow hash."""
    return hashlib.sha256(typed(code).encode()).hexdigest()


def typed(code: str) -> str:
    """The code without what makes it easy to read."""
    return _NOT_TYPED.sub("", code[:LONGEST_CODE]).lower()


def uri(factor: SecondFactor, email: str, issuer: str) -> str:
    """What an authenticator reads from the QR code: `otpauth://totp/…` (Google Authenticator: Key URI Format). No colon
    may be in the issuer, which ends at one. Of a long address it says the beginning."""
    return TOTP(factor.secret).provisioning_uri(name=email[:LONGEST_LABEL], issuer_name=issuer.replace(":", " "))


def tried(factor: SecondFactor, code: str, now: Millis) -> Tried:
    """The factor after somebody has tried this code. TooManyRequests, before it is looked at, if that is too early
    after wrong ones; for a recovery code it never is: nobody guesses one, nor keeps the owner from using it."""
    plain = typed(code)
    if not _ONE_TIME.fullmatch(plain):
        return _recovered(factor, plain)
    if factor.next_at > now:
        raise TooManyRequests(-(-(factor.next_at - now) // SECOND))
    step = _step_of(factor, plain, now)
    if step is not None:
        return Tried(msgspec.structs.replace(factor, last_step=step), "one-time")
    failed = Counted(factor.forgotten_at, 0, factor.next_at).another(WRONG, now)
    waiting = msgspec.structs.replace(factor, forgotten_at=failed.forgotten_at, next_at=failed.next_at)
    return Tried(waiting, "wrong")


def _step_of(factor: SecondFactor, code: str, now: Millis) -> int | None:
    """The step whose code this is, of those that are good now and after the last one that was taken (RFC 6238, 5.2: a
    code is good once)."""
    makes = TOTP(factor.secret)
    steps = [step for each in _STEPS_AROUND if (step := now // STEP + each) > factor.last_step]
    right = [step for step in steps if hmac.compare_digest(makes.generate_otp(step), code)]
    return right[0] if right else None


def _recovered(factor: SecondFactor, code: str) -> Tried:
    used = recovery_hash(code) if _RECOVERY.fullmatch(code) else ""
    left = tuple(each for each in factor.recovery if not hmac.compare_digest(each, used))
    if len(left) == len(factor.recovery):
        return Tried(factor, "wrong")
    return Tried(msgspec.structs.replace(factor, recovery=left), "recovery")
