"""The shop's own pictures: how they are addressed, and in which sizes there are. An address tells all of that, so that
whoever has one knows the others without asking."""

import re

import msgspec

from kassa.kit.problem import Problem

WIDTHS = (320, 640, 1280)
"""In pixels; none is wider than what was sent, which comes in its own width instead."""
TALLEST = 2560
PATH = "/pictures"
ADDRESS = re.compile(rf"{PATH}/(([0-9a-f]{{32}})-([1-9][0-9]{{0,3}})x([1-9][0-9]{{0,3}})\.webp)")


class PictureRefused(Problem):
    """What was sent is no picture that the shop takes."""

    code, title, status = "picture_refused", "This is no picture that the shop takes", 422


class Size(msgspec.Struct, frozen=True):
    """A picture in one size, in pixels."""

    address: str
    width: int
    height: int


def sizes_of(digest: str, width: int, height: int) -> list[Size]:
    """The sizes that there are of a picture that is so large, the largest last."""
    widths = [each for each in WIDTHS if each < width] + [width]
    heights = [max(1, round(each * height / width)) for each in widths]
    return [Size(f"{PATH}/{digest}-{w}x{h}.webp", w, h) for w, h in zip(widths, heights, strict=True)]


def sizes_at(address: str) -> list[Size]:
    """The sizes of the picture at this address, the largest last; none if it is no picture of the shop's own."""
    found = ADDRESS.fullmatch(address)
    return sizes_of(found[2], int(found[3]), int(found[4])) if found else []
