"""Draws the sample catalogue's pictures: `python -m kassa.pages.sample.draw [FOLDER]`."""

import sys
from pathlib import Path

from kassa.pages.sample.pictures import bath, clothes, desk, garden, home, kitchen, listening, tea
from kassa.pages.sample.shapes import Sheet, picture

FOLDER = Path(__file__).parents[1] / "static" / "products"
SHEETS: tuple[Sheet, ...] = (
    kitchen.SHEET,
    tea.SHEET,
    desk.SHEET,
    home.SHEET,
    listening.SHEET,
    garden.SHEET,
    bath.SHEET,
    clothes.SHEET,
)


def pictures() -> dict[str, str]:
    """Every picture's text by its file name."""
    return {f"{name}.svg": picture(sheet, drawing) for sheet in SHEETS for name, drawing in sheet.drawings.items()}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pictures().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
