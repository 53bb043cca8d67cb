"""Walks through pages as whoever looks at them does: by their links and their forms."""

import re
from collections import Counter
from html.parser import HTMLParser
from urllib.parse import urlencode

from yarl import URL

from kassa.pages.visit import ACCESS
from tests.journey.running import Buyer

CSRF = "A" * 43
_MONTH = re.compile(r"\b2\d{3}-\d\d(?=-\d\d\b)")


class Page(HTMLParser):
    """The links of a page and the forms that it sends: to each action the values it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: dict[str, dict[str, str]] = {}
        self.searches: dict[str, dict[str, str]] = {}
        self._values: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(given["href"])
        elif tag == "form":
            self._values = {}
            of = self.forms if given.get("method") == "post" else self.searches
            of[given.get("action", "")] = self._values
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
        self.pages: set[str] = set()
        self.asked: set[str] = set()
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
            if answer.content_type != "text/html":
                return ""
            if method == "GET" and answer.status == 200:
                self.pages.add(address)
            return await answer.text()

    async def look(self, start: str = "/console", most: int = 1000) -> None:
        """Follow all links from there that stay below it; of what is the same but for an id, at most so many."""
        waiting, of_kind = [start], Counter[str]()
        while waiting:
            address = waiting.pop(0)
            if address.startswith(("http", "#")) or address in self.asked or of_kind[kind(address)] >= most:
                continue
            of_kind[kind(address)] += 1
            self.asked.add(address)
            self.seen.add(kind(address))
            text = await self.ask("GET", address)
            page = Page(text)
            if address.startswith(start):
                waiting += page.links
                months = sorted(set(_MONTH.findall(text)))
                waiting += [
                    f"{to}?month={m}" for to, values in page.searches.items() if "month" in values for m in months
                ]
                waiting += [f"{to}?{urlencode(values)}" for to, values in page.searches.items() if "order" in values]
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
