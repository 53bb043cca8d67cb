"""What has one place: where ids are spelled, and where effects come from."""

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
    "f'{user_id}.{secret}'": "a link's token: a secret, and where it is looked for",
    "f'{device}.{user.id}.{user.epoch}'": "a device's token: what is signed",
    "f'session:{session_id}'": "a mark: it is hashed",
    "f'user:{user_id}:{epoch}'": "a mark: it is hashed",
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


def test_every_effect_comes_of_a_row() -> None:
    """Effects get into documents by `with_todos` alone, which is given a row, and sees to it that it is what comes."""
    for name, tree in modules().items():
        if name in ("kassa.kit.effects", "kassa.kit.outbox") or name.startswith("kassa.sandbox"):
            continue
        putting = [ast.unparse(node) for node in ast.walk(tree) if puts_effects(node)]
        assert putting == [], f"{name} puts effects into a document"


def test_effects_that_come_of_no_row_are_found() -> None:
    put = ["with_effects(order, (effect,))", "replace(order, effects=(effect,))", "with_todos(order, (Todo.A,), plan)"]
    assert [puts_effects(ast.parse(code, mode="eval").body) for code in put] == [True, True, True]
    assert not puts_effects(ast.parse("with_todos(order, ROWS[happened], plan)", mode="eval").body)


def puts_effects(node: ast.AST) -> bool:
    """Whether that is a way by which effects get into a document, other than by a row."""
    match node:
        case ast.Call(func=ast.Name("with_todos"), args=[_, row, *_]):
            return re.fullmatch(r"[A-Z_]+\[.+\]|move\.effects", ast.unparse(row)) is None
        case ast.Call(func=ast.Name("with_effects") | ast.Attribute(attr="with_effects")):
            return True
        case ast.Call(keywords=keywords):
            return any(each.arg == "effects" for each in keywords) and ast.unparse(node.func).endswith("replace")
        case _:
            return False
