"""Tax rates of the shop's own, on the lines that name them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from kassa.sandbox.currencies import step_of
from kassa.sandbox.tax_rates import on
from tests.sandbox.test_amounts import CURRENCIES
from tests.sandbox.test_card_page import get
from tests.sandbox.test_sessions import refusal
from tests.sandbox.test_shipping import POST
from tests.sandbox.world import Json, World, session_params, until


async def make(world: World, percentage: float, inclusive: bool, **more: Any) -> Any:
    asked: Any = {"display_name": "VAT", "percentage": percentage, "inclusive": inclusive, **more}
    return await world.stripe.v1.tax_rates.create_async(asked)


def line(amount: int, *rates: Any) -> Json:
    return {**session_params(amount)["line_items"][0], "tax_rates": [rate.id for rate in rates]}


async def test_a_rate_is_made_changed_and_archived(world: World) -> None:
    rates = world.stripe.v1.tax_rates
    rate = await make(world, 19.5, True, country="DE", tax_type="vat", metadata={"a": "b"})
    assert (rate.percentage, rate.inclusive, rate.country, rate.tax_type) == (19.5, True, "DE", "vat")
    changed = await rates.update_async(rate.id, {"active": False, "display_name": "MwSt."})
    assert (changed.active, changed.display_name, changed.percentage) == (False, "MwSt.", 19.5)
    assert [each.id for each in (await rates.list_async({"active": False, "inclusive": True})).data] == [rate.id]
    assert (await rates.retrieve_async(rate.id)).to_dict() == changed.to_dict()
    assert await world.types() == ["tax_rate.created", "tax_rate.updated"]
    problem = await refusal(world, line_items=[line(1000, rate)])
    assert problem.param == "line_items[0][tax_rates][0]"


async def test_tax_is_known_as_soon_as_the_session_is_made(world: World) -> None:
    top, inside = await make(world, 10, False), await make(world, 19, True)
    await world.stripe.v1.coupons.create_async({"id": "HALF", "percent_off": 50})
    given_: Any = {"discounts": [{"coupon": "HALF"}], "shipping_options": [{"shipping_rate_data": POST}]}
    lines = [line(2000, top), line(2000, inside), line(2000)]
    session = await world.open_session(line_items=lines, **given_, expand=["line_items.data.taxes"])
    taxed = [(item.amount_tax, item.amount_total) for item in session.line_items.data]
    assert taxed == [(100, 1100), (160, 1000), (0, 1000)]
    assert [[tax.amount for tax in item.taxes] for item in session.line_items.data] == [[100], [160], []]
    assert session.line_items.data[1].taxes[0].taxable_amount == 840
    assert (session.amount_total, session.total_details.amount_tax) == (3000 + 490 + 100, 260)
    assert (session.shipping_cost.amount_tax, session.automatic_tax.enabled) == (0, False)
    page = (await get(world, session.url))[1]
    assert 'VAT <span class="soft">10%</span>' in page
    await world.pay(session.id)
    await until(lambda: world.receiver.of("checkout.session.completed"))
    told = world.receiver.of("checkout.session.completed")[0]["data"]["object"]
    assert (told["amount_total"], told["total_details"]["amount_tax"]) == (3590, 260)


async def test_several_rates_of_a_line_are_added(world: World) -> None:
    gst, pst = await make(world, 5, False), await make(world, 7, False)
    session = await world.open_session(line_items=[line(1999, gst, pst)], expand=["total_details.breakdown"])
    assert [part.amount for part in session.total_details.breakdown.taxes] == [100, 140]
    assert session.amount_total == 1999 + 240


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"percentage": 101}, "percentage"),
        ({"percentage": ""}, "percentage"),
        ({"inclusive": ""}, "inclusive"),
        ({"display_name": ""}, "display_name"),
        ({"tax_type": "window_tax"}, "tax_type"),
    ],
)
async def test_what_makes_no_rate_is_refused(world: World, changes: Json, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await make(world, **{"percentage": 19, "inclusive": False, **changes})
    assert caught.value.param == param


async def test_rates_that_cannot_be_on_a_line_are_refused(world: World) -> None:
    rate = await make(world, 19, False)
    assert (await refusal(world, line_items=[line(1000, rate, rate)])).param == "line_items[0][tax_rates][1]"
    unknown = {**line(1000), "tax_rates": ["txr_none"]}
    assert (await refusal(world, line_items=[unknown])).user_message == "No such tax rate: 'txr_none'"
    problem = await refusal(world, line_items=[line(1000, rate)], automatic_tax={"enabled": True})
    assert problem.param == "line_items[0][tax_rates]"


@given(
    st.sampled_from(CURRENCIES),
    st.integers(0, 10**7),
    st.lists(st.tuples(st.decimals(0, 100, places=2), st.booleans()), min_size=1, max_size=5),
)
def test_the_taxes_of_a_line_fit_in_it(currency: str, units: int, asked: list[tuple[Decimal, bool]]) -> None:
    step = step_of(currency)
    amount = units * step
    rates = [
        {"id": f"txr_{at}", "percentage": float(percent), "inclusive": inside}
        for at, (percent, inside) in enumerate(asked)
    ]
    parts = on(amount, rates, step)
    assert [part["rate"]["id"] for part in parts] == [rate["id"] for rate in rates]
    assert all(part["amount"] >= 0 and part["amount"] % step == 0 for part in parts)
    inside_ = sum(part["amount"] for part in parts if part["rate"]["inclusive"])
    assert all(part["taxable_amount"] == amount - inside_ for part in parts)
    assert 0 <= inside_ <= amount
