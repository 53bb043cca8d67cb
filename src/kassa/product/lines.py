"""One line of text, in the one spelling in which it is found again. Pure."""

import re
from collections.abc import Callable

from kassa.kit.text import ONE_LINE, normalised

_ONE_LINE = re.compile(ONE_LINE)


def line(longest: int, *, is_label: bool = False) -> Callable[[str], str]:
    """What checks such a line: it returns the line as it is stored; ValueError if it is empty, too long, or several.
    On a label letters and digits of all widths are the same."""

    def checked_line(text: str) -> str:
        line = normalised(text, longest, is_label=is_label)
        if not line:
            raise ValueError(f"is missing: it must have 1 to {longest} characters")
        if len(line) > longest:
            raise ValueError(f"is too long: it must have 1 to {longest} characters")
        if not _ONE_LINE.fullmatch(line):
            raise ValueError("must be one line without control characters")
        return line

    return checked_line
