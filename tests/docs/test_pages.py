"""What the documentation names exists: files, headings, tests, commands, targets, settings, events."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from kassa.app.settings import SETTINGS
from kassa.cli.main import app
from kassa.payment.event_handlers import HANDLED
from tests.docs.pages import PAGES, ROOT, anchors, block, code, links

OPERATIONS = ROOT / "docs" / "operations.md"
# In capitals, but no settings: read by one command, or its argument.
OTHERS = {"MONGO_ADMIN_PASSWORD", "KASSA_ADMIN_PASSWORD", "EVENT_ID", "KEY_ID"}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [link for link in links(page) if not link.startswith("http") and not leads_somewhere(page, link)] == []


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether the file is there, and the heading in it."""
    name, _, anchor = link.partition("#")
    target = (page.parent / name) if name else page
    return target.exists() and (not anchor or anchor in anchors(target))


@each_page
def test_every_test_that_is_named_is_in_the_file_that_is_named(page: Path) -> None:
    named = re.findall(r"\[`(test_\w+)`\]\((\S+?)\)", page.read_text())
    missing = [name for name, file in named if f"def {name}(" not in (page.parent / file).read_text()]
    assert missing == []


def test_each_decision_has_a_number_of_its_own() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [int(page.name[:4]) for page in decisions] == list(range(1, len(decisions) + 1))
    assert [page.read_text().partition(".")[0] for page in decisions] == [
        f"# {int(page.name[:4])}" for page in decisions
    ]


def test_the_proofs_are_named() -> None:
    named = re.findall(r"\[`test_\w+`\]", (ROOT / "docs" / "correctness.md").read_text())
    assert len(named) > 40


@each_page
def test_every_target_that_is_named_is_in_the_makefile(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for text in code(page) for word in re.findall(r"(?:^|[^\w-])make ([\w-]+)", text)}
    assert named - targets == set()


@each_page
def test_every_command_that_is_named_exists_with_its_options(page: Path) -> None:
    named = [text[found.start() :] for text in code(page) for found in re.finditer(r"(?<![\w./-])kassa [a-z]", text)]
    assert [text for text in named if not is_command(text)] == []


def is_command(text: str) -> bool:
    """Whether `kassa …` is a command, and its long options are that command's."""
    words = shlex.split(re.split(r"&&|\||;", text)[0], comments=True)[1:]
    command: Any = typer.main.get_command(app)
    while getattr(command, "commands", None):
        if not words or words[0] not in command.commands:
            return False
        command = command.commands[words.pop(0)]
    options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    return all(word.partition("=")[0] in options for word in words if word.startswith("--"))


@each_page
def test_every_setting_that_is_named_exists(page: Path) -> None:
    known = {setting.name for setting in SETTINGS} | OTHERS
    named = {word for text in code(page) for word in re.findall(r"^([A-Z]+(?:_[A-Z]+)+)(?:=\S*)?$", text.strip())}
    assert named - known == set()


def test_a_command_that_does_not_exist_would_be_found() -> None:
    assert is_command("kassa admin create you@example.com")
    assert is_command("kassa reconcile --fix")
    assert not is_command("kassa admin destroy")
    assert not is_command("kassa audit --fix")
    assert not is_command("kassa sell")


def test_the_events_to_enable_at_stripe_are_those_that_are_acted_on() -> None:
    listed = block(OPERATIONS, "text", "checkout.session.completed").split()
    assert listed == list(HANDLED)


def test_every_setting_and_command_is_in_the_tables() -> None:
    settings, commands = (ROOT / "docs" / name for name in ("settings.md", "commands.md"))
    assert [each.name for each in SETTINGS if f"| `{each.name}` |" not in settings.read_text()] == []
    readme = (ROOT / "README.md").read_text()
    headings = re.findall(r"^## (kassa .+)$", commands.read_text(), re.MULTILINE)
    assert len(headings) > 10
    assert [heading for heading in headings if f"`{heading}`" not in readme] == []
