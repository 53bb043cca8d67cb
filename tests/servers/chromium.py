"""A real Chromium for the tests of pages. With KASSA_SHOTS set to a directory, pictures are left there."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, async_playwright

_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@asynccontextmanager
async def opened() -> AsyncIterator[Browser]:
    """A browser, closed at the end."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    assert found, "the browser tests need Chromium; `make test` installs it where it may"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=list(_QUIET))
        yield browser
        await browser.close()


async def follow(locator: Locator) -> None:
    """Click on what leads to another page, and wait until that one is there: a click alone may return before it is."""
    async with locator.page.expect_navigation():
        await locator.click()


async def shot(page: Page, name: str) -> None:
    """Leave a picture of the whole page, if pictures are asked for."""
    if directory := os.environ.get("KASSA_SHOTS"):
        await page.screenshot(path=Path(directory) / f"{name}.png", full_page=True)
