"""The storefront's texts and their translations. Called as a program (`make texts`) it brings what is new in the texts
into each catalogue, and drops what is gone; what is left to translate is printed."""

from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

PAGES = Path(__file__).parents[2] / "src" / "kassa" / "pages"
KEYWORDS: dict[str, Any] = {**DEFAULT_KEYWORDS, "later": None, "_n": (1, 2)}
# The console is in English alone.
WHERE = [("templates/console/**", "ignore"), ("**.html", "jinja2"), ("**.py", "python")]
OPTIONS = {"**.html": {"trimmed": "true", "silent": "false"}}
HEAD = """\
# The shop in another language: `make texts` brings in what is new, and drops what is gone.
msgid ""
msgstr ""
"Language: {locale}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {plural}\\n"
"""


def texts() -> Catalog:
    """All texts of the storefront, as they are written in its templates and modules."""
    found = Catalog()
    for place, _, text, _, _ in extract_from_dir(PAGES, WHERE, OPTIONS, KEYWORDS):
        found.add(text, locations=[(place, 0)])
    return found


def path_of(locale: str) -> Path:
    return PAGES / "locale" / locale / "LC_MESSAGES" / "messages.po"


def catalogue(locale: str) -> Catalog:
    """What is translated."""
    with path_of(locale).open("rb") as file:
        return read_po(file, locale=locale)


def key(message: Message) -> str:
    """By which a text is found: of one with a plural that of one."""
    return message.id if isinstance(message.id, str) else message.id[0]


def said(message: Message) -> tuple[str, ...]:
    """The translations, one for each form."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def renewed(locale: str, old: Catalog) -> str:
    """The catalogue of all texts there are, with the translations of the old one."""
    new = Catalog(locale=locale)
    for message in (each for each in texts() if each.id):
        known = old.get(key(message))
        is_same = known is not None and isinstance(known.id, str) == isinstance(message.id, str)
        new.add(message.id, known.string if known and is_same else "")
    file = BytesIO()
    write_po(file, new, width=110, omit_header=True, sort_output=True, no_location=True)
    return HEAD.format(locale=locale, plural=new.plural_forms) + "\n" + file.getvalue().decode()


def main() -> None:
    for path in sorted((PAGES / "locale").iterdir()):
        text = renewed(path.name, catalogue(path.name))
        path_of(path.name).write_text(text)
        for message in catalogue(path.name):
            if message.id and not all(said(message)):
                print(f"{path.name}: {message.id}")


if __name__ == "__main__":
    main()
