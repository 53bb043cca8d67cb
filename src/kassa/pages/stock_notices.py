"""Being told when something that is sold out is back: the form on its page, and what the links in the mails lead to.

Who has such a link needs neither an account nor a cookie, and so its page takes a mail program's one click, too (RFC
8058): there is nothing that another site could have done in somebody's name.
"""

from datetime import datetime
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.pages.catalogue_models import OneProduct, Product
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.forgery import BY_LINK
from kassa.pages.models import Answer
from kassa.pages.shelves import KnownShelves
from kassa.pages.storefront import show_product
from kassa.pages.told import refusal, wrong_fields
from kassa.pages.visit import Visit, Visiting

_ONE_CLICK = "List-Unsubscribe"


class Asked(Answer, frozen=True):
    needs_confirmation: bool


class StockNotice(Answer, frozen=True):
    """What an address waits for; without a name if the product is not on sale any more."""

    id: str
    product_id: str
    product_name: str
    is_confirmed: bool
    asked_at: datetime


class StockNotices(Answer, frozen=True):
    notices: tuple[StockNotice, ...]


class Waiting(Answer, frozen=True):
    waiting: int


async def waiting_for(visit: Visit, product: Product) -> int:
    """How many wait for a product, for staff; 0 where that cannot be told just now."""
    try:
        return (await visit.api.get(path_of("stock-notices", "admin", "products", product.id), Waiting)).waiting
    except ApiProblem:
        visit.is_partial = True
        return 0


@post("/shop/products/{product_id:str}/notice", include_in_schema=False)
async def ask_for_notice(visit: Visiting, product_id: FromPath[str], shelves: KnownShelves) -> Response[str]:
    here, email = f"/shop/products/{product_id}", visit.field("email")
    body = {"productId": product_id, "email": email, "locale": visit.language.tag}
    try:
        asked = await visit.api.send("POST", "/stock-notices", Asked, body)
    except ApiProblem as problem:
        if problem.code == "in_stock":
            return visit.redirect(here, "notice-in-stock")
        if problem.status not in (409, 422, 429):
            raise
        product = (await visit.api.get(path_of("products", product_id), OneProduct)).product
        errors = wrong_fields(problem)
        wrong = {"errors": errors, "trouble": "" if errors else refusal(problem)}
        return await show_product(visit, product, shelves, problem.status, values={"email": email}, **wrong)
    return visit.redirect(here, "notice-asked" if asked.needs_confirmation else "notice-known")


@get(f"{BY_LINK}{{token:str}}", include_in_schema=False)
async def stock_notices(visit: Visiting, token: FromPath[str]) -> Response[str]:
    """Opening it changes nothing: programs that look through mails open all links."""
    return await _shown(visit, token)


@post(f"{BY_LINK}{{token:str}}", include_in_schema=False)
async def change_notices(visit: Visiting, token: FromPath[str]) -> Response[str]:
    notices, wanted, ended = path_of("stock-notices", token), visit.field("confirm"), visit.field("end")
    note = "notices-ended"
    if wanted:
        note = "notice-known"
        try:
            await visit.api.send("POST", f"{notices}/confirm", Any, {"id": wanted})
        except ApiProblem as problem:
            if problem.status != 404:
                raise
            note = "notice-over"
    elif ended:
        await visit.api.send("DELETE", path_of("stock-notices", token, ended), Any)
    else:
        await visit.api.send("DELETE", notices, Any)
    if _ONE_CLICK in visit.form:  # RFC 8058, 3.1: nobody follows where that leads to.
        return await _shown(visit, token)
    return _unreferred(visit.redirect(f"{BY_LINK}{token}", note))


async def _shown(visit: Visit, token: str) -> Response[str]:
    visit.is_private = True
    found = await visit.api.get(path_of("stock-notices", token), StockNotices)
    return _unreferred(visit.page("stock_notices.html", notices=found.notices, address=f"{BY_LINK}{token}"))


def _unreferred(answer: Response[str]) -> Response[str]:
    """Where its links lead to nobody learns the token."""
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


STOCK_NOTICES: tuple[Any, ...] = (ask_for_notice, stock_notices, change_notices)
