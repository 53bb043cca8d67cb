"""The ids that are made of others."""

import inspect
from pathlib import Path

import pytest

from kassa.kit import inputs

SPELLED = {
    inputs.cancel("ord_1"): "cancel:ord_1",
    inputs.close("ord_1"): "close:ord_1",
    inputs.late_money("ord_1"): "refund-late:ord_1",
    inputs.orphan("ord_1.1"): "orphan:ord_1.1",
    inputs.goods("pay_1:4:note_refund"): "pay_1:4:note_refund:goods",
    inputs.opened("cs_1"): "opened:cs_1",
    inputs.closed("cs_1"): "closed:cs_1",
    inputs.fetched("evt_1", "paid"): "evt_1:paid",
    inputs.state("evt_1", "re_1", "succeeded"): "evt_1:re_1:succeeded",
    inputs.compared(3): "reconcile:3",
    inputs.again("evt_1", "rfd_1"): "evt_1:rfd_1",
    inputs.less("evt_1", "rfd_1"): "evt_1:rfd_1:less",
    inputs.second("re_1", "failed"): "re_1:failed",
    inputs.payment_id_of("ord_1"): "pay_1",
    inputs.respelled(3): "respelled:3",
    inputs.reservation_of("ord_1", 2): "ord_1.2",
    inputs.order_of("ord_1.2"): "ord_1",
    inputs.restock_id("ord_1"): "ord_1.restock",
    inputs.restock_id("ord_1", "rfd_1"): "ord_1.restock.rfd_1",
    inputs.effect_id("ord_1", 3, "commit_stock"): "ord_1:3:commit_stock",
    str(inputs.number_of("ord_1:3:commit_stock")): "3",
    inputs.price_change_id("prd_1:3:enter_price"): "prd_1:0000000003",
    inputs.movement_id("reserve", "prd_1", "ord_1.1"): "reserve:prd_1:ord_1.1",
    inputs.level_set_id(5): "set:5",
    inputs.session_id("fam_1"): "ses_03fb3253fda42369c21a8e52d3",
    inputs.session_key("pay_1"): "pay_1-session-1",
    inputs.session_key("pay_1", 4): "pay_1-session-4",
    inputs.refund_key("rfd_1"): "rfd_1-1",
    inputs.refund_key("rfd_1", 7): "rfd_1-7",
    inputs.refund_day("usr_1", "2026-11-28"): "usr_1:2026-11-28",
    inputs.second_refund_key("pay_1:4:refund_second", 2): "pay_1:4:refund_second-2",
}


@pytest.mark.parametrize(("now", "ever"), SPELLED.items())
def test_an_id_is_spelled_as_it_is_stored(now: str, ever: str) -> None:
    """Documents of earlier versions have it so, and effects and events under way, and Stripe."""
    assert now == ever


def test_every_id_is_looked_at() -> None:
    made = [name for name, each in inspect.getmembers(inputs, inspect.isfunction) if each.__module__ == inputs.__name__]
    assert [name for name in made if f"inputs.{name}(" not in Path(__file__).read_text()] == []
