"""What search engines are told: what a page is about, and which are nobody's business.

Titles, descriptions and structured data as schema.org names them, and Google asks for (Product structured data);
robots.txt (RFC 9309).
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from litestar import Response, get
from markupsafe import Markup

from kassa.pages.catalogue_models import Product
from kassa.pages.formats import major_text
from kassa.pages.language import _
from kassa.pages.render import picture, query
from kassa.pages.visit import Visit, Visiting

_SHOWN = 160
"""Characters of a description that search engines show."""
# Options by the names of schema.org, which Google knows variants by.
_VARIES = {"colour": "color", "color": "color", "farbe": "color", "size": "size", "größe": "size"} | {
    "material": "material",
    "pattern": "pattern",
    "muster": "pattern",
}
_PRIVATE = ("/console", "/account", "/cart", "/checkout", "/shop/orders", "/shop/withdraw", "/shop/language", "/*?q=")


@dataclass(frozen=True)
class About:
    """What a page tells of itself: where it is, whatever else its address says; `data` is for programs."""

    address: str
    description: str
    title: str
    image: str = ""
    kind: str = "website"
    data: Markup | None = None


def of_list(visit: Visit, category: str, skip: int, total: int) -> About:
    """A page of the catalogue. Each has an address of its own, as search engines want of pages of a list."""
    shop = visit.renderer.settings.shop_name
    what = _("%(category)s at %(shop)s", category=category, shop=shop) if category else shop
    address = visit.site + "/" + query({"category": category, "skip": skip})
    return About(address, _("%(what)s: order online.", what=what) if total else what, category or shop)


def of_product(visit: Visit, product: Product) -> About:
    """A product: with what it costs, and whether it can be had."""
    address = f"{visit.site}/shop/products/{product.id}"
    images = [urljoin(f"{visit.site}/", each) for each in product.images if picture((each,)) == each]
    described = " ".join(product.description.split())
    short = described if len(described) <= _SHOWN else described[: _SHOWN - 1].rsplit(" ", 1)[0] + "…"
    data = _product_data(product, address, images, described)
    return About(address, short or product.name, product.name, images[0] if images else "", "product", data_block(data))


def _product_data(product: Product, address: str, images: list[str], described: str) -> dict[str, Any]:
    there = {None: "", True: "OutOfStock", False: "InStock"}[None if product.stock is None else product.is_sold_out]
    offer = {
        "@type": "Offer",
        "url": address,
        "priceCurrency": product.currency.upper(),
        "price": major_text(product.price_minor, product.currency),
        "availability": there and f"https://schema.org/{there}",
    }
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.name,
        "url": address,
        "description": described,
        "image": images,
        "sku": product.sku,
        "gtin": product.gtin,
        "category": product.category,
        "offers": {name: value for name, value in offer.items() if value},
    }
    if product.family is not None:
        values = {_VARIES.get(each.name.lower()): each.value for each in product.option_values}
        data |= {name: value for name, value in values.items() if name}
        varies = [f"https://schema.org/{name}" for name in values if name]
        group = {"@type": "ProductGroup", "productGroupID": product.family.id, "name": product.family.name}
        data["isVariantOf"] = {**group, "variesBy": varies} if varies else group
        data["inProductGroupWithID"] = product.family.id
    return {name: value for name, value in data.items() if value}


def data_block(data: dict[str, Any]) -> Markup:
    """JSON inside of `<script>`: nothing in it can end the element (HTML, 4.12.1.3). It is data, which no policy keeps
    from a page, for nothing is executed."""
    text = json.dumps(data, ensure_ascii=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704


@get("/robots.txt", include_in_schema=False, media_type="text/plain")
async def robots(visit: Visiting) -> Response[str]:
    """What programs may look at: the catalogue."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _PRIVATE), f"Sitemap: {visit.site}/sitemap.xml", ""]
    return kept("\n".join(lines), "text/plain")


def kept(text: str, media_type: str) -> Response[str]:
    """The answer with a text that programs may keep for an hour."""
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(text, media_type=media_type, headers=headers)


SEO: tuple[Any, ...] = (robots,)
