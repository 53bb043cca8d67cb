"""What processes used, by the operating system's accounting (Linux: proc(5))."""

import hashlib
import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path

_REPEATS = 20
_PAUSE_SECONDS = 0.05
_TICK = 1 / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of all the threads of a process so far."""
    # The name, in brackets, may hold anything; utime and stime are the 12th and 13th fields behind it.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK


def memory_mb(pid: int) -> float:
    """What of a process is in memory now, in millions of bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGESIZE") / 1e6, 1)


def pss_mb(pid: int) -> float:
    """What of a process is in memory, in millions of bytes, pages that n processes share counted as an nth each."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return round(sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6, 1)


class Yardstick:
    """The CPU time of a piece of work that is always the same, taken all the while that something else is measured.

    Where others share the cores, every CPU time grows with it: two figures are compared by what they are in yards.
    """

    def __init__(self) -> None:
        self._taken: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._measure, daemon=True)
        self._thread.start()

    def mean_us(self) -> float:
        """End, and return the mean."""
        self._ended.set()
        self._thread.join()
        return round(sum(self._taken) / len(self._taken) * 1e6, 1)

    def _measure(self) -> None:
        order = {"items": [{"productId": f"prd_{number}", "price": number * 1.5} for number in range(10)]}
        while True:
            began = time.thread_time()
            for _ in range(_REPEATS):
                text = json.dumps(order)
                hashlib.sha256(text.encode()).hexdigest()
                sorted(json.loads(text)["items"], key=lambda item: item["price"], reverse=True)
            self._taken.append((time.thread_time() - began) / _REPEATS)
            if self._ended.wait(_PAUSE_SECONDS):
                return


class Meter:
    """The CPU time of named processes since a moment. One name may have several processes."""

    def __init__(self, pids: Mapping[str, list[int]]) -> None:
        self._pids = pids
        self._before = self._now()

    def used(self) -> dict[str, float]:
        """Seconds since the meter was made."""
        return {name: after - self._before[name] for name, after in self._now().items()}

    def _now(self) -> dict[str, float]:
        return {name: sum(cpu_seconds(pid) for pid in pids) for name, pids in self._pids.items()}
