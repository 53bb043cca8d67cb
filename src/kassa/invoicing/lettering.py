"""Text in the fonts that have its letters: Source Sans has the Latin, Greek and Cyrillic ones and is in the file; for
Chinese, Japanese and Korean ones the file names a font that readers of PDFs bring along or have a substitute for (ISO
32000-1, 9.7.5.2: the predefined CMaps), which takes no room. What neither has, such as Arabic letters, is a box.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import groupby

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

PLAIN, STRONG = "SourceSansPro-Regular", "SourceSansPro-Semibold"
JAPANESE, KOREAN, CHINESE = "HeiseiKakuGo-W5", "HYGothic-Medium", "STSong-Light"

_EAST_ASIAN = re.compile(r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef]")
_KANA, _HANGUL = re.compile(r"[\u3040-\u30ff\uff66-\uff9f]"), re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff]")


@cache
def load_fonts() -> None:
    """Make the fonts known; they are read once."""
    for name in (PLAIN, STRONG):
        with (files("font_source_sans_pro") / "files" / f"{name}.ttf").open("rb") as file:
            pdfmetrics.registerFont(TTFont(name, file))
    for name in (JAPANESE, KOREAN, CHINESE):
        pdfmetrics.registerFont(UnicodeCIDFont(name))


class Lettering:
    """The letters of one document, of which `text` is all or a part: Chinese characters are not drawn alike in China,
    Japan and Korea, and what else is there tells whose they are. Widths and sizes are in points."""

    def __init__(self, text: str) -> None:
        load_fonts()
        self._beside = JAPANESE if _KANA.search(text) else KOREAN if _HANGUL.search(text) else CHINESE

    def width(self, text: str, font: str, size: float) -> float:
        """How wide the text is."""
        return float(sum(pdfmetrics.stringWidth(part, name, size) for name, part in self._runs(text, font)))

    def draw(self, canvas: Canvas, x: float, y: float, text: str, font: str, size: float) -> None:
        """Write the text from there on."""
        for name, part in self._runs(text, font):
            canvas.setFont(name, size)
            canvas.drawString(x, y, part)
            x += pdfmetrics.stringWidth(part, name, size)

    def wrapped(self, text: str, font: str, size: float, width: float) -> list[str]:
        """Lines of the text that are no wider; a word that is wider by itself is broken."""
        lines = [""]
        for word in text.split(" "):
            longer = f"{lines[-1]} {word}" if lines[-1] else word
            if self.width(longer, font, size) <= width:
                lines[-1] = longer
                continue
            pieces = list(self._broken(word, font, size, width))
            lines = [*(lines if lines[-1] else lines[:-1]), *pieces]
        return lines

    def _broken(self, word: str, font: str, size: float, width: float) -> Iterator[str]:
        while self.width(word, font, size) > width:
            counts = range(len(word), 0, -1)
            fits = next((count for count in counts if self.width(word[:count], font, size) <= width), 1)
            yield word[:fits]
            word = word[fits:]
        yield word

    def _runs(self, text: str, font: str) -> list[tuple[str, str]]:
        if not _EAST_ASIAN.search(text):
            return [(font, text)]
        named = ((self._beside if _EAST_ASIAN.match(letter) else font, letter) for letter in text)
        return [(name, "".join(letter for _, letter in run)) for name, run in groupby(named, key=lambda each: each[0])]
