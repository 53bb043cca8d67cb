"""What a file is that is to be a database: looked at without a trace, for SQLite changes what it opens."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import apsw

# sqlite.org/fileformat.html, 1.3: the header, and where in it the sizes are.
_MAGIC = b"SQLite format 3\x00"
_HEADER = 100
_NAMED = 3


class Unfit(Exception):
    """The file is not what is wanted: the text says what it is. `is_damaged`: it may be what is left of that."""

    def __init__(self, text: str, *, is_damaged: bool = False) -> None:
        super().__init__(text)
        self.is_damaged = is_damaged


def has_tables(path: Path, own: Sequence[str]) -> bool:
    """Whether there is a database with tables; none is in a file that is empty or not there. OSError; Unfit if it is no
    database or damaged, or if what makes its tables has none of the `own` texts: then it is another program's."""
    found = _tables(path)
    if found and not any(text in sql for sql in found.values() for text in own):
        names = sorted(found)
        shown = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
        raise Unfit(f"is another program's database, with {shown}")
    return bool(found)


def _tables(path: Path) -> dict[str, str]:
    """The names of the tables, and what makes each."""
    log = path.with_name(f"{path.name}-wal")
    has_log = log.exists() and log.stat().st_size > 0
    if not path.exists() or not _is_begun(path, has_log=has_log):
        return {}
    try:
        found = _read(path, "?mode=ro&immutable=1")
        # What a process that was killed has left in the log is not seen so.
        if not found and has_log:
            found = _read_with_log(path, log)
    except apsw.CorruptError:
        if not has_log:
            raise Unfit("is damaged", is_damaged=True) from None
        found = _read_with_log(path, log)
    return found


def _is_begun(path: Path, *, has_log: bool) -> bool:
    """Whether anything is in the file; Unfit if it is no database, or not whole."""
    with path.open("rb") as file:
        head = file.read(_HEADER)
    if not _MAGIC.startswith(head[: len(_MAGIC)]):
        raise Unfit("is no database of SQLite")
    size, whole = path.stat().st_size, _whole(head)
    # With a log the pages at the end may be in that.
    if 0 < size < whole and not (has_log and size >= _HEADER):
        raise Unfit(f"is damaged: of {whole:,} bytes it has {size:,}", is_damaged=True)
    return size > 0


def _whole(head: bytes) -> int:
    """How many bytes there must be, at least."""
    number = int.from_bytes
    if len(head) < _HEADER or head[24:28] != head[92:96]:  # Else a release of before 2010 has left the number of pages.
        return _HEADER
    page = number(head[16:18]) if head[16:18] != b"\x00\x01" else 65_536
    return page * number(head[28:32])


def _read(path: Path, how: str) -> dict[str, str]:
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI
    connection = apsw.Connection(f"file:{quote(str(path.absolute()))}{how}", flags=flags)
    try:
        rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL")
        return {str(name): str(sql) for name, sql in rows}
    finally:
        connection.close()


def _read_with_log(path: Path, log: Path) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="kassa-") as folder:
        for each in (path, log):
            shutil.copyfile(each, Path(folder, each.name))
        try:
            return _read(Path(folder, path.name), "")
        except apsw.CorruptError:
            raise Unfit("is damaged", is_damaged=True) from None
