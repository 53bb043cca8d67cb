"""Products that buyers cannot withdraw from: by the API, and in a file."""

from decimal import Decimal

import pytest

from kassa.contracts.withdrawals import CONDITIONAL, Exclusion, excludes
from kassa.kit.problem import Invalid
from kassa.product.catalogue_csv import read, write
from kassa.product.domain import Product
from kassa.product.exchange import export_rows, import_sheet
from tests.product.world import World


async def _ring(world: World) -> Product:
    fields = {"name": "Ring", "description": "", "category": "things", "images": [], "price": Decimal(5)}
    return await world.service.create(
        world.service.new_id(), {**fields, "withdrawal_excluded": "made_to_order"}, "usr_admin"
    )


@pytest.mark.parametrize("reason", Exclusion)
def test_what_is_sealed_or_mixed_is_excluded_only_when_it_comes_back_so(reason: Exclusion) -> None:
    assert excludes(reason) is (reason not in CONDITIONAL)
    assert not excludes("")


async def test_only_a_reason_of_the_law_excludes(world: World) -> None:
    ring = await _ring(world)
    assert (await world.service.snapshot([ring.id]))[0].withdrawal_excluded == "made_to_order"
    with pytest.raises(Invalid, match="withdrawalExcluded"):
        await world.service.update(ring.id, {"withdrawal_excluded": "because"}, "usr_admin")
    back = await world.service.update(ring.id, {"withdrawal_excluded": ""}, "usr_admin")
    assert back.withdrawal_excluded == ""


async def test_a_file_says_it_and_takes_it_away(world: World) -> None:
    ring = await _ring(world)
    text = write([row async for row in export_rows(world.service)])
    assert text.splitlines()[1].endswith(",made_to_order")
    for cell, reason in (("", "made_to_order"), (" Perishable ", "perishable"), ("none", "")):
        await import_sheet(world.service, read(text.replace(",made_to_order", f",{cell}")), "operator")
        assert (await world.service.get(ring.id)).withdrawal_excluded == reason
    with pytest.raises(Invalid, match="withdrawalExcluded"):
        await import_sheet(world.service, read(text.replace("made_to_order", "whim")), "operator")
