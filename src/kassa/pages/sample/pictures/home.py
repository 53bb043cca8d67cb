"""Things to live with."""

from math import cos, radians, sin

from kassa.pages.sample.shapes import Shape, Sheet, circle, oval, path, rect, ring, shadow, stroke, turned

OAK, OAK_DARK = "#c99a63", "#a67942"
QUILTING = "M150 152l100 112M200 146l62 70M140 200l62 72M250 152L150 264M200 146l-62 70M262 200l-62 72"
STEMS = "M200 300C196 240 150 200 138 140M200 300C202 230 200 160 204 104M200 300c4-60 50-90 64-140"


def oak_chair() -> tuple[Shape, ...]:
    return (
        shadow(346, 100),
        stroke("M140 70v270M260 70v270", OAK_DARK, 14),
        rect(132, 84, 136, 26, OAK, 10),
        rect(132, 126, 136, 22, OAK, 10),
        path("M118 208h164l22 34H96z", "#d9ab74"),
        rect(96, 242, 208, 16, OAK_DARK, 4),
        stroke("M106 258v90M294 258v90", OAK, 16),
        stroke("M106 304h188", OAK_DARK, 8),
    )


def armchair() -> tuple[Shape, ...]:
    return (
        shadow(334, 130),
        stroke("M116 300l-10 34M284 300l10 34", "#7a5836", 14),
        rect(104, 92, 192, 190, "#4d7c74", 44),
        rect(104, 92, 96, 190, "#568980", 44),
        rect(110, 200, 180, 66, "#6fa399", 20),
        rect(66, 176, 60, 130, "#41695f", 28),
        rect(274, 176, 60, 130, "#41695f", 28),
        rect(86, 258, 228, 50, "#4d7c74", 14),
        rect(160, 140, 80, 70, "#e5a84b", 14),
    )


def wool_blanket() -> tuple[Shape, ...]:
    fringe = "".join(f"M{x} 300v22" for x in range(92, 312, 16))
    return (
        shadow(326, 125),
        rect(80, 110, 240, 64, "#b9544d", 30),
        rect(80, 168, 240, 64, "#c96a62", 30),
        rect(80, 226, 240, 76, "#b9544d", 22),
        stroke("M84 142h232M84 200h232", "#f2d8c9", 8),
        stroke("M84 256h232M84 276h232", "#f2d8c9", 6),
        stroke(fringe, "#f2d8c9", 5),
    )


def wall_clock() -> tuple[Shape, ...]:
    def mark(hour: int) -> str:
        x, y = sin(radians(hour * 30)), -cos(radians(hour * 30))
        return f"M{200 + 92 * x:.1f} {200 + 92 * y:.1f}L{200 + 80 * x:.1f} {200 + 80 * y:.1f}"

    return (
        circle(206, 210, 130, "#cfc6e0"),
        circle(200, 200, 130, OAK),
        circle(200, 200, 112, "#fffdf8"),
        stroke("".join(mark(hour) for hour in range(12)), "#3a3550", 6),
        stroke("M200 200l-34-42", "#3a3550", 11),
        stroke("M200 200l46-60", "#3a3550", 8),
        stroke("M200 226v-96", "#d9534a", 3),
        circle(200, 200, 9, "#d9534a"),
    )


def linen_cushion() -> tuple[Shape, ...]:
    return (
        shadow(324, 120),
        path("M84 100c60 22 172 22 232 0-18 60-18 152 0 216-60-18-172-18-232 0 18-64 18-156 0-216z", "#7f9bc4"),
        path("M116 128c46 12 122 12 168 0-10 44-10 112 0 160-46-12-122-12-168 0 10-48 10-116 0-160z", "#96afd2"),
        stroke(QUILTING, "#eef3fa", 4),
    )


def beeswax_candle() -> tuple[Shape, ...]:
    return (
        circle(200, 116, 74, "#f7eeda"),
        shadow(330, 90),
        path("M130 190h140v112c0 18-12 28-30 28h-80c-18 0-30-10-30-28z", "#dfe7ea"),
        path("M140 210h120v92c0 14-8 20-22 20h-76c-14 0-22-6-22-20z", "#f0c667"),
        oval(200, 210, 60, 12, "#f8dd9c"),
        stroke("M200 210v-34", "#4a3a22", 5),
        path("M200 86c26 30 34 46 34 62 0 20-14 34-34 34s-34-14-34-34c0-16 8-32 34-62z", "#f29a38"),
        path("M200 128c12 14 16 24 16 32 0 12-7 20-16 20s-16-8-16-20c0-8 4-18 16-32z", "#fde9ae"),
        rect(166, 246, 68, 44, "#fffaf0", 6),
    )


def glass_vase() -> tuple[Shape, ...]:
    def flower(x: float, y: float, colour: str) -> Shape:
        petals = (turned(angle, oval(x, y - 22, 13, 20, colour), x=x, y=y) for angle in range(0, 360, 60))
        return "".join(petals) + circle(x, y, 12, "#f3c14b")

    return (
        shadow(340, 70),
        stroke(STEMS, "#5b8f5a", 7),
        flower(136, 126, "#d9697b"),
        flower(206, 92, "#e5913f"),
        flower(268, 146, "#8f74c4"),
        path("M164 210h72l-10 40c30 20 34 88-6 90h-40c-40-2-36-70-6-90z", "#a9cfd8cc"),
        stroke("M168 284c-4 20 0 34 10 42", "#ffffff", 6),
    )


def floor_lamp() -> tuple[Shape, ...]:
    return (
        path("M138 170h124l56 170H82z", "#f7eeda"),
        shadow(352, 66),
        rect(148, 340, 104, 12, "#3a3550", 6),
        stroke("M200 340V170", "#3a3550", 9),
        path("M152 66h96l36 106H116z", "#e5a84b"),
        path("M152 66h34l-18 106h-52z", "#efc27d"),
        stroke("M246 172v40", "#3a3550", 3),
        circle(246, 216, 6, "#3a3550"),
        ring(200, 62, 6, "#3a3550", 4),
    )


SHEET = Sheet(
    ground="#e8e2f1",
    shadow="#d2c9e1",
    drawings={
        "oak-chair": oak_chair,
        "armchair": armchair,
        "wool-blanket": wool_blanket,
        "wall-clock": wall_clock,
        "linen-cushion": linen_cushion,
        "beeswax-candle": beeswax_candle,
        "glass-vase": glass_vase,
        "floor-lamp": floor_lamp,
    },
)
