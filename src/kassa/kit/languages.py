"""The languages that a shop speaks, and which of them somebody is answered in."""

from collections.abc import Sequence

LANGUAGES = ("en", "de")
"""Those that all texts are there in, of pages and mails; texts are written in the first one."""


def nearest(accepted: str, offered: Sequence[str]) -> str:
    """The one of the tags offered that comes nearest to what a browser says it accepts (RFC 9110, 12.5.4:
    `de-AT,de;q=0.9,en;q=0.8`; a single tag will do): the same, or else of the same language. The first, if none is."""
    wanted = sorted((_weighed(each) for each in accepted.split(",")), key=lambda each: -each[1])
    near = (_near(tag, offered) for tag, weight in wanted if weight)
    return next((tag for tag in near if tag), offered[0])


def _near(tag: str, offered: Sequence[str]) -> str | None:
    exactly = (each for each in offered if each.lower() == tag)
    nearly = (each for each in offered if each.lower().partition("-")[0] == tag.partition("-")[0])
    return next(exactly, None) or next(nearly, None)


def _weighed(text: str) -> tuple[str, float]:
    tag, _, parameter = text.partition(";")
    weight = parameter.strip().removeprefix("q=") if parameter else "1"
    return tag.strip().replace("_", "-").lower(), float(weight) if weight.replace(".", "", 1).isdecimal() else 0.0
