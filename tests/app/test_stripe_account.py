"""Payments that were made at one account of Stripe are not served with the key of another: it knows none of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from kassa.app.record import RECORD, RECORD_ID
from kassa.app.settings import SettingError
from kassa.sandbox import Sandbox, SandboxConfig
from kassa.sandbox.account import ACCOUNT_ID
from tests.app.process import kassa
from tests.app.test_stripe_mode import MODES, opened, paid
from tests.support import sqlite

OTHER = "acct_1OfAnotherShop"


@pytest_asyncio.fixture
async def stripe_url(tmp_path: Path) -> AsyncIterator[str]:
    """Where a Stripe is that tells its account."""
    sandbox = Sandbox(SandboxConfig(database=tmp_path / "sandbox.db"))
    await sandbox.start(port=0)
    yield sandbox.url
    await sandbox.stop()


async def remembered(data: Path, account: str | None = None) -> str:
    """The account that the data remembers; with one given, from now on that one."""
    async with sqlite(data, "kassa.db") as database:
        collection = await database.collection(RECORD)
        record = await collection.get(RECORD_ID)
        assert record is not None
        if account is not None:
            record = await collection.save(msgspec.structs.replace(record, stripe_account=account))
        return record.stripe_account


async def test_a_key_of_another_account_does_not_start(
    tmp_path: Path, stripe_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = {"STRIPE_SECRET_KEY": f"sk_test_{'1' * 24}", "STRIPE_API_BASE": stripe_url}
    monkeypatch.setitem(MODES, "test", {**MODES["test"], **key})
    await opened(tmp_path, "test")
    assert await remembered(tmp_path, OTHER) == OTHER
    await opened(tmp_path, "test")
    assert await remembered(tmp_path) == ACCOUNT_ID  # As long as there are no payments it follows the key.
    await paid(tmp_path)
    await opened(tmp_path, "test")
    await remembered(tmp_path, OTHER)
    with pytest.raises(
        SettingError, match=f"STRIPE_SECRET_KEY is a key of account {ACCOUNT_ID}: .* of account {OTHER};"
    ):
        await opened(tmp_path, "test")
    await opened(tmp_path, "test", serves=False)
    for command in ("doctor", "reconcile"):
        refused = await asyncio.to_thread(kassa, tmp_path, command, **MODES["test"], KASSA_DATA=str(tmp_path))
        assert refused.returncode != 0
        assert OTHER in refused.stdout + refused.stderr
        assert "Traceback" not in refused.stderr


async def test_a_stripe_that_does_not_answer_keeps_no_shop_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODES, "test", {**MODES["test"], "STRIPE_API_BASE": "http://127.0.0.1:1"})
    await opened(tmp_path, "test")
    assert await remembered(tmp_path, OTHER) == OTHER
    await paid(tmp_path)
    await opened(tmp_path, "test")
    assert await remembered(tmp_path) == OTHER
