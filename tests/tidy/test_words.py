"""What the repository's text must say, and must not."""

import inspect
import re
from importlib import import_module

import pytest

from tests.tidy.sources import modules, texts

CONTRACTS = ["auth", "product", "inventory", "order", "payment"]

# Put together here, so that this file does not hold them itself.
FORBIDDEN = re.compile(
    "|".join(
        (
            r"(?<![\w.}])/" + r"work/",  # paths of one machine
            r"(?<![\w.}])/" + r"home/\w+/",
            r"\bTO" + r"DO\b",
            r"\bFIX" + r"ME\b",
            r"\bX" + r"XX\b",
            r"mark\.sk" + r"ip",
            r"pytest\.sk" + r"ip\b",
            r"\bx" + r"fail\b",
        )
    )
)


def test_no_text_holds_a_forbidden_word() -> None:
    found = [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_contract_says_what_it_promises(name: str) -> None:
    module = import_module(f"kassa.contracts.{name}")
    classes = [each for _, each in inspect.getmembers(module, inspect.isclass) if each.__module__ == module.__name__]
    assert classes, "a contract has classes"
    # `__doc__` of a class may be inherited; the class's own dictionary tells whether it was written.
    silent = [each.__name__ for each in classes if not each.__dict__.get("__doc__")]
    for each in classes:
        if not each.__dict__.get("_is_protocol", False):
            continue
        methods = inspect.getmembers(each, inspect.isfunction)
        silent += [
            f"{each.__name__}.{method}" for method, made in methods if method[0] != "_" and not inspect.getdoc(made)
        ]
    assert silent == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        module for module, tree in modules().items() if tree.body and not isinstance(_first_value(tree.body[0]), str)
    ]
    assert silent == []


def _first_value(node: object) -> object:
    return getattr(getattr(node, "value", None), "value", None)
