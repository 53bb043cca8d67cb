"""Nothing from outside costs more than its length allows: lengths are looked at before anything else, and what is twice
as long takes at most about twice as much work."""

import json
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import pytest

from kassa.app.web import HANDLERS
from kassa.gateway.description import body_of
from kassa.kit.web import MAX_BODY
from kassa.product.catalogue_csv import read
from kassa.product.domain import LONGEST_DESCRIPTION
from tests.app.test_outside import FORM, HTML, filled, paths_of
from tests.app.whole import Whole, whole

HUGE = MAX_BODY // 2


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with whole(tmp_path_factory.mktemp("shop")) as made:
        yield made


@pytest.fixture
def normalised(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long the texts were that were normalised meanwhile."""
    lengths: list[int] = []
    known = unicodedata.normalize

    def noted(form: Any, text: str) -> str:
        lengths.append(len(text))
        return known(form, text)

    monkeypatch.setattr(unicodedata, "normalize", noted)
    return lengths


@pytest.mark.parametrize("path", ["/auth/login", "/auth/register", "/auth/password"])
def test_a_password_beyond_its_length_is_refused_before_anything_is_done_with_it(
    shop: Whole, normalised: list[int], path: str
) -> None:
    for length, is_looked_at in ((1024, True), (1025, False), (100_000, False)):
        password = "".join(chr(0x4E00 + 7 * number % 20_000) for number in range(length))
        normalised.clear()
        body = {"email": f"u{length}@shop.example", "password": password}
        if path == "/auth/password":
            body = {"current": password, "new": "five words that nobody has"}
        answer = shop.as_json("POST", path, body, "buyer")
        assert (answer.status == 422) == (not is_looked_at), answer
        assert (length in normalised) == is_looked_at


KINDS = sorted({kind for each in HANDLERS.values() for it in each if (kind := body_of(it))}, key=lambda it: it.__name__)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_text_and_list_that_is_sent_has_its_length_in_the_description(kind: type) -> None:
    _, parts = msgspec.json.schema_components([kind])
    missing: list[str] = []

    def look(node: Any, place: str, outer: dict[str, Any]) -> None:
        if isinstance(node, list):
            for each in node:
                look(each, place, outer)
        if not isinstance(node, dict):
            return
        known = {**outer, **node}
        bound = {"string": "maxLength", "array": "maxItems"}.get(str(node.get("type")))
        if bound and bound not in known and "enum" not in node and node.get("format") not in ("decimal", "date-time"):
            missing.append(place)
        for name, each in node.items():
            look(each, f"{place}.{name}", node if name == "anyOf" else {})

    for name, part in parts.items():
        look(part, name, {})
    assert missing == []


PLACES: dict[str, Callable[[str, int], tuple[str, list[tuple[bytes, bytes]], bytes]]] = {
    "path": lambda path, size: (filled(path, "é" * size), [], b""),
    "one parameter": lambda path, size: (f"{path}?q={'a' * size}&cursor={'0' * size}", [], b""),
    "many parameters": lambda path, size: (f"{path}?{'a=1&' * (size // 4)}", [], b""),
    "many cookies": lambda path, size: (path, [HTML, (b"cookie", b"a=1; " * (size // 5))], b""),
    "one cookie": lambda path, size: (path, [HTML, (b"cookie", b"kassa_cart=a" + b".b:1" * (size // 4))], b""),
    "token": lambda path, size: (path, [(b"authorization", b"Bearer " + b"a." * (size // 2))], b""),
    "signature": lambda path, size: (path, [(b"stripe-signature", b"t=1" + b",v1=a" * (size // 5))], b"{}"),
    "list": lambda path, size: (
        path,
        [HTML, (b"accept", b"a/b," * (size // 4)), (b"if-none-match", b'"a",' * (size // 4))],
        b"",
    ),
    "forwarded": lambda path, size: (path, [(b"x-forwarded-for", b"10.0.0.1," * (size // 9))], b""),
    "form of many fields": lambda path, size: (path, [FORM], b"a=1&" * (size // 4)),
    "form of one field": lambda path, size: (path, [FORM], b"a=" + b"%41" * (size // 3)),
    "multipart": lambda path, size: (
        path,
        [(b"content-type", b"multipart/form-data; boundary=x")],
        b"--x\r\n" * (size // 5),
    ),
    "JSON, deep": lambda path, size: (path, [], b'{"items":' + b"[" * size),
    "JSON, wide": lambda path, size: (path, [], b'{"items":[' + b"1," * (size // 2) + b"1]}"),
    "JSON, one text": lambda path, size: (path, [], json.dumps({"name": "é" * (size // 6)}).encode()),
    "JSON, one number": lambda path, size: (
        path,
        [],
        b'{"price":0.' + b"1" * size + b',"quantity":' + b"1" * size + b"}",
    ),
}
"""Every place of a request that something can be put into, filled with so many bytes of something harmless."""
IN_HEAD = (
    "path",
    "one parameter",
    "many parameters",
    "many cookies",
    "one cookie",
    "token",
    "signature",
    "list",
    "forwarded",
)


def cost(work: Callable[[], object]) -> float:
    """CPU seconds of this process, the least of three tries."""
    tries = []
    for _ in range(3):
        begun = time.process_time()
        work()
        tries.append(time.process_time() - begun)
    return min(tries)


@pytest.mark.parametrize("place", PLACES)
def test_sixteen_times_as_much_costs_no_more_than_its_length(shop: Whole, normalised: list[int], place: str) -> None:
    """Of every path that there is. Work that grows with the square would be 256 times as much."""
    largest = 32_000 if place in IN_HEAD else HUGE
    for method, path in paths_of(shop):
        if (place not in IN_HEAD) == (method == "GET"):
            continue

        def ask(size: int, method: str = method, path: str = path) -> None:
            where, lines, body = PLACES[place](path, size)
            assert shop.ask(method, where, lines, body).status < 500

        small, large = cost(lambda: ask(largest // 16)), cost(lambda: ask(largest))
        assert large < 0.02 + 64 * small, (method, path, small, large)
    assert max(normalised, default=0) <= 4 * LONGEST_DESCRIPTION


CELLS: dict[str, Callable[[int], str]] = {
    "commas": lambda size: '"' + "," * size + '"',
    "blanks": lambda size: " " * size,
    "digits": lambda size: "1" * size,
    "apostrophes": lambda size: "'" * size,
    "letters": lambda size: "é" * size,
}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("column", ["images", "price", "stock", "name"])
def test_a_cell_of_a_file_costs_no_more_than_its_length(column: str, cell: str) -> None:
    def read_one(size: int) -> Sequence[Any]:
        values = {"name": "a", "description": "b", "category": "c", "price": "1", column: CELLS[cell](size)}
        return read(",".join(values) + "\n" + ",".join(values.values()) + "\n").rows

    small, large = cost(lambda: read_one(7_000)), cost(lambda: read_one(112_000))
    assert large < 0.02 + 64 * small, (small, large)
