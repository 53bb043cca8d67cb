"""Problems: the errors of the contracts. They travel as RFC 9457 documents and come back as the same exception."""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

COME_BACK_SECONDS = 2
"""What a 503 that knows no better says of when to try again (RFC 9110, 15.6.4)."""


class FieldError(msgspec.Struct, frozen=True):
    """One thing that is wrong with a request: the field (JSON name, dotted when nested) and what to do about it."""

    field: str
    message: str


class Problem(Exception):
    """A definite answer that says no. `code` is stable and machine-readable; `members` are what a caller needs.

    Every concrete problem is a subclass with a code of its own; by it `from_document` finds the class again.
    """

    code: ClassVar[str] = "problem"
    title: ClassVar[str] = "The request could not be carried out"
    status: ClassVar[int] = 500
    by_code: ClassVar[dict[str, type["Problem"]]] = {}

    def __init_subclass__(cls) -> None:
        Problem.by_code[cls.code] = cls

    def __init__(self, detail: str | None = None, *, errors: tuple[FieldError, ...] = (), **members: Any) -> None:
        self.detail = detail or self.title
        self.errors = errors
        self.members = members if self.status != 503 else {"retryAfter": COME_BACK_SECONDS, **members}
        super().__init__(self.detail)

    def document(self, request_id: str) -> dict[str, Any]:
        """The RFC 9457 document: type, title, status, detail, then code, requestId, errors and the members."""
        known = {
            "type": f"urn:kassa:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "requestId": request_id,
        }
        if self.errors:
            known["errors"] = [{"field": error.field, "message": error.message} for error in self.errors]
        return {**self.members, **known}

    @classmethod
    def example(cls) -> dict[str, Any]:
        """A document of this kind, for the API's description."""
        said: Problem = cls.__new__(cls)
        Problem.__init__(said)
        return said.document("req_01kg8v3y6dqz4m2n7r5t9w1x0c")

    @staticmethod
    def from_document(document: dict[str, Any], status: int) -> "Problem":
        """The exception that `document` was made of; one that this release does not know becomes Unavailable."""
        kind = Problem.by_code.get(str(document.get("code")))
        if kind is None:
            return Unavailable(f"unexpected answer with status {status}")
        members = {
            name: value
            for name, value in document.items()
            if name not in {"type", "title", "status", "detail", "code", "requestId", "errors"}
        }
        problem = kind.__new__(kind)
        try:
            errors = msgspec.convert(document.get("errors", ()), tuple[FieldError, ...])
        except msgspec.ValidationError:
            return Unavailable(f"unexpected answer with status {status}")
        Problem.__init__(problem, document.get("detail"), errors=errors, **members)
        return problem


class Malformed(Problem):
    """The body is not what its content type says."""

    code, title, status = "malformed_request", "The request could not be read", 400


class Unauthenticated(Problem):
    """No valid credentials."""

    code, title, status = "unauthenticated", "Log in first", 401


class Forbidden(Problem):
    """Valid credentials, but not for this."""

    code, title, status = "forbidden", "Not allowed", 403

    @classmethod
    def without(cls, permission: str) -> "Forbidden":
        """Who asks lacks this permission."""
        return cls(f"this needs the permission {permission}")


class SecondFactorMissing(Problem):
    """Staff of a shop that wants a second factor of them, and who have none."""

    code, title, status = "second_factor_missing", "Set up a second factor first, in your account", 403


class NotFound(Problem):
    """Nothing by that id that the caller may see."""

    code, title, status = "not_found", "Not found", 404


class TooLarge(Problem):
    """The body is over the limit."""

    code, title, status = "body_too_large", "The body is too large", 413


class Invalid(Problem):
    """The request can be read but must not be carried out; `errors` names the fields."""

    code, title, status = "validation_failed", "The request is not valid", 422

    @classmethod
    def field(cls, field: str, message: str) -> "Invalid":
        """One field is wrong."""
        return cls(f"{field}: {message}", errors=(FieldError(field, message),))

    @classmethod
    def fields(cls, errors: Sequence[FieldError]) -> "Invalid":
        """All of these are wrong."""
        return cls("; ".join(f"{error.field}: {error.message}" for error in errors), errors=tuple(errors))


class TooManyRequests(Problem):
    """Over a limit; `retryAfter` is in seconds."""

    code, title, status = "too_many_requests", "Too many requests", 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} s", retryAfter=retry_after)


class Unavailable(Problem):
    """Unknown: it may or may not have been done, or cannot be done now. Asking again is right and harmless."""

    code, title, status = "unavailable", "Not available right now; try again", 503


class MethodNotAllowed(Problem):
    """The path exists, but not for this method."""

    code, title, status = "method_not_allowed", "This path does not take this method", 405


class UnknownVerb(Problem):
    """No path takes this method; those of RFC 9110 and PATCH are known, and are in capital letters."""

    code, title, status = "method_unknown", "This method is not known here", 501
