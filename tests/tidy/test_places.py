"""What has one place: where ids are spelled."""

import ast
import re
from collections.abc import Iterator
from typing import TypeGuard

import pytest

from tests.tidy.sources import is_under, modules

INPUTS = "kassa.kit.inputs"
MINE = ("kassa.auth", "kassa.product", "kassa.inventory", "kassa.order", "kassa.payment", "kassa.app", "kassa.kit")
NO_IDS = {
    "f'{family_id}.{self._ids.secret()}'": "a refresh token: a secret, and where it is looked for",
    "f'{line.product_id}:{line.quantity}'": "pieces, as an effect carries them",
    "f'{self.tag}:stock:{product_id}'": "where Redis keeps a level",
    "f'{self.tag}:res:{reservation_id}'": "where Redis keeps a reservation",
}
"""What is spelled of an id and is none."""

_NAMES_ID = re.compile(r"(^|[._])(id|key)(_of)?$")
_OF_ID = re.compile(r"(^|[._])(id|key)\b")


def spelled(tree: ast.Module) -> Iterator[ast.expr]:
    """Where an id is put together of parts: of another id, or to be one."""
    to_be_ids = {id(each) for node in ast.walk(tree) for each in _to_be_ids(node)}
    for node in ast.walk(tree):
        if _is_put_together(node) and (id(node) in to_be_ids or any(_OF_ID.search(each) for each in _parts(node))):
            yield node


def _to_be_ids(node: ast.AST) -> Iterator[ast.expr | None]:
    match node:
        case ast.FunctionDef(name=name) if _NAMES_ID.search(name):
            yield from (each.value for each in ast.walk(node) if isinstance(each, ast.Return))
        case ast.keyword(arg=str(name), value=value) if _NAMES_ID.search(name):
            yield value
        case ast.Assign(targets=[target], value=value) if _NAMES_ID.search(ast.unparse(target)):
            yield value
        case ast.Call(func=ast.Name("Cause"), args=[first, *_]):
            yield first
        case _:
            return


def _is_put_together(node: ast.AST) -> TypeGuard[ast.expr]:
    """An f-string, a sum or a `join` that no person is to read, and no web server."""
    match node:
        case ast.JoinedStr(values=values):
            texts = [str(each.value) for each in values if isinstance(each, ast.Constant)]
        case (
            ast.BinOp(op=ast.Add(), left=ast.Constant(str(text)))
            | ast.BinOp(op=ast.Add(), right=ast.Constant(str(text)))
        ):
            texts = [text]
        case ast.Call(func=ast.Attribute(ast.Constant(str(text)), "join" | "format")):
            texts = [text]
        case _:
            return False
    return bool(texts) and not re.search(r"[\s/]", "".join(texts))


def _parts(node: ast.AST) -> list[str]:
    match node:
        case ast.JoinedStr(values=values):
            return [ast.unparse(each.value) for each in values if isinstance(each, ast.FormattedValue)]
        case ast.BinOp(left=left, right=right):
            return [ast.unparse(left), ast.unparse(right)]
        case ast.Call(args=[ast.Tuple(elts=parts) | ast.List(elts=parts)]):
            return [ast.unparse(each) for each in parts]
        case _:
            return []


def test_ids_are_spelled_in_one_module() -> None:
    """It rests on them that nothing takes effect twice, and some are stored: who changes one must see it."""
    found = {
        ast.unparse(node): f"{name}:{node.lineno}"
        for name, tree in modules().items()
        if name != INPUTS and any(is_under(name, each) for each in MINE)
        for node in spelled(tree)
    }
    assert {text: where for text, where in found.items() if text not in NO_IDS} == {}
    assert NO_IDS.keys() - found.keys() == set()


@pytest.mark.parametrize(
    "code",
    [
        'f"{order_id}.1"',
        'f"{self.id}.{number}"',
        'f"pay_{order_id.partition(chr(95))[2]}"',
        'f"{payment.id}-session-{version + 1}"',
        'order.id + ".restock"',
        '":".join((kind, product_id))',
        'Cause(f"set:{at}", "who")',
        'Refund(key=f"again-{number}")',
        'input_id = f"timer:{now}"',
        'def set_id(at):\n    return f"set:{at}"',
    ],
)
def test_an_id_is_found_however_it_is_spelled(code: str) -> None:
    assert len(list(spelled(ast.parse(code)))) == 1


@pytest.mark.parametrize("code", ['f"order {order_id} is closed"', 'f"/orders/{order_id}"', 'f"{scheme}://{host}"'])
def test_what_is_for_people_and_for_the_web_is_no_id(code: str) -> None:
    assert list(spelled(ast.parse(code))) == []
