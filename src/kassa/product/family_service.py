"""The families of the catalogue: they are made and changed, and products become their variants."""

from collections.abc import Iterable, Sequence

from kassa.contracts.product import FamilyChanged, FamilyNameTaken, OptionInUse
from kassa.kit.audit import Cause
from kassa.kit.clock import SECOND, Clock, Millis, rfc3339
from kassa.kit.documents import Duplicate, change
from kassa.kit.figures import Figures
from kassa.kit.ids import FAMILY, Ids, is_id
from kassa.kit.inputs import variant_of
from kassa.kit.lists import Pagination, Paging, listed
from kassa.kit.problem import FieldError, NotFound, Unavailable
from kassa.kit.text import counted
from kassa.product.domain import Fields, Product
from kassa.product.families import (
    MOST_VARIANTS,
    Family,
    checked_family,
    checked_values,
    edited_family,
    made_family,
    variant_name,
)
from kassa.product.refusing import refuse
from kassa.product.store import ProductStore

PLACE = ("family_id", "option_values")
"""Fields of a product that say of which family it is a variant, and which one."""


class Families:
    """What ties variants together."""

    def __init__(self, store: ProductStore, ids: Ids, clock: Clock) -> None:
        self.families = store.families
        self._products = store.products
        self._ids = ids
        self._clock = clock
        self._figures = Figures(clock, least=SECOND)

    def new_id(self) -> str:
        """An id for a new family."""
        return self._ids.new(FAMILY)

    async def get(self, family_id: str) -> Family:
        """The family; NotFound."""
        family = await self.families.get(family_id) if is_id(FAMILY, family_id) else None
        if family is None:
            raise NotFound(f"there is no family {family_id[:60]}")
        return family

    async def of(self, products: Iterable[Product]) -> dict[str, Family]:
        """The families of these products, as they are at this moment, by id."""
        ids = {each.family_id for each in products if each.family_id}
        return {each.id: each for each in await self.families.many(sorted(ids))} if ids else {}

    async def page(self, asked: Paging) -> tuple[list[Family], Pagination]:
        """A page of all families, the newest first."""
        return await listed(self.families, {}, asked, self._figures)

    async def create(self, family_id: str, fields: Fields, cause: Cause) -> Family:
        """Make a family under this id; one that is there already is answered. Invalid, FamilyNameTaken."""
        good, errors = checked_family(fields)
        refuse(errors)
        try:
            made = await self.families.insert(made_family(family_id, good, cause, self._clock.now()))
        except Duplicate as duplicate:
            if (known := await self.families.get(family_id)) is None:
                raise await self._taken(good["name"]) from duplicate
            return known
        self._figures.forget()
        return made

    async def update(self, family_id: str, fields: Fields, cause: Cause, expected: Millis | None = None) -> Family:
        """Replace the given fields; NotFound, Invalid, FamilyNameTaken; OptionInUse if a variant, on sale or not, has
        a value that would not be there any more. `expected` is when it was changed last, as the caller has read it:
        FamilyChanged if that is not so any more."""
        good, errors = checked_family(fields)
        refuse(errors)
        await self.get(family_id)
        variants = await self.variants(family_id) if "options" in good else []

        def edit(known: Family) -> Family:
            if expected not in (None, known.updated_at):
                raise FamilyChanged(family_id, rfc3339(known.updated_at))
            changed = edited_family(known, good, cause, self._clock.now())
            _check_fits(changed, variants)
            return changed

        try:
            changed = await change(self.families, family_id, edit)
        except Duplicate as duplicate:
            raise await self._taken(good["name"]) from duplicate
        self._figures.forget()
        return changed or await self.get(family_id)

    async def variants(self, family_id: str) -> list[Product]:
        """All its variants, on sale or not."""
        each = [
            await self._products.find({"family_id": family_id, "is_active": is_active}, limit=MOST_VARIANTS)
            for is_active in (True, False)
        ]
        return [variant for part in each for variant in part]

    async def placed(self, fields: Fields, known: Product | None = None) -> tuple[Fields, list[FieldError]]:
        """What the fields say of the place of a product in a family, as the product stores it, and what is wrong with
        that; nothing if they do not speak of it. `known` is the product as it is; a new one may be named after it."""
        if not fields.keys() & set(PLACE):
            return {}, []
        family_id = fields.get("family_id", known.family_id if known else None)
        values = fields.get("option_values")
        if family_id is None:
            wrong = [FieldError("optionValues", "are those of a family; give its familyId, too")] if values else []
            return {"family_id": None, "option_values": (), "variant": None}, wrong
        is_new = known is None or known.family_id != family_id
        family = await self.families.get(family_id) if is_id(FAMILY, family_id) else None
        if family is None:
            return {}, [FieldError("familyId", f"there is no family {family_id[:60]}")]
        if is_new and len(await self.variants(family_id)) >= MOST_VARIANTS:
            return {}, [FieldError("familyId", f"has {MOST_VARIANTS} variants, and no room for more")]
        if values is None and known is not None and not is_new:
            return {}, []
        try:
            chosen = checked_values(family, values or ())
        except ValueError as error:
            return {}, [FieldError("optionValues", str(error))]
        placed = {"family_id": family_id, "option_values": chosen, "variant": variant_of(family_id, chosen)}
        is_named = known is not None or "name" in fields
        return placed if is_named else {**placed, "name": variant_name(family.name, chosen)}, []

    async def _taken(self, name: str) -> Exception:
        holder = await self.families.first({"name": name})
        return FamilyNameTaken(name, holder.id) if holder else Unavailable("it was being changed; try again")


def _check_fits(family: Family, variants: Sequence[Product]) -> None:
    """OptionInUse if a variant could not be told by the family's options any more."""
    for variant in variants:
        values = variant.option_values
        if len(values) != len(family.options):
            said = f"a value of each of {counted(len(values), 'option')}: {', '.join(values)}"
            raise OptionInUse(f"product {variant.id} has {said}", variant.id)
        for option, value in zip(family.options, values, strict=True):
            if value not in option.values:
                raise OptionInUse(f"product {variant.id} has the value {value!r} of {option.name}", variant.id)
