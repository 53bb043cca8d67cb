"""What is ordered can be paid: what Stripe would refuse is refused before anything is held."""

from decimal import Decimal
from pathlib import Path

import pytest

from kassa.contracts.parts import Address
from kassa.kit.problem import Invalid
from kassa.order import destination
from kassa.order.quoting import NOT_TAXED, Asked
from kassa.order.selling_wire import RateIn, SellingIn
from kassa.sandbox import countries
from tests.trade.world import world


async def test_taxes_on_top_are_among_the_lines_that_stripe_takes(tmp_path: Path) -> None:
    async with world(tmp_path, tax="rates") as shop:
        rate = RateIn("DE", Decimal(19), "VAT")
        await shop.offering.sell(SellingIn(home="DE", tax_rates=[rate]), "usr_admin", None)
        lines = [(await shop.sell(name=f"Mug {number}"), 1) for number in range(100)]
        with pytest.raises(Invalid, match="at most 99"):
            await shop.place(*lines)
        assert (await shop.level(lines[0][0])).reserved == 0
        order = await shop.place(*lines[:99])
        assert len((await shop.open(order)).params["line_items"]) == 100


async def test_where_stripe_takes_no_address_to_nothing_is_ordered_with_its_tax(tmp_path: Path) -> None:
    assert destination.countries().keys() - countries.names().keys() == NOT_TAXED
    async with world(tmp_path, tax="stripe") as shop:
        cuba = Asked(destination=Address("A Buyer", "CU", ("Street 1",), "Havana"))
        mug, song = await shop.sell(), await shop.sell(is_digital=True)
        with pytest.raises(Invalid, match="Stripe Tax"):
            await shop.place((mug, 1), asked=cuba)
        assert (await shop.place((song, 1), asked=cuba)).status == "PENDING"
