"""Stripe's own list of endpoints and their parameters, as the installed SDK has it.

`python -m tests.sandbox.stripe_api` writes what the sandbox keeps of it: all endpoints, and the parameters of its own.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import stripe

from kassa.sandbox.config import SandboxConfig
from kassa.sandbox.known import EACH, FILE, FREE
from kassa.sandbox.routes import reads, writes

SDK = Path(stripe.__file__).parent
Tree = dict[str, Any]
_ID = re.compile(r"\{\w+\}")


def endpoints() -> dict[str, str]:
    """`POST /v1/refunds`, `GET /v1/refunds/*` and so on, each with the module and class of its parameters, if any."""
    found: dict[str, str] = {}
    for path in SDK.rglob("_*_service.py"):
        module = ast.parse(path.read_text())
        places = {name.name: node.module or "" for node in _nodes(module, ast.ImportFrom) for name in node.names}
        for method in _nodes(module, ast.FunctionDef):
            for call in _nodes(method, ast.Call):
                if isinstance(call.func, ast.Attribute) and call.func.attr == "_request":
                    name = _params_class(method)
                    found[_endpoint(call)] = f"{places[name]}:{name}" if name in places else ""
    return found


def _nodes(tree: ast.AST, kind: type[Any]) -> Iterator[Any]:
    return (node for node in ast.walk(tree) if isinstance(node, kind))


def _endpoint(call: ast.Call) -> str:
    verb, path = (next(_nodes(each, ast.Constant)).value for each in call.args[:2])
    return f"{verb.upper()} {_ID.sub('*', path)}"


def _params_class(method: ast.FunctionDef) -> str:
    annotations = [each.annotation for each in method.args.args if each.arg == "params"]
    return next((node.value for each in annotations if each for node in _nodes(each, ast.Constant)), "")


@cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    path = SDK.joinpath(*module.split(".")[1:]).with_suffix(".py")
    return {node.name: node for node in _nodes(ast.parse(path.read_text()), ast.ClassDef)}


def parameters(place: str) -> Tree:
    """The parameters of a class as a tree: None for a value, `EACH` for those of a list, `FREE` for keys of the
    caller's own."""
    module, _, name = place.partition(":")
    if not name:
        return {}
    found: Tree = {}
    for field, annotation in _fields(module, name):
        found[field] = _tree(module, annotation)
    return found


def _fields(module: str, name: str) -> Iterator[tuple[str, str]]:
    node = _classes(module)[name]
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in _classes(module):
            yield from _fields(module, base.id)
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            yield line.target.id, ast.unparse(line.annotation)
    for call in _nodes(node, ast.Call):  # TypedDict("Name", {"from": …}), for fields that are words of Python
        yield from _functional(call)


def _functional(call: ast.Call) -> Iterator[tuple[str, str]]:
    for mapping in call.args[1:]:
        if isinstance(mapping, ast.Dict):
            for key, value in zip(mapping.keys, mapping.values, strict=True):
                if isinstance(key, ast.Constant):
                    yield str(key.value), ast.unparse(value)


def _tree(module: str, annotation: str) -> Any:
    if re.search(r"Dict\[str, ?str\]", annotation):
        return FREE
    inner = [word for word in re.findall(r"\w+", annotation) if word in _classes(module)]
    tree = parameters(f"{module}:{inner[0]}") if inner else None
    return {EACH: tree} if "List[" in annotation else tree


def choices(place: str, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], frozenset[str]]]:
    """Each parameter of a class that has a choice, as the names that lead to it, and its values."""
    module, _, name = place.partition(":")
    for field, annotation in _fields(module, name) if name else ():
        path = (*above, field, "0") if "List[" in annotation else (*above, field)
        literals = re.findall(r"Literal\[(.*?)\]", annotation, flags=re.DOTALL)
        values = {each for literal in literals for each in re.findall(r"'([^']+)'", literal)}
        if re.search(r"\bbool\b", annotation):
            values |= {"true", "false"}
        if values:
            yield path, frozenset(values)
        for inner in [word for word in re.findall(r"\w+", annotation) if word in _classes(module)][:1]:
            yield from choices(f"{module}:{inner}", path)


def kept() -> Tree:
    """What the sandbox keeps: each endpoint of Stripe, with its parameters if the sandbox has it."""
    own = {f"GET {path}" for path in reads()} | {
        f"{verb} {path}" for verb, path in writes(str, SandboxConfig(Path("unused.db")))
    }
    return {each: parameters(place) if each in own else None for each, place in sorted(endpoints().items())}


def as_text(known: Tree) -> str:
    """One line an endpoint, so that a new version of the SDK shows what it changed."""
    lines = (f"{json.dumps(each)}: {json.dumps(tree, sort_keys=True)}" for each, tree in known.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(as_text(kept()))
