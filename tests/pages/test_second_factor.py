"""A second factor in a real browser without scripts, on a phone, before a shop that wants one of its staff."""

import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page
from pyotp import TOTP

from tests.app.process import kassa, started
from tests.servers import chromium

pytestmark = pytest.mark.browser

ADA, PASSWORD = "ada@example.com", "correct horse battery"
PHONE = {"width": 360, "height": 760}


async def log_in(page: Page, shop: str) -> None:
    await page.goto(f"{shop}/account/login?next=/console")
    await page.fill("#email", ADA)
    await page.fill("#password", PASSWORD)
    await chromium.follow(page.locator("[data-testid=log-in]"))


async def seen(page: Page, name: str) -> str:
    """The page's text; nothing of it leads sideways."""
    await chromium.shot(page, f"second-factor-{name}")
    assert await page.locator("body").bounding_box() is not None
    boxes = [await each.bounding_box() for each in await page.locator("main *:visible").all()]
    assert max(box["x"] + box["width"] for box in boxes if box) <= PHONE["width"]
    return await page.inner_text("main")


def a_code(secret: str, steps: int = 0) -> str:
    return TOTP(secret).generate_otp(int(time.time()) // 30 + steps)


async def test_it_is_set_up_asked_for_and_turned_off(tmp_path: Path) -> None:
    with started(tmp_path, "up", SECOND_FACTOR_REQUIRED="staff") as running:
        running.wait_until_ready()
        assert kassa(tmp_path, "admin", "create", ADA, KASSA_ADMIN_PASSWORD=PASSWORD).returncode == 0
        async with chromium.opened() as browser:
            context = await browser.new_context(viewport=PHONE, java_script_enabled=False)  # type: ignore[arg-type]
            page = await context.new_page()
            await log_in(page, running.url)
            assert urlsplit(page.url).path == "/account/second-factor"
            assert "needs two-step login" in await seen(page, "missing")

            await page.fill("#password", "wrong guess")
            await chromium.follow(page.locator("[data-testid=set-up]"))
            assert "This is not your password." in await seen(page, "wrong-password")
            await page.fill("#password", PASSWORD)
            await chromium.follow(page.locator("[data-testid=set-up]"))
            secret = (await page.inner_text("[data-testid=secret]")).replace(" ", "")
            await page.fill("#code", "12345")
            await chromium.follow(page.locator("[data-testid=confirm]"))
            assert "This code is wrong" in await seen(page, "wrong-code")
            assert await page.locator("[data-testid=qr] svg").count() == 1
            await page.fill("#code", a_code(secret))
            await chromium.follow(page.locator("[data-testid=confirm]"))
            await seen(page, "codes")
            recovery = await page.locator("[data-testid=recovery-code]").all_inner_texts()
            assert len(recovery) == 10
            await page.goto(f"{running.url}/console")
            assert urlsplit(page.url).path == "/console"

            await context.clear_cookies()
            await log_in(page, running.url)
            asked = page.locator("#code")
            assert await asked.get_attribute("autocomplete") == "one-time-code"
            assert await asked.get_attribute("inputmode") == "numeric"
            await asked.fill("12345")
            await chromium.follow(page.locator("[data-testid=log-in]"))
            assert "This code is wrong" in await seen(page, "second-step")
            await page.fill("#code", a_code(secret, 1))
            await chromium.follow(page.locator("[data-testid=log-in]"))
            assert urlsplit(page.url).path == "/console"

            await context.clear_cookies()
            await log_in(page, running.url)
            await page.click("summary")
            await page.fill("#recovery", "none-of-them")
            await chromium.follow(page.locator("[data-testid=recover]"))
            assert "This recovery code is wrong" in await seen(page, "wrong-recovery")
            assert await page.locator("#recovery-error").is_visible()
            assert await page.locator("#code-error").count() == 0
            await page.fill("#recovery", recovery[0])
            await chromium.follow(page.locator("[data-testid=recover]"))
            assert urlsplit(page.url).path == "/console"
            await page.goto(f"{running.url}/account/second-factor")
            assert "You have 9 recovery codes left." in await seen(page, "on")
            await page.fill("#renew_password", PASSWORD)
            await page.fill("#renew_code", recovery[1])
            await chromium.follow(page.locator("[data-testid=renew]"))
            renewed = await page.locator("[data-testid=recovery-code]").all_inner_texts()
            assert len({*renewed, *recovery}) == 20
            await page.goto(f"{running.url}/account/second-factor")
            for code, words in ((recovery[2], "This code is wrong"), (renewed[0], "Two-step login is off.")):
                await page.fill("#remove_password", PASSWORD)
                await page.fill("#remove_code", code)
                await chromium.follow(page.locator("[data-testid=remove]"))
                assert words in await page.inner_text("body")
            assert urlsplit(page.url).path == "/account/second-factor"
            await seen(page, "off")
            await context.close()
