"""Ids sort by the time of their making; instants are read and written exactly."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.kit.clock import DAY, MINUTE, SystemClock, day_of, from_rfc3339, rfc3339, start_of_day
from kassa.kit.ids import ORDER, PRODUCT, REQUEST, Ids, is_id, made_at
from tests.support import FakeClock

LAST = 253_402_300_799_999
"""The last millisecond of the year 9999."""
INSTANTS = st.integers(0, LAST)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.lists(INSTANTS, min_size=2, max_size=20, unique=True), st.binary(min_size=10, max_size=10))
def test_ids_sort_by_time(instants: list[int], entropy: bytes) -> None:
    clock = FakeClock()
    ids = Ids(clock, lambda size: entropy[:size])
    made = {}
    for instant in sorted(instants):
        clock.at = instant
        made[instant] = ids.new(ORDER)
    assert list(made.values()) == sorted(made.values())


@given(INSTANTS, st.binary(min_size=10, max_size=10))
def test_an_id_has_the_form_of_an_id(instant: int, entropy: bytes) -> None:
    made = Ids(FakeClock(instant), lambda size: entropy[:size]).new(PRODUCT)
    assert is_id(PRODUCT, made)
    assert not is_id(ORDER, made)
    assert not is_id(PRODUCT, made.upper())
    assert not is_id(PRODUCT, made + "0")
    assert not is_id(PRODUCT, made + "\n")
    assert not is_id(PRODUCT, made[:-1])


@given(st.text(max_size=40))
def test_any_text_can_be_asked_whether_it_is_an_id(text: str) -> None:
    assert not is_id(ORDER, f"{ORDER}_{text}") or len(text) == 26


def test_ids_of_one_millisecond_sort_in_the_order_of_their_making() -> None:
    ids = Ids(FakeClock())
    made = [ids.new(ORDER) for _ in range(1000)]
    assert made == sorted(set(made))


def test_a_clock_that_goes_back_does_not_take_the_order_away() -> None:
    clock = FakeClock()
    ids = Ids(clock)
    first = ids.new(ORDER)
    clock.at -= DAY
    assert ids.new(ORDER) > first


@given(st.lists(INSTANTS, min_size=1, max_size=20), st.binary(min_size=16, max_size=16))
def test_a_name_has_the_form_of_an_id_and_its_time(instants: list[int], entropy: bytes) -> None:
    clock = FakeClock()
    ids = Ids(clock, lambda size: entropy[:size])
    for instant in instants:
        clock.at = instant
        name = ids.name(REQUEST)
        assert is_id(REQUEST, name)
        assert made_at(name) == instant


def test_names_of_one_millisecond_are_different_and_use_every_character() -> None:
    ids = Ids(FakeClock())
    made = {ids.name(REQUEST) for _ in range(1000)}
    assert len(made) == 1000
    assert len(set("".join(made).replace("req_", ""))) == 32


def test_a_secret_has_256_bits() -> None:
    secret = Ids(FakeClock()).secret()
    assert len(bytes.fromhex(secret)) == 32


@given(INSTANTS)
def test_an_instant_is_written_in_rfc_3339_to_the_millisecond(instant: int) -> None:
    read = datetime.strptime(rfc3339(instant), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    assert (read - EPOCH) // timedelta(milliseconds=1) == instant


@given(INSTANTS, INSTANTS)
def test_written_instants_sort_like_the_instants(one: int, other: int) -> None:
    assert (rfc3339(one) < rfc3339(other)) == (one < other)


@given(INSTANTS)
def test_a_day_begins_at_midnight_utc(instant: int) -> None:
    midnight = start_of_day(instant)
    assert rfc3339(midnight) == f"{day_of(instant)}T00:00:00.000Z"
    assert 0 <= instant - midnight < DAY


async def test_the_systems_clock_tells_the_time_of_day() -> None:
    clock = SystemClock()
    before = clock.now()
    await clock.sleep(5)
    now = datetime.now(UTC).timestamp() * 1000
    assert before + 4 <= clock.now() <= now + 1
    assert abs(clock.now() - now) < MINUTE


@given(INSTANTS)
def test_rfc3339_is_read_as_it_is_written(instant: int) -> None:
    assert from_rfc3339(rfc3339(instant)) == instant
    assert from_rfc3339(rfc3339(instant).replace("Z", "+00:00")) == instant


@pytest.mark.parametrize("text", ["soon", "2026-11-28T10:00:00", ""])
def test_what_names_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_rfc3339(text)
