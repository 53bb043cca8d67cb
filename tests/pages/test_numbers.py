"""The overview's numbers are worked out once in a few seconds for all who have the same role."""

from kassa.pages.numbers import KEPT_SECONDS, Numbers
from tests.pages.conftest import Browser
from tests.pages.fake_shop import FakeShop
from tests.pages.test_console_roles import of_role

SALES = "/orders/admin/analytics/sales"


async def test_who_reloads_the_overview_has_no_number_worked_out_anew(browser: Browser, shop: FakeShop) -> None:
    staff = await of_role(browser, shop, "admin")
    for _ in range(3):
        assert "Revenue" in (await staff.get("/console")).text
    assert len(shop.called("GET", SALES)) == 1
    await staff.get("/console?days=7")
    assert len(shop.called("GET", SALES)) == 2
    assert len(shop.called("GET", "/orders/admin/attention")) == 4, "what needs attention is as of now"


async def test_a_role_is_shown_no_number_that_another_one_has_asked_for(browser: Browser, shop: FakeShop) -> None:
    assert "Revenue" in (await (await of_role(browser, shop, "admin")).get("/console")).text
    assert "Revenue" not in (await (await of_role(browser, shop, "stock")).get("/console")).text


async def test_a_number_is_kept_for_a_while_and_none_is_not() -> None:
    now, answers = 0.0, iter([None, 1, 2])
    numbers = Numbers(lambda: now)

    async def ask() -> int | None:
        return next(answers)

    assert [await numbers.get(("a",), ask) for _ in range(3)] == [None, 1, 1]
    now = KEPT_SECONDS
    assert await numbers.get(("a",), ask) == 2
