"""Programs that are told what happens, as docs/events.md writes them: processes with stores of their own."""

import asyncio
import os
import re
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs" / "events.md"
RECEIVER, PULLER = (
    code for code in re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL) if "import os" in code
)


class Program:
    """One of them, which can be killed and started again."""

    def __init__(self, directory: Path, name: str, code: str, **environment: str) -> None:
        self.store = directory / f"{name}.db"
        self._script = directory / f"{name}.py"
        self._script.write_text(code)
        self._environment = {**os.environ, "STORE": str(self.store), "NO_PROXY": "*", **environment}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it."""
        with self._script.with_suffix(".log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, str(self._script), env=self._environment, stdout=log, stderr=log
            )

    async def ended(self) -> tuple[int, str]:
        """Wait until it ends by itself: its exit status, and all that it has printed."""
        assert self._process is not None
        status = await asyncio.wait_for(self._process.wait(), 30)
        return status, self._script.with_suffix(".log").read_text()

    async def kill(self) -> None:
        """kill -9."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()

    def todo(self, columns: str) -> list[Any]:
        """What it has done, in the order in which it did."""
        return self._stored(f"SELECT {columns} FROM todo ORDER BY number")

    def handled(self) -> set[str]:
        """The ids that it knows."""
        return {id for (id,) in self._stored("SELECT id FROM handled")}

    def told_of(self, subject: str) -> list[str]:
        """The types of what it was told of this, in order."""
        return [type for about, type in self.todo("subject, type") if about == subject]

    def _stored(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self.store, timeout=30)) as store:
            has_begun = store.execute("SELECT count(*) FROM sqlite_master WHERE name = 'todo'").fetchone()[0]
            return store.execute(sql).fetchall() if has_begun else []
