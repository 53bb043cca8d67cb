"""The API's answers about how the shop sells and what goods would cost, as far as the pages read them."""

from datetime import datetime
from decimal import Decimal

from kassa.kit.money import minor
from kassa.pages.parts_models import Answer, Parts


class Offer(Answer, frozen=True):
    """A shipping method, and what it costs for these goods to this destination."""

    id: str
    name: str
    kind: str
    price_minor: int


class QuotedItem(Answer, frozen=True):
    """A line of a quote."""

    product_id: str
    name: str
    quantity: int
    amount_minor: int
    discount_minor: int = 0
    withdrawal_excluded: str = ""


class Quote(Answer, frozen=True):
    """What goods would cost, and why."""

    items: tuple[QuotedItem, ...]
    currency: str
    parts: Parts
    total_amount_minor: int
    shipping_methods: tuple[Offer, ...] = ()
    is_sent: bool = True
    needs_shipping_method: bool = False

    @property
    def offers_pickup(self) -> bool:
        return any(offer.kind == "pickup" for offer in self.shipping_methods)

    @property
    def is_picked_up(self) -> bool:
        return self.parts.shipping is not None and self.parts.shipping.kind == "pickup"


class OneQuote(Answer, frozen=True):
    quote: Quote


class Place(Answer, frozen=True):
    """A country, or a part of it; `*` is wherever no other place is."""

    country: str
    regions: tuple[str, ...] = ()
    postal_prefixes: tuple[str, ...] = ()


class Zone(Answer, frozen=True):
    """Places that cost the same to send to."""

    id: str
    name: str
    places: tuple[Place, ...] = ()


class Bracket(Answer, frozen=True):
    """A price up to a weight or a value; without one of all above."""

    price: Decimal
    up_to: Decimal | None = None


class Method(Answer, frozen=True):
    """A shipping method as the shop has set it up."""

    id: str
    name: str
    kind: str = "delivery"
    zone: str | None = None
    price: Decimal = Decimal(0)
    free_from: Decimal | None = None
    by_weight: tuple[Bracket, ...] = ()
    by_value: tuple[Bracket, ...] = ()

    @property
    def has_one_price(self) -> bool:
        """Whether it costs the same, whatever is sent."""
        return not self.by_weight and not self.by_value

    def price_minor(self, currency: str) -> int:
        return minor(self.price, currency)

    def free_from_minor(self, currency: str) -> int:
        return minor(self.free_from or Decimal(0), currency)


class Rate(Answer, frozen=True):
    """The tax on goods of one class that go to a country, or to a region of it."""

    country: str
    percent: Decimal
    name: str
    region: str = ""
    tax_class: str = "standard"
    is_included: bool = False


class SellerAddress(Answer, frozen=True):
    """The seller's name and address."""

    name: str = ""
    country: str = ""
    lines: tuple[str, ...] = ()
    city: str = ""
    region: str = ""
    postal_code: str = ""


class Seller(Answer, frozen=True):
    """Who sells, as invoices say it."""

    address: SellerAddress = SellerAddress()
    tax_id: str = ""
    email: str = ""
    notice: str = ""


class Selling(Answer, frozen=True):
    """How the shop sells."""

    currency: str
    tax: str = "none"
    home: str = ""
    needs_destination: bool = False
    taxes_shipping: bool = True
    zones: tuple[Zone, ...] = ()
    shipping_methods: tuple[Method, ...] = ()
    tax_rates: tuple[Rate, ...] = ()
    seller: Seller | None = None
    updated_at: datetime | None = None

    @property
    def zone_names(self) -> list[tuple[str, str]]:
        return [(each.id, each.name) for each in self.zones]

    @property
    def asks_where(self) -> bool:
        """Whether what is sent needs a destination before it can be ordered here."""
        return bool(self.shipping_methods) or self.needs_destination or self.tax == "rates"


class OneSelling(Answer, frozen=True):
    selling: Selling


class Region(Answer, frozen=True):
    code: str
    name: str


class Country(Answer, frozen=True):
    """A country that the shop sends to, and what an address there cannot do without."""

    code: str
    name: str
    needs: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()


class Destinations(Answer, frozen=True):
    countries: tuple[Country, ...]
    is_anywhere: bool = False
