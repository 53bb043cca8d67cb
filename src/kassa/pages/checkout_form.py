"""What a buyer types at the checkout: as the API takes it, and what the API says of it, at the field it is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kassa.pages.cart import Cart
from kassa.pages.client import ApiProblem, ShopClient
from kassa.pages.destinations import KnownDestinations
from kassa.pages.language import _, later
from kassa.pages.selling_models import Country, OneQuote, Quote, Selling
from kassa.pages.told import refusal, wrong

FIELDS = (
    "email", "name", "country", "line1", "line2", "city", "region", "postalCode", "shippingMethod",
    "billName", "billCountry", "billLine1", "billLine2", "billCity", "billRegion", "billPostalCode",
    "discountCode", "note",
)  # fmt: skip
_OF_ADDRESS = {"name": "name", "country": "country", "city": "city", "region": "region", "postalCode": "postalCode"}
_WHERE = ("country", "region", "postalCode")
"""By what zones and tax rates go."""
_AT = {
    "email": "email",
    "destination": "country",
    "destination.lines": "line1",
    **{f"destination.{name}": ours for name, ours in _OF_ADDRESS.items()},
    "billing": "billCountry",
    "billing.lines": "billLine1",
    **{f"billing.{name}": f"bill{ours[0].upper()}{ours[1:]}" for name, ours in _OF_ADDRESS.items()},
    "shippingMethod": "shippingMethod",
    "discountCode": "discountCode",
    "note": "note",
}
_REGIONS = {
    **dict.fromkeys(("AU", "BR", "IN", "MX", "US"), later("State")),
    **dict.fromkeys(("CA", "ES", "IT", "CN", "AR"), later("Province")),
    "IE": later("County"),
}
_CODES = {
    "US": later("ZIP code"),
    **dict.fromkeys(("GB", "AU"), later("Postcode")),
    "IE": later("Eircode"),
    "IN": later("PIN code"),
}
_DIGITS = frozenset(["AT", "AU", "BE", "CH", "DE", "DK", "ES", "FI", "FR", "HU", "IN", "IT", "MX", "NO"])
"""Where postal codes are digits and nothing else."""
_OF_BILLS = {"region": later("State or region"), "postalCode": later("Postal code")}
_MISSING = {
    "email": later("Please enter your email address."),
    "name": later("Please enter the name for the delivery."),
    "country": later("Please choose a country."),
    "line1": later("Please enter the street and number."),
    "city": later("Please enter the town or city."),
    "shippingMethod": later("Please choose a delivery option."),
    "billName": later("Please enter the name for the bill."),
}
NOT_VALID = {
    "is not known here": later("We do not know this code. Please check it or remove it."),
    "is not valid yet": later("This code is not valid yet."),
    "is not valid any more": later("This code is no longer valid. Please remove it."),
    "is for none of these goods": later("This code is for other products. Please remove it."),
    "is for larger orders": later("This code is for larger orders. Please remove it."),
    "takes nothing off": later("This code takes nothing off this order. Please remove it."),
}
"""Why a code does not apply, by what the API says of it."""
_USED_UP = {
    "all": later("This code has been used up. Please remove it."),
    "buyer": later("You have already used this code. Please remove it."),
}


@dataclass
class Found:
    """What the API says of what was typed. `destination` is whether the quote is for one."""

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    trouble: str = ""
    quote: Quote | None = None
    has_destination: bool = False
    is_no_longer_sold: bool = False


@dataclass(frozen=True)
class Form:
    """The checkout's form for one cart."""

    selling: Selling
    countries: tuple[Country, ...]
    cart: Cart
    values: dict[str, str]

    @property
    def country(self) -> Country | None:
        return next((each for each in self.countries if each.code == self.values["country"]), None)

    @property
    def options(self) -> list[tuple[str, str]]:
        return [(each.code, each.name) for each in self.countries]

    @property
    def regions(self) -> list[tuple[str, str]]:
        return [(each.code, each.name) for each in self.country.regions] if self.country else []

    @property
    def region_label(self) -> str:
        return _(_REGIONS.get(self.values["country"], later("Region")))

    @property
    def code_label(self) -> str:
        return _(_CODES.get(self.values["country"], later("Postal code")))

    @property
    def has_digits(self) -> bool:
        return self.values["country"] in _DIGITS

    def needs(self, name: str) -> bool:
        """Whether an address in the country cannot do without it."""
        return self.country is not None and name in self.country.needs

    @property
    def bill(self) -> dict[str, str]:
        """What is typed of another address for the bill, by the names of an address; empty if none is meant."""
        typed = {_of_delivery(name): self.values[name] for name in FIELDS if name.startswith("bill")}
        return typed if any(value for name, value in typed.items() if name != "country") else {}

    @property
    def bill_lacks(self) -> list[str]:
        """The fields of the bill's address that lack what its country needs."""
        country = next((each for each in self.countries if each.code == self.values["billCountry"]), None)
        needed = {"name", "country", *(country.needs if country else ())}
        return [_AT[f"billing.{name}"] for name in sorted(needed) if not self.values[_AT[f"billing.{name}"]]]

    @property
    def items(self) -> list[dict[str, object]]:
        return [{"productId": product_id, "quantity": quantity} for product_id, quantity in self.cart.lines.items()]

    @property
    def lacks(self) -> list[str]:
        """What an address in the country needs, and nothing is typed of."""
        typed = {**self.values, "lines": self.values["line1"]}
        return [name for name in ("name", *(self.country.needs if self.country else ())) if not typed.get(name)]

    @property
    def has_whole_address(self) -> bool:
        return self.country is not None and not self.lacks

    def wish(self, *, is_strict: bool) -> dict[str, Any]:
        """What is sent, of an order or of a quote. Unless it is to be told what an address lacks, what is there of it
        is sent as soon as the country is known: that is enough to tell what sending costs."""
        values, wish = self.values, {"items": self.items}
        for name in ("email", "shippingMethod", "discountCode"):
            if values[name]:
                wish[name] = values[name]  # type: ignore[assignment]
        if self.selling.asks_where and (is_strict or self.has_whole_address):
            wish["destination"] = _address(values)  # type: ignore[assignment]
        elif self.selling.asks_where and self.country is not None:
            wish["destination"] = self.where  # type: ignore[assignment]
        return wish

    @property
    def where(self) -> dict[str, object]:
        """As much of the address as tells what sending costs."""
        return {name: self.values[name] for name in _WHERE if self.values[name]}


