"""Things to cook with."""

from kassa.pages.sample.shapes import Shape, Sheet, circle, oval, path, rect, ring, shadow, stroke, turned

STEEL, STEEL_LIGHT, WOOD, WOOD_DARK, IRON = "#aab2b8", "#d5dade", "#c98d55", "#a76f3d", "#3c4147"


def stoneware_mug() -> tuple[Shape, ...]:
    return (
        shadow(312, 105),
        stroke("M268 178h26c24 0 36 16 36 38s-14 40-40 40h-24", "#38657a", 20),
        path("M112 140h164v136c0 24-16 36-38 36h-88c-22 0-38-12-38-36z", "#447a92"),
        path("M112 214c30 16 52-12 82 0s52 10 82-4v-70H112z", "#e9dfcf"),
        oval(194, 140, 82, 18, "#f6f0e6"),
        oval(194, 142, 68, 12, "#5a3b28"),
    )


def cast_iron_pan() -> tuple[Shape, ...]:
    return (
        turned(
            -38,
            rect(190, 180, 196, 36, IRON, 18),
            circle(360, 198, 8, "#f3e3d3"),
            circle(150, 198, 112, IRON),
            circle(150, 198, 94, "#24282c"),
        ),
        turned(-38, ring(150, 198, 84, "#363b41", 4)),
        path(
            "M126 214c4-34 44-46 66-26 18 16 36 10 38 38 2 30-28 30-40 44-14 18-40 20-54 2-12-14-14-32-10-58z",
            "#fffdf6",
        ),
        circle(172, 236, 25, "#f3b12f"),
        circle(165, 228, 7, "#f9d584"),
    )


def chef_knife() -> tuple[Shape, ...]:
    return (
        turned(
            -42,
            path("M28 176h220v62c-96 0-170-10-220-62z", STEEL_LIGHT),
            path("M28 176h220v14H46z", STEEL),
            rect(244, 170, 22, 44, "#7d868c", 4),
            path("M264 170h100c14 0 20 10 18 22l-4 20c-20-6-40 2-60 2h-54z", "#4a3022"),
            circle(290, 192, 5, STEEL_LIGHT),
            circle(322, 192, 5, STEEL_LIGHT),
            circle(354, 192, 5, STEEL_LIGHT),
        ),
    )


def cutting_board() -> tuple[Shape, ...]:
    return (
        shadow(330, 120),
        rect(96, 76, 208, 250, WOOD, 26),
        rect(96, 76, 208, 240, "#d9a066", 26),
        stroke("M130 112v168M168 112v168M232 112v168M270 112v168", "#c98d55", 5),
        circle(200, 108, 15, "#f3e3d3"),
        path("M150 228c0-30 22-42 50-42s50 12 50 42-22 56-50 56-50-26-50-56z", "#d9412f"),
        path("M200 190l-22-16 18 2 4-18 4 18 18-2z", "#3f7a3a"),
        oval(178, 218, 8, 14, "#ee8173"),
    )


def mixing_bowls() -> tuple[Shape, ...]:
    return (
        shadow(318, 130),
        path("M96 132h208c0 60-40 100-104 100S96 192 96 132z", "#e7b24c"),
        oval(200, 132, 104, 17, "#f6d28b"),
        path("M80 182h240c0 66-46 104-120 104S80 248 80 182z", "#d97a4f"),
        path("M80 182h240c0 8-1 16-2 24H82c-1-8-2-16-2-24z", "#e79a76"),
        path("M62 236h276c0 54-50 82-138 82S62 290 62 236z", "#3f7f80"),
        path("M62 236h276c0 8-1 15-3 22H65c-2-7-3-14-3-22z", "#5b9d9e"),
    )


def enamel_kettle() -> tuple[Shape, ...]:
    return (
        shadow(318, 115),
        stroke("M140 150c0-80 130-80 130 0", "#2f3337", 14),
        path("M274 224l62-60 22 18-54 92z", "#b93a2c"),
        path("M118 170c-24 30-38 70-38 104 0 30 18 44 44 44h162c26 0 44-14 44-44 0-34-14-74-38-104z", "#d14b3a"),
        path("M118 170c-24 30-38 70-38 104 0 30 18 44 44 44h20c-30-40-26-104 6-148z", "#e37464"),
        rect(112, 156, 186, 20, "#f3eee6", 10),
        circle(205, 140, 16, "#2f3337"),
    )


def cooking_spoon() -> tuple[Shape, ...]:
    return (
        turned(
            40,
            rect(190, 150, 20, 226, WOOD, 10),
            oval(200, 102, 52, 72, WOOD_DARK),
            oval(200, 98, 50, 70, WOOD),
            oval(200, 100, 36, 54, WOOD_DARK),
            oval(203, 106, 30, 46, "#b67c48"),
        ),
    )


SHEET = Sheet(
    ground="#f3e3d3",
    shadow="#ddc7b1",
    drawings={
        "stoneware-mug": stoneware_mug,
        "cast-iron-pan": cast_iron_pan,
        "chef-knife": chef_knife,
        "cutting-board": cutting_board,
        "mixing-bowls": mixing_bowls,
        "enamel-kettle": enamel_kettle,
        "cooking-spoon": cooking_spoon,
    },
)
