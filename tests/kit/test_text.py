"""What looks the same is the same."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.kit.text import counted, domain_name, is_invisible, normalised

LONGEST = 40


@pytest.mark.parametrize(
    "spelling",
    [
        "Café",
        "Cafe\u0301",
        " Café\u00a0",
        "\ufeffCafé",
        "Ca\u200bfé",
        "Café\u200d",
        "C\u00adafé",
        "\u202eCafé\u202c",
        "Café\ufe0f",
        "Café\U000e0020",
        "Caf\u034fé",
        "Cafe\u200b\u0301",
    ],
)
def test_what_looks_the_same_is_spelled_the_same(spelling: str) -> None:
    assert normalised(spelling, LONGEST) == "Café"


@pytest.mark.parametrize(
    "text", ["a b", "می\u200cخواهم", "👩\u200d💻", "❤\ufe0f", "क\u094d\u200dष", "🏴\U000e0067\U000e007f"]
)
def test_what_an_invisible_character_changes_to_see_is_kept(text: str) -> None:
    assert normalised(text, LONGEST) == text


def test_blanks_are_single_and_lines_stay_lines() -> None:
    assert normalised("Tea \u2003 green", LONGEST) == "Tea green"
    assert normalised("Tea\ngreen\ttea", LONGEST) == "Tea\ngreen\ttea"


def test_what_is_far_too_long_is_left_alone() -> None:
    text = "e\u0301" * (2 * LONGEST + 1)
    assert normalised(text, LONGEST) == text


@given(st.text(max_size=2 * LONGEST))
def test_a_spelling_is_its_own_spelling(text: str) -> None:
    once = normalised(text, LONGEST)
    assert normalised(once, LONGEST) == once
    assert normalised(unicodedata.normalize("NFD", text), LONGEST) == once
    assert not (once and all(map(is_invisible, once)))


@pytest.mark.parametrize(
    "text",
    ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example", "XN--bcher-KVA.example", "bu\u0308cher。example"],
)
def test_a_domain_has_one_name(text: str) -> None:
    assert domain_name(text) == "bücher.example"


def test_domains_that_are_two_stay_two() -> None:
    assert domain_name("straße.example") != domain_name("strasse.example")
    assert domain_name("a_b.Example") == "a_b.example"


@pytest.mark.parametrize("text", ["xn--a.example", "a\u200bb..example", "\u0301a.example", "é" * 64 + ".example"])
def test_what_can_be_no_domain_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no host's name"):
        domain_name(text)


def test_one_thing_is_said_otherwise_than_several() -> None:
    said = [counted(count, "order") for count in (0, 1, 2, 1200)]
    assert said == ["0 orders", "1 order", "2 orders", "1,200 orders"]
    assert [counted(count, "event waits", "events wait") for count in (1, 2)] == ["1 event waits", "2 events wait"]
