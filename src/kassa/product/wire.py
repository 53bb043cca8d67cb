"""Products over the wire: what is sent and what is answered."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kassa.contracts.withdrawals import Exclusion
from kassa.kit.clock import Timestamp
from kassa.kit.lists import Pagination, documented
from kassa.kit.text import ONE_LINE
from kassa.product.domain import (
    IMAGE,
    LINES,
    LONGEST_CATEGORY,
    LONGEST_DESCRIPTION,
    LONGEST_IMAGE,
    LONGEST_NAME,
    LONGEST_SKU,
    MOST_IMAGES,
    MOST_STOCK,
)
from kassa.product.family_wire import (
    FamilyId,
    FamilyOfVariant,
    FamilyOut,
    FamilyPart,
    OptionValues,
    PriceRange,
    ValueOut,
)
from kassa.product.goods import GTIN, LONGEST_TAX_CLASS, MOST_GRAMS, STANDARD, TAX_CLASS

Sku = Annotated[
    str,
    documented(
        "The shop's own name for it, which no other product has", minLength=1, maxLength=LONGEST_SKU, pattern=ONE_LINE
    ),
]
Name = Annotated[str, documented("One line", minLength=1, maxLength=LONGEST_NAME, pattern=ONE_LINE)]
Description = Annotated[str, documented("Plain text", maxLength=LONGEST_DESCRIPTION, pattern=LINES)]
Price = Annotated[
    Decimal,
    Meta(
        description="Major units of the shop's currency, exact: a number or a string",
        extra_json_schema={"examples": [19.99]},
    ),
]
CompareAtPrice = Annotated[
    Price | None,
    Meta(description="What it costs when it is not reduced, above the price; null: it is not reduced"),
]
Category = Annotated[str, documented("One line", minLength=1, maxLength=LONGEST_CATEGORY, pattern=ONE_LINE)]
Image = Annotated[str, documented("An http or https URL, or a path", maxLength=LONGEST_IMAGE, pattern=IMAGE)]
Images = Annotated[list[Image], documented("http or https URLs, or paths that begin with /", maxItems=MOST_IMAGES)]
Stock = Annotated[int, documented("Pieces at the start", minimum=0, maximum=MOST_STOCK)]
Gtin = Annotated[
    str,
    documented(
        "Its GTIN-8, -12, -13 or -14 with all its digits, of which the last is checked", maxLength=14, pattern=GTIN
    ),
]
WeightGrams = Annotated[int, documented("What it weighs when it is sent", minimum=0, maximum=MOST_GRAMS)]
TaxClass = Annotated[
    str,
    documented(
        "How it is taxed, in a word of the shop: `standard`, `reduced`, `books`",
        minLength=1,
        maxLength=LONGEST_TAX_CLASS,
        pattern=TAX_CLASS,
    ),
]
IsDigital = Annotated[bool, Meta(description="Whether it is nothing that is sent")]
WithdrawalExcluded = Annotated[
    str,
    documented(
        "Why a buyer cannot withdraw from it (Directive 2011/83/EU, Art. 16); empty: they can",
        enum=["", *(str(each) for each in Exclusion)],
    ),
]


class NewProduct(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A product to be sold. With `stock` its stock is initialised, too. A variant of a family needs no name: it is
    named after its family and its values."""

    description: Description
    price: Price
    category: Category
    name: Name | UnsetType = UNSET
    images: Images = []
    stock: Stock | UnsetType = UNSET
    sku: Sku | None = None
    gtin: Gtin | None = None
    compare_at_price: CompareAtPrice = None
    weight_grams: WeightGrams | None = None
    tax_class: TaxClass = STANDARD
    is_digital: IsDigital = False
    withdrawal_excluded: WithdrawalExcluded = ""
    family_id: FamilyOfVariant | UnsetType = UNSET
    option_values: OptionValues | UnsetType = UNSET


