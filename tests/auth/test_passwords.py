"""Passwords and addresses: what holds for all of them."""

import asyncio
import contextlib
import threading
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from kassa.auth.domain import Guarded, User
from kassa.auth.passwords import Passwords
from kassa.auth.sessions import Session
from kassa.auth.wire import Credentials, PasswordChange, Refresh, Registration
from kassa.kit.email import normalised_email
from kassa.kit.problem import Invalid, Unavailable

from .world import cheap_passwords

PASSWORDS = cheap_passwords()


@given(st.text(min_size=8, max_size=64), st.text(min_size=8, max_size=64))
def test_a_password_matches_its_own_hash_and_no_other(password: str, other: str) -> None:
    async def checked() -> tuple[bool, bool]:
        stored = await PASSWORDS.hash(password)
        return await PASSWORDS.matches(stored, password), await PASSWORDS.matches(stored, other)

    is_same = unicodedata.normalize("NFC", password) == unicodedata.normalize("NFC", other)
    assert asyncio.run(checked()) == (True, is_same)


@given(st.emails())
def test_an_address_once_normalised_stays_as_it_is(email: str) -> None:
    with contextlib.suppress(Invalid):
        normalised = normalised_email(f"  {email.swapcase()} ")
        assert normalised_email(normalised) == normalised


@given(st.text())
def test_any_text_is_an_address_that_stays_or_is_refused(text: str) -> None:
    with contextlib.suppress(Invalid):
        normalised = normalised_email(text)
        assert normalised_email(normalised) == normalised
        assert not any(character.isspace() for character in normalised)


@pytest.mark.parametrize("email", ["a@b.co", "o'brien+shop@mail.example.com", "müller@bücher.example"])
def test_ordinary_addresses_are_taken(email: str) -> None:
    assert normalised_email(email) == email


async def test_one_password_composed_in_two_ways_is_the_same() -> None:
    assert await PASSWORDS.matches(await PASSWORDS.hash("caf\u00e9 noir"), "cafe\u0301 noir")


async def test_the_same_password_has_another_hash_each_time() -> None:
    assert await PASSWORDS.hash("correct horse") != await PASSWORDS.hash("correct horse")


async def test_nobodys_password_never_matches() -> None:
    assert not await PASSWORDS.matches(None, "")


async def test_passwords_are_hashed_with_argon2id_in_19_mib_two_rounds_one_lane() -> None:
    stored = await Passwords().hash("correct horse")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_check_for_nobody_is_as_much_work_as_a_real_one() -> None:
    passwords = Passwords()
    real, nobodys = await passwords.hash("correct horse"), passwords._nobody
    assert nobodys.split("$")[:4] == real.split("$")[:4]
    assert [len(part) for part in nobodys.split("$")] == [len(part) for part in real.split("$")]
    assert not await passwords.matches(None, "correct horse")


async def test_a_hash_with_other_parameters_still_matches() -> None:
    assert await cheap_passwords(time_cost=2).matches(await PASSWORDS.hash("correct horse"), "correct horse")


async def test_a_hash_that_cannot_be_read_is_no_wrong_password() -> None:
    with pytest.raises(Unavailable):
        await PASSWORDS.matches("no hash", "correct horse")


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """Lets go of the threads at the end."""
    event = threading.Event()
    yield event
    event.set()


async def test_who_would_wait_too_long_is_turned_away(held: threading.Event) -> None:
    passwords = cheap_passwords(threads=1, waiting=1)
    waiting = [asyncio.create_task(passwords._in_thread(held.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await passwords.hash("correct horse")
    held.set()
    await asyncio.gather(*waiting)
    assert await passwords.hash("correct horse")
    passwords.close()


SECRETS: list[Guarded] = [
    Registration("ada@example.com", "s3cret horse"),
    Credentials("ada@example.com", "s3cret horse"),
    PasswordChange("s3cret horse", "s3cret battery"),
    Refresh("s3cret"),
    Session(
        "s3cret", "s3cret", User(id="u", email="e", role="user", password_hash="s3cret", created_at=0, updated_at=0)
    ),
]


@pytest.mark.parametrize("holder", SECRETS, ids=lambda holder: type(holder).__name__)
def test_what_holds_secrets_shows_none(holder: Guarded) -> None:
    assert "s3cret" not in f"{holder!r} {holder!s} {[holder]} {pretty_repr(holder)}"


def test_a_user_shows_no_hash() -> None:
    user = User(id="usr_1", email="e", role="user", password_hash="s3cret", created_at=0, updated_at=0)
    assert repr(user) == "User(id='usr_1', role='user')"
    assert "s3cret" not in pretty_repr(user)
