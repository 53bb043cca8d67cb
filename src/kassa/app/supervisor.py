"""Several processes under one: started in their order, started again when they die, ended together.

The supervisor itself does nothing else, so that it has nothing to lose: no event loop, no connections, no threads. That
is also what makes it safe to fork.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn

import structlog

from kassa.app.stopping import KILL_SECONDS

SOON_SECONDS = 1.0
PAUSE_SECONDS = 0.5
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger()


class Ties(NamedTuple):
    """What ties a process to its supervisor: `ready()` tells that it answers, `life` is a pipe whose end is the
    supervisor's end."""

    ready: Callable[[], None]
    life: int


class Role(NamedTuple):
    """One of the processes: its name, and what it does until SIGTERM or until its supervisor is gone."""

    name: str
    run: Callable[[Ties], None]


class Supervisor:
    """Runs roles, each in a process of its own."""

    def __init__(self) -> None:
        self._life, self._keep = os.pipe()
        self._running: dict[int, tuple[Role, float]] = {}
        self._is_stopping = False
        for number in _SIGNALS:
            signal.signal(number, self._stop)
        signal.signal(signal.SIGALRM, self._kill)

    def once(self, role: Role) -> None:
        """Run to its end, before anything else. SystemExit if it fails: it has said why."""
        pid = self._fork(role)
        status = self._wait_for(pid)
        del self._running[pid]
        if status != 0:
            self._end(status)

    def start(self, roles: Sequence[Role]) -> None:
        """Start them at the same time, and wait until all answer. SystemExit if one ends instead."""
        ends = []
        for role in roles:
            told, tell = os.pipe()
            self._fork(role, tell)
            os.close(tell)
            ends.append(told)
        for told in ends:
            is_ready = os.read(told, 1) != b""
            os.close(told)
            if not is_ready:
                self._end(1)

    def watch(self) -> NoReturn:
        """Start again what dies, until told to stop; then SystemExit, with 0 if all have ended well."""
        worst = 0
        while self._running:
            pid, waited = os.waitpid(-1, 0)
            role, started_at = self._running.pop(pid)
            status = os.waitstatus_to_exitcode(waited)
            if self._is_stopping:
                worst = max(worst, abs(status))
                continue
            log.error("a process has ended; it is started again", process=role.name, status=status)
            if time.monotonic() - started_at < SOON_SECONDS:
                time.sleep(PAUSE_SECONDS)
            self._fork(role)
        self._end(worst)

    def _fork(self, role: Role, tell: int | None = None) -> int:
        sys.stdout.flush()
        # A signal that came between would be lost on the child, or answered by it in its parent's place.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if pid == 0:
            self._become(role, tell)
        self._running[pid] = (role, time.monotonic())
        log.info("started", process=role.name, pid=pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        if self._is_stopping:
            os.kill(pid, signal.SIGTERM)
        return pid

    def _become(self, role: Role, tell: int | None) -> NoReturn:
        """The child's side: does its work and ends. What goes wrong is told by whoever called us, as in any process."""
        os.close(self._keep)
        for number in (*_SIGNALS, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

        def ready() -> None:
            if tell is not None:
                os.write(tell, b"1")

        role.run(Ties(ready, self._life))
        sys.exit(0)

    def _stop(self, _number: int, _frame: Any) -> None:
        if not self._is_stopping:
            signal.alarm(int(KILL_SECONDS))
        self._is_stopping = True
        self._signal(signal.SIGTERM)

    def _kill(self, _number: int, _frame: Any) -> None:
        """Those that have not ended by now will not."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._running:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _wait_for(self, pid: int) -> int:
        return abs(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

    def _end(self, status: int) -> NoReturn:
        """End what runs, and this process."""
        self._stop(0, None)
        for pid in list(self._running):
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
        sys.exit(status)
