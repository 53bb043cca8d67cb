"""Tea, coffee and what goes with them."""

from kassa.pages.sample.shapes import Shape, Sheet, circle, moved, oval, path, rect, shadow, steam, stroke, turned

LEAF = "M0 0c30-34 74-34 96-6-28 32-70 36-96 6z"


def green_tea() -> tuple[Shape, ...]:
    return (
        shadow(330, 95),
        rect(118, 110, 164, 220, "#2f6b4f", 12),
        rect(118, 110, 40, 220, "#3f8061", 12),
        rect(110, 84, 180, 46, "#24543d", 10),
        rect(140, 164, 120, 120, "#f5ecd7", 8),
        moved(160, 236, path(LEAF, "#5f9d55"), size=0.8),
        moved(186, 206, path(LEAF, "#7db56b"), size=0.5),
        stroke("M160 262h80", "#2f6b4f", 6),
    )


def earl_grey() -> tuple[Shape, ...]:
    return (
        shadow(322, 110),
        path("M96 150l40-36h190l-26 36z", "#5d6fa3"),
        path("M300 150l26-36v176l-26 32z", "#33416c"),
        rect(96, 150, 204, 172, "#46568a"),
        rect(116, 174, 164, 124, "#f3ead4", 6),
        circle(198, 224, 28, "#e8b33c"),
        stroke("M198 198v52M172 224h52M180 206l36 36M216 206l-36 36", "#f9de9b", 4),
        stroke("M150 276h96", "#46568a", 6),
    )


def coffee_beans() -> tuple[Shape, ...]:
    bean = oval(0, 0, 17, 12, "#4a2c1b") + stroke("M-13 2c8-8 16 6 26-3", "#8a5a3c", 3)
    return (
        shadow(332, 105),
        path("M116 108h168l16 60v146c0 10-8 18-18 18H118c-10 0-18-8-18-18V168z", "#8d5b39"),
        path("M116 108h168l16 60H100z", "#7a4c2e"),
        rect(110, 72, 180, 40, "#9d6b47", 6),
        stroke("M124 92h152", "#7a4c2e", 4),
        rect(132, 190, 136, 104, "#f7ecd9", 8),
        moved(176, 232, bean, size=1.3),
        moved(226, 226, turned(60, bean, x=0, y=0), size=1.3),
        moved(204, 262, turned(-20, bean, x=0, y=0), size=1.3),
    )


def honey() -> tuple[Shape, ...]:
    return (
        shadow(326, 95),
        path(
            "M120 140h160c14 10 22 24 22 44v104c0 24-14 38-36 38H134c-22 0-36-14-36-38V184c0-20 8-34 22-44z", "#eda522"
        ),
        path("M120 140c-14 10-22 24-22 44v104c0 24 14 38 36 38h8c-16-40-16-140 2-186z", "#f6c45c"),
        rect(112, 88, 176, 54, "#f8f1e2", 12),
        stroke("M134 106v20M160 106v20M186 106v20M212 106v20M238 106v20M264 106v20", "#ddd0b4", 5),
        path("M200 178l52 30v58l-52 30-52-30v-58z", "#fff4d6"),
        oval(200, 242, 25, 18, "#3a2d18"),
        stroke("M190 227v30M206 226v32", "#f6c45c", 8),
        oval(190, 218, 11, 17, "#cfdde3"),
        oval(212, 218, 11, 17, "#dbe7ec"),
    )


def teapot() -> tuple[Shape, ...]:
    return (
        shadow(312, 120),
        steam(84, 118),
        stroke("M286 188c70-20 70 84 0 74", "#b7655a", 18),
        path("M126 236c-40 0-34-60-66-76l22-18c34 8 50 40 76 54z", "#c9776b"),
        path("M108 226c0-54 42-82 92-82s92 28 92 82-36 86-92 86-92-32-92-86z", "#d98b7e"),
        path("M140 166c14-34 106-34 120 0-34 18-86 18-120 0z", "#c9776b"),
        circle(200, 128, 14, "#b7655a"),
        stroke("M132 236c46 30 94 30 138 0", "#f6d9d2", 7),
    )


def pour_over() -> tuple[Shape, ...]:
    return (
        shadow(334, 92),
        path("M176 206h48l50 102c6 14-2 26-18 26H144c-16 0-24-12-18-26z", "#dfeaec"),
        path("M154 254h92l28 54c6 14-2 26-18 26H144c-16 0-24-12-18-26z", "#5d3622"),
        path("M110 84h180l-68 118h-44z", "#eef4f5"),
        path("M124 92h152l-60 100h-32z", "#fffaf0"),
        path("M140 118h120l-46 74h-28z", "#6d4129"),
        path("M164 184h72l10 34h-92z", "#b9814f"),
        stroke("M150 201h100", "#8f5f36", 6),
    )


def chocolate() -> tuple[Shape, ...]:
    return (
        turned(
            -14,
            rect(122, 62, 156, 280, "#54301d", 10),
            *(rect(132 + 48 * (n % 3), 72 + 46 * (n // 3), 40, 38, "#6d4129", 6) for n in range(9)),
            path(
                "M112 206l20-12 22 12 22-12 24 12 22-12 22 12 22-12 22 12v130c0 8-6 14-14 14H126c-8 0-14-6-14-14z",
                "#cf4f4a",
            ),
            rect(136, 240, 128, 74, "#f9e9cf", 8),
            stroke("M158 266h84M172 288h56", "#cf4f4a", 7),
        ),
    )


SHEET = Sheet(
    ground="#f5e9cc",
    shadow="#e0d0a8",
    drawings={
        "green-tea": green_tea,
        "earl-grey": earl_grey,
        "coffee-beans": coffee_beans,
        "honey": honey,
        "teapot": teapot,
        "pour-over": pour_over,
        "dark-chocolate": chocolate,
    },
)
