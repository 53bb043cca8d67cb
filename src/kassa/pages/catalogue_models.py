"""The API's answers about products and families, as far as the pages read them."""

from datetime import datetime

from kassa.pages.models import Answer, Pagination


class Option(Answer, frozen=True):
    """What one chooses, and between which values."""

    name: str
    values: tuple[str, ...]


class OptionValue(Answer, frozen=True):
    """What a variant has of one option."""

    name: str
    value: str


class FamilyPart(Answer, frozen=True):
    """The family of a variant."""

    id: str
    name: str
    options: tuple[Option, ...] = ()


class Family(FamilyPart, frozen=True):
    """A family."""

    updated_at: datetime | None = None


class PriceRange(Answer, frozen=True):
    """What the cheapest and the dearest variant of a family cost."""

    min_minor: int
    max_minor: int


class Product(Answer, frozen=True):
    id: str
    name: str
    price_minor: int
    currency: str
    sku: str | None = None
    description: str = ""
    category: str = ""
    images: tuple[str, ...] = ()
    is_active: bool = True
    stock: int | None = None
    updated_at: datetime | None = None
    compare_at_price_minor: int | None = None
    prior_price_minor: int | None = None
    gtin: str | None = None
    weight_grams: int | None = None
    tax_class: str = "standard"
    is_digital: bool = False
    withdrawal_excluded: str = ""
    family: FamilyPart | None = None
    option_values: tuple[OptionValue, ...] = ()
    price_range: PriceRange | None = None
    variants: int = 0

    @property
    def is_choice(self) -> bool:
        """Whether it stands in a list for several variants of its family."""
        return self.family is not None and self.variants > 1

    @property
    def title(self) -> str:
        """What a list calls it."""
        return self.family.name if self.family is not None and self.is_choice else self.name

    @property
    def costs_from(self) -> int | None:
        """What the cheapest of several variants costs, where they do not all cost the same."""
        costs = self.price_range
        return costs.min_minor if costs is not None and costs.min_minor < costs.max_minor else None

    @property
    def is_reduced(self) -> bool:
        """Whether the shop may say so: what is announced is reckoned from the prior price and from no other (Directive
        98/6/EC, Article 6a; Court of Justice, C-330/23), and beside that one some reductions are none."""
        return self.prior_price_minor is not None and self.prior_price_minor > self.price_minor

    @property
    def is_sold_out(self) -> bool:
        return self.stock is not None and self.stock <= 0


class Products(Answer, frozen=True):
    products: tuple[Product, ...]
    pagination: Pagination = Pagination()


class Category(Answer, frozen=True):
    category: str
    products: int = 0


class ValueFacet(Answer, frozen=True):
    value: str
    products: int = 0


class OptionFacet(Answer, frozen=True):
    """An option, and how much there is of each of its values."""

    name: str
    values: tuple[ValueFacet, ...] = ()


class Facets(Answer, frozen=True):
    """What a list can be narrowed by."""

    categories: tuple[Category, ...] = ()
    options: tuple[OptionFacet, ...] = ()


class OneProduct(Answer, frozen=True):
    product: Product


class FamilyVariants(Answer, frozen=True):
    """A family, and its variants on sale in the order of its values."""

    family: Family
    variants: tuple[Product, ...] = ()


class OneFamily(Answer, frozen=True):
    family: Family


class Families(Answer, frozen=True):
    families: tuple[Family, ...]
    pagination: Pagination = Pagination()
