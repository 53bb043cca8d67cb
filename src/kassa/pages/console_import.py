"""The console's import of products from a CSV file: chosen, looked at row by row, and only then carried out."""

import base64
import binascii
import zlib
from typing import Any, NamedTuple

from litestar import Response, get, post

from kassa.kit.web import MAX_BODY
from kassa.pages.admins import require_staff
from kassa.pages.client import ApiProblem
from kassa.pages.models import Answer
from kassa.pages.sent import files_of
from kassa.pages.visit import Visit, Visiting
from kassa.pages.words import trouble

_IMPORT = "POST /products/import"
_LARGEST = 512 * 1024
_LARGEST_PACKED = 200 * 1024
"""What fits into a form."""
_TOO_LARGE = "This file is too large for the console. Split it, or use kassa import on the shop's machine."
_GONE = "The file was lost on the way. Choose it once more."


class Row(Answer, frozen=True):
    """A row of the file, and what becomes of it."""

    row: int
    name: str
    what: str
    product_id: str | None = None


class Left(Answer, frozen=True):
    """What is not taken over as it is."""

    place: str
    message: str


class Import(Answer, frozen=True):
    """What was done, or would be."""

    is_done: bool
    created: int
    changed: int
    kept: int
    stock_kept: int
    rows: tuple[Row, ...]
    source: str = ""
    left: tuple[Left, ...] = ()

    @property
    def all_rows(self) -> int:
        """How many rows the file has."""
        return self.created + self.changed + self.kept


class Wrong(NamedTuple):
    """Why nothing was imported: in a sentence, or place by place; `faults` is how many there are, of which the first
    are told."""

    words: str = ""
    errors: tuple[tuple[str, str], ...] = ()
    faults: int = 0


@get("/console/products/import", include_in_schema=False)
async def choose(visit: Visiting) -> Response[str]:
    await require_staff(visit, _IMPORT)
    return _page(visit, Wrong())


@post("/console/products/import", include_in_schema=False, request_max_body_size=MAX_BODY, takes_files=True)
async def look(visit: Visiting) -> Response[str]:
    """What the file would do: nothing is done."""
    await require_staff(visit, _IMPORT)
    files = await files_of(visit.request)
    if not files or not files[0][1]:
        return _page(visit, Wrong("Choose a file first."), 422)
    name, content = files[0]
    packed = base64.b64encode(zlib.compress(content, 9)).decode() if len(content) <= _LARGEST else ""
    if not packed or len(packed) > _LARGEST_PACKED:
        return _page(visit, Wrong(_TOO_LARGE), 413)
    try:
        found = await _sent(visit, content, "true")
    except ApiProblem as problem:
        return _page(visit, _wrong(problem), 422)
    return visit.page("console/import_sure.html", found=found, file=name, packed=packed)


@post("/console/products/import/done", include_in_schema=False)
async def carry_out(visit: Visiting) -> Response[str]:
    """The same file once more, which the form has. Sent twice it changes nothing twice."""
    await require_staff(visit, _IMPORT)
    try:
        content = _unpacked(visit.field("packed"))
        done = await _sent(visit, content, "false")
    except ApiProblem as problem:
        return _page(visit, _wrong(problem), 422)
    return visit.page("console/imported.html", done=done, file=visit.field("file"))


async def _sent(visit: Visit, content: bytes, dry_run: str) -> Import:
    return await visit.api.send("POST", "/products/import", Import, content, params={"dryRun": dry_run})


def _unpacked(packed: str) -> bytes:
    try:
        reader = zlib.decompressobj()
        content = reader.decompress(base64.b64decode(packed, validate=True), _LARGEST)
        if not content or reader.unconsumed_tail or not reader.eof:
            raise ApiProblem(422, "catalogue_refused", _GONE)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise ApiProblem(422, "catalogue_refused", _GONE) from error
    return content


def _wrong(problem: ApiProblem) -> Wrong:
    if problem.code != "catalogue_refused":
        raise problem
    errors = tuple(problem.errors.items())
    return Wrong("" if errors else trouble(problem), errors, int(problem.members.get("faults", len(errors))))


def _page(visit: Visit, wrong: Wrong, status: int = 200) -> Response[str]:
    return visit.page("console/import.html", status, wrong=wrong)


CONSOLE_IMPORT: tuple[Any, ...] = (choose, look, carry_out)
