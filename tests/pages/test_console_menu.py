"""The console's menu: a few sections, the pages of the one that is looked at, and nothing that a role may not see."""

import pytest

from kassa.kit.access import STAFF, reaches
from kassa.pages.console import CONSOLE
from kassa.pages.console_menu import menu


def everything(endpoint: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("here", "section", "page"),
    [
        ("/console", "Overview", None),
        ("/console/orders", "Orders", "Orders"),
        ("/console/orders/ord_1/disputes/du_1", "Orders", "Orders"),
        ("/console/withdrawals", "Orders", "Withdrawals"),
        ("/console/customers/one", "Customers", None),
        ("/console/discounts/new", "Products", "Discounts"),
        ("/console/shop/de/terms", "Settings", "Profile"),
        ("/console/acts", "System", "Activity"),
    ],
)
def test_it_says_where_one_is(here: str, section: str, page: str | None) -> None:
    shown = menu(here, everything)
    assert [each.label for each in shown.sections if each.is_here] == [section]
    assert [each.label for each in shown.pages if each.is_here] == ([page] if page else [])
    assert shown.section == section


@pytest.mark.parametrize("role", STAFF)
def test_each_section_leads_to_something_that_the_role_may_see(role: str) -> None:
    def may(endpoint: str) -> bool:
        return reaches(role, endpoint)

    pages = {path for handler in CONSOLE for path in handler.paths if "GET" in handler.http_methods}
    for section in menu("/console", may).sections:
        below = menu(section.address, may)
        assert [each.is_here for each in below.sections if each.label == section.label] == [True]
        assert len(below.pages) != 1
        assert {each.address for each in (section, *below.pages)} <= pages


def test_an_administrator_has_six_sections_and_support_no_settings() -> None:
    sections = [each.label for each in menu("/console", everything).sections]
    assert sections == ["Overview", "Orders", "Customers", "Products", "Settings", "System"]
    own = [each.label for each in menu("/console", lambda endpoint: reaches("support", endpoint)).sections]
    assert "Settings" not in own
    assert "Orders" in own
