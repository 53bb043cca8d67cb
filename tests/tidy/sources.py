"""The repository's own text, as the tidy tests read it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "kassa"

# Suffixes of the texts that people write here; what others wrote (`*.min.js` and the like) is left out.
_TEXT = {".py", ".md", ".html", ".css", ".js", ".toml", ".yml", ".yaml", ".sh", ".lua", ".csv", ".txt", ".ini"}
_BARE = {"Makefile", "Dockerfile", "Caddyfile", ".importlinter", ".gitignore"}
_FOREIGN = (".min.js", ".min.css", ".bundle.js")


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name, parsed."""
    return {module_name(path): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def module_name(path: Path) -> str:
    """`src/kassa/kit/money.py` is `kassa.kit.money`."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.Module) -> Iterator[str]:
    """What a module imports, dotted: `from kassa.kit import money` gives `kassa.kit.money`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def is_under(name: str, package: str) -> bool:
    """Whether the dotted name is the package or something in it."""
    return name == package or name.startswith(f"{package}.")


def texts() -> Iterator[tuple[str, str]]:
    """Path and content of every text file that belongs to the repository."""
    for path in sorted(ROOT.rglob("*")):
        inside = path.relative_to(ROOT)
        is_ours = path.suffix in _TEXT or path.name in _BARE
        if not is_ours or path.name.endswith(_FOREIGN) or not _belongs(inside) or not path.is_file():
            continue
        yield str(inside), path.read_text()


def _belongs(inside: Path) -> bool:
    hidden = any(part.startswith(".") for part in inside.parts[:-1])
    return not hidden and not {"__pycache__", "node_modules", "dist", "build", "shots"} & set(inside.parts)
