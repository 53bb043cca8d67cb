"""The public endpoints of the inventory."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, QueryParameter

from kassa.contracts.inventory import InsufficientStock, Level, StockExists, UnknownStock
from kassa.inventory.service import LONGEST_REASON, MOST_PIECES, InventoryService
from kassa.inventory.stock import EFFECTS, Kind, Movement, MovementTotal
from kassa.kit.clock import Date, Timestamp, day_of, rfc3339
from kassa.kit.lists import Id, documented
from kassa.kit.problem import Invalid, NotFound
from kassa.kit.web import JsonResponse, once, principal_of, read_body, takes

RECENT = 20
LONGEST_SPAN = 365
_TAGS = ["inventory"]


class FirstStock(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How many pieces of a product there are at the beginning."""

    product_id: Id
    quantity: Annotated[int, documented("Pieces", minimum=0, maximum=MOST_PIECES)]


class Adjustment(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """So many pieces more, or fewer when negative."""

    product_id: Id
    change: Annotated[
        int, documented("Pieces, not 0", minimum=-MOST_PIECES, maximum=MOST_PIECES, **{"not": {"const": 0}})
    ]
    reason: Annotated[str | None, documented("Why", maxLength=LONGEST_REASON)] = None


class StockOut(msgspec.Struct, frozen=True, rename="camel"):
    """What can still be bought."""

    product_id: str
    stock: int


class LevelOut(msgspec.Struct, frozen=True, rename="camel"):
    """A product's stock: `received` = `stock` (what can still be bought) + `reserved` + `sold`."""

    product_id: str
    stock: int
    reserved: int
    sold: int
    received: int


class ChangeOut(msgspec.Struct, frozen=True, rename="camel"):
    """One entry of the ledger; `change` is what it did to the stock that can be bought."""

    product_id: str
    kind: Kind
    quantity: int
    change: int
    reason: str | None
    who: str
    at: Timestamp


class InventoryAnalytics(msgspec.Struct, frozen=True, rename="camel"):
    """The stock in numbers. Products with 1 to `lowStockThreshold` pieces are low, those with none are out."""

    total_products_tracked: int
    low_stock: int
    out_of_stock: int
    average_stock_level: float
    total_stock: int
    low_stock_threshold: int
    recent_changes: list[ChangeOut]


class MovementOut(msgspec.Struct, frozen=True, rename="camel"):
    """The movements of one UTC day, kind and reason: how many, and how many pieces they moved."""

    date: Date
    kind: Kind
    reason: str | None
    count: int
    quantity: int


class MovementsAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """Movements by day, kind and reason, the oldest first."""

    days: int
    movements: list[MovementOut]


@post(
    "/inventory/init", status_code=201, operation_class=takes(FirstStock), tags=_TAGS, refuses=(StockExists, NotFound)
)
async def init_stock(request: Request[Any, Any, Any]) -> Response[LevelOut]:
    """Begin to track a product's stock. A second time: 409 `stock_exists`."""
    staff = await principal_of(request)
    first = await read_body(request, FirstStock)
    service = _service(request)

    async def init(operation_id: str) -> LevelOut:
        return _shown(await service.init(first.product_id, first.quantity, operation_id, staff.id))

    return await once(request, staff.id, 201, service.new_operation_id, init)


@post(
    "/inventory/adjust",
    status_code=200,
    operation_class=takes(Adjustment),
    tags=_TAGS,
    refuses=(InsufficientStock, UnknownStock),
)
async def adjust_stock(request: Request[Any, Any, Any]) -> Response[LevelOut]:
    """Add pieces or take some away. Below zero: 409 `insufficient_stock`."""
    staff = await principal_of(request)
    wanted = await read_body(request, Adjustment)
    service = _service(request)

    async def adjust(operation_id: str) -> LevelOut:
        reason = wanted.reason or ""
        return _shown(await service.adjust(wanted.product_id, wanted.change, reason, operation_id, staff.id))

    return await once(request, staff.id, 200, service.new_operation_id, adjust)


@get("/inventory/{product_id:str}", tags=_TAGS, refuses=(UnknownStock,))
async def stock_of(request: Request[Any, Any, Any], product_id: FromPath[str]) -> Response[StockOut]:
    """How many pieces can still be bought. Never initialised: 404 `unknown_stock`."""
    level = await _service(request).level(product_id)
    return JsonResponse(StockOut(level.product_id, level.available), media_type="application/json")


@get("/inventory/admin/analytics/inventory", tags=_TAGS)
async def inventory_analytics(request: Request[Any, Any, Any]) -> Response[InventoryAnalytics]:
    """The stock in numbers."""
    await principal_of(request)
    service = _service(request)
    figures = await service.summary()
    answer = InventoryAnalytics(
        total_products_tracked=figures.products,
        low_stock=figures.low_stock,
        out_of_stock=figures.out_of_stock,
        average_stock_level=round(figures.available / figures.products, 2) if figures.products else 0.0,
        total_stock=figures.available,
        low_stock_threshold=service.low_stock_threshold,
        recent_changes=[_change(movement) for movement in await service.recent_movements(RECENT)],
    )
    return JsonResponse(answer, media_type="application/json")


@get("/inventory/admin/analytics/inventory/movements", tags=_TAGS)
async def movement_analytics(
    request: Request[Any, Any, Any],
    days: Annotated[
        int,
        QueryParameter(
            description="How many UTC days, up to today", schema_extra={"minimum": 1, "maximum": LONGEST_SPAN}
        ),
    ] = 30,
) -> Response[MovementsAnswer]:
    """The movements of the last days by day, kind and reason."""
    await principal_of(request)
    if not 1 <= days <= LONGEST_SPAN:
        raise Invalid.field("days", f"must be from 1 to {LONGEST_SPAN}")
    totals = await _service(request).movement_totals(days)
    return JsonResponse(MovementsAnswer(days, [_total(total) for total in totals]), media_type="application/json")


def _shown(level: Level) -> LevelOut:
    return LevelOut(level.product_id, level.available, level.reserved, level.sold, level.received)


def _change(movement: Movement) -> ChangeOut:
    return ChangeOut(
        product_id=movement.product_id,
        kind=movement.kind,
        quantity=movement.quantity,
        change=movement.quantity * EFFECTS[movement.kind].available,
        reason=movement.reason or None,
        who=movement.who,
        at=rfc3339(movement.at),
    )


def _total(total: MovementTotal) -> MovementOut:
    return MovementOut(day_of(total.day), total.kind, total.reason or None, total.count, total.quantity)


def _service(request: Request[Any, Any, Any]) -> InventoryService:
    service: InventoryService = request.app.state["inventory"]
    return service


HANDLERS = (init_stock, adjust_stock, stock_of, inventory_analytics, movement_analytics)
