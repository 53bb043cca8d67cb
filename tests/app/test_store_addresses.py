"""Addresses of stores that cannot be: one line that names the setting, whatever is wrong, and never a secret."""

import asyncio
from pathlib import Path

import pytest

from kassa.app.settings import read_settings
from kassa.app.shop import Place
from kassa.app.wiring import all_here, open_shop
from kassa.cli.trouble import told
from tests.servers import mongod, valkey

NOBODY_HERE = "127.0.0.1:1"


def said(capsys: pytest.CaptureFixture[str], data: Path, **given: str) -> tuple[int, str]:
    """How a command on this shop ends, and what it says."""

    async def opening() -> None:
        settings = read_settings({"KASSA_DATA": str(data), **given})
        async with open_shop(settings, Place(all_here(settings), serves=False, brings_sandbox=False)) as shop:
            assert shop.stock is not None
            await shop.stock.probe()

    with pytest.raises(SystemExit) as ended, told():
        asyncio.run(opening())
    text = capsys.readouterr().err
    assert text.startswith("KASSA: ")
    assert text.count("\n") == 1
    assert "hidden" not in text
    assert isinstance(ended.value.code, int)
    return ended.value.code, text


@pytest.mark.parametrize(
    ("url", "status", "words"),
    [
        ("redis://HERE/99", 2, "names a database"),
        ("redis://HERE/hidden", 2, "number of a database"),
        ("redis://HERE?ssl_cert_reqs=none", 2, "begins with rediss://"),
        ("rediss://HERE?ssl_ca_certs=/nowhere/ca.pem", 2, "ssl_ca_certs that cannot be read"),
        ("redis://HERE?hidden=1", 2, "an option behind its question mark"),
        ("redis://HERE?socket_timeout=hidden", 2, "socket_timeout"),
        ("redis://kassa:hidden@HERE", 1, "refuses the user or the password"),
        (f"redis://:hidden@{NOBODY_HERE}", 1, "does it run"),
        ("redis://:hidden@nowhere.invalid", 1, "does it run"),
        ("unix:///nowhere.sock", 1, "does it run"),
        ("http://HERE", 2, "must be an address that begins with redis:// or rediss:// or unix://"),
    ],
)
def test_of_redis(capsys: pytest.CaptureFixture[str], tmp_path: Path, url: str, status: int, words: str) -> None:
    here = f"127.0.0.1:{valkey.shared().port}"
    ended, text = said(capsys, tmp_path, REDIS_URL=url.replace("HERE", here))
    assert (ended, "REDIS_URL" in text) == (status, True)
    assert words in text


def test_of_a_redis_that_wants_a_password_and_takes_no_writes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with valkey.running(tmp_path) as server:
        with server.client() as inside:
            inside.replicaof("127.0.0.1", "1")
            ended, text = said(capsys, tmp_path / "replica", REDIS_URL=server.url)
            assert (ended, "is a replica" in text, "REDIS_URL" in text) == (1, True, True), text
            inside.replicaof("NO", "ONE")
            inside.config_set("requirepass", "hidden")
        ended, text = said(capsys, tmp_path / "password", REDIS_URL=server.url)
        assert (ended, "the password of REDIS_URL" in text) == (1, True), text


@pytest.mark.parametrize(
    ("uri", "status", "words"),
    [
        ("mongodb://HERE/?tls=true&tlsCAFile=/nowhere.pem", 2, "file that it names cannot be read"),
        ("mongodb://HERE/?tls=hidden", 2, "The value of tls"),
        ("mongodb://HERE/?hidden=1", 2, "an option is not known"),
        ("mongodb://shop:hid@den@HERE", 2, "must be escaped"),
        ("mongodb://shop:hidden@HERE/?authMechanism=hidden", 2, "authmechanism must be"),
        ("mongodb+srv://nowhere.invalid", 2, "DNS"),
        (f"mongodb://shop:hidden@{NOBODY_HERE}", 1, "is MONGO_URI right? (127.0.0.1:1"),
        ("redis://HERE", 2, "must be an address that begins with mongodb://"),
    ],
)
def test_of_mongodb(capsys: pytest.CaptureFixture[str], tmp_path: Path, uri: str, status: int, words: str) -> None:
    here = f"127.0.0.1:{mongod.shared().port}"
    ended, text = said(capsys, tmp_path, MONGO_URI=uri.replace("HERE", here))
    assert (ended, "MONGO_URI" in text) == (status, True)
    assert words in text


def test_of_a_data_directory(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "odd" / "kassa.db").mkdir(parents=True)
    for data in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "odd"):
        ended, text = said(capsys, data)
        assert (ended, f"{data} (KASSA_DATA, --data)" in text) == (1, True), text
