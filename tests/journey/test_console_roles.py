"""The console as each role has it: whatever it shows, it leads to, and to no page that says no."""

import re

import pytest
import pytest_asyncio

from kassa.kit.access import STAFF
from kassa.pages.console import CONSOLE
from kassa.pages.visit import ACCESS
from tests.journey.filling import fill
from tests.journey.running import RunningShop
from tests.journey.walking import Page, Walk
from tests.servers import chromium

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

SHOWN = {
    "support": {
        "/console/orders/*/refund", "/console/orders/*/refund-goods", "/console/orders/*/ship",
        "/console/orders/*/hold", "/console/orders/*/release", "/console/orders/*/destination",
        "/console/orders/*/shipments/1/delivered",
        "/console/orders/*/shipments/1/cancel", "/console/orders/*/withdrawals/1/close",
        "/console/orders/*/disputes/*", "/console/orders/*/returns", "/console/orders/*/returns/1/approve",
        "/console/orders/*/returns/1/decline", "/console/orders/*/returns/1/receive",
        "/console/orders/*/returns/1/close",
    },
    "stock": {
        "/console/products", "/console/products/new", "/console/products/import",
        "/console/products/*", "/console/products/*/stock",
        "/console/products/*/deactivate",
        "/console/products/*/activate", "/console/products/*/pictures", "/console/products/*/pictures/change",
        "/console/families/new", "/console/families/*",
    },
}  # fmt: skip
"""The forms of those who may not do all; an administrator has every one."""
NOT_HERE = {"/console/unclaimed/*/dismiss", "/console/endpoints/*/resend"}
NOT_HERE |= {"/console/orders/*/retry", "/console/orders/*/give-up", "/console/products/import/done"}
"""Needs money that came from elsewhere, or something that fails: `tests/pages/test_console_roles.py`; an event that
was sent by now; or a file: `tests/pages/test_console_import.py`."""


@pytest.fixture(scope="module")
def form() -> str:
    return "sqlite"


@pytest_asyncio.fixture(loop_scope="module")
async def filled(shop: RunningShop) -> RunningShop:
    await fill(shop)
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
    """Every refusal is an act, and is kept; of what is only looked at, mails alone are."""
    admin, member = await filled.admin(), await filled.admin(role)
    await Walk(member).look()
    who = (await member.call("GET", "/auth/verify")).body["user"]["sub"]
    acts = (await admin.call("GET", f"/auth/acts?who={who}")).body["acts"]
    assert {each["outcome"] for each in acts} <= {"done"}
    assert {each["what"].rpartition("/")[0] for each in acts} == ({"GET /mails"} if role == "admin" else set())


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


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
async def test_selling_and_discounts_are_minded_in_a_browser_and_no_screen_leads_sideways(
    filled: RunningShop, width: int
) -> None:
    admin = await filled.admin()

    async def seen(name: str) -> str:
        await chromium.shot(page, f"console-{name}-{width}")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        return str(await page.inner_text("main"))

    async def saved(button: str = "Save") -> None:
        await chromium.follow(page.get_by_role("button", name=button))

    async with chromium.opened() as browser:
        page = await browser.new_page(viewport={"width": width, "height": 900})
        await page.context.add_cookies([{"name": ACCESS, "value": admin.token, "url": filled.base}])
        console = f"{filled.base}/console"
        zone = f"Far {width}"
        await page.goto(f"{console}/selling/zones/new")
        await page.fill("#name", zone)
        await page.fill("#places", "XX\nUS: Nowhere")
        await saved()
        assert "must be the ISO 3166-1 code of a country" in await seen("zone-wrong")
        await page.fill("#places", "US: CA, Oregon\nIT; 00, 10")
        await saved()
        assert zone in await seen("selling")
        await chromium.follow(page.get_by_role("link", name=zone))
        assert await page.input_value("#places") == "US: CA, OR\nIT; 00, 10"
        await page.goto(f"{console}/selling/methods/new")
        await page.fill("#name", f"Heavy {width}")
        await page.select_option("#zone", label=zone)
        await page.fill("#byWeight", "1000: 4,90\nmore: x")
        await saved()
        assert "Write it with digits, such as 4.90." in await seen("method-wrong")
        await page.fill("#byWeight", "1000: 4,90\nmore: 9.90")
        await saved()
        known = (await filled.call("GET", "/selling")).body["selling"]
        method = known["shippingMethods"][-1]
        assert method["byWeight"] == [{"price": 4.9, "upTo": 1000}, {"price": 9.9, "upTo": None}]
        await page.goto(f"{console}/selling/zones/{len(known['zones']) - 1}")
        await saved("Remove this zone")
        await saved("Remove it")
        assert "A shipping method still goes there." in await seen("zone-in-use")
        await page.goto(f"{console}/selling/rates/new")
        stale = await page.content()
        assert 'name="updated"' in stale
        known.pop("currency"), known.pop("tax"), known.pop("updatedAt")
        assert (await admin.call("PUT", "/selling", known)).status == 200
        for name, value in {"name": "Tax", "percent": "8.875", "country": "us", "region": "CA"}.items():
            await page.fill(f"#{name}", value)
        await saved()
        assert "Somebody else has changed how the shop sells." in await seen("selling-changed")
        await page.goto(f"{console}/discounts/new")
        await page.fill("#name", "Spring")
        await page.fill("#percent", "12,5")
        await page.fill("#code", "half")
        await page.fill("#endsAt", "2050-02-01")
        await saved()
        assert "Another discount has this code." in await seen("discount-wrong")
        await page.fill("#code", f"spring-{width}")
        await saved()
        assert "12.5% off" in await seen("discounts")
        await chromium.follow(page.get_by_role("link", name="Spring").first)
        assert await page.input_value("#endsAt") == "2050-02-01"
        await page.fill("#limit", "5")
        await saved()
        await chromium.follow(page.get_by_role("link", name="Spring").first)
        assert "5 of 5" in await seen("discount")
        await saved("End this discount")
        await saved("End this discount")
        assert "Ended" in await seen("discount-ended")
