"""Withdrawing from a contract, with an account or without one (Directive 2011/83/EU, Art. 11a): the order is found, the
pieces are chosen, the statement is shown, and only its confirmation is sent."""

from typing import Any

from litestar import Response, get, post

from kassa.pages.client import ApiProblem, ShopClient, path_of
from kassa.pages.language import _, later
from kassa.pages.models import OneOrder
from kassa.pages.told import refusal, wrong_fields
from kassa.pages.visit import Visit, Visiting, number
from kassa.pages.withdraw_models import OneStatement, Statement

_FIELDS = ("order", "email", "name", "remark")
_PIECES = "pieces-"
_UNKNOWN = later("We found no order with this number and email address. Both are in your order confirmation.")
_ALL_GONE = later("You have already withdrawn from everything you could withdraw from.")
_OVER = {
    "withdrawals_off",
    "not_withdrawable",
    "withdrawal_period_over",
    "withdrawal_excluded",
    "too_many_parcels",
}
"""Refusals that no other word in the form would change."""


@get("/shop/withdraw", include_in_schema=False)
async def withdraw_page(visit: Visiting) -> Response[str]:
    """Where the order is known, by its token in this browser or by who is logged in, its goods are shown at once."""
    visit.is_private = True
    _check_offered(visit)
    asked = visit.request.query_params.get("order", "")[:64]
    values = dict.fromkeys(_FIELDS, "") | {"order": asked, "email": visit.claims.email}
    own = await _own(visit, asked) if asked else None
    if own is None:
        return _find(visit, values)
    values |= {"email": "", "name": own.order.destination.name if own.order.destination else ""}
    return await _go_on(visit, values, "choose")


@post("/shop/withdraw", include_in_schema=False)
async def withdraw(visit: Visiting) -> Response[str]:
    """Each step is asked of the API, so that nobody confirms what it would refuse."""
    visit.is_private = True
    _check_offered(visit)
    values = {name: visit.field(name) for name in _FIELDS}
    step = visit.field("do")
    return await _go_on(visit, values, step if step in ("check", "confirm") else "choose")


async def _go_on(visit: Visit, values: dict[str, str], step: str) -> Response[str]:
    chosen = {name: number(value) for name, value in visit.form.items() if name.startswith(_PIECES)}
    errors = {}
    if step != "choose" and not values["name"]:
        errors["name"] = _("Enter your name.")
    if step != "choose" and not any(quantity > 0 for quantity in chosen.values()):
        errors["pieces"] = _("Choose at least one item.")
    try:
        if errors or step == "choose":
            left = await _ask(visit, values, {})
            if not left.left_to_withdraw:  # What was just withdrawn is told once more, so that nobody thinks it lost.
                return _over(visit, values, ApiProblem(409, "not_withdrawable"), _(_ALL_GONE))
            return _choose(visit, values, left, chosen, errors, 422 if errors else 200)
        asked = await _ask(visit, values, chosen, is_confirmed=step == "confirm")
    except ApiProblem as problem:
        return await _refused(visit, values, chosen, problem)
    return visit.page(
        "withdraw_sure.html" if step == "check" else "withdrawn.html", values=values, said=asked, chosen=chosen
    )


async def _ask(
    visit: Visit, values: dict[str, str], chosen: dict[str, int], *, is_confirmed: bool = False
) -> Statement:
    items = [
        {"productId": name.removeprefix(_PIECES), "quantity": quantity} for name, quantity in chosen.items() if quantity
    ]
    body: dict[str, Any] = {"orderId": values["order"], "name": values["name"], "items": items}
    body |= {"remark": values["remark"], "confirm": is_confirmed}
    if values["email"]:
        body["email"] = values["email"]
    key = visit.field("key") or None
    answer = await _api(visit, values["order"]).send(
        "POST", "/withdrawals", OneStatement, body, key=key if is_confirmed else None
    )
    return answer.statement


def _api(visit: Visit, order_id: str) -> ShopClient:
    """As the guest who made the order here, as who is logged in, or as nobody."""
    token = visit.guest_orders.get(order_id)
    return visit.api.with_token(token) if token is not None else visit.api


async def _own(visit: Visit, order_id: str) -> OneOrder | None:
    if order_id not in visit.guest_orders and not visit.is_logged_in:
        return None
    try:
        return await _api(visit, order_id).get(path_of("orders", order_id), OneOrder)
    except ApiProblem as problem:
        if problem.status not in (401, 404):
            raise
        return None


async def _refused(visit: Visit, values: dict[str, str], chosen: dict[str, int], problem: ApiProblem) -> Response[str]:
    if problem.code == "order_not_found":
        return _find(visit, values, 404, trouble=_UNKNOWN)
    if problem.code in _OVER:
        return _over(visit, values, problem, refusal(problem))
    if problem.status not in (409, 422, 429):
        raise problem
    if problem.code == "too_many_to_withdraw":
        left = await _ask(visit, values, {})
        return _choose(
            visit, values, left, {}, {"pieces": _("There are not that many left. We have put in what is.")}, 409
        )
    errors = {"order" if name == "orderId" else name: words for name, words in wrong_fields(problem).items()}
    return _find(visit, values, problem.status, errors=errors, trouble="" if errors else refusal(problem))


def _over(visit: Visit, values: dict[str, str], problem: ApiProblem, words: str) -> Response[str]:
    return visit.page("withdraw_not.html", problem.status, problem=problem, words=words, values=values)


def _find(visit: Visit, values: dict[str, str], status: int = 200, **shown: Any) -> Response[str]:
    return visit.page("withdraw.html", status, values=values, **{"errors": {}, "trouble": "", **shown})


def _choose(
    visit: Visit,
    values: dict[str, str],
    left: Statement,
    chosen: dict[str, int],
    errors: dict[str, str],
    status: int,
) -> Response[str]:
    names = {each.product_id: each.name for each in left.withdrawal.items}
    rows = [(each, names.get(each.product_id, each.product_id)) for each in left.left_to_withdraw if each.quantity]
    pieces = {
        f"{_PIECES}{each.product_id}": chosen.get(f"{_PIECES}{each.product_id}", each.quantity) for each, _ in rows
    }
    shown = {**values, **{name: str(quantity) for name, quantity in pieces.items()}}
    return visit.page("withdraw_choose.html", status, values=shown, said=left, rows=rows, errors=errors)


def _check_offered(visit: Visit) -> None:
    if not visit.renderer.settings.offers_withdrawing:
        raise ApiProblem(404, "not_found", _("There is nothing at this address."))


WITHDRAW: tuple[Any, ...] = (withdraw_page, withdraw)
