"""A shop that has taken money does not come up as one that takes none: the sandbox confirms orders without money."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from kassa.app.record import keep_stripe_mode
from kassa.app.settings import SettingError, read_settings
from kassa.app.shop import Place
from kassa.app.wiring import all_here, open_shop
from kassa.payment.store import PAYMENTS
from tests.app.process import kassa
from tests.app.test_record import STORED
from tests.support import OWN_SECRETS, WEBHOOK_SECRET, sqlite

# Made up here, so that no key of this form stands in the repository.
KEYS = {mode: {"STRIPE_SECRET_KEY": f"rk_{mode}_{'1' * 24}"} for mode in ("test", "live")}
MODES: dict[str, dict[str, str]] = {
    "sandbox": {},
    "the sandbox by name": {"STRIPE_SECRET_KEY": "sandbox"},
    **{mode: {**key, "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET} for mode, key in KEYS.items()},
}


async def opened(data: Path, mode: str, *, serves: bool = True) -> None:
    settings = read_settings({"KASSA_DATA": str(data), **MODES[mode]})
    async with open_shop(settings, Place(all_here(settings), brings_sandbox=False, serves=serves)):
        pass


async def paid(data: Path, session_id: str | None = None) -> None:
    payment: Any = msgspec.structs.replace(STORED["payment"][1], session_id=session_id)
    async with sqlite(data, "kassa.db") as database:
        await (await database.collection(PAYMENTS)).insert(payment)


@pytest.mark.parametrize("taken_in", ["sandbox", "test", "live"])
@pytest.mark.parametrize("mode", MODES)
async def test_payments_of_one_mode_are_not_served_in_another(tmp_path: Path, taken_in: str, mode: str) -> None:
    await opened(tmp_path, taken_in)
    await paid(tmp_path)
    if taken_in in mode:
        await opened(tmp_path, mode)
        return
    for _ in range(2):
        with pytest.raises(SettingError, match=r"STRIPE_SECRET_KEY (must be|is missing).*KASSA_DATA"):
            await opened(tmp_path, mode)
    await opened(tmp_path, taken_in)


async def test_a_live_shop_does_not_come_up_without_its_key_before_the_first_payment_either(tmp_path: Path) -> None:
    await opened(tmp_path, "live")
    with pytest.raises(SettingError, match="STRIPE_SECRET_KEY is missing"):
        await opened(tmp_path, "sandbox")
    await opened(tmp_path, "the sandbox by name")
    await opened(tmp_path, "sandbox")


async def test_a_shop_without_payments_goes_from_trial_to_live_with_its_catalogue(tmp_path: Path) -> None:
    for mode in ("sandbox", "test", "live"):
        await opened(tmp_path, mode)


@pytest.mark.parametrize(
    ("session_id", "mode"), [("cs_live_a1", "test"), ("cs_live_a1", "sandbox"), ("cs_test_a1", "live")]
)
async def test_payments_of_former_releases_tell_it_themselves(tmp_path: Path, session_id: str, mode: str) -> None:
    await paid(tmp_path, session_id)
    with pytest.raises(SettingError, match="STRIPE_SECRET_KEY"):
        await opened(tmp_path, mode)


async def test_who_only_reads_needs_no_key(tmp_path: Path) -> None:
    await opened(tmp_path, "live")
    await paid(tmp_path)
    await opened(tmp_path, "sandbox", serves=False)


async def test_processes_that_start_at_once_remember_one_mode(tmp_path: Path) -> None:
    await opened(tmp_path, "sandbox", serves=False)
    live = read_settings({"KASSA_DATA": str(tmp_path), **MODES["live"]})
    async with sqlite(tmp_path, "kassa.db") as database:
        await keep_stripe_mode(database, live)
    with pytest.raises(SettingError, match="is missing"):
        await opened(tmp_path, "sandbox")


SIGNS = {
    "STRIPE_WEBHOOK_SECRET is set": ({"STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET}, ()),
    "FRONTEND_URL is an address for the public": ({"FRONTEND_URL": "https://shop.example"}, ()),
    "0.0.0.0 can be reached": ({}, ("--host", "0.0.0.0")),
    ":: can be reached": ({}, ("--host", "::")),
}


@pytest.mark.parametrize("why", SIGNS)
@pytest.mark.parametrize("command", [("up",), ("serve", "payment")], ids=" ".join)
def test_the_sandbox_is_not_taken_for_granted(tmp_path: Path, why: str, command: tuple[str, ...]) -> None:
    given, options = SIGNS[why]
    on_loopback = () if options else ("--host", "127.0.0.1")
    secrets = OWN_SECRETS
    urls = {f"{name}_SERVICE_URL": "http://127.0.0.1:1" for name in ("AUTH", "ORDER")} if "serve" in command else {}
    refused = kassa(tmp_path, *command, *options, *on_loopback, **given, **secrets, **urls)
    assert refused.returncode == 2
    assert f"STRIPE_SECRET_KEY must be set, for {why}" in refused.stderr
    assert "STRIPE_SECRET_KEY=sandbox" in refused.stderr
    assert not list(tmp_path.glob(".kassa/*.db"))


ASKING_STRIPE = ("doctor", "reconcile", "reconcile --fix", "replay evt_1", "customer erase-again -")


@pytest.mark.parametrize("command", ASKING_STRIPE)
async def test_a_command_does_not_ask_the_sandbox_for_a_shop_whose_key_is_missing(tmp_path: Path, command: str) -> None:
    """Before the first payment, `reconcile` told that there was nothing to compare, and `doctor` that all is well."""
    await opened(tmp_path, "live")
    done = kassa(tmp_path, *command.split(), input="", KASSA_DATA=str(tmp_path))
    assert done.returncode != 0
    assert "STRIPE_SECRET_KEY is missing: the payments in" in done.stdout + done.stderr
    assert "sandbox" not in done.stdout
    assert not (tmp_path / "sandbox.db").exists()
    by_name = kassa(tmp_path, *command.split(), input="", KASSA_DATA=str(tmp_path), STRIPE_SECRET_KEY="sandbox")
    assert "STRIPE_SECRET_KEY" not in by_name.stderr, "who asks for the sandbox gets it, while nobody has paid"


@pytest.mark.parametrize("taken_in", ["test", "live"])
@pytest.mark.parametrize("command", ASKING_STRIPE)
async def test_of_paid_orders_it_says_what_is_missing(tmp_path: Path, command: str, taken_in: str) -> None:
    await opened(tmp_path, taken_in)
    await paid(tmp_path)
    done = kassa(tmp_path, *command.split(), input="", KASSA_DATA=str(tmp_path))
    assert done.returncode != 0
    assert f"STRIPE_SECRET_KEY is missing: the payments in {tmp_path}" in done.stdout + done.stderr


@pytest.mark.parametrize("command", ASKING_STRIPE)
async def test_a_command_takes_the_sandbox_for_granted_no_more_than_the_server(tmp_path: Path, command: str) -> None:
    await opened(tmp_path, "sandbox")
    for given, options in SIGNS.values():
        if not options:
            done = kassa(tmp_path, *command.split(), input="", KASSA_DATA=str(tmp_path), **given)
            assert done.returncode != 0
            assert "STRIPE_SECRET_KEY must be set, for" in done.stdout + done.stderr


def test_whose_mode_a_key_is_of_is_told_by_the_key() -> None:
    modes = {name: read_settings(given).stripe_mode for name, given in MODES.items()}
    assert modes == {"sandbox": "sandbox", "the sandbox by name": "sandbox", "test": "test", "live": "live"}
