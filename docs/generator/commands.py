"""docs/commands.md: what each command does, from the very objects that show its `--help`."""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import typer

from generator.markdown import code, codes, page, table, unwrapped
from kassa.cli.main import app
from kassa.cli.trouble import WRONG_SETTING

INTRODUCTION = """\
All commands act on the shop that the [settings](settings.md) name, also while it runs; only a second server on the
same data is refused. `kassa COMMAND --help` shows the same as this page."""

STATUSES = [
    ("0", "done, and all is well"),
    ("1", "it could not be done, or what was checked is not well: one line, or a list, says what and what to do"),
    (str(WRONG_SETTING), "a setting is wrong, or the command line is: one line names it"),
    (
        "130",
        "stopped by Ctrl-C; a server, so or by SIGTERM, finishes what is in flight and ends with 0",
    ),
]
_KINDS = {int: "number", Path: "path"}


def made() -> str:
    """The page."""
    root = typer.main.get_command(app)
    parts = [_section(name, command) for name, command in _commands("kassa", root)]
    statuses = "## Exit status\n\n" + table(("Status", "Means"), STATUSES)
    return page("Commands", INTRODUCTION, statuses, *parts)


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """The command and all below it; of a group that only holds others, those."""
    below: dict[str, Any] = getattr(command, "commands", {})
    if not below:
        yield name, command
    for word, each in below.items():
        yield from _commands(f"{name} {word}", each)


def _section(name: str, command: Any) -> str:
    arguments = [each for each in command.params if _is_argument(each)]
    options = [each for each in command.params if not _is_argument(each) and each.name != "help"]
    words = [name, *(_argument(each) for each in arguments), *(["[OPTIONS]"] if options else [])]
    parts = [
        f"## {name}",
        f"```\n{' '.join(words)}\n```",
        unwrapped(command.help),
        table(("Argument", "Meaning"), [(code(_argument(each)), _meaning(each)) for each in arguments]),
        table(("Option", "Default", "Meaning"), [(_option(each), _default(each), _meaning(each)) for each in options]),
    ]
    return "\n\n".join(part for part in parts if part)


def _is_argument(parameter: Any) -> bool:
    return not str(parameter.opts[0]).startswith("-")


def _argument(parameter: Any) -> str:
    return str(parameter.name).upper()


def _option(parameter: Any) -> str:
    kind = "" if parameter.is_flag else f" {_kind(parameter)}".upper()
    return codes(f"{name}{kind}" for name in parameter.opts)


def _kind(parameter: Any) -> str:
    return _KINDS.get(_annotation(parameter), "text")


def _annotation(parameter: Any) -> Any:
    return parameter.type_descriptor.annotation


def _default(parameter: Any) -> str:
    return "" if parameter.default is None or parameter.is_flag else code(parameter.default)


def _meaning(parameter: Any) -> str:
    text = unwrapped(parameter.help)
    annotation = _annotation(parameter)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        text += f" One of {codes(each.value for each in annotation)}."
    limits = [limit for limit in (parameter.min, parameter.max) if limit is not None]
    return f"{text} From {limits[0]} to {limits[1]}." if len(limits) == 2 else text