class ProductChange(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What to replace: at least one of these."""

    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    price: Price | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    images: Images | UnsetType = UNSET
    is_active: Annotated[bool, Meta(description="Whether it is on sale")] | UnsetType = UNSET
    sku: Sku | UnsetType | None = UNSET
    gtin: Gtin | UnsetType | None = UNSET
    compare_at_price: CompareAtPrice | UnsetType = UNSET
    weight_grams: WeightGrams | UnsetType | None = UNSET
    tax_class: TaxClass | UnsetType = UNSET
    is_digital: IsDigital | UnsetType = UNSET
    withdrawal_excluded: WithdrawalExcluded | UnsetType = UNSET
    family_id: FamilyId | UnsetType = UNSET
    option_values: OptionValues | UnsetType = UNSET
    expected_updated_at: (
        Annotated[datetime, Meta(tz=True, description="The `updatedAt` that was read: refused if it was changed since")]
        | UnsetType
    ) = UNSET


REPLACEABLE = [name for name in ProductChange.__struct_encode_fields__ if name != "expectedUpdatedAt"]


CompareAtOut = Annotated[
    Decimal | None, Meta(description="What it costs when it is not reduced; null: it is not reduced")
]
PriorOut = Annotated[
    Decimal | None,
    Meta(
        description="The lowest price of the 30 days before the reduction (Directive 98/6/EC, Article 6a). Announce a "
        "reduction from this price and no other, and only if it is above the price; null: it is not reduced, or was "
        "never sold at another price"
    ),
]


class ProductOut(msgspec.Struct, frozen=True, rename="camel"):
    """A product. `stock` is what can still be bought; null when the inventory cannot be reached. `weightGrams` is null
    where nobody knows it; of what `isDigital` nothing is sent. `family` is null, and `optionValues` are none, of what
    is no variant."""

    id: str
    sku: str | None
    gtin: str | None
    name: str
    description: str
    price: Decimal
    price_minor: int
    compare_at_price: CompareAtOut
    compare_at_price_minor: int | None
    prior_price: PriorOut
    prior_price_minor: int | None
    currency: str
    category: str
    images: tuple[str, ...]
    weight_grams: int | None
    tax_class: str
    is_digital: bool
    family: FamilyPart | None
    option_values: list[ValueOut]
    is_active: bool
    stock: int | None
    created_at: Timestamp
    updated_at: Timestamp
    price_range: (
        Annotated[PriceRange, Meta(description="With `collapse`, of a family: what its variants cost")] | UnsetType
    ) = UNSET
    withdrawal_excluded: WithdrawalExcluded | UnsetType = UNSET
    variants: Annotated[int, Meta(description="With `collapse`, of a family: how many variants it has")] | UnsetType = (
        UNSET
    )


class CategoryOut(msgspec.Struct, frozen=True):
    """A category, and how many products of it are on sale."""

    category: str
    products: int


class CategoriesAnswer(msgspec.Struct, frozen=True):
    """The categories of all products on sale, by name."""

    categories: list[CategoryOut]


class ValueFacet(msgspec.Struct, frozen=True):
    """A value of an option, and how many entries of a list have it."""

    value: str
    products: int


class OptionFacet(msgspec.Struct, frozen=True):
    """An option by its name, and its values."""

    name: str
    values: list[ValueFacet]


class FacetsAnswer(msgspec.Struct, frozen=True):
    """What a list can be narrowed by; each counted as if nothing was chosen of it yet."""

    categories: list[CategoryOut]
    options: list[OptionFacet]


class PriceOut(msgspec.Struct, frozen=True, rename="camel"):
    """What a product cost since `at`, until the next change; `who` made it so."""

    price: Decimal
    price_minor: int
    compare_at_price: CompareAtOut
    compare_at_price_minor: int | None
    currency: str
    at: Timestamp
    who: str


class PricesAnswer(msgspec.Struct, frozen=True):
    """A page of a product's price history, the newest first."""

    prices: list[PriceOut]
    pagination: Pagination


class ProductAnswer(msgspec.Struct, frozen=True):
    """One product."""

    product: ProductOut


class VariantsAnswer(msgspec.Struct, frozen=True):
    """A family, and its variants on sale in the order of its values."""

    family: FamilyOut
    variants: list[ProductOut]


class ProductsAnswer(msgspec.Struct, frozen=True):
    """A page of products, the newest first."""

    products: list[ProductOut]
    pagination: Pagination


def given(body: msgspec.Struct) -> dict[str, Any]:
    """The fields that were sent."""
    members = {name: getattr(body, name) for name in body.__struct_fields__}
    return {name: value for name, value in members.items() if value is not UNSET}
