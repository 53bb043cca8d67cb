"""What is told of products to whoever listens: how they are now. Several changes in a moment are told as one. Pure."""

from typing import Any

from kassa.contracts.events import NewEvent
from kassa.kit.inputs import outgoing_id
from kassa.product.domain import Product

CREATED, UPDATED, WITHDRAWN = "product.created", "product.updated", "product.withdrawn"


def told(product: Product) -> list[NewEvent]:
    """One event, if something has happened to the product that was not told yet."""
    if product.untold_from is None:
        return []
    type = CREATED if product.untold_from == 0 else UPDATED if product.is_active else WITHDRAWN
    # Its versions grow, and not every one of them is told.
    event_id = outgoing_id(product.id, product.version)
    data = {"product": _described(product)}
    return [NewEvent(event_id, type, product.updated_at, product.id, product.version, product.id, data)]


def _described(product: Product) -> dict[str, Any]:
    return {
        "id": product.id,
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "category": product.category,
        "images": list(product.images),
        "priceMinor": product.price_minor,
        "compareAtPriceMinor": product.compare_at_minor,
        "currency": product.currency,
        "gtin": product.gtin,
        "weightGrams": product.weight_grams,
        "taxClass": product.tax_class,
        "isDigital": product.is_digital,
        "withdrawalExcluded": product.withdrawal_excluded,
        "familyId": product.family_id,
        "isActive": product.is_active,
    }
