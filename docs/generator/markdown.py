"""The little Markdown that the pages need."""

from collections.abc import Iterable, Sequence

_ACTORS = (
    ("actor", "Buyer"),
    ("actor", "Operator"),
    ("participant", "order"),
    ("participant", "inventory"),
    ("participant", "payment"),
    ("participant", "Stripe"),
)


def page(title: str, *parts: str) -> str:
    """A whole page, which says where it comes from."""
    note = "<!-- Generated from the code by `python docs/generate.py`: change the code, not this page. -->"
    return "\n\n".join((f"# {title}", note, *(part for part in parts if part))) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; empty if there are no rows."""
    cells = [_row(row) for row in rows]
    return "\n".join((_row(head), _row(["---"] * len(head)), *cells)) if cells else ""


def code(text: object) -> str:
    """Text as code; nothing for nothing."""
    return f"`{text}`" if str(text) else ""


def codes(texts: Iterable[object]) -> str:
    """Several, side by side."""
    return ", ".join(code(text) for text in texts)


def mermaid(lines: Iterable[str]) -> str:
    """A diagram."""
    return "\n".join(("```mermaid", "stateDiagram-v2", *(f"    {line}" for line in lines), "```"))


def sequence(lines: Iterable[str]) -> str:
    """A diagram of who asks whom; those who are in it, in this order."""
    told = list(lines)
    there = [f"{kind} {name}" for kind, name in _ACTORS if any(_is_in(name, line) for line in told)]
    return "\n".join(("```mermaid", "sequenceDiagram", *(f"    {line}" for line in (*there, *told)), "```"))


def _is_in(name: str, line: str) -> bool:
    before = line.partition(":")[0]
    return name in before.replace("-->>", " ").replace("->>", " ").split()


def unwrapped(text: str | None) -> str:
    """A docstring's text with the line breaks of the source taken out."""
    return " ".join((text or "").split())


def first_sentence(text: str | None) -> str:
    """What a docstring says first."""
    whole = unwrapped(text)
    end = whole.find(". ")
    return whole if end < 0 else whole[: end + 1]


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(unwrapped(str(cell)).replace("|", "\\|") for cell in cells) + " |"
