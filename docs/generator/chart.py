"""docs/performance.svg: what a paid journey costs, as bars; a step to the right is ten times as much."""

import math
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

_WIDTH, _LEFT, _ROW, _TOP, _BOTTOM = 860, 330, 30, 44, 34
_LEAST, _MOST = 1.0, 1000.0
_STYLE = """\
text { font: 14px system-ui, sans-serif; fill: #1c2733 }
.title { font-weight: 600 } .tick { font-size: 12px; fill: #5a6876; text-anchor: middle } .name { text-anchor: end }
line { stroke: #d5dce3 } .bar { fill: #9fb0c0 } .ours { fill: #1f6feb }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .tick { fill: #9aa7b4 } line { stroke: #30404f } .bar { fill: #5b6d7e } .ours { fill: #58a6ff }
}"""


class Bar(NamedTuple):
    """One of them; `text` tells its value."""

    name: str
    value: float
    text: str
    is_ours: bool


def drawn(title: str, bars: Sequence[Bar]) -> str:
    """The picture, as SVG that is light or dark as its reader's screen is."""
    foot = _TOP + len(bars) * _ROW
    ticks = [10.0**power for power in range(int(math.log10(_LEAST)), int(math.log10(_MOST)) + 1)]
    told = "; ".join(f"{bar.name}: {bar.text}" for bar in bars)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {foot + _BOTTOM}" role="img" '
        'aria-labelledby="title told">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="told">{escape(told)}</desc>',
        f"<style>\n{_STYLE}\n</style>",
        f'<text class="title" x="8" y="22">{escape(title)}</text>',
        *(_tick(each, foot) for each in ticks),
        *(_bar(bar, _TOP + number * _ROW) for number, bar in enumerate(bars)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _tick(value: float, foot: int) -> str:
    x = _x(value)
    label = f'<text class="tick" x="{x}" y="{foot + 20}">{value:,.0f} ms</text>'
    return f'<line x1="{x}" y1="{_TOP - 6}" x2="{x}" y2="{foot}"/>{label}'


def _bar(bar: Bar, y: int) -> str:
    kind = "ours" if bar.is_ours else "bar"
    end = _x(bar.value)
    return (
        f'<text class="name" x="{_LEFT - 10}" y="{y + 16}">{escape(bar.name)}</text>'
        f'<rect class="{kind}" x="{_LEFT}" y="{y + 3}" width="{round(end - _LEFT, 1)}" height="18" rx="2"/>'
        f'<text x="{end + 8:.1f}" y="{y + 16}">{escape(bar.text)}</text>'
    )


def _x(value: float) -> float:
    share = math.log(max(value, _LEAST) / _LEAST) / math.log(_MOST / _LEAST)
    return round(_LEFT + share * (_WIDTH - _LEFT - 120), 1)
