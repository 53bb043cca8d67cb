"""Logs: one line an event on stderr; JSON, or readable on a terminal. Tracebacks without local variables, for those
may hold secrets.

Nobody else sets up the log: a library that does so would write in its own form, and as much as it likes.
"""

import logging
import os
import sys
import threading
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog

from kassa.app.masking import keep_secret, masked
from kassa.app.secrets import secret_texts
from kassa.app.settings import Settings
from kassa.kit.wire import request_id, trace_parent

_OF_LIBRARIES = logging.WARNING
"""What is below is for who works on them: drivers write whole commands there, and clients whole bodies."""
_QUIET = ("uvicorn.access", "aiohttp.access")
# Whatever else makes a library write by itself (the Stripe SDK: its log goes to stderr, bodies included).
_TALKATIVE = ("STRIPE_LOG",)

log = structlog.get_logger()


def configure_command_logs(settings: Settings) -> None:
    """Set up the logs of a command, which says itself what it does. So what it changes about accounts and keys is told
    only where logs are collected: with LOG_FORMAT=json, and no terminal."""
    is_collected = settings.log_format == "json" and not sys.stderr.isatty()
    level = "warning" if settings.log_level == "info" else settings.log_level
    configure_logs(level, settings.log_format, secret_texts(settings), leaves_out="" if is_collected else "security")


def configure_logs(level: str, form: str | None, secrets: Iterable[str] = (), *, leaves_out: str = "") -> None:
    """Set up this process's logs. `form` None: `text` on a terminal, `json` else. `secrets` are in no line of them.
    `leaves_out` is a category of lines that are not told."""
    keep_secret(secrets)
    for name in _TALKATIVE:
        os.environ.pop(name, None)
    is_json = form == "json" or (form is None and not sys.stderr.isatty())
    shared: list[Any] = [
        *[_without(leaves_out)] * bool(leaves_out),
        _with_request,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: list[Any]
    if is_json:
        render = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        plain = structlog.dev.plain_traceback
        render = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    render.append(_mask)
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Stderr())),
        cache_logger_on_first_use=True,
    )
    _take_in_the_library_s(shared, render, number)
    _take_in_what_nobody_caught()


class _Stderr:
    """stderr; what cannot be written to it is lost. A full disk must not fail what the line is about."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def _take_in_the_library_s(shared: list[Any], render: list[Any], level: int) -> None:
    """What libraries log with `logging`, and warn of, comes out in the same form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    handler.setLevel(max(level, _OF_LIBRARIES))  # Also for those that have set a level of their own.
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, _OF_LIBRARIES))
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.captureWarnings(True)


def _take_in_what_nobody_caught() -> None:
    """What ends the process, a thread, or is lost in a destructor: in the same form, too."""

    def told(error: BaseException | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            sys.exit(130)
        log.critical("nobody has caught this", exc_info=error)

    sys.excepthook = lambda _kind, error, _trace: told(error)
    threading.excepthook = lambda lost: told(lost.exc_value)
    sys.unraisablehook = lambda lost: told(lost.exc_value)


def _without(category: str) -> Any:
    def leave_out(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if event.get("category") == category:
            raise structlog.DropEvent
        return event

    return leave_out


def _with_request(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Every line says which request it is about: read where it is needed, so that requests pay nothing for it."""
    if name := request_id.get():
        event.setdefault("request_id", name)
    if trace := trace_parent.get():
        event.setdefault("trace_id", trace[3:35])
    return event


def _mask(_logger: Any, _method: str, line: str) -> str:
    return masked(line)
