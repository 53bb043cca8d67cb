"""Quotes: what an order would cost, by the function that orders are reckoned by, and without any trace."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from kassa.contracts.inventory import Inventory, Line
from kassa.contracts.order import DiscountRefused, DiscountUsedUp, OrderItem, Sale
from kassa.contracts.parts import Address, Parts
from kassa.contracts.product import Product, UnknownProduct
from kassa.kit.clock import SECOND, Clock, Millis
from kassa.kit.money import InvalidMoney, chargeable
from kassa.kit.problem import Invalid
from kassa.order.discounts import MOST_AUTOMATIC, Discount, is_code, lacking, spelled
from kassa.order.domain import MAX_LINES, subtotal_minor, total_minor
from kassa.order.pricing import Good, Reckoned, TaxMode, Wish, reckon
from kassa.order.selling import ID, NOTHING_SET, Offer, Selling, zone_of
from kassa.order.store import OrderStore
from kassa.order.uses import Uses

MOST_COUNTED = 200
KNOWN_FOR: Millis = SECOND
"""How long a process goes on by what it has read of how the shop sells."""
NOT_TAXED = frozenset(["AS", "CC", "CU", "CX", "FM", "HM", "IR", "KP", "MH", "MP", "NF", "PW", "SY", "UM", "VI"])
"""Where Stripe takes no address to, without which it reckons no tax of what is sent (API reference: checkout sessions,
shipping_address_collection.allowed_countries)."""


class Asked(msgspec.Struct, frozen=True):
    """What a buyer asks for besides goods. `buyer` is who may have used discounts before: an e-mail address, if known.
    `expected_minor` is the total that the buyer has seen, `locale` the language in which the buyer is written to."""

    destination: Address | None = None
    billing: Address | None = None
    method_id: str | None = None
    code: str | None = None
    email: str = ""
    buyer: str = ""
    note: str = ""
    locale: str = ""
    expected_minor: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is goods and nothing else."""
        return not (self.destination or self.billing or self.method_id or self.code or self.email or self.note)


class Quote(NamedTuple):
    """What goods cost, with all parts. `sale` is None where there is nothing but goods; `discounts` are those in it."""

    items: tuple[OrderItem, ...]
    total_minor: int
    currency: str
    sale: Sale | None = None
    discounts: tuple[Discount, ...] = ()
    offers: Sequence[Offer] = ()
    is_sent: bool = True
    needs_method: bool = False

    @property
    def parts(self) -> Parts | None:
        """The parts of the total; None where there is nothing but goods."""
        return None if self.sale is None else self.sale.parts

    @property
    def subtotal_minor(self) -> int:
        """What the goods cost, before anything is taken off or added."""
        return subtotal_minor(self.items)


