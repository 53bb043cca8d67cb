"""The console as each role has it: whatever it shows, it leads to, and to no page that says no."""

import re
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from yarl import URL

from kassa.kit.access import STAFF
from kassa.pages.console import CONSOLE
from kassa.pages.visit import ACCESS
from tests.journey.running import Buyer, RunningShop
from tests.servers import chromium

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

CSRF = "A" * 43
SHOWN = {
    "support": {"/console/orders/*/refund"},
    "stock": {
        "/console/products/new", "/console/products/*", "/console/products/*/stock", "/console/products/*/deactivate",
        "/console/products/*/activate",
    },
}  # fmt: skip
"""The forms of those who may not do all; an administrator has every one."""
NOT_HERE = {"/console/unclaimed/*/dismiss"}
"""Needs money that came from elsewhere: `tests/pages/test_console_roles.py`."""


@pytest.fixture(scope="module")
def form() -> str:
    return "sqlite"


class Page(HTMLParser):
    """The links of a page and the forms that it sends: to each action the values it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: dict[str, dict[str, str]] = {}
        self._values: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(given["href"])
        elif tag == "form":
            self._values = {}
            if given.get("method") == "post":
                self.forms[given["action"]] = self._values
        elif tag in ("input", "textarea") and "name" in given:
            self._values[given["name"]] = given.get("value", "")


def kind(address: str) -> str:
    """The address without its ids and its query: what is the same page of another thing."""
    return re.sub(r"(?<=/)[a-z]+_\w+", "*", address.partition("#")[0].partition("?")[0])


class Walk:
    """Goes wherever the console's first page leads to."""

    def __init__(self, who: Buyer) -> None:
        self._who = who
        self.forms: dict[str, tuple[str, dict[str, str]]] = {}
        self.seen: set[str] = set()
        self._asked: set[str] = set()
        self.wrong: list[str] = []

    async def ask(self, method: str, address: str, values: dict[str, str] | None = None) -> str:
        """The page; noted, if it is none for this role or none at all."""
        cookie = f"{ACCESS}={self._who.token}; kassa_csrf={CSRF}"
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
        url = URL(self._who.shop.base + address, encoded=True)
        asking = self._who.shop.http.request(
            method, url, data=urlencode(values or {}), headers=headers, allow_redirects=False
        )
        async with asking as answer:
            if answer.status not in (200, 201, 303, 409, 422):
                self.wrong.append(f"{method} {address}: {answer.status}")
            if method == "POST" and answer.status == 303 and answer.headers["Location"].startswith("/account/login"):
                self.wrong.append(f"{method} {address}: logged out")
            return await answer.text()

    async def look(self) -> None:
        """Follow all links."""
        waiting = ["/console"]
        while waiting:
            address = waiting.pop(0)
            if address.startswith(("http", "#")) or address in self._asked:
                continue
            self._asked.add(address)
            self.seen.add(kind(address))
            page = Page(await self.ask("GET", address))
            if address.startswith("/console"):
                waiting += page.links
                self.forms |= {
                    kind(action): (action, values)
                    for action, values in page.forms.items()
                    if action.startswith("/console")
                }

    async def send(self) -> None:
        """Send each kind of form as it stands, and what is asked back once more."""
        for action, values in list(self.forms.values()):
            page = Page(await self.ask("POST", action, values))
            if "confirmed" in page.forms.get(action, {}):
                await self.ask("POST", action, page.forms[action])


@pytest_asyncio.fixture(loop_scope="module")
async def filled(shop: RunningShop) -> RunningShop:
    """A shop with a paid order and one that waits, a product off sale, staff and a key."""
    admin, buyer = await shop.admin(), await shop.buyer()
    mug, cup = await admin.product(stock=9), await admin.product(stock=1)
    paid = await buyer.checkout(mug)
    await buyer.pay(paid[1])
    await buyer.becomes(paid[0], "CONFIRMED")
    assert (await buyer.order(mug)).status == 201
    assert (await admin.call("DELETE", f"/products/{cup}")).status == 200
    assert (await admin.call("POST", "/auth/keys", {"name": "Shelf", "scopes": ["inventory:read"]})).status == 201
    return shop