def _address(values: Mapping[str, str]) -> dict[str, object]:
    lines = [values[name] for name in ("line1", "line2") if values[name]]
    return {"lines": lines} | {name: values[name] for name in _OF_ADDRESS}


async def quoted(api: ShopClient, form: Form, *, is_strict: bool) -> Found:
    """A quote for what was typed. What is refused of it is left out of the quote and told; unless `is_strict`, what
    somebody may be typing just now is not."""
    found = Found(dict(form.values))
    wish = form.wish(is_strict=is_strict)
    if is_strict and not form.values["email"]:
        found.errors["email"] = _MISSING["email"]
    if "destination" in wish and not form.values["country"]:
        found.errors["country"] = _MISSING["country"]
        del wish["destination"]
    elif is_strict and "destination" in wish and form.country and form.lacks:
        # Enough for a quote, but not for an order.
        found.errors |= {name: _told(name, "is missing", form) for name in map(_typed_as, form.lacks)}
        wish["destination"] = form.where
    await _ask(api, form, wish, found, is_strict=is_strict)
    if is_strict and form.bill:
        found.errors |= {name: _told(name, "is missing", form) for name in form.bill_lacks}
    quote = found.quote
    if quote is not None and quote.needs_shipping_method and "destination" in wish:
        ways = [each for each in quote.shipping_methods if each.kind == "delivery"] or quote.shipping_methods
        if ways:
            cheapest = min(ways, key=lambda each: each.price_minor).id
            found.values["shippingMethod"] = cheapest
            await _ask(api, form, wish | {"shippingMethod": cheapest}, found, is_strict=is_strict)
    return found


