"""Things to wash with."""

from kassa.pages.sample.shapes import Shape, Sheet, circle, oval, path, rect, shadow, stroke, turned


def olive_soap() -> tuple[Shape, ...]:
    bubbles = ((104, 130, 24), (146, 96, 14), (300, 120, 20), (270, 84, 11), (328, 168, 10))
    return (
        shadow(312, 130),
        *(circle(x, y, r, "#ffffffb0") for x, y, r in bubbles),
        rect(80, 176, 240, 132, "#9aa85a", 40),
        rect(80, 166, 240, 124, "#b7c374", 40),
        rect(112, 192, 176, 72, "#c9d38f", 24),
        oval(180, 230, 17, 26, "#7d8c3f"),
        oval(214, 224, 28, 12, "#95a356"),
        stroke("M184 206c8-12 18-16 30-14", "#7d8c3f", 5),
    )


def cotton_towel() -> tuple[Shape, ...]:
    return (
        shadow(336, 110),
        stroke("M70 84h260", "#9d7446", 14),
        circle(66, 84, 12, "#80592f"),
        circle(334, 84, 12, "#80592f"),
        path("M112 76h176c6 0 10 4 10 10v240H102V86c0-6 4-10 10-10z", "#f7f4ee"),
        path("M102 86c0-6 4-10 10-10h60v250h-70z", "#ffffff"),
        rect(102, 252, 196, 16, "#4a8fa3"),
        rect(102, 278, 196, 8, "#4a8fa3"),
        stroke("".join(f"M{x} 326v10" for x in range(108, 298, 12)), "#e5dfd3", 5),
    )


def toothbrush() -> tuple[Shape, ...]:
    bristles = "".join(f"M{x} 170v-32" for x in range(60, 126, 10))
    return (
        turned(
            -36,
            stroke(bristles, "#fdfdfb", 8),
            stroke("M60 150v-12M80 150v-12M100 150v-12M120 150v-12", "#4fb0c6", 8),
            path(
                "M52 168h80c26 0 40 12 66 12h150c30 0 30 34 0 34H196c-30 0-44-16-64-16H52c-16 0-16-30 0-30z",
                "#d3a566",
            ),
            path("M52 168h80c26 0 40 12 66 12h150c12 0 20 5 22 12H190c-26 0-40-12-62-12H46c0-6 2-12 6-12z", "#e2bd87"),
        ),
    )


def hand_cream() -> tuple[Shape, ...]:
    return (
        shadow(340, 62),
        path("M132 66h136l-18 208H150z", "#e98f8c"),
        path("M132 66h44l-6 208h-20z", "#f3b1ae"),
        rect(126, 52, 148, 22, "#d97673", 5),
        rect(146, 274, 108, 66, "#fbf7f0", 10),
        stroke("M168 284v46M190 284v46M212 284v46M234 284v46", "#e5dccd", 4),
        path("M200 128c34 0 46 26 30 46l-30 34-30-34c-16-20-4-46 30-46z", "#fdf3ee"),
        stroke("M178 232h44", "#fdf3ee", 7),
    )


def bath_brush() -> tuple[Shape, ...]:
    bristles = "".join(f"M{x} 236v30" for x in range(70, 186, 12))
    return (
        turned(
            -32,
            stroke(bristles, "#f2e3c2", 8),
            rect(150, 196, 232, 30, "#b98350", 15),
            rect(54, 188, 144, 48, "#a06c3c", 24),
            rect(54, 184, 144, 36, "#c6935f", 18),
            circle(360, 211, 6, "#deecf2"),
            stroke("M360 211c20-20 30 20 6 30", "#7b6a55", 4),
        ),
    )


SHEET = Sheet(
    ground="#deecf2",
    shadow="#c2d6df",
    drawings={
        "olive-soap": olive_soap,
        "cotton-towel": cotton_towel,
        "bamboo-toothbrush": toothbrush,
        "hand-cream": hand_cream,
        "bath-brush": bath_brush,
    },
)
