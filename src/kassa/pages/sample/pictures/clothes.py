"""Things to wear, each in its colours."""

from functools import partial

from kassa.pages.sample.shapes import Shape, Sheet, circle, path, shadow, stroke


def linen_shirt(cloth: str, fold: str, dark: str) -> tuple[Shape, ...]:
    """A shirt as it hangs, in one colour, its shade in the folds and the one of its seams."""
    buttons = tuple(circle(200, y, 4, dark) for y in (166, 202, 238, 274))
    return (
        shadow(350, 96),
        stroke("M200 74c0-22 26-20 26-38 0-14-20-20-28-8", "#8a7f70", 6),
        stroke("M200 74L126 112M200 74l74 38", "#a98f6b", 10),
        path("M150 96L92 124 62 214l40 18 22-46v146h152V186l22 46 40-18-30-90-58-28-50 22z", cloth),
        path("M124 186v146h22c-10-52-12-120-8-186zM276 186v146h-22c10-52 12-120 8-186z", fold),
        stroke("M92 124l32 62M308 124l-32 62M200 128v204", dark, 3),
        path("M150 96l22-12 28 34-26 26zM250 96l-22-12-28 34 26 26z", fold),
        stroke("M150 96l24 48 26-26 26 26 24-48", dark, 3),
        path("M222 196h34v30l-17 9-17-9z", fold),
        stroke("M222 196h34v30l-17 9-17-9z", dark, 3),
        *buttons,
    )


SHEET = Sheet(
    ground="#e6ecec",
    shadow="#cdd8d8",
    drawings={
        "linen-shirt-sand": partial(linen_shirt, "#e9dcc3", "#dccba9", "#a58f65"),
        "linen-shirt-sage": partial(linen_shirt, "#a9bfa4", "#95ae90", "#5f7a5c"),
        "linen-shirt-night": partial(linen_shirt, "#3f4f6e", "#35435e", "#8d9cba"),
    },
)
