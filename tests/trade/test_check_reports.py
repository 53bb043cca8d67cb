"""What nightly checks find is kept, for whoever reads it in the morning."""

from typing import Any

import pytest

from kassa.kit.audit import Comparison, Finding
from kassa.kit.clock import DAY
from kassa.payment import check_reports
from kassa.payment.check_reports import CheckReports, Found
from tests.trade.parcels_door import Api
from tests.trade.world import World


@pytest.fixture
def reports(shop: World, ask: Api) -> CheckReports:
    kept = CheckReports(shop.stores[2].check_reports, shop.ids, shop.clock)
    app: Any = ask.http._transport
    app.app.state["check_reports"] = kept
    return kept


async def told(ask: Api, query: str = "") -> list[dict[str, Any]]:
    answer = await ask("GET", f"/payments/admin/checks{query}")
    assert answer.status_code == 200, answer.text
    checks: list[dict[str, Any]] = answer.json()["checks"]
    return checks


async def test_a_run_is_told_with_what_is_left_before_what_was_mended(reports: CheckReports, ask: Api) -> None:
    mended, left = Finding("ord_1", "was not told of", True), Finding("pay_1", "x" * 600, False)
    await reports.keep([Comparison("Stripe's events", 12, [mended, left])], [Found("I2: money", "cs_1", "no order")])
    (run,) = await told(ask)
    assert (run["compared"], run["mended"], run["left"]) == (12, 1, 2)
    assert [each["subject"] for each in run["findings"]] == ["pay_1", "cs_1", "ord_1"]
    assert len(run["findings"][0]["text"]) == check_reports.LONGEST_TEXT
    assert [each["isMended"] for each in run["findings"]] == [False, False, True]


async def test_no_more_are_kept_than_there_is_room_for(
    shop: World, reports: CheckReports, ask: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_reports, "MOST_KEPT", 3)
    monkeypatch.setattr(check_reports, "MOST_FINDINGS", 2)
    for number in range(5):
        findings = [Finding(f"ord_{number}", "x", True)] * number
        await reports.keep([Comparison("orders", number, findings)], [])
        shop.clock.advance(DAY)
    runs = await told(ask)
    assert [each["compared"] for each in runs] == [4, 3, 2]
    assert (runs[0]["mended"], len(runs[0]["findings"])) == (4, 2)
    assert [each["compared"] for each in await told(ask, "?limit=1")] == [4]


@pytest.mark.parametrize(("who", "status"), [("support", 403), ("user", 403), ("", 401)])
async def test_the_checks_are_told_to_administrators_alone(
    reports: CheckReports, ask: Api, who: str, status: int
) -> None:
    assert (await ask("GET", "/payments/admin/checks", who=who)).status_code == status


async def test_stripe_s_events_are_listed_by_the_order_that_they_are_about(shop: World, ask: Api) -> None:
    mug = await shop.sell(stock=9)
    first, second = await ask.paid((mug, 1)), await ask.paid((mug, 1))
    app: Any = ask.http._transport
    app.app.state["inbox"] = shop.inbox
    for order in (first, second):
        events = (await ask("GET", f"/payments/admin/events?orderId={order.id}")).json()["events"]
        assert events
        assert {each["orderId"] for each in events} == {order.id}
    assert (await ask("GET", "/payments/admin/events?orderId=ord_nobody")).json()["events"] == []
