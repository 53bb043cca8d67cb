"""Text by which something is found again: what looks the same to people is the same to the shop. And numbers of things
in words."""

import re
import unicodedata

# A blank of any kind, but for the line breaks and tabs that callers refuse.
_BLANKS = re.compile(r"[^\S\x00-\x1f\x7f\x85\u2028\u2029]+")
# What chooses between the shapes of the character before it, and what joins two characters into one shape.
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef"
_JOINERS = "\u200c\u200d"
# Besides the category Cf: what joins nothing, Hangul fillers, selectors; not some signs of Cf that are seen (Unicode:
# Default_Ignorable_Code_Point, Prepended_Concatenation_Mark).
_MORE_INVISIBLE = re.compile(f"[\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0{_SELECTORS}]")
_SEEN = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd]")
_SHAPING = re.compile(f"[{_JOINERS}{_SELECTORS}]")
# Letters without case, marks and symbols: the scripts and the emoji that are shaped so.
_SHAPED = frozenset({"Lo", "Mn", "Mc", "So", "Sk"})
_MOST_EXPANDED = 4
NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
"""A line, or nothing, as JSON Schema writes it."""
ONE_LINE = r"^[^\S\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
"""A line with something on it, as JSON Schema writes it. No two repeats in a row take the same character: none is gone
back to."""

LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]*$"
"""A text of any number of lines, without control characters but for ends of lines and tabs."""
LONGEST_SHOP_NAME = 60
SHOP_NAME = r"^[^\S\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f\"<>@][^\x00-\x1f\x7f\"<>@]*$"
"""What a shop can be called: its mails are from that name (RFC 5322, 3.4), without a sign that is read as part of an
address."""
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


def is_far_too_long(text: str, longest: int) -> bool:
    """Whether no spelling of the text can have `longest` characters: it is refused as it is, and never cut, for what
    is left would be another's."""
    return len(text) > _MOST_EXPANDED * longest


def normalised(text: str, longest: int, *, is_label: bool = False) -> str:
    """The one spelling of all that looks like this: composed (NFC), single blanks between words and none around, no
    invisible characters but where a script or an emoji needs them. On a label letters and digits of all widths and
    shapes are the same, too (NFKC). A text that is far too long is left as it is, and must not cost anything. What
    the spelling must be like is checked afterwards: it may be longer than the text."""
    text = _BLANKS.sub(" ", text).strip()  # First: blanks make no text too long to be folded.
    if text.isascii() or is_far_too_long(text, longest):
        return text
    composed = unicodedata.normalize("NFKC" if is_label else "NFC", text)
    return unicodedata.normalize("NFC", _BLANKS.sub(" ", _without_invisible(composed)).strip())


def normalised_lines(text: str, longest: int) -> str:
    """A text of many lines, each in one spelling, and all of them ended in the same way."""
    if is_far_too_long(text, longest):
        return text
    return "\n".join(normalised(line.replace("\t", " "), longest) for line in _LINE_END.split(text)).strip("\n")


def is_invisible(character: str) -> bool:
    """Whether the character shows nothing by itself: zero width, a direction, the shape of another."""
    if _MORE_INVISIBLE.match(character):
        return True
    return unicodedata.category(character) == "Cf" and not _SEEN.match(character)


def _without_invisible(text: str) -> str:
    kept: list[str] = []
    is_shaped = False
    for each, behind in zip(text, f"{text[1:]} ", strict=True):
        is_kept = not is_invisible(each)
        if is_kept:
            is_shaped = unicodedata.category(each) in _SHAPED
        elif is_shaped and _SHAPING.match(each):
            is_kept = each not in _JOINERS or unicodedata.category(behind) in _SHAPED
        if is_kept:
            kept.append(each)
    return "".join(kept)


def counted(count: int, one: str, many: str = "") -> str:
    """So many of them, in words: `1 order`, `1,200 orders`; `many` where that is not `one` with an s."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def ended(text: str) -> str:
    """The text as the end of a sentence: with a full stop, if it has none of its own."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def domain_name(text: str) -> str:
    """A host's name in letters: `xn--bcher-kva.example` is `bücher.example`. ValueError if none is called so.

    Both spellings are one name (RFC 5891; UTS 46, non-transitional: ß and ss are two).
    """
    if (plain := _plain(text)) is not None:
        return plain
    in_ascii = domain_in_ascii(text)
    import idna

    return idna.decode(in_ascii)


def domain_in_ascii(text: str) -> str:
    """A host's name as DNS knows it: `bücher.example` is `xn--bcher-kva.example`. ValueError as above."""
    if (plain := _plain(text)) is not None:
        return plain
    import idna  # Only for those who need it: its tables are large.

    try:
        return idna.encode(text, uts46=True).decode()
    except UnicodeError as error:
        raise ValueError(f"{text[:60]!r} is no host's name: {error}") from error


def _plain(text: str) -> str | None:
    return text.lower() if text.isascii() and "xn--" not in text.lower() else None