async def _ask(api: ShopClient, form: Form, wish: dict[str, Any], found: Found, *, is_strict: bool) -> None:
    """Ask for a quote until nothing of the wish is refused any more."""
    for _attempt in FIELDS:
        try:
            found.quote = (await api.send("POST", "/quotes", OneQuote, wish)).quote
        except ApiProblem as problem:
            if problem.status not in (400, 409, 422):
                raise
            refused = at_fields(problem, form)
            members = {_member(name) for name in refused} & set(wish)
            if not members:
                found.trouble = refusal(problem)
                found.is_no_longer_sold = problem.code == "unknown_product"
                return
            for name, words in refused.items():
                if is_strict or name == "discountCode" or form.has_whole_address:
                    found.errors.setdefault(name, words)
            for member in members:
                del wish[member]
            if "shippingMethod" in members:
                found.values["shippingMethod"] = ""
        else:
            is_picked_up = found.quote.is_picked_up
            found.has_destination = "destination" in wish or is_picked_up
            if is_picked_up or not found.quote.is_sent:
                for name in ("line1", *_OF_ADDRESS):
                    found.errors.pop(name, None)
            return


def _of_delivery(name: str) -> str:
    """The field of the address that goods go to, which this one of the bill's is as."""
    return name[4].lower() + name[5:] if name.startswith("bill") else name


def with_bill(wish: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """The wish with the address for the bill, if it is another one than where the goods go."""
    return {**wish, "billing": _address(form.bill)} if form.bill else dict(wish)


def _typed_as(name: str) -> str:
    """The form's field of what the API calls so in an address."""
    return _AT[f"destination.{name}"]


def _member(name: str) -> str:
    return name if name in ("email", "shippingMethod", "discountCode", "note") else "destination"


def at_fields(problem: ApiProblem, form: Form) -> dict[str, str]:
    """What the API refuses, in plain words, by the fields of the form; empty if it is about none of them."""
    if problem.code == "discount_not_valid":
        why = next((words for said, words in NOT_VALID.items() if said in problem.detail), None)
        return {"discountCode": _(why) if why else refusal(problem)}
    if problem.code == "discount_used_up":
        is_typed = str(problem.members.get("discount", "")).casefold() == form.values["discountCode"].casefold()
        return {"discountCode": _(_USED_UP[str(problem.members.get("per", "all"))])} if is_typed else {}
    found = {}
    for field_name, message in problem.errors.items():
        name = next((_AT[each] for each in (field_name, field_name.partition("[")[0]) if each in _AT), None)
        if name is not None:
            found[name] = _told(name, message, form)
    return found


def _told(name: str, message: str, form: Form) -> str:
    as_delivery = _of_delivery(name)
    if message.startswith(("is missing", "must not be empty")) or (name in form.values and not form.values[name]):
        if missing := _MISSING.get(name) or _MISSING.get(as_delivery):
            return _(missing)
        labels = {"region": form.region_label, "postalCode": form.code_label} if as_delivery == name else _OF_BILLS
        return (
            _("Please fill in: %(field)s.", field=_(labels[as_delivery])) if as_delivery in labels else wrong(message)
        )
    if name == "shippingMethod":
        return _("This delivery option is not available for this address. Please choose another one.")
    return wrong(message)


async def read_form(known: KnownDestinations, api: ShopClient, cart: Cart, values: Mapping[str, str]) -> Form:
    """The form with these values; the country that buyers most probably mean, if there is none yet."""
    selling, countries = await known.read(api)
    typed = {name: values.get(name, "") for name in FIELDS}
    if not typed["country"]:
        codes = [each.code for each in countries]
        typed["country"] = codes[0] if len(codes) == 1 else selling.home if selling.home in codes else ""
    return Form(selling, countries, cart, typed)
