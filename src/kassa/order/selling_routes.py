"""The public endpoints of quotes, of how the shop sells, and of discounts."""

from typing import Any

from litestar import Request, Response, get, post, put
from litestar.params import FromPath, FromQuery
from msgspec import UNSET

from kassa.contracts.order import CodeTaken, DiscountRefused, DiscountUsedUp, SellingChanged
from kassa.contracts.product import UnknownProduct
from kassa.kit.clock import SECOND
from kassa.kit.ids import DISCOUNT
from kassa.kit.lists import paging
from kassa.kit.problem import Invalid
from kassa.kit.web import JsonResponse, new_id, once, principal_of, read_body, takes
from kassa.order.asking import lines_of, quoted_of
from kassa.order.destination import countries, needed, regions
from kassa.order.discount_checks import millis
from kassa.order.discount_wire import DiscountAnswer, DiscountChange, DiscountsAnswer, NewDiscount, discount_shown
from kassa.order.domain import merged
from kassa.order.offering import Offering
from kassa.order.quote_wire import NewQuote, QuoteAnswer, quote_shown
from kassa.order.selling import ANYWHERE, Selling
from kassa.order.selling_wire import (
    CountryOut,
    DestinationsAnswer,
    RegionOut,
    SellingAnswer,
    SellingIn,
    selling_shown,
)

_CHANGEABLE = DiscountChange.__struct_fields__
_TIMES = ("starts_at", "ends_at")
_ON_THE_WIRE = {"postal_code": "postalCode"}


@post(
    "/quotes",
    tags=["selling"],
    status_code=200,
    operation_class=takes(NewQuote),
    refuses=(UnknownProduct, DiscountRefused, DiscountUsedUp),
)
async def quote(request: Request[Any, Any, Any]) -> Response[QuoteAnswer]:
    """What an order would cost, and why; nothing is held. An order of the same costs the same, unless something of it
    is changed meanwhile."""
    new = await read_body(request, NewQuote)
    quoting = _offering(request).quoting
    if new.currency is not None and new.currency.lower() != quoting.currency:
        raise Invalid.field("currency", f"must be {quoting.currency}: the shop sells in no other")
    asked = await quoted_of(request, new)
    found = await quoting.quote_now(merged(lines_of(new.items)), asked)
    quoting.check_total(found)
    return JsonResponse(QuoteAnswer(quote_shown(found)), media_type="application/json")


@get("/selling", tags=["selling"])
async def selling(request: Request[Any, Any, Any]) -> Response[SellingAnswer]:
    """How the shop sells: where it sends to, by which methods, for what; its tax rates."""
    return _shown(request, await _offering(request).selling())


@put("/selling", tags=["selling"], operation_class=takes(SellingIn), refuses=(SellingChanged,))
async def change_selling(request: Request[Any, Any, Any]) -> Response[SellingAnswer]:
    """Sell like this from now on: all of it is replaced. Orders that are placed keep what they were placed with."""
    staff = await principal_of(request)
    given = await read_body(request, SellingIn)
    read_at = given.expected_updated_at
    expected = None if read_at is None else round(read_at.timestamp() * SECOND)
    return _shown(request, await _offering(request).sell(given, staff.id, expected))


@get("/selling/destinations", tags=["selling"])
async def destinations(request: Request[Any, Any, Any]) -> Response[DestinationsAnswer]:
    """Where the shop sends to, and what an address there needs. Where nothing is set it is any country."""
    found = await _offering(request).selling()
    named = {place.country for zone in found.zones for place in zone.places}
    is_anywhere = ANYWHERE in named or not found.zones
    codes = sorted(countries() if is_anywhere else named - {ANYWHERE})
    answer = DestinationsAnswer([_country(code) for code in codes], is_anywhere)
    return JsonResponse(answer, media_type="application/json")


@get("/discounts", tags=["discounts"])
async def list_discounts(
    request: Request[Any, Any, Any],
    limit: FromQuery[int] = 20,
    skip: FromQuery[int] = 0,
    cursor: FromQuery[str | None] = None,
) -> Response[DiscountsAnswer]:
    """All discounts, the newest first."""
    await principal_of(request)
    offering = _offering(request)
    found, pagination = await offering.discounts(paging(limit, skip, cursor))
    left = await offering.left(*found)
    answer = DiscountsAnswer([discount_shown(each, left[each.id]) for each in found], pagination)
    return JsonResponse(answer, media_type="application/json")


@get("/discounts/{discount_id:str}", tags=["discounts"])
async def one_discount(request: Request[Any, Any, Any], discount_id: FromPath[str]) -> Response[DiscountAnswer]:
    """One discount."""
    await principal_of(request)
    offering = _offering(request)
    found = await offering.discount(discount_id)
    answer = DiscountAnswer(discount_shown(found, (await offering.left(found))[found.id]))
    return JsonResponse(answer, media_type="application/json")


@post("/discounts", tags=["discounts"], operation_class=takes(NewDiscount), refuses=(CodeTaken,))
async def create_discount(request: Request[Any, Any, Any]) -> Response[DiscountAnswer]:
    """Make a discount: with a code that buyers type, or one that applies by itself."""
    staff = await principal_of(request)
    new = await read_body(request, NewDiscount)
    offering = _offering(request)

    async def make(discount_id: str) -> DiscountAnswer:
        made = await offering.make(discount_id, new, staff.id)
        return DiscountAnswer(discount_shown(made, (await offering.left(made))[made.id]))

    return await once(request, staff.id, 201, new_id(request, DISCOUNT), make)


@put(
    "/discounts/{discount_id:str}",
    tags=["discounts"],
    operation_class=takes(DiscountChange, minProperties=1),
)
async def update_discount(request: Request[Any, Any, Any], discount_id: FromPath[str]) -> Response[DiscountAnswer]:
    """Replace the given fields. Orders that are placed keep what they were placed with."""
    staff = await principal_of(request)
    change = await read_body(request, DiscountChange)
    given = {name: value for name in _CHANGEABLE if (value := getattr(change, name)) is not UNSET}
    if not given:
        raise Invalid("name at least one field to replace")
    times: dict[str, Any] = {name: millis(given[name]) for name in _TIMES if name in given}
    offering = _offering(request)
    changed = await offering.edit(discount_id, {**given, **times}, staff.id)
    answer = DiscountAnswer(discount_shown(changed, (await offering.left(changed))[changed.id]))
    return JsonResponse(answer, media_type="application/json")


def _country(code: str) -> CountryOut:
    needs = sorted(_ON_THE_WIRE.get(each, each) for each in needed(code))
    return CountryOut(code, countries()[code], needs, [RegionOut(*each) for each in regions(code).items()])


def _shown(request: Request[Any, Any, Any], found: Selling) -> Response[SellingAnswer]:
    quoting = _offering(request).quoting
    answer = SellingAnswer(selling_shown(found, quoting.currency, quoting.tax))
    return JsonResponse(answer, media_type="application/json")


def _offering(request: Request[Any, Any, Any]) -> Offering:
    offering: Offering = request.app.state["offering"]
    return offering


HANDLERS = (
    quote,
    selling,
    change_selling,
    destinations,
    list_discounts,
    one_discount,
    create_discount,
    update_discount,
)
