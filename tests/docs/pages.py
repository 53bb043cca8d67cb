"""The documentation's pages, as its tests read them."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))

_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks in this language."""
    return [text for found, text in _BLOCK.findall(page.read_text()) if found == language]


def block(page: Path, language: str, holding: str) -> str:
    """The one block that holds this text."""
    found = [text for text in blocks(page, language) if holding in text]
    assert len(found) == 1, f"{page.name} should have one {language} block with {holding!r}"
    return found[0]


def code(page: Path) -> Iterator[str]:
    """All code of a page: the lines of its blocks, and its spans."""
    text = page.read_text()
    for _, inside in _BLOCK.findall(text):
        yield from inside.splitlines()
    yield from _SPAN.findall(_BLOCK.sub("", text))


def links(page: Path) -> list[str]:
    """Where the page's links lead."""
    return _LINK.findall(_BLOCK.sub("", page.read_text()))


def anchors(page: Path) -> set[str]:
    """What a link can point at in the page: its headings, as their viewers name them."""
    headings = _HEADING.findall(_BLOCK.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
