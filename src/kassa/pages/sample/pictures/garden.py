"""Things that grow, and what they need."""

from kassa.pages.sample.shapes import Shape, Sheet, circle, moved, oval, path, rect, shadow, stroke, turned

CLAY, CLAY_DARK = "#cf7a4d", "#b0623a"


def pot(x: float = 200, y: float = 230, width: float = 150, height: float = 100) -> Shape:
    """A flower pot; `y` is its rim."""
    half, foot = width / 2, width / 3
    body = f"M{x - half + 8:g} {y + 24:g}h{width - 16:g}L{x + foot:g} {y + height:g}h{-2 * foot:g}z"
    return path(body, CLAY) + rect(x - half, y, width, 30, CLAY_DARK, 6)


def monstera() -> tuple[Shape, ...]:
    leaf = (
        path("M0 0c-52-6-74-52-58-104 40-10 92 4 112 44 10 30-14 60-54 60z", "#3f7d4a")
        + stroke("M0 0c-8-40-24-70-46-94", "#6aa871", 4)
        + path("M54-62l-42 14 46-2zM48-20l-42-10 34 22zM-64-60l38 8-36 6z", "#e1edd9")
    )
    return (
        shadow(338, 80),
        stroke("M200 250c-10-60-40-70-66-90M200 250c10-60 40-80 70-90M200 250v-120", "#4c8a55", 8),
        moved(150, 178, turned(-30, leaf, x=0, y=0)),
        moved(258, 182, turned(34, leaf, x=0, y=0)),
        moved(204, 150, leaf),
        pot(),
    )


def succulent() -> tuple[Shape, ...]:
    outer = (turned(angle, oval(200, 150, 22, 62, "#6fa58e"), y=206) for angle in (-75, -50, -25, 0, 25, 50, 75))
    inner = (turned(angle, oval(200, 172, 17, 44, "#93c4ae"), y=206) for angle in (-60, -30, 0, 30, 60))
    return shadow(332, 80), *outer, *inner, oval(200, 196, 14, 28, "#c4e2d2"), pot(200, 212, 160, 116)


def watering_can() -> tuple[Shape, ...]:
    return (
        shadow(326, 120),
        stroke("M262 178c90-40 90 110 0 108", "#3e6f8e", 16),
        stroke("M150 170c0-60 90-60 90 0", "#3e6f8e", 12),
        path("M136 262L62 160l-20 10 62 140z", "#4b83a6"),
        turned(-18, rect(18, 148, 58, 20, "#3e6f8e", 8), x=46, y=158),
        path("M128 166h140l14 140c1 12-6 20-18 20H132c-12 0-19-8-18-20z", "#5b97bb"),
        path("M128 166h38l-16 160h-18c-12 0-19-8-18-20z", "#7db2d0"),
        rect(122, 158, 152, 18, "#3e6f8e", 9),
        *(circle(x, y, 5, "#7db2d0") for x, y in ((28, 196), (44, 222), (20, 232), (36, 258))),
    )


def terracotta_pots() -> tuple[Shape, ...]:
    return (
        shadow(330, 140),
        pot(140, 170, 160, 160),
        pot(270, 216, 116, 114),
        stroke("M270 216v-40", "#4c8a55", 6),
        oval(254, 172, 20, 11, "#6aa871"),
        oval(288, 164, 20, 11, "#82bd83"),
        stroke("M96 228h88", "#e3a07c", 6),
        stroke("M108 252h64", "#e3a07c", 6),
    )


def seed_packet() -> tuple[Shape, ...]:
    petals = (turned(angle, oval(200, 150, 14, 34, "#f0a92e"), y=196) for angle in range(0, 360, 30))
    return (
        turned(
            6,
            rect(116, 62, 176, 278, "#c9d6bb", 8),
            rect(110, 56, 176, 278, "#fbf6e6", 8),
            path("M110 64c0-5 3-8 8-8h160c5 0 8 3 8 8v28H110z", "#5b8f4e"),
            stroke("M128 74h140", "#a9cc9a", 4),
            stroke("M200 230v58M200 268c-16-2-26-10-30-20M200 276c16-2 26-10 30-20", "#5b8f4e", 7),
            *petals,
            circle(200, 196, 28, "#6b4423"),
            stroke("M146 310h108", "#5b8f4e", 6),
        ),
    )


def hand_trowel() -> tuple[Shape, ...]:
    return (
        turned(
            36,
            path("M160 52c26-22 54-22 80 0v94c0 32-16 52-40 62-24-10-40-30-40-62z", "#93a3ad"),
            path("M160 52c14-12 26-17 40-17v173c-24-10-40-30-40-62z", "#b3c0c8"),
            stroke("M200 200v50", "#6c7a84", 14),
            rect(178, 244, 44, 116, "#b5773f", 22),
            rect(178, 244, 18, 116, "#c98d55", 9),
            stroke("M182 272h36", "#8f5a2b", 5),
            circle(200, 342, 6, "#e1edd9"),
        ),
    )


SHEET = Sheet(
    ground="#e1edd9",
    shadow="#c6d8ba",
    drawings={
        "monstera": monstera,
        "succulent": succulent,
        "watering-can": watering_can,
        "terracotta-pots": terracotta_pots,
        "sunflower-seeds": seed_packet,
        "hand-trowel": hand_trowel,
    },
)
