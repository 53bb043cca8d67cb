"""The log: one form, nothing secret, and nobody fails because a line of it cannot be written."""

import json
import subprocess
import sys

import pytest

from kassa.app.masking import MASK, keep_secret, masked
from kassa.app.secrets import secret_texts
from kassa.app.settings import SETTINGS, SettingError, read_settings
from kassa.auth import codes
from tests.support import OWN_SECRET, WEBHOOK_SECRET

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

# All ways by which a text gets out that nobody meant to write.
CRASHING = """
import asyncio, gc, logging, os, sys, threading, warnings, structlog
from kassa.app.logs import configure_logs

configure_logs(LEVEL, FORM, ["a-secret-of-ours"])
from pymongo import MongoClient
import stripe
from stripe._util import log_debug
SAID = "c4n4ry@shop.example mongodb://u:c4n4ry@h eyJc4n4ry12.c4n4ry.c4n4ry sk_live_c4n4ry a-secret-of-ours"

def fail(*_):
    raise ValueError(SAID)

class Lost:
    def __del__(self):
        fail()

async def forgotten():
    task = asyncio.create_task(failing())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    gc.collect()

async def failing():
    fail()

loud = logging.getLogger("loud.package")
loud.setLevel(logging.DEBUG)
for name in ("loud.package", "pymongo.command", "httpcore", "stripe", "aiohttp.client", "redis"):
    logging.getLogger(name).debug("a body: c4n4ry")
    logging.getLogger(name).info("a body: c4n4ry")
log_debug("a body", post_data="c4n4ry")
logging.getLogger("library").warning("it said %s", SAID)
warnings.warn(SAID)
try:
    fail()
except ValueError as error:
    structlog.get_logger().exception("unexpected", seen=SAID, cause=error)
    logging.getLogger("library").exception("unexpected")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
Lost()
asyncio.run(forgotten())
sys.stderr.flush()
fail()
"""


def test_a_log_on_a_full_disk_fails_nobody() -> None:
    """Found by chaos: the line about a store that was away became a 500, and ended the relay that wrote it."""
    for form in ("json", "text"):
        with open("/dev/full", "w") as full:
            code = WRITER.replace("FORM", repr(form))
            done = subprocess.run([sys.executable, "-c", code], stderr=full, stdout=subprocess.PIPE, check=False)
        assert (done.returncode, done.stdout) == (0, b"alive\n")


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_whatever_breaks_is_told_in_the_log_s_form_without_what_is_secret(level: str, form: str) -> None:
    code = CRASHING.replace("FORM", repr(form)).replace("LEVEL", repr(level))
    surroundings = {"STRIPE_LOG": "debug", "PYTHONWARNINGS": "always", "PYTHONASYNCIODEBUG": "1", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=surroundings, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "c4n4ry" not in done.stderr
    assert "a-secret-of-ours" not in done.stderr
    assert done.stderr.count("ValueError") >= 6
    if form == "json":
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        uncaught = [line for line in lines if line["event"] == "nobody has caught this"]
        assert len(uncaught) == 3  # a thread's, a destructor's, the process's


def test_a_bug_of_a_command_has_its_traceback_without_what_is_secret() -> None:
    code = "from kassa.cli import main\nmain.app = lambda: open('c4n4ry@shop.example')\nmain.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "FileNotFoundError: [Errno 2]" in done.stderr
    assert "in main\n" in done.stderr
    assert "c4n4ry" not in done.stderr


def test_what_is_written_keeps_its_words() -> None:
    for text in ("GET /orders/ord_01kg8v3y6dqz4m2n7r5t9w1x0c", "risk_level disk_test a@b 10.0.0.1", "u@localhost: no",
                 "a" * 32, "A" * 40, "of-second-factor-codes-people-forget-others"):  # fmt: skip
        assert masked(text) == text
    assert masked("to ada@shop.example, now") == f"to {MASK}, now"
    assert masked("mongodb://u:p@h/db") == f"mongodb://{MASK}@h/db"
    assert json.loads(masked(json.dumps({"a": "x\nada@shop.example\neyJhbGciOiJ.e30.sig"})))["a"].count(MASK) == 2
    for code in (codes.new_secret(b"12345678901234567890"), codes.recovery_code(b"123456789012345")):
        assert masked(f"code={code}, now") == f"code={MASK}, now"


SECRETS = ("sk_live_c4n4ry", f"whsec_c4n4ry{OWN_SECRET}", "mongodb://u:c4n4ry@h", "redis://:c4n4ry@h",
           "https://u:c4n4ry@h/?#", "http://u:c4n4ry@h", "c4n4ry of mine", f"c4n4ry{OWN_SECRET}", "a:c4n4ry",
           "c4n4ry@b.example")  # fmt: skip


OPEN = ("NO_PROXY", "TLS_CERTIFICATE", "TLS_KEY", "TLS_CA", "KASSA_DATA", "SHOP_NAME")
"""What may be any text: names of files and hosts, and the shop's."""


@pytest.mark.parametrize("name", [setting.name for setting in SETTINGS])
def test_a_secret_in_any_setting_is_not_repeated(name: str) -> None:
    base = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET}
    if name == "HTTP_PROXY":
        base["STRIPE_API_BASE"] = "http://stripe.example"
    told = [what_is_told({**base, name: text}) for text in SECRETS]
    assert any(each.startswith(f"{name} ") for each in told) or name in OPEN
    assert [each for each in told if "c4n4ry" in each and name not in OPEN] == []


def test_a_key_or_an_address_is_no_directory() -> None:
    for text in SECRETS[:6]:
        assert what_is_told({"KASSA_DATA": text}).startswith("KASSA_DATA must be a directory")


def what_is_told(given: dict[str, str]) -> str:
    try:
        return repr(read_settings(given))
    except SettingError as error:
        return str(error)


def test_what_the_settings_call_secret_is_blacked_out() -> None:
    given = {"STRIPE_SECRET_KEY": "sk_test_12345678", "STRIPE_WEBHOOK_SECRET": "the-first-of-two,the-other-of-two",
             "JWT_SECRET": OWN_SECRET, "INTERNAL_SECRET": OWN_SECRET[::-1], "MONGO_URI": "mongodb://shop:pass%40word@h",
             "REDIS_URL": "redis://shop:redis-word@h", "HTTPS_PROXY": "http://u:proxy-word@h"}  # fmt: skip
    keep_secret(secret_texts(read_settings(given)))
    hidden = ("sk_test_12345678", "the-first-of-two", "the-other-of-two", OWN_SECRET, OWN_SECRET[::-1],
              "pass%40word", "pass@word", "redis-word", "proxy-word")  # fmt: skip
    for text in hidden:
        assert masked(f"with {text} in it") == f"with {MASK} in it"
