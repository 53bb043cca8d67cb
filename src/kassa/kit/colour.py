"""Colours, and whether people can read them (WCAG 2.2, 1.4.3 and 1.4.11). A colour is `#rrggbb`."""

from typing import NamedTuple

LEAST = 4.5
"""The contrast that a text needs (WCAG 2.2, 1.4.3, level AA)."""
_STEPS = 100
_TINT = 0.1


class Scheme(NamedTuple):
    """What pages look like by day or by night: their backgrounds, what stands out most from these, and in what is
    written on a coloured button."""

    backgrounds: tuple[str, ...]
    furthest: str
    on_accent: str


LIGHT = Scheme(("#faf9f6", "#ffffff"), "#000000", "#ffffff")
DARK = Scheme(("#14171a", "#1d2125"), "#ffffff", "#0c0f11")


def contrast(one: str, other: str) -> float:
    """From 1 to 21 (WCAG 2.2: contrast ratio)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mixed(colour: str, other: str, share: float) -> str:
    """The colour with so much of another in it."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(one * (1 - share) + more * share):02x}" for one, more in pairs)


def tint(accent: str, scheme: Scheme) -> str:
    """The background that has a little of the accent in it."""
    return mixed(scheme.backgrounds[-1], accent, _TINT)


def least_contrast(accent: str, scheme: Scheme) -> float:
    """That of the accent with whatever it is put on, or what is written on it."""
    beside = (*scheme.backgrounds, tint(accent, scheme), scheme.on_accent)
    return min(contrast(accent, each) for each in beside)


def readable(accent: str, scheme: Scheme) -> str:
    """The nearest colour of its kind that can be read; itself, if it can be."""
    tries = (mixed(accent, scheme.furthest, step / _STEPS) for step in range(_STEPS + 1))
    return next(each for each in tries if least_contrast(each, scheme) >= LEAST)


def _channels(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def _luminance(colour: str) -> float:
    """WCAG 2.2: relative luminance."""
    red, green, blue = (_linear(each / 255) for each in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
