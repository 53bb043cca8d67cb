"""What a Redis server's errors mean, in words for whoever called: they name neither hosts nor users nor contents."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from redis import exceptions as redis_errors
from redis.exceptions import NoPermissionError, NoScriptError, RedisClusterException, RedisError, ResponseError

from kassa.kit.problem import Unavailable

ERRORS = (RedisError, RedisClusterException, OSError)
RIGHTS = "give the user of REDIS_URL the rights that docs/operations.md lists"

# Whether it was done is not known, or it cannot be done now; a script is refused before it has written anything.
_BY_KIND: Mapping[type[Exception], str] = {
    redis_errors.AuthenticationError: "refuses the user or the password of REDIS_URL",
    redis_errors.AuthorizationError: "refuses the user of REDIS_URL",
    redis_errors.BusyLoadingError: "is still loading its data",
    redis_errors.ReadOnlyError: "is a replica, which takes no writes: REDIS_URL must name the primary",
    redis_errors.OutOfMemoryError: "has no memory left (maxmemory)",
    redis_errors.ExecAbortError: "did not take a transaction",
    redis_errors.TryAgainError: "is moving keys; try again",
    redis_errors.AskError: "is moving keys; try again",
    redis_errors.ClusterError: "is not whole",
    RedisClusterException: "is not whole",
    redis_errors.TimeoutError: "does not answer",
    redis_errors.ConnectionError: "does not answer",
    OSError: "does not answer",
}
_BY_WORD = {
    "BUSY": "is busy with a script",
    "MISCONF": "cannot write to its disk, and so takes no writes (MISCONF)",
    "NOREPLICAS": "has fewer replicas than it wants, and so takes no writes (min-replicas-to-write)",
    "UNBLOCKED": "has become a replica",
    "MASTERDOWN": "is a replica without its primary",
    "CLUSTERDOWN": "is not whole",
    "NOAUTH": "wants a password: REDIS_URL has none",
}
_OF_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


def meaning(error: Exception) -> Exception:
    """Unavailable for what says nothing about whether it was done, or that it cannot be done now; else as it is."""
    if isinstance(error, NoScriptError):
        return error
    words = _lacking(error) or _not_now(error)
    if words is None:
        return error
    problem = Unavailable(f"the stock's server {words}")
    problem.__cause__ = error
    return problem


def is_lacking(error: Exception) -> bool:
    """Whether it says that a right is missing."""
    return _lacking(error) is not None


def lacks(what: str) -> Unavailable:
    """The problem of a right that is missing."""
    return Unavailable(f"the stock's server does not allow {what}: {RIGHTS}")


def _lacking(error: Exception) -> str | None:
    text = str(error)
    if text == "EXEC without MULTI":  # The driver goes on after the one is refused, and tells the other.
        return f"does not allow MULTI: {RIGHTS}"
    if not isinstance(error, NoPermissionError) and not re.search("NOPERM|ACL failure in script", text):
        return None
    command = re.search(r"run the '([\w|]+)' command", text)
    return f"does not allow {command[1].upper() if command else 'these keys'}: {RIGHTS}"


def _not_now(error: Exception) -> str | None:
    if words := next((words for kind, words in _BY_KIND.items() if isinstance(error, kind)), None):
        return words
    return _BY_WORD.get(str(error).partition(" ")[0]) if isinstance(error, ResponseError) else None


def check_address(options: Mapping[str, Any]) -> None:
    """ValueError for options of an address with which nothing can ever be connected to."""
    for name in _OF_FILES:
        try:
            if options.get(name):
                Path(options[name]).read_bytes()
        except OSError as error:
            raise ValueError(f"names a file in {name} that cannot be read ({error.strerror})") from None


def not_an_address(error: Exception) -> ValueError | None:
    """What is wrong with the address, if that is why the connection was refused."""
    option = re.search(r"unexpected keyword argument '(\w+)'", str(error)) if isinstance(error, TypeError) else None
    if option and option[1].startswith("ssl_"):
        return ValueError("has options for TLS, but begins with redis://; with TLS it begins with rediss://")
    if option:
        return ValueError("has an option behind its question mark that is not known")
    if isinstance(error, ResponseError) and re.match("(DB index|invalid DB|SELECT is not allowed)", str(error)):
        return ValueError("names a database, by the number at its end, that the server does not have")
    return None
