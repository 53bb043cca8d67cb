"""Python imports this by its name when it starts, where `bench.profile` has it do so: every few milliseconds of a
shop's CPU time it notes which functions are under way."""

import atexit
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType

_EVERY = 0.004
_WRITE_EVERY = 100
# Of a start nothing is told.
_NOT_BEFORE_SECONDS = float(os.environ.get("KASSA_SAMPLES_AFTER", "5"))

_found: Counter[str] = Counter()
_began = time.monotonic()


def _look(_: int, frame: FrameType | None) -> None:
    if time.monotonic() - _began < _NOT_BEFORE_SECONDS:
        return
    names = []
    while frame is not None:
        names.append(frame.f_code.co_filename)
        frame = frame.f_back
    _found["\t".join(names)] += 1
    if _found.total() % _WRITE_EVERY == 0:
        _write()


def _write() -> None:
    """Again and again: a process may end without having the time to."""
    path = Path(os.environ["KASSA_SAMPLES"], f"{os.environ['KASSA_SAMPLED']}-{os.getpid()}")
    path.write_text("\n".join(f"{times}\t{names}" for names, times in _found.items()))


def _start() -> None:
    _found.clear()
    signal.signal(signal.SIGPROF, _look)
    signal.siginterrupt(signal.SIGPROF, False)
    signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)
    atexit.register(signal.setitimer, signal.ITIMER_PROF, 0)  # Python forgets `_look` before it ends.


def _form() -> str:
    if "--split" in sys.orig_argv:
        return "six"
    return "servers" if "MONGO_URI" in os.environ else "one"


if "KASSA_SAMPLES" in os.environ:
    if "up" in sys.orig_argv:
        os.environ["KASSA_SAMPLED"] = _form()
    if "KASSA_SAMPLED" in os.environ:
        _start()
        os.register_at_fork(after_in_child=_start)
