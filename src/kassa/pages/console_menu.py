"""The console's menu: its sections, and the pages of the one that is looked at; nothing that a role may not see."""

from collections.abc import Callable
from typing import NamedTuple

_START = "/console"


class _Page(NamedTuple):
    """A page, and the endpoint of the API that its figures come from; everybody of the staff may see one without."""

    label: str
    address: str
    endpoint: str = ""


_SECTIONS: dict[str, tuple[_Page, ...]] = {
    "Overview": (_Page("Overview", _START),),
    "Orders": (
        _Page("Orders", "/console/orders", "GET /orders/admin/all"),
        _Page("Invoices", "/console/invoices", "GET /invoices"),
        _Page("Withdrawals", "/console/withdrawals", "GET /orders/admin/all"),
    ),
    "Customers": (_Page("Customers", "/console/customers", "GET /orders/admin/customers"),),
    "Products": (
        _Page("Products", "/console/products", "GET /products"),
        _Page("Families", "/console/families", "GET /products"),
        _Page("Discounts", "/console/discounts", "GET /discounts"),
    ),
    "Settings": (
        _Page("Selling", "/console/selling", "PUT /selling"),
        _Page("Profile", "/console/shop", "PUT /shop-profile"),
        _Page("Staff", "/console/staff", "GET /auth/admin/staff"),
        _Page("Keys", "/console/keys", "GET /auth/keys"),
        _Page("Endpoints", "/console/endpoints", "GET /events/endpoints"),
    ),
    "System": (
        _Page("Health", "/console/health", "GET /system"),
        _Page("Stripe's events", "/console/events", "GET /payments/admin/events"),
        _Page("Mails", "/console/mails", "GET /mails"),
        _Page("Activity", "/console/acts", "GET /auth/acts"),
    ),
}


class Link(NamedTuple):
    """A link of the menu; `is_here`: it leads to where one is, or to the section of that."""

    label: str
    address: str
    is_here: bool


class Menu(NamedTuple):
    """The sections, and the pages of the one that is looked at; no pages where it has but one."""

    sections: list[Link]
    section: str
    pages: list[Link]


def menu(here: str, may: Callable[[str], bool]) -> Menu:
    """The menu on the page with this address, for whom an endpoint lets do what it does."""
    sections: list[Link] = []
    now, below = "", list[Link]()
    for label, all_pages in _SECTIONS.items():
        pages = [each for each in all_pages if not each.endpoint or may(each.endpoint)]
        links = [Link(each.label, each.address, _is_in(here, each.address)) for each in pages]
        if not links:
            continue
        is_here = any(link.is_here for link in links)
        sections.append(Link(label, links[0].address, is_here))
        if is_here:
            now, below = label, links if len(links) > 1 else []
    return Menu(sections, now, below)


def _is_in(here: str, address: str) -> bool:
    return here == address or (address != _START and here.startswith(f"{address}/"))
