"""The log: nobody fails because a line of it cannot be written."""

import subprocess
import sys

WRITER = """
import logging, os, structlog
from kassa.app.logs import configure_logs

configure_logs("info", FORM)
for _ in range(20):
    structlog.get_logger().warning("a line", padding="x" * 1000)
    logging.getLogger("library").warning("a line of a library")
print("alive", flush=True)
os._exit(0)
"""


def test_a_log_on_a_full_disk_fails_nobody() -> None:
    """Found by chaos: the line about a store that was away became a 500, and ended the relay that wrote it."""
    for form in ("json", "text"):
        with open("/dev/full", "w") as full:
            code = WRITER.replace("FORM", repr(form))
            done = subprocess.run([sys.executable, "-c", code], stderr=full, stdout=subprocess.PIPE, check=False)
        assert (done.returncode, done.stdout) == (0, b"alive\n")
