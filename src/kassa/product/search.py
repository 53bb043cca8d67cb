"""What a product is found by, and what a search asks for: one reckoning for every store. Pure.

A product's text is folded into words, each marked with the place where it stands; a search is folded in the same way
into a few questions, each wider than the one before. A store only has to know which words a text has.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from snowballstemmer.english_stemmer import EnglishStemmer  # type: ignore[import-untyped]
from snowballstemmer.german_stemmer import GermanStemmer  # type: ignore[import-untyped]

from kassa.kit.documents import ANY_END, Words

RULE = "02"
"""A word that every text has that was folded in this way. Count on (two digits) as soon as the folding becomes another
one, or the stemmers do: then all products are folded anew when the catalogue is opened."""

_NAME, _BESIDE, _FAR, _SLIP, _OPTION = "1", "2", "3", "4", "5"
"""Where a word stands: in the name; in category or SKU; in the description, or at the end of a longer word of the name;
and what is left of a word of name or category without one of its letters, by which a slip is forgiven."""

MOST_WORDS = 16
"""So many words of a search are looked for."""
_LEAST_BEGINNING = 3
"""From so many letters on, what begins a word of a description finds it: with fewer nearly all are found."""
_LEAST_COMPOUNDED = 3
"""Letters of each of the two words of which a longer one is made."""
_SLIPPING = range(4, 25)
"""Letters of words in which a slip is forgiven. In a shorter one each letter makes it another word."""
_REMEMBERED = 20_000

_APOSTROPHES = re.compile("['\u2018\u2019\u02bc\u00b4`\uff07]")
_WORD = re.compile(r"[^\W_]+")
# Kana, Han and Thai are written without blanks: there each character is a word.
_UNSPACED = re.compile("([\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])")
_PLAIN = str.maketrans({"ø": "o", "œ": "oe", "æ": "ae", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_STEMMERS = (EnglishStemmer(), GermanStemmer())


def words_of(text: str) -> list[str]:
    """The words of a text without case, accents and apostrophes, as they follow each other. A hyphen parts two."""
    text = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", text)).casefold()
    text = "".join(each for each in text.translate(_PLAIN) if not unicodedata.combining(each))
    return _WORD.findall(_UNSPACED.sub(r" \1 ", text))


_LITTLE = frozenset(
    words_of(
        "a an and for in of on or the to with das dem den der des die ein eine einen einer für im mit oder und von zu "
        "zum zur"
    )
)
"""Words that say nothing about goods: they are not looked for beside others."""


@lru_cache(_REMEMBERED)
def forms_of(word: str) -> tuple[str, ...]:
    """The word, and what is left of it without the endings of each language: one word in singular and plural.

    In all languages at once: a shop has one catalogue, and its buyers several languages."""
    if not word.isalpha():
        return (word,)
    return tuple(dict.fromkeys((word, *(stemmer.stemWord(word) for stemmer in _STEMMERS))))


def text_of(name: str, category: str, sku: str | None, description: str, values: Sequence[str] = ()) -> str:
    """All that a product is found by, as words between blanks. `values` are those of a variant."""
    named, beside = words_of(" ".join((name, *values))), words_of(f"{category} {sku or ''}")
    found = [RULE]
    found += _marked(_NAME, (*named, *_pairs(named)))
    found += _marked(_BESIDE, (*beside, *_pairs(beside)))
    found += _marked(_FAR, (*words_of(description), *(end for word in named for end in _ends(word))))
    found += [
        _SLIP + each for word in (*named, *words_of(category)) for form in forms_of(word) for each in _slips(form)
    ]
    found += [option_word(place, value) for place, value in enumerate(values)]
    return " ".join(dict.fromkeys(found))


def option_word(place: int, value: str) -> str:
    """By which a variant is found that has this value of the option in this place of its family's."""
    return f"{_OPTION}{place}{''.join(words_of(value))}"


def questions(text: str) -> tuple[Words, ...]:
    """What finds the products that a search means, the best first; each finds what those before do, and more."""
    asked = _asked(text)
    best = [[_NAME + form for word in (word, *pairs) for form in forms_of(word)] for word, pairs in asked]
    begun = [[*known, _NAME + word + ANY_END] for known, (word, _) in zip(best, asked, strict=True)]
    good = [
        [*known, *(_BESIDE + form for each in (word, *pairs) for form in forms_of(each))]
        + ([_BESIDE + word + ANY_END] if len(word) > 1 else [])
        for known, (word, pairs) in zip(begun, asked, strict=True)
    ]
    fair = [
        [*known, *(_FAR + form for each in (word, *pairs) for form in forms_of(each))]
        + ([_FAR + word + ANY_END] if len(word) >= _LEAST_BEGINNING else [])
        for known, (word, pairs) in zip(good, asked, strict=True)
    ]
    return tuple(_all_of(groups) for groups in (best, begun, good, fair))


def forgiving(text: str) -> Words:
    """What finds the products that a search means that has a letter too many, too few, a wrong one, or two of them
    changed about, in each of its words."""
    fair = questions(text)[-1].groups
    return _all_of(
        [*known, *(_SLIP + each for form in forms_of(word) for each in _slips(form))]
        for known, (word, _) in zip(fair, _asked(text), strict=False)
    )


IS_FOLDED = Words(((RULE,),))
"""What a text passes that was folded by this rule."""


def _asked(text: str) -> list[tuple[str, list[str]]]:
    """The words of a search, each with what it makes with its neighbours: `tea pot` means a teapot, too."""
    words = words_of(text)
    words = ([word for word in words if word not in _LITTLE] or words)[:MOST_WORDS]
    pairs = ["", *_pairs(words), ""]
    return [(word, [each for each in pairs[place : place + 2] if each]) for place, word in enumerate(words)]


def _all_of(groups: Iterable[Iterable[str]]) -> Words:
    # What has no word in it is not everything.
    return Words(tuple(tuple(dict.fromkeys(group)) for group in groups) or ((),))


def _marked(mark: str, words: Iterable[str]) -> list[str]:
    return [mark + form for word in words for form in forms_of(word)]


def _pairs(words: Sequence[str]) -> list[str]:
    return [one + other for one, other in pairwise(words)]


def _ends(word: str) -> Iterator[str]:
    """The words that may be at the end of a longer one, as the pot is of the teapot."""
    for place in range(_LEAST_COMPOUNDED, len(word) - _LEAST_COMPOUNDED + 1):
        yield word[place:]


def _slips(word: str) -> Iterator[str]:
    """The word, and without each of its letters: two words have one of these in common if a slip makes one the other
    (Garbe, "Symmetric Delete")."""
    if word.isalpha() and len(word) in _SLIPPING:
        yield word
        for place in range(len(word)):
            yield word[:place] + word[place + 1 :]
