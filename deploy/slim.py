"""Takes away what no shop needs of an environment that Kassa is installed in: python slim.py, by its own Python.

Bytecode of what is never imported, symbols of compiled modules (by `strip`), what compilers and type checkers read,
the files of Swagger UI that no page of Kassa loads, what Babel knows of languages in which no mails are, and tests of
packages. All packages stay, so that what is installed can be told.
"""

import importlib
import os
import pkgutil
import sys
import sysconfig
from pathlib import Path

import stripe

import kassa
from kassa.contracts.mail import LOCALES
from kassa.invoicing.lettering import PLAIN, STRONG

SITE = Path(sysconfig.get_paths()["purelib"])
FONTS = (f"{PLAIN}.ttf", f"{STRONG}.ttf", "LICENSE.txt")
# Pictures are made of JPEG, PNG and WebP, and text is drawn by ReportLab, without its charts and its own fonts.
UNUSED = (
    "apsw/tests/*",
    "PIL/_avif.*",
    "PIL/_imagingft.*",
    "PIL/_imagingmath.*",
    "PIL/_imagingmorph.*",
    "PIL/_imagingtk.*",
    "pillow.libs/libavif-*",
    "pillow.libs/libfreetype-*",
    "pillow.libs/libharfbuzz-*",
    "pillow.libs/libpng16-*",
    "pillow.libs/libbrotli*",
    "reportlab/graphics/**/*",
    "reportlab/fonts/*",
)
NEEDLESS = (".c", ".h", ".map", ".pxd", ".pyi", ".pyx")


def imported() -> set[Path]:
    """The bytecode of all that Kassa imports, sooner or later."""
    for module in pkgutil.walk_packages(kassa.__path__, "kassa."):
        if "simulation" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    # Stripe's library imports what it needs when it is needed.
    assert stripe.StripeClient("sk_test_none").v1.checkout.sessions
    specs = [getattr(module, "__spec__", None) for module in list(sys.modules.values())]
    return {Path(spec.cached) for spec in specs if spec is not None and spec.cached}


def is_needless(path: Path, kept: set[Path]) -> bool:
    """Whether a file can go; `kept` is bytecode that cannot."""
    if path.parent == SITE / "babel" / "locale-data":
        return path.stem not in ("root", *LOCALES)
    if path.parent == SITE / "font_source_sans_pro" / "files":
        return path.name not in FONTS
    return path.suffix in NEEDLESS or (path.suffix == ".pyc" and path not in kept)


def main() -> None:
    """Take it away."""
    kept = imported()
    for path in list(SITE.rglob("*")):
        if is_needless(path, kept):
            path.unlink()
    for pattern in UNUSED:
        for path in list(SITE.glob(pattern)):
            if path.is_file():
                path.unlink()
    compiled = [str(path) for path in (*SITE.rglob("*.so"), *SITE.rglob("*.so.*"))]
    # In the place of Python, which has loaded some of them: strip writes into the very file.
    os.execvp("strip", ["strip", "--strip-unneeded", *compiled])  # noqa: S606, S607


if __name__ == "__main__":
    main()
