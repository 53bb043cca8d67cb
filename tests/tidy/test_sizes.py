"""Files and functions stay small. The exceptions may only shrink: lower the number, never raise it, never add one."""

import ast

from tests.tidy.sources import PACKAGE, modules

FILE_LINES = 300
FUNCTION_LINES = 40

LONGER_FILES: dict[str, int] = {}
LONGER_FUNCTIONS: dict[str, int] = {}


def test_no_file_is_long() -> None:
    lengths = {
        str(path.relative_to(PACKAGE)): len(path.read_text().splitlines()) for path in sorted(PACKAGE.rglob("*.py"))
    }
    assert _too_long(lengths, FILE_LINES, LONGER_FILES) == {}


def test_no_function_is_long() -> None:
    lengths = {
        f"{module}.{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert _too_long(lengths, FUNCTION_LINES, LONGER_FUNCTIONS) == {}


def test_exceptions_that_are_not_needed_any_more_are_removed() -> None:
    assert _not_needed(LONGER_FILES, FILE_LINES) == []
    assert _not_needed(LONGER_FUNCTIONS, FUNCTION_LINES) == []


def _too_long(lengths: dict[str, int], limit: int, exceptions: dict[str, int]) -> dict[str, int]:
    return {name: length for name, length in lengths.items() if length > exceptions.get(name, limit)}


def _not_needed(exceptions: dict[str, int], limit: int) -> list[str]:
    return [name for name, length in exceptions.items() if length <= limit]