@pytest.mark.parametrize("role", ["stock", "support", "admin"])  # Who takes others out of the staff comes last.
async def test_all_that_the_console_shows_leads_somewhere_and_is_all_that_one_may_do(
    filled: RunningShop, role: str
) -> None:
    walk = Walk(await filled.admin(role))
    await walk.look()
    await walk.send()
    assert walk.wrong == []
    shown = set(walk.forms)
    if role != "admin":
        assert shown == SHOWN[role]
        return
    handlers = [(path, "POST" in each.http_methods) for each in CONSOLE for path in each.paths]
    for path, is_form in handlers:
        pattern = re.sub(r"\{\w+:str\}", "[^/]+", path)
        if not any(re.fullmatch(pattern, each) for each in (shown if is_form else walk.seen)):
            assert re.sub(r"\{\w+:str\}", "*", path) in NOT_HERE


@pytest.mark.parametrize("role", STAFF)
async def test_the_console_asks_for_nothing_that_its_role_may_not_see(filled: RunningShop, role: str) -> None:
    """Every refusal is an act, and is kept."""
    admin, member = await filled.admin(), await filled.admin(role)
    await Walk(member).look()
    who = (await member.call("GET", "/auth/verify")).body["user"]["sub"]
    acts = (await admin.call("GET", f"/auth/acts?who={who}")).body["acts"]
    assert [each["what"] for each in acts] == []


@pytest.mark.parametrize(("role", "has_it"), [("admin", True), ("support", True), ("stock", True), ("", False)])
async def test_all_the_staff_and_nobody_else_has_a_link_to_the_console(
    filled: RunningShop, role: str, has_it: bool
) -> None:
    who = await filled.admin(role) if role else await filled.buyer()
    assert ("/console" in Page(await Walk(who).ask("GET", "/")).links) is has_it


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
async def test_staff_and_keys_are_minded_in_a_browser_and_no_screen_leads_sideways(
    filled: RunningShop, width: int
) -> None:
    admin, member = await filled.admin(), await filled.admin("support")
    user_id = (await member.call("GET", "/auth/verify")).body["user"]["sub"]

    async def seen(name: str) -> None:
        await chromium.shot(page, f"console-{name}-{width}")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        named = "(e) => e.labels?.length || e.getAttribute('aria-label') || e.innerText.trim()"
        fields = page.locator("input:not([type=hidden]), textarea, select, button")
        assert all([await each.evaluate(named) for each in await fields.all()]), name

    async with chromium.opened() as browser:
        page = await browser.new_page(viewport={"width": width, "height": 900})
        await page.context.add_cookies([{"name": ACCESS, "value": admin.token, "url": filled.base}])
        await page.goto(f"{filled.base}/console/staff")
        await seen("staff")
        await page.goto(f"{filled.base}/console/staff/{user_id}")
        await seen("member")
        await page.check("#role-stock")
        await chromium.follow(page.locator("text=Change the role"))
        await seen("sure")
        await chromium.follow(page.locator("main button"))
        assert "The role was changed" in await page.inner_text("[data-testid=note]")
        assert (await member.call("GET", "/auth/verify")).status == 401
        await page.goto(f"{filled.base}/console/keys/new")
        await page.fill("#name", "Shelf counter")
        await chromium.follow(page.locator("text=Make the key"))
        await seen("key")
        assert "Tick at least one." in await page.inner_text("main")
        await page.check("[id='inventory:read']")
        await chromium.follow(page.locator("text=Make the key"))
        await seen("key-made")
        secret = await page.inner_text("[data-testid=secret]")
        analytics = "/inventory/admin/analytics/inventory"
        assert (await filled.call("GET", analytics, Authorization=f"Bearer {secret}")).status == 200
        await chromium.follow(page.locator("text=I have copied it"))
        assert secret not in await page.content()
        await seen("keys")
        row = page.locator("[data-testid=key-row]", has_text="Shelf counter").first
        await chromium.follow(row.get_by_role("button"))
        await seen("end")
        await chromium.follow(page.locator("main button"))
        assert (await filled.call("GET", analytics, Authorization=f"Bearer {secret}")).status == 401
        await page.goto(f"{filled.base}/console")
        await seen("overview")
