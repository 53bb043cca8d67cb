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
    inputs.order_paid_by("pay_1"): "ord_1",
    inputs.respelled(3): "respelled:3",
    inputs.reservation_of("ord_1", 2): "ord_1.2",
    inputs.order_of("ord_1.2"): "ord_1",
    inputs.restock_id("ord_1"): "ord_1.restock",
    inputs.restock_id("ord_1", "rfd_1"): "ord_1.restock.rfd_1",
    inputs.effect_id("ord_1", 3, "commit_stock"): "ord_1:3:commit_stock",
    str(inputs.number_of("ord_1:3:commit_stock")): "3",
    inputs.price_change_id("prd_1:3:enter_price"): "prd_1:0000000003",
    inputs.variant_of("pfm_1", ("Café", "M")): 'pfm_1:["Café", "M"]',
    inputs.movement_id("reserve", "prd_1", "ord_1.1"): "reserve:prd_1:ord_1.1",
    inputs.level_set_id(5): "set:5",
    inputs.session_id("fam_1"): "ses_03fb3253fda42369c21a8e52d3",
    inputs.session_key("pay_1"): "pay_1-session-1",
    inputs.session_key("pay_1", 4): "pay_1-session-4",
    inputs.refund_key("rfd_1"): "rfd_1-1",
    inputs.refund_key("rfd_1", 7): "rfd_1-7",
    inputs.claim("ord_1"): "claim:ord_1",
    inputs.guest_of("guest_1"): "gst_24ce1fa18a706c966177f629735759283827f1f9",
    inputs.waiter_of("token_1"): "wtr_ccee1a67bb5b1c0b2cc95e39df",
    inputs.stock_notice("wtr_1", "prd_1"): "wtr_1:prd_1",
    inputs.contact_of("buyer@shop.example", "ord_1"): "buyer@shop.example#ord_1",
    inputs.uses_of("dsc_1", "buyer", 2)[1]: "dsc_1:cf30eec398888dfc5db7a2cc795c3854#1",
    inputs.coupon_of("ord_1"): "kassa_ord_1",
    inputs.coupon_key("pay_1-session-4"): "pay_1-session-4-coupon",
    inputs.evidence_key("evd_1"): "evd_1-1",
    inputs.evidence_key("evd_1", 7): "evd_1-7",
    inputs.refund_day("usr_1", "2026-11-28"): "usr_1:2026-11-28",
    inputs.stock_of("prd_1"): "stock_prd_1",
    inputs.held_id("whk_1", "ord_1"): "whk_1.ord_1",
    inputs.outgoing_id("ord_1", 3): "evt_ord_1_3",
    inputs.shipment("shp_1", "sent"): "shp_1:sent",
    inputs.goods_back("rtn_1", "approved"): "rtn_1:approved",
    inputs.aside("rfd_1"): "aside:rfd_1",
    inputs.document_place("ord_1", 3): "ord_1.3",
    inputs.withdrawal("wdr_1", "closed"): "wdr_1:closed",
    inputs.return_of("wdr_1"): "rtn_1",
    inputs.free("rfd_1"): "free:rfd_1",
    inputs.by_hand("hold", 4): "hold:4",
    inputs.second_refund_key("pay_1:4:refund_second", 2): "pay_1:4:refund_second-2",
}


@pytest.mark.parametrize(("now", "ever"), SPELLED.items())
def test_an_id_is_spelled_as_it_is_stored(now: str, ever: str) -> None:
    """Documents of earlier versions have it so, and effects and events under way, and Stripe."""
    assert now == ever


def test_a_reservation_tells_its_order_and_which_of_its_it_is() -> None:
    held = inputs.reservation_of("ord_1", 12)
    assert (inputs.order_of(held), inputs.generation_of(held)) == ("ord_1", 12)


def test_every_id_is_looked_at() -> None:
    made = [name for name, each in inspect.getmembers(inputs, inspect.isfunction) if each.__module__ == inputs.__name__]
    assert [name for name in made if f"inputs.{name}(" not in Path(__file__).read_text()] == []
