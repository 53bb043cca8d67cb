"""What is not easily taken back is done in two steps: what was typed is shown with what follows from it, and only its
confirmation does it. So neither a slip nor Enter in a field does anything."""

from typing import Any, NamedTuple

from litestar import Response

from kassa.pages.visit import Visit


class Step(NamedTuple):
    """Something that is done in two steps: the question before it, `{who}` in it, what follows from it, the button that
    does it, and the note that it is done."""

    question: str
    consequences: tuple[str, ...]
    button: str
    note: str = ""


def asked_first(visit: Visit, step: Step, who: str, back: str, what: str) -> Response[Any] | None:
    """The page that asks, with all that was typed, for the form at `back`/`what`; None once it is confirmed."""
    if visit.field("confirmed") == "yes":
        return None
    sent = {name: value for name, value in visit.form.items() if name not in ("csrf", "confirmed")}
    return visit.page("console/sure.html", step=step, who=who, back=back, what=what, sent=sent)


def said(words: str) -> tuple[str, ...]:
    """What the buyer will read, if anything was typed."""
    return (f"The buyer reads: “{words}”",) if words else ()
