"""The console's disputes: what is known, put before an operator, who changes it, sees all of it once more, and sends
it."""

from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.kit.text import counted
from kassa.pages.admins import require_staff
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.console_labels import labels
from kassa.pages.dispute_models import Draft, OneEvidence
from kassa.pages.visit import Visit, Visiting
from kassa.pages.words import trouble

ANSWER = "POST /payments/{order_id}/disputes/{dispute_id}/evidence"
_NOTHING = "Nothing is said yet. Fill in what helps, or accept the dispute in Stripe's dashboard."


def _path(order_id: str, dispute_id: str) -> str:
    return path_of("payments", order_id, "disputes", dispute_id, "evidence")


async def _page(
    visit: Visit,
    order_id: str,
    draft: Draft,
    typed: Mapping[str, str] | None = None,
    wrong: str = "",
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response[str]:
    """The texts to be changed: as drafted, or as they were `typed`; with what is wrong with them."""
    shown = typed if typed is not None else {each.field: each.text for each in draft.fields}
    return visit.page(
        "console/dispute.html",
        status,
        order_id=order_id,
        called=(await labels(visit, [order_id]))[order_id],
        draft=draft,
        texts=shown,
        is_typed=typed is not None,
        trouble=wrong,
        errors=errors or {},
    )


@get("/console/orders/{order_id:str}/disputes/{dispute_id:str}", include_in_schema=False)
async def dispute(visit: Visiting, order_id: FromPath[str], dispute_id: FromPath[str]) -> Response[str]:
    await require_staff(visit, ANSWER)
    return await _page(visit, order_id, await visit.api.get(_path(order_id, dispute_id), Draft))


@post("/console/orders/{order_id:str}/disputes/{dispute_id:str}", include_in_schema=False)
async def answer(visit: Visiting, order_id: FromPath[str], dispute_id: FromPath[str]) -> Response[str]:
    """In two steps: what is typed is checked and shown once more, and only its confirmation sends it."""
    await require_staff(visit, ANSWER)
    path = _path(order_id, dispute_id)
    draft = await visit.api.get(path, Draft)
    typed = {each.field: visit.field(each.field) for each in draft.fields}
    if visit.field("change") == "yes":
        return await _page(visit, order_id, draft, typed)
    if errors := _errors(draft, typed):
        return await _page(visit, order_id, draft, typed, errors=errors, status=422)
    if visit.field("confirmed") != "yes":
        if not draft.can_answer:
            return await _page(visit, order_id, draft, typed, status=409)
        said = [(each, typed[each.field]) for each in draft.fields if typed[each.field]]
        called = (await labels(visit, [order_id]))[order_id]
        return visit.page("console/dispute_sure.html", order_id=order_id, called=called, draft=draft, said=said)
    fields = {name: text for name, text in typed.items() if text}
    body = {"fields": fields, "submit": True, "amountMinor": draft.dispute.amount_minor}
    try:
        made = await visit.api.send("POST", path, OneEvidence, body, key=visit.field("key") or None)
    except ApiProblem as problem:
        if problem.status not in (409, 422):
            raise
        draft = await visit.api.get(path, Draft)
        mended = {name.removeprefix("fields."): each for name, each in problem.errors.items()}
        return await _page(visit, order_id, draft, typed, "" if mended else trouble(problem), mended, problem.status)
    if made.evidence.status == "refused":
        again = await visit.api.get(path, Draft)
        return await _page(visit, order_id, again, typed, status=409)
    told = "dispute-answered" if made.evidence.status == "sent" else "dispute-answering"
    return visit.redirect(f"/console/orders/{order_id}/disputes/{dispute_id}", told)


def _errors(draft: Draft, typed: Mapping[str, str]) -> dict[str, str]:
    # A browser sends two characters for each end of a line.
    lengths = {name: len(text.replace("\r\n", "\n")) for name, text in typed.items()}
    errors = {
        each.field: f"At most {counted(each.max_length, 'character')}: these are {lengths[each.field]:,}."
        for each in draft.fields
        if lengths[each.field] > each.max_length
    }
    first = draft.fields[-1].field if draft.fields else ""
    if not any(typed.values()):
        errors[first] = _NOTHING
    elif sum(lengths.values()) > draft.max_together:
        errors[first] = f"All texts together may have {counted(draft.max_together, 'character')}."
    return errors


CONSOLE_DISPUTES: tuple[Any, ...] = (dispute, answer)
