"""Things to write and work with."""

from kassa.pages.sample.shapes import Shape, Sheet, circle, oval, path, rect, ring, shadow, stroke, turned


def notebook() -> tuple[Shape, ...]:
    dots = (circle(x, y, 3, "#b9c3d6") for x in range(176, 290, 22) for y in range(110, 310, 22))
    return (
        turned(
            -6,
            rect(108, 74, 200, 262, "#bfc8d8", 10),
            rect(102, 68, 200, 262, "#fdfcf8", 10),
            *dots,
            rect(96, 62, 66, 268, "#2f4f8f", 10),
            rect(150, 62, 12, 268, "#25407a"),
            rect(112, 110, 34, 50, "#f0d48a", 4),
            path("M250 68h22v84l-11-14-11 14z", "#d9534a"),
        ),
    )


def brass_pen() -> tuple[Shape, ...]:
    return (
        stroke("M60 300c40-30 50 20 84-4s44 8 60-6", "#2f4f8f", 6),
        turned(
            -48,
            path("M96 182h-30l-38 18 38 18h30z", "#c8952f"),
            path("M44 192l-16 8 16 8z", "#3c4147"),
            rect(92, 178, 196, 44, "#d9a93f", 6),
            rect(92, 178, 196, 15, "#edcb7c", 6),
            rect(222, 174, 140, 52, "#b5832a", 14),
            rect(222, 174, 140, 17, "#d9a93f", 10),
            rect(246, 160, 96, 12, "#edcb7c", 6),
            rect(214, 172, 14, 56, "#8f6519"),
        ),
    )


def desk_lamp() -> tuple[Shape, ...]:
    return (
        path("M150 168l-88 150h196z", "#fbeec2"),
        shadow(330, 70, 262),
        rect(200, 312, 124, 18, "#2c3a52", 9),
        stroke("M262 312l34-112-104-84", "#44567a", 12),
        circle(296, 200, 13, "#2c3a52"),
        turned(38, path("M138 88h62l26 66H112z", "#e2603f"), rect(152, 70, 34, 24, "#b9472b", 8), x=168, y=124),
        oval(146, 168, 30, 14, "#fff7d6"),
    )


def pencils() -> tuple[Shape, ...]:
    colours = ("#d9534a", "#e8a33c", "#4f9d69", "#3f78c0", "#8a63b8")

    def pencil(n: int, colour: str) -> Shape:
        x = 96 + n * 44
        return (
            path(f"M{x} 126l18-48 18 48z", "#f0d6ae")
            + path(f"M{x + 11} 96l7-18 7 18z", colour)
            + rect(x, 126, 36, 178, colour)
            + rect(x + 12, 126, 12, 178, "#ffffff44")
            + rect(x, 304, 36, 14, "#b9c0c9")
            + rect(x, 318, 36, 18, "#eda6a0", 6)
        )

    return (turned(8, *(pencil(n, colour) for n, colour in enumerate(colours))),)


def paper_clips() -> tuple[Shape, ...]:
    clip = "M0 50v90c0 40 56 40 56 0V30c0-30-42-30-42 0v98c0 16 24 16 24 0V56"
    places = ((96, 70, "#d9534a", -18), (176, 150, "#3f78c0", 24), (254, 64, "#4f9d69", 8), (108, 214, "#e8a33c", 62))
    return tuple(
        f'<g transform="translate({x} {y}) rotate({angle} 28 80)">{stroke(clip, colour, 11)}</g>'
        for x, y, colour, angle in places
    )


def keyboard() -> tuple[Shape, ...]:
    keys = (
        rect(74 + 32 * column, 164 + 32 * row, 26, 26, "#f5f4f0" if (row + column) % 5 else "#e8a33c", 5)
        for row in range(3)
        for column in range(8)
    )
    return (
        shadow(292, 165),
        rect(50, 140, 300, 148, "#39465f", 18),
        rect(50, 140, 300, 138, "#4d5c7a", 18),
        *keys,
        rect(74, 260, 58, 8, "#39465f", 4),
        stroke("M200 140c0-40 60-30 60-70", "#39465f", 8),
        rect(330, 164, 8, 90, "#39465f", 4),
    )


def scissors() -> tuple[Shape, ...]:
    return (
        turned(
            30,
            turned(16, path("M188 60c14 8 22 30 22 60v90h-22z", "#98a4b2"), x=200, y=210),
            turned(-16, path("M212 60c-14 8-22 30-22 60v90h22z", "#b4bfcb"), x=200, y=210),
            ring(156, 288, 38, "#d9534a", 20),
            ring(244, 288, 38, "#d9534a", 20),
            stroke("M188 218l-18 34M212 218l18 34", "#d9534a", 22),
            circle(200, 208, 9, "#6f7a87"),
        ),
    )


SHEET = Sheet(
    ground="#dfe6f2",
    shadow="#c5d0e2",
    drawings={
        "dot-grid-notebook": notebook,
        "brass-pen": brass_pen,
        "desk-lamp": desk_lamp,
        "colour-pencils": pencils,
        "paper-clips": paper_clips,
        "keyboard": keyboard,
        "scissors": scissors,
    },
)
