"""The few shapes that every picture is made of, on a square of 400 by 400."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Shape: TypeAlias = str
Drawing: TypeAlias = Callable[[], tuple[Shape, ...]]


@dataclass(frozen=True)
class Sheet:
    """The pictures of one category: the colour behind them, the colour of their shadows, and the drawings."""

    ground: str
    shadow: str
    drawings: dict[str, Drawing]


def rect(x: float, y: float, width: float, height: float, fill: str, round_: float = 0) -> Shape:
    corner = f' rx="{round_:g}"' if round_ else ""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"{corner} fill="{fill}"/>'


def circle(x: float, y: float, radius: float, fill: str) -> Shape:
    return f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{fill}"/>'


def oval(x: float, y: float, rx: float, ry: float, fill: str) -> Shape:
    return f'<ellipse cx="{x:g}" cy="{y:g}" rx="{rx:g}" ry="{ry:g}" fill="{fill}"/>'


def path(line: str, fill: str) -> Shape:
    return f'<path d="{line}" fill="{fill}"/>'


def stroke(line: str, colour: str, width: float = 6) -> Shape:
    return (
        f'<path d="{line}" fill="none" stroke="{colour}" stroke-width="{width:g}" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    )


def ring(x: float, y: float, radius: float, colour: str, width: float) -> Shape:
    return f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="none" stroke="{colour}" stroke-width="{width:g}"/>'


def turned(angle: float, *shapes: Shape, x: float = 200, y: float = 200) -> Shape:
    return f'<g transform="rotate({angle:g} {x:g} {y:g})">{"".join(shapes)}</g>'


def moved(x: float, y: float, *shapes: Shape, size: float = 1) -> Shape:
    scale = f" scale({size:g})" if size != 1 else ""
    return f'<g transform="translate({x:g} {y:g}){scale}">{"".join(shapes)}</g>'


def shadow(y: float, rx: float, x: float = 200) -> Shape:
    """Where the thing stands; its colour is the sheet's."""
    return f'<ellipse cx="{x:g}" cy="{y:g}" rx="{rx:g}" ry="{rx / 9:g}" class="shadow"/>'


def steam(x: float, y: float) -> Shape:
    wisp = "v-6c0-18 16-18 16-36s-16-18-16-36"
    return stroke(f"M{x - 22:g} {y:g}{wisp}M{x + 14:g} {y:g}{wisp}", "#ffffff", 7)


def picture(sheet: Sheet, drawing: Drawing) -> str:
    """The whole file."""
    shapes = "".join(drawing()).replace('class="shadow"', f'fill="{sheet.shadow}"')
    ground = rect(0, 0, 400, 400, sheet.ground)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400">{ground}{shapes}</svg>\n'
