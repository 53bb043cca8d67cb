"""The inventory service: checks what it is asked, and has the stock port do it."""

from collections.abc import Sequence

from kassa.contracts.inventory import Held, Level, Line, Moved, UnknownStock
from kassa.inventory.stock import By, Movement, MovementTotal, Stock, Summary
from kassa.kit.clock import DAY, Clock, Millis, start_of_day
from kassa.kit.figures import Figures
from kassa.kit.ids import DISCOUNT, PRODUCT, Ids, is_id
from kassa.kit.problem import Invalid, NotFound
from kassa.kit.wire import request_id

MOST_PIECES = 1_000_000_000
LONGEST_REASON = 200
LONGEST_INPUT_ID = 200
MOST_ORPHANS = 100
MOST_ASKED = 100
_PAGE = 500

OPERATION = "opn"
FIRST_STOCK = "first stock"
REFUNDED = "refunded order"
MORE_USES = "a discount may be used more often"


class InventoryService:
    """Stock that is never oversold. Satisfies kassa.contracts.inventory.Inventory.

    A product with no more pieces than `low_stock_threshold` counts as low.
    """

    def __init__(self, stock: Stock, clock: Clock, ids: Ids, low_stock_threshold: int) -> None:
        self._stock = stock
        self._clock = clock
        self._figures = Figures(clock)
        self._ids = ids
        self.low_stock_threshold = low_stock_threshold

    # What the order and product services call (contracts.inventory.Inventory): do and undo side by side

    async def reserve(self, reservation_id: str, lines: list[Line]) -> None:
        """See contracts.inventory.Inventory."""
        _check_input_id("reservationId", reservation_id)
        await self._stock.reserve(reservation_id, _checked(lines), self._clock.now())

    async def release(self, reservation_id: str) -> None:
        """See contracts.inventory.Inventory."""
        _check_input_id("reservationId", reservation_id)
        await self._stock.release(reservation_id, self._clock.now())

    async def commit(self, reservation_id: str) -> None:
        """See contracts.inventory.Inventory."""
        _check_input_id("reservationId", reservation_id)
        await self._stock.commit(reservation_id, self._clock.now())

    async def restock(self, operation_id: str, lines: list[Line]) -> None:
        """See contracts.inventory.Inventory."""
        _check_input_id("operationId", operation_id)
        reason = MORE_USES if all(is_id(DISCOUNT, line.product_id) for line in lines) else REFUNDED
        await self._stock.restock(operation_id, _checked(lines), reason, self._clock.now())

    async def open_stock(self, operation_id: str, product_id: str, quantity: int) -> None:
        """See contracts.inventory.Inventory."""
        _check_input_id("operationId", operation_id)
        who = "order-service" if is_id(DISCOUNT, product_id) else "product-service"
        if not is_counted(product_id):
            raise NotFound(f"there is no product {product_id[:64]}")
        await self._init(product_id, quantity, operation_id, who)

    async def levels(self, ids: list[str]) -> list[Level]:
        """See contracts.inventory.Inventory."""
        found = await self._stock.levels(list(dict.fromkeys(each for each in ids if is_counted(each))))
        return list(found.values())

    async def orphans(self, older_than: int) -> list[Held]:
        """See contracts.inventory.Inventory."""
        found = await self._stock.unmarked(older_than, MOST_ORPHANS)
        return [Held(reservation.id, list(reservation.lines), reservation.made_at) for reservation in found]

    async def mark(self, reservation_id: str) -> None:
        """See contracts.inventory.Inventory."""
        _check_input_id("reservationId", reservation_id)
        await self._stock.mark(reservation_id)

    async def moved(self, ids: list[str], products: list[str]) -> list[Moved]:
        """See contracts.inventory.Inventory."""
        found = await self._stock.moved_by(ids[:MOST_ASKED], products[:MOST_ASKED])
        return [Moved(each.at, each.product_id, each.kind, each.quantity, each.who) for each in found]

    # What staff does

    def new_operation_id(self) -> str:
        """An id for one init or adjustment: repeated under the same id, it is done once."""
        return self._ids.new(OPERATION)

    async def init(self, product_id: str, quantity: int, operation_id: str, who: str) -> Level:
        """Begin to track a product, and return its level. StockExists if that was done before by another operation;
        NotFound if this cannot be a product's id."""
        if not is_id(PRODUCT, product_id):
            raise NotFound(f"there is no product {product_id[:64]}")
        return await self._init(product_id, quantity, operation_id, who)

    async def _init(self, product_id: str, quantity: int, operation_id: str, who: str) -> Level:
        if not 0 <= quantity <= MOST_PIECES:
            raise Invalid.field("quantity", f"must be from 0 to {MOST_PIECES}")
        await self._stock.init(product_id, quantity, operation_id, FIRST_STOCK, self._clock.now(), _by(who))
        return (await self.levels([product_id]))[0]

    async def adjust(self, product_id: str, change: int, reason: str, operation_id: str, who: str) -> Level:
        """Add pieces or take some away, and return the level. InsufficientStock if fewer than zero could be bought
        then; UnknownStock before init."""
        if change == 0 or abs(change) > MOST_PIECES:
            raise Invalid.field("change", f"must be a number other than 0, of at most {MOST_PIECES} up or down")
        if len(reason) > LONGEST_REASON:
            raise Invalid.field("reason", f"must have at most {LONGEST_REASON} characters")
        if not is_id(PRODUCT, product_id):
            raise UnknownStock(product_id[:64])
        return await self._stock.adjust(product_id, change, operation_id, reason, self._clock.now(), _by(who))

    # Reading

    async def level(self, product_id: str) -> Level:
        """One product's stock; UnknownStock if it was never initialised."""
        found = await self.levels([product_id]) if is_id(PRODUCT, product_id) else []
        if not found:
            raise UnknownStock(product_id[:64])
        return found[0]

    async def summary(self) -> Summary:
        """Figures over all products."""
        return await self._figures.get("summary", self._of_products)

    async def _of_products(self) -> Summary:
        """The figures of the stock without those of the discounts, whose uses are counted there, too."""
        of_all, low = await self._stock.summary(self.low_stock_threshold), range(1, self.low_stock_threshold + 1)
        after = f"{DISCOUNT}_"
        while page := [each for each in await self._stock.all_levels(_PAGE, after) if is_id(DISCOUNT, each.product_id)]:
            of_all = Summary(
                of_all.products - len(page),
                of_all.low_stock - sum(each.available in low for each in page),
                of_all.out_of_stock - sum(not each.available for each in page),
                of_all.available - sum(each.available for each in page),
            )
            after = page[-1].product_id
        return of_all

    async def recent_movements(self, limit: int) -> list[Movement]:
        """The last entries of the ledger, the newest first."""
        found = await self._stock.recent(2 * limit)
        return [each for each in found if not is_id(DISCOUNT, each.product_id)][:limit]

    async def movement_totals(self, days: int) -> list[MovementTotal]:
        """Movements by day, kind and reason over the last so many UTC days, today among them."""
        since: Millis = start_of_day(self._clock.now()) - (days - 1) * DAY
        return await self._figures.get(since, lambda: self._stock.movement_totals(since))


def is_counted(id: str) -> bool:
    """Whether pieces of this can be held and sold: of a product, and uses of a discount."""
    return is_id(PRODUCT, id) or is_id(DISCOUNT, id)


def _by(who: str) -> By:
    return By(who, request_id.get())


def _check_input_id(field: str, text: str) -> None:
    if not 1 <= len(text) <= LONGEST_INPUT_ID:
        raise Invalid.field(field, f"must have 1 to {LONGEST_INPUT_ID} characters")


def _checked(lines: Sequence[Line]) -> Sequence[Line]:
    if not lines:
        raise Invalid.field("lines", "must not be empty")
    for number, line in enumerate(lines):
        if not 1 <= line.quantity <= MOST_PIECES:
            raise Invalid.field(f"lines[{number}].quantity", f"must be from 1 to {MOST_PIECES}")
        if not is_counted(line.product_id):
            raise UnknownStock(line.product_id[:64])
    return lines