class Quoting:
    """Knows what goods cost. `tax` is the setting TAX."""

    def __init__(
        self,
        store: OrderStore,
        product: Product,
        inventory: Inventory,
        uses: Uses,
        clock: Clock,
        currency: str,
        tax: TaxMode,
    ) -> None:
        self._store = store
        self._product = product
        self._inventory = inventory
        self.uses = uses
        self._clock = clock
        self.currency = currency
        self.tax: TaxMode = tax
        self._known: tuple[Selling, tuple[Discount, ...]] = (NOTHING_SET, ())
        self._known_until: Millis = -1
        self._gone: set[str] = set()

    async def quote_now(self, lines: Sequence[Line], asked: Asked) -> Quote:
        """A quote with no discount of which none is left at this moment: DiscountUsedUp for one that was asked for, and
        without those that would apply by themselves."""
        without: frozenset[str] = frozenset()
        while True:
            quote = await self.quote(lines, asked, without)
            try:
                await self._check_uses(quote, asked)
            except DiscountUsedUp as used_up:
                without |= self.left_out(quote, used_up)
            else:
                return quote

    def left_out(self, quote: Quote, used_up: DiscountUsedUp) -> frozenset[str]:
        """The ids of what is used up and would apply by itself: it is left out then. The very refusal if it was asked
        for."""
        which = used_up.members["discountId"]
        gone = frozenset(each.id for each in quote.discounts if each.is_automatic and each.id == which)
        if not gone:
            raise used_up
        if used_up.members["per"] == "all":
            self._gone |= gone
        return gone

    async def quote(self, lines: Sequence[Line], asked: Asked, without: frozenset[str] = frozenset()) -> Quote:
        """What the goods would cost, without these discounts. UnknownProduct, DiscountRefused; Invalid for a
        destination to which nothing is sent, or a method that does not go there."""
        goods = await self._goods(lines)
        selling, automatic = await self.selling()
        automatic = tuple(each for each in automatic if each.id not in without and each.id not in self._gone)
        items = tuple(good.item for good in goods)
        if asked.is_plain and self.tax == "none" and not automatic and not selling.needs_destination:
            return Quote(items, subtotal_minor(items), self.currency)
        discounts = (*await self._of_code(asked.code, goods), *self._that_apply(automatic, goods))
        wish = Wish(asked.destination, asked.method_id, discounts)
        found = reckon(goods, self.currency, selling, self.tax, wish)
        _check_method(found, selling, asked)
        if self.tax == "stripe":
            _check_taxed(found, asked)
        sale = Sale(found.parts, asked.email, asked.destination, asked.billing, asked.note)
        total = total_minor(items, found.parts)
        used = {each.discount_id for each in found.parts.discounts}
        taken = tuple(each for each in discounts if each.id in used)
        return Quote(items, total, self.currency, sale, taken, found.offers, found.is_sent, found.needs_method)

    async def _check_uses(self, quote: Quote, asked: Asked) -> None:
        """DiscountUsedUp if one of the quote's discounts has none left at this moment."""
        limited = {each.id: each for each in quote.discounts if each.limit is not None}
        for level in await self._inventory.levels(list(limited)) if limited else ():
            if level.available < 1:
                raise DiscountUsedUp(_called(limited[level.product_id]), level.product_id)
        for discount in quote.discounts:
            is_limited = discount.limit_per_buyer is not None and asked.buyer
            if is_limited and not await self.uses.is_left(discount, asked.buyer):
                raise DiscountUsedUp(_called(discount), discount.id, "buyer")

    def check_total(self, quote: Quote) -> None:
        """Invalid if the total cannot be charged. Nothing need be, where discounts take off all that it costs."""
        if not quote.total_minor and quote.parts is not None and quote.parts.discount_minor:
            return
        # Stripe takes so many lines in all (docs: checkout sessions, line_items), and a tax on top is one.
        on_top = [tax for tax in quote.parts.taxes if tax.amount_minor and not tax.is_included] if quote.parts else []
        if len(quote.items) + len(on_top) > MAX_LINES:
            most = MAX_LINES - len(on_top)
            raise Invalid.field("items", f"must be at most {most}: each tax on top takes the place of one")
        try:
            chargeable(quote.total_minor, self.currency, self._clock.now())
        except InvalidMoney as error:
            raise Invalid.field("totalAmount", str(error)) from error

    def check_complete(self, quote: Quote, selling: Selling, asked: Asked) -> None:
        """Invalid if an order lacks what it needs: a way for what is sent, and where to. DiscountRefused for a code
        that takes nothing off."""
        if asked.code is not None and quote.parts is not None and not any(each.code for each in quote.parts.discounts):
            raise DiscountRefused(spelled(asked.code), "takes nothing off this order")
        if not quote.is_sent or quote.sale is None:
            return
        shipping = quote.sale.parts.shipping
        is_picked_up = shipping is not None and shipping.kind == "pickup"
        if asked.destination is None and not is_picked_up and (shipping is not None or selling.needs_destination):
            raise Invalid.field("destination", "is missing: say where the goods are to go")
        if asked.destination is not None and quote.needs_method:
            there = ", ".join(offer.method.id for offer in quote.offers)
            raise Invalid.field("shippingMethod", f"is missing: choose one of {there}")

    async def counts_uses(self, asked: Asked) -> bool:
        """Whether an order of this may have uses of a discount; or may have had some, before it was changed."""
        if asked.code is not None:
            return True
        automatic = await self._store.discounts.find({"is_automatic": True}, limit=MOST_COUNTED)
        return len(automatic) == MOST_COUNTED or any(each.limit or each.limit_per_buyer for each in automatic)

    async def items(self, lines: Sequence[Line]) -> tuple[OrderItem, ...]:
        """The goods at the prices of now; UnknownProduct."""
        return tuple(good.item for good in await self._goods(lines))

    async def selling(self) -> tuple[Selling, tuple[Discount, ...]]:
        """How the shop sells, and the discounts that need no code: as it was a second ago, at most."""
        now = self._clock.now()
        if now >= self._known_until:
            selling = await self._store.selling.get(ID) or NOTHING_SET
            where = {"is_automatic": True, "is_active": True}
            self._known = selling, tuple(await self._store.discounts.find(where, limit=MOST_AUTOMATIC))
            self._known_until = now + KNOWN_FOR
            self._gone = set()
        return self._known

    def forget(self) -> None:
        """It was changed just now."""
        self._known_until = -1

    async def _goods(self, lines: Sequence[Line]) -> list[Good]:
        ids = [line.product_id for line in lines]
        known = {snapshot.id: snapshot for snapshot in await self._product.snapshot(ids)}
        goods = []
        for line in lines:
            found = known.get(line.product_id)
            if found is None or found.currency != self.currency:
                raise UnknownProduct(line.product_id)
            item = OrderItem(
                line.product_id,
                found.name,
                line.quantity,
                found.price_minor,
                found.is_digital,
                found.withdrawal_excluded,
            )
            goods.append(Good(item, found.category, found.weight_grams, found.tax_class, found.is_digital))
        return goods

    async def _of_code(self, code: str | None, goods: Sequence[Good]) -> list[Discount]:
        if code is None:
            return []
        wanted = spelled(code)
        found = await self._store.discounts.first({"code": wanted}) if is_code(wanted) else None
        if found is None:
            raise DiscountRefused(wanted[:64], "is not known here")
        if why := self._lacking(found, goods):
            raise DiscountRefused(wanted, why)
        return [found]

    def _that_apply(self, automatic: Sequence[Discount], goods: Sequence[Good]) -> list[Discount]:
        return [each for each in automatic if self._lacking(each, goods) is None]

    def _lacking(self, discount: Discount, goods: Sequence[Good]) -> str | None:
        categories, amounts = [good.category for good in goods], [good.amount_minor for good in goods]
        return lacking(discount, categories, amounts, self._clock.now())


