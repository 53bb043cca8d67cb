"""Form encoding: what any client's encoder makes of values comes back, and what is no form is refused."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.sandbox.errors import ApiError
from kassa.sandbox.forms import MAX_DEPTH, MAX_FIELDS, parse_form

NAMES = st.text(st.characters(exclude_characters="[]", codec="utf-8"), min_size=1)
VALUES = st.text(st.characters(codec="utf-8"))


@given(st.dictionaries(NAMES, VALUES))
def test_any_flat_form_comes_back(form: dict[str, str]) -> None:
    assert parse_form(urlencode(form)) == form


def test_brackets_make_objects_and_lists_encoded_or_not() -> None:
    tree = {"a": {"b": ["x y", {"c": "é&="}]}, "e": ["1", "2"], "empty": ""}
    plain = "a[b][0]=x+y&a[b][1][c]=%C3%A9%26%3D&e[]=1&e[]=2&empty="
    assert parse_form(plain) == tree
    assert parse_form(plain.replace("[", "%5B").replace("]", "%5D")) == tree
    assert parse_form("") == {}


@pytest.mark.parametrize(
    "text",
    [
        "a=%FF",
        "%FF=a",
        "a[b=1",
        "[a]=1",
        "a=1&a[b]=2",
        "a[b]=1&a=2",
        "a[b]=1&a[b][c]=2",
        "a" + "[b]" * MAX_DEPTH + "=1",
        "&".join(["a=1"] * (MAX_FIELDS + 1)),
    ],
)
def test_what_is_no_form_is_refused(text: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_form(text)
    assert caught.value.status == 400
