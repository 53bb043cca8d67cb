"""The fake shop's quotes: as much of shipping, taxes and discounts as the checkout shows."""

from dataclasses import dataclass, field
from typing import Any

from kassa.kit.email import normalised_email
from kassa.kit.problem import Invalid
from tests.pages.fake_refusals import Json, Refused

GERMANY: Json = {"code": "DE", "name": "Germany", "needs": ["city", "lines", "postalCode"], "regions": []}
STATES = [{"code": "CA", "name": "California"}, {"code": "OR", "name": "Oregon"}]
AMERICA: Json = {
    "code": "US", "name": "United States", "needs": ["city", "lines", "postalCode", "region"], "regions": STATES
}  # fmt: skip


@dataclass
class FakeSelling:
    """`codes`: what a code takes off, in per cent. `vat`: of included tax. `not_known_to_quotes`: what an order of this
    buyer costs more, who has had a discount as often as each buyer may."""

    offers: list[Json] = field(default_factory=list)
    countries: list[Json] = field(default_factory=lambda: [GERMANY, AMERICA])
    codes: dict[str, int] = field(default_factory=dict)
    vat: int = 0
    is_digital: bool = False
    not_known_to_quotes: int = 0
    shown: Json = field(default_factory=lambda: {"currency": "usd", "tax": "none", "home": "", "updatedAt": None})

    @property
    def selling(self) -> Json:
        methods = [{"id": each["id"], "name": each["name"], "kind": each["kind"], "price": 1} for each in self.offers]
        return {**self.shown, "shippingMethods": self.shown.get("shippingMethods", methods)}

    def quote(self, items: list[Json], body: Json) -> Json:
        """The quote for lines with their prices; refused as the real shop does."""
        self._check(body)
        subtotal = sum(each["amountMinor"] for each in items)
        there = [each for each in self.offers if body.get("destination") or each["kind"] == "pickup"]
        there = [] if self.is_digital else there
        way = next((each for each in there if each["id"] == body.get("shippingMethod")), None)
        if way is None and body.get("shippingMethod"):
            raise _invalid("shippingMethod", "does not take these goods there; choose one of post")
        code = body.get("discountCode", "").upper()
        off = subtotal * self.codes.get(code, 0) // 100
        discounts = [{"name": "Spring", "code": code, "amountMinor": off, "shippingMinor": 0}] if code else []
        total = subtotal - off + (way["priceMinor"] if way else 0)
        vat = {"name": "VAT", "percent": self.vat, "amountMinor": total * self.vat // (100 + self.vat)}
        parts = {
            "subtotalMinor": subtotal,
            "discounts": discounts,
            "shipping": {**way, "amountMinor": way["priceMinor"]} if way else None,
            "taxes": [{**vat, "isIncluded": True}] if self.vat else [],
            "isTaxOpen": False,
        }
        return {
            "items": items,
            "currency": "usd",
            "parts": parts,
            "shippingMethods": there,
            "isSent": not self.is_digital,
            "needsShippingMethod": not self.is_digital and bool(self.offers) and way is None,
            "totalAmountMinor": total,
        }

    def _check(self, body: Json) -> None:
        if "email" in body:
            try:
                normalised_email(body["email"])
            except Invalid as invalid:
                raise _invalid("email", invalid.errors[0].message) from invalid
        if (to := body.get("destination")) is not None:
            found = next((each for each in self.countries if each["code"] == to["country"]), None)
            if found is None:
                raise _invalid("destination", "the shop does not send there")
            code = to.get("postalCode", "00000")  # A quote needs no more than the country.
            if found["code"] == "DE" and not (code.isdigit() and len(code) == 5):
                raise _invalid("destination.postalCode", "cannot be one of DE; one is 26133 or 53225")
        if (code := body.get("discountCode")) is not None and code.upper() not in self.codes:
            detail = f"the code {code.upper()} is not known here; leave it out, or give another one"
            raise Refused(422, "discount_not_valid", detail, discountCode=code.upper())


def _invalid(*errors: Any) -> Refused:
    pairs = [errors] if isinstance(errors[0], str) else errors
    return Refused(422, "validation_failed", "x", errors=[{"field": each[0], "message": each[1]} for each in pairs])
