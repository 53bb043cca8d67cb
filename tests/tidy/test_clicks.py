"""A click may return before the page that it leads to is there: what comes next must wait for it."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

from tests.tidy.sources import ROOT

# What waits by itself for what it needs; and `follow`, which has waited before.
_WAITS = re.compile(r"\bexpect\(|\.wait_for|\.(?:click|fill|check|select_option)\(|\bfollow\(")


def unwaited(source: str) -> list[int]:
    """The lines of clicks that something comes after which does not wait."""
    found = []
    for block in _blocks(ast.parse(source)):
        for now, then in pairwise(block):
            said = ast.unparse(now)
            is_click = isinstance(now, ast.Expr) and said.startswith("await ") and ".click(" in said
            if is_click and not _WAITS.search(ast.unparse(then).partition("\n")[0]):
                found.append(now.lineno)
    return found


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                yield block


def test_nothing_is_asked_of_a_page_that_a_click_may_still_be_leaving() -> None:
    places = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for line in unwaited(path.read_text())
    ]
    assert places == [], "use chromium.follow, or wait for what is expected"


def test_such_a_click_is_found() -> None:
    raced = "async def f(page):\n    await page.click('text=Pay')\n    assert await page.evaluate('1')\n"
    waited = raced.replace("await page.click('text=Pay')", "await follow(page.locator('text=Pay'))")
    assert (unwaited(raced), unwaited(waited)) == ([2], [])
