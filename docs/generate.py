"""Writes the pages of docs/ that are told from the code: `python docs/generate.py`.

With `--check` it writes nothing and names the pages that differ; exit status 1 if there are any.
"""

import sys
from pathlib import Path

from generator import api, commands, performance, permissions, settings, states, stories

FOLDER = Path(__file__).parent
PAGES = {
    "settings.md": settings.made,
    "commands.md": commands.made,
    "api.md": api.made,
    "permissions.md": permissions.made,
    "states.md": states.made,
    "stories.md": stories.made,
    "performance.md": performance.made,
    "performance.svg": performance.chart,
}


def main(arguments: list[str]) -> int:
    """Write, or compare; the exit status."""
    differing = [name for name, made in PAGES.items() if _present(name) != made()]
    if "--check" in arguments:
        for name in differing:
            sys.stdout.write(f"docs/{name} is not what the code says: run python docs/generate.py\n")
        return 1 if differing else 0
    for name in differing:
        (FOLDER / name).write_text(PAGES[name](), encoding="utf-8")
        sys.stdout.write(f"wrote docs/{name}\n")
    return 0


def _present(name: str) -> str | None:
    path = FOLDER / name
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
