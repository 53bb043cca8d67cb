"""Pictures as large as they are shown: a browser chooses among the sizes that the shop has of its own pictures."""

from markupsafe import Markup

from kassa.contracts.pictures import sizes_at

_PLAIN_WIDTH = 640
"""What a browser gets that knows nothing of sizes."""


def sized(address: str, shown: str) -> Markup:
    """The attributes `src`, `srcset` and `sizes` of a picture that is `shown` so wide, in terms of CSS. Of a picture
    from elsewhere there is one size."""
    sizes = sizes_at(address)
    plain = next((each.address for each in reversed(sizes) if each.width <= _PLAIN_WIDTH), address)
    attributes = Markup('src="{}"').format(plain)
    if len(sizes) > 1:
        chosen = ", ".join(f"{each.address} {each.width}w" for each in sizes)
        attributes += Markup(' srcset="{}" sizes="{}"').format(chosen, shown)
    return attributes
