"""By what people find things again: e-mail addresses, names, categories, SKUs. Each is bounded, then spelled in one
way, then checked; so what is stored is its own spelling, and what looks the same is the same."""

import unicodedata
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kassa.auth.domain import LONGEST_NAME as LONGEST_USER_NAME
from kassa.auth.domain import checked_name
from kassa.kit.email import LONGEST_EMAIL, normalised_email
from kassa.kit.problem import Invalid
from kassa.product.domain import LONGEST_CATEGORY, LONGEST_NAME, LONGEST_SKU, checked

Spell = Callable[[str], str]


def _of_a_product(field: str) -> Spell:
    def spell(text: str) -> str:
        good, wrong = checked({field: text}, "usd")
        if wrong:
            raise ValueError(wrong[0].message)
        spelled: str = good[field]
        return spelled

    return spell


def _local_part(text: str) -> str:
    return normalised_email(f"{text}@shop.example")


IDENTITIES: dict[str, tuple[Spell, int]] = {
    "an e-mail address": (_local_part, LONGEST_EMAIL),
    "a user's name": (checked_name, LONGEST_USER_NAME),
    "a SKU": (_of_a_product("sku"), LONGEST_SKU),
    "a product's name": (_of_a_product("name"), LONGEST_NAME),
    "a category": (_of_a_product("category"), LONGEST_CATEGORY),
}
every_identity = pytest.mark.parametrize(("spell", "longest"), IDENTITIES.values(), ids=IDENTITIES)
LIGATURE = "\ufdfa"
"""18 letters and blanks, written as one."""


def _spelled(spell: Spell, text: str) -> str | None:
    with suppress(ValueError, Invalid):
        return spell(text).removesuffix("@shop.example")
    return None


@every_identity
@given(st.text(max_size=80), st.sampled_from("\u200b\u3164\ufeff\u00ad"), st.integers(0, 80))
@example("\u0391\u03a3\u0391", "\u3164", 2)
@example("\u00a8 x", "\u200b", 0)
@example(LIGATURE * 5, "\u200b", 0)
@example("a" * 63 + LIGATURE, "\u200b", 0)
def test_what_is_stored_is_its_own_spelling_and_that_of_all_that_looks_like_it(
    spell: Spell, longest: int, text: str, unseen: str, place: int
) -> None:
    once = _spelled(spell, text)
    if once is None:
        return
    assert len(once) <= longest
    assert _spelled(spell, once) == once
    assert _spelled(spell, unicodedata.normalize("NFD", text)) == once
    assert _spelled(spell, text[:place] + unseen + text[place:]) == once


@every_identity
def test_what_is_too_long_is_refused_and_not_cut(spell: Spell, longest: int) -> None:
    for between in (" ", "\u200b", "e\u0301"):
        text = f"ada{between * 10 * longest}hidden"
        assert _spelled(spell, text) in (None, "ada hidden"), "blanks are one, however many there are"
    with pytest.raises((ValueError, Invalid)):
        normalised_email(f"ada@shop.example{' ' * 10 * longest}@other.example")


@pytest.mark.parametrize("padded", ["{} ", " {}", "{}x"], ids=["behind", "before", "between"])
def test_blanks_make_no_second_spelling(padded: str) -> None:
    wide, plain = (padded.replace(" ", " " * 1000).replace("{}x", f"{{}}{' ' * 1000}x") for _ in range(2))
    spell = _of_a_product("sku")
    assert spell(wide.format("ＡＢＣ-1")) == spell(plain.format("ABC-1"))
