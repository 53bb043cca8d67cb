"""Logs: one line an event on stderr; JSON, or readable on a terminal. Tracebacks without local variables, for those
may hold secrets."""

import logging
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog

from kassa.kit.wire import request_id, trace_parent

_QUIET = ("uvicorn.error", "uvicorn.access", "aiohttp.access", "httpx", "httpcore", "asyncio", "stripe")


def configure_logs(level: str, form: str | None) -> None:
    """Set up this process's logs. `form` None: `text` on a terminal, `json` else."""
    is_json = form == "json" or (form is None and not sys.stderr.isatty())
    shared: list[Any] = [
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
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Stderr())),
        cache_logger_on_first_use=True,
    )
    _take_in_the_library_s(shared, render, number)


class _Stderr:
    """stderr; what cannot be written to it is lost. A full disk must not fail what the line is about."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def _take_in_the_library_s(shared: list[Any], render: list[Any], level: int) -> None:
    """What libraries log with `logging` comes out in the same form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _with_request(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Every line says which request it is about: read where it is needed, so that requests pay nothing for it."""
    if name := request_id.get():
        event.setdefault("request_id", name)
    if trace := trace_parent.get():
        event.setdefault("trace_id", trace[3:35])
    return event