def buyer_of(email: str) -> str:
    """What a buyer is called where there is no account: nobody can tell the address from it."""
    return hashlib.sha256(email.encode()).hexdigest()[:32]


def _called(discount: Discount) -> str:
    return discount.code or discount.name


def _check_method(found: Reckoned, selling: Selling, asked: Asked) -> None:
    """Invalid for a destination to which nothing is sent, and for a method that does not go there."""
    if not found.is_sent or not selling.methods:
        if asked.method_id is not None:
            why = "must be left out: nothing of the order is sent" if not found.is_sent else "is not one of the shop's"
            raise Invalid.field("shippingMethod", why)
        return
    to, there = asked.destination, [offer.method.id for offer in found.offers]
    is_fetched = any(offer.method.kind == "pickup" and offer.method.id == asked.method_id for offer in found.offers)
    if to is not None and not is_fetched and all(offer.method.kind == "pickup" for offer in found.offers):
        raise Invalid.field("destination", _why_not_there(selling, to))
    if asked.method_id is not None and asked.method_id not in there:
        known = any(asked.method_id == method.id for method in selling.methods)
        instead = f"choose one of {', '.join(there)}" if there else "say where the goods are to go"
        why = "does not take these goods there" if known else "is not one of the shop's methods"
        raise Invalid.field("shippingMethod", f"{why}; {instead}")


def _why_not_there(selling: Selling, to: Address) -> str:
    if zone_of(selling, to) is not None:
        return "no method takes these goods there"
    parts = [place for zone in selling.zones for place in zone.places if place.country == to.country]
    for is_said, names, what in ((to.region, "regions", "region"), (to.postal_code, "postal_prefixes", "postal code")):
        if not is_said and any(getattr(place, names) for place in parts):
            return f"the shop sends to parts of the country: say the {what}, too"
    return "the shop does not send there"


def _check_taxed(found: Reckoned, asked: Asked) -> None:
    """Invalid for a destination of which Stripe reckons no tax."""
    to, shipping = asked.destination, found.parts.shipping
    is_sent = found.is_sent and not (shipping is not None and shipping.kind == "pickup")
    if to is not None and to.country in NOT_TAXED and is_sent:
        raise Invalid.field("destination.country", "is one that Stripe Tax sends nothing to: choose another one")
