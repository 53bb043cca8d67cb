"""Things to listen with."""

from kassa.pages.sample.shapes import Shape, Sheet, circle, oval, path, rect, ring, shadow, stroke


def headphones() -> tuple[Shape, ...]:
    return (
        shadow(326, 110),
        stroke("M100 232v-30c0-130 200-130 200 0v30", "#2c3a3c", 20),
        stroke("M112 190c10-96 166-96 176 0", "#c9785a", 9),
        rect(74, 212, 62, 104, "#2c3a3c", 26),
        rect(264, 212, 62, 104, "#2c3a3c", 26),
        rect(122, 218, 28, 92, "#c9785a", 14),
        rect(250, 218, 28, 92, "#c9785a", 14),
    )


def speakers() -> tuple[Shape, ...]:
    def box(x: float) -> Shape:
        return (
            rect(x, 88, 124, 236, "#8a5d3b", 8)
            + rect(x + 10, 98, 104, 216, "#a87650", 4)
            + circle(x + 62, 150, 26, "#2c3a3c")
            + circle(x + 62, 150, 12, "#dbe3e2")
            + circle(x + 62, 246, 46, "#2c3a3c")
            + ring(x + 62, 246, 34, "#51676a", 5)
            + circle(x + 62, 246, 15, "#51676a")
        )

    return shadow(326, 155), box(62), box(214)


def turntable() -> tuple[Shape, ...]:
    return (
        shadow(322, 155),
        rect(52, 112, 296, 200, "#7c5236", 14),
        rect(52, 112, 296, 184, "#a5714c", 14),
        circle(172, 204, 84, "#1f2729"),
        ring(172, 204, 66, "#39474a", 3),
        ring(172, 204, 50, "#39474a", 3),
        circle(172, 204, 28, "#e0664a"),
        circle(172, 204, 5, "#f5efe6"),
        circle(304, 150, 20, "#dbe3e2"),
        stroke("M304 150v78l-50 26", "#dbe3e2", 9),
        circle(308, 266, 12, "#2c3a3c"),
    )


def earbuds() -> tuple[Shape, ...]:
    bud = oval(0, 0, 30, 26, "#fbfbf8") + rect(-4, 0, 24, 86, "#fbfbf8", 12) + oval(-16, 0, 12, 16, "#2c3a3c")
    return (
        shadow(330, 110),
        rect(104, 222, 192, 106, "#3f6d6c", 46),
        path("M104 262v-4c0-22 20-36 46-36h100c26 0 46 14 46 36v4z", "#558887"),
        circle(200, 290, 6, "#bfe3cf"),
        f'<g transform="translate(146 112)">{bud}</g>',
        f'<g transform="translate(254 112) scale(-1 1)">{bud}</g>',
    )


def portable_radio() -> tuple[Shape, ...]:
    grille = "".join(f"M{x} 196v92" for x in range(92, 206, 14))
    return (
        shadow(324, 145),
        stroke("M292 148l42-104", "#8a9693", 6),
        circle(335, 42, 7, "#8a9693"),
        stroke("M110 148c0-50 160-50 160 0", "#7a4a2f", 12),
        rect(60, 146, 280, 174, "#e0664a", 26),
        rect(60, 146, 280, 160, "#ec7f63", 26),
        rect(80, 182, 140, 118, "#f7ead6", 12),
        stroke(grille, "#c7b595", 5),
        rect(238, 184, 84, 36, "#2c3a3c", 8),
        stroke("M246 202h68M270 194v16", "#f3c14b", 4),
        circle(260, 262, 20, "#f7ead6"),
        circle(304, 262, 14, "#f7ead6"),
        stroke("M260 262v-14", "#7a4a2f", 4),
    )


def microphone() -> tuple[Shape, ...]:
    return (
        shadow(344, 76),
        stroke("M200 344v-70", "#2c3a3c", 12),
        rect(140, 332, 120, 14, "#2c3a3c", 7),
        stroke("M130 176v24c0 92 140 92 140 0v-24", "#51676a", 10),
        rect(152, 66, 96, 178, "#c3cecb", 48),
        path("M152 150h96v46c0 64-96 64-96 0z", "#2c3a3c"),
        stroke("M166 96h68M158 114h84M158 132h84M180 78h40", "#8fa09c", 4),
        circle(200, 194, 8, "#e0664a"),
    )


SHEET = Sheet(
    ground="#d9e8e5",
    shadow="#bfd3cf",
    drawings={
        "headphones": headphones,
        "bookshelf-speakers": speakers,
        "turntable": turntable,
        "earbuds": earbuds,
        "portable-radio": portable_radio,
        "microphone": microphone,
    },
)
