"""The hosted card page, `/c/pay/{session}`, and the 3-D Secure question behind it, which payment intents without a
session have at `/c/intent/{intent}`. Plain HTML, no JavaScript needed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from urllib.parse import parse_qsl

from kassa.sandbox import addresses, cards, page_view, sessions
from kassa.sandbox.buyers import Buyer, asks
from kassa.sandbox.checkout import NO_CARD, Checkout, entry_errors, entry_from_fields
from kassa.sandbox.delivery import Deliveries
from kassa.sandbox.errors import Json
from kassa.sandbox.http import Answer, Request
from kassa.sandbox.objects_checkout import BANK
from kassa.sandbox.payments import Outcome
from kassa.sandbox.rendering import Rendering, redirect
from kassa.sandbox.store import Store

_FIELDS = ("cardNumber", "expiry", "cvc", "name", *page_view.TYPED)
_AT_FIRST = {"billingSame": "yes"}
_NEW_TOTAL = "The total has changed with what you entered. Please check it, and pay."
_CSS, _JS = "text/css; charset=utf-8", "text/javascript; charset=utf-8"
_ASSETS = {"card.css": _CSS, "card.js": _JS, "control.css": _CSS}
_FOLDER = files("kassa.sandbox")
_MOMENT = 1.0
"""Seconds that a shop has to end a session for a decline before the page takes another card."""


class CardPage:
    """Shows the page of a session and takes what is typed there."""

    def __init__(
        self, store: Store, checkout: Checkout, deliveries: Deliveries, rendering: Rendering, redirect_hold: float
    ) -> None:
        self._store = store
        self._checkout = checkout
        self._deliveries = deliveries
        self._redirect_hold = redirect_hold
        self._render = rendering.page

    async def answer(self, request: Request) -> Answer:
        """Answer a call below `/c/`."""
        parts = request.path.strip("/").split("/")
        if parts[:2] == ["c", "assets"] and len(parts) == 3 and parts[2] in _ASSETS:
            content = _FOLDER.joinpath("assets", parts[2]).read_bytes()
            return Answer(200, content, _ASSETS[parts[2]], {"Cache-Control": "no-cache"})
        if parts[:2] == ["c", "intent"] and len(parts) == 3:
            return await self._intent(parts[2], request)
        is_challenge = len(parts) == 4 and parts[3] == "authenticate"
        if parts[:2] != ["c", "pay"] or not (len(parts) == 3 or is_challenge):
            return self._missing()
        session = self._store.reader.find(parts[2], "checkout.session")
        if session is None:
            return self._missing()
        if request.method == "POST":
            fields = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
            return await (self._authenticate(session, fields) if is_challenge else self._pay(session, fields))
        if request.method not in ("GET", "HEAD"):
            return Answer(405, b"", "text/plain", {"Allow": "GET, POST"})
        return self._show_challenge(session) if is_challenge else self._show(session)

    async def _pay(self, session: Json, fields: dict[str, str]) -> Answer:
        if fields.get("do") == "update":
            return await self._update(session, fields)
        is_by_card = fields.get("method") != "bank" and session["amount_total"] > 0
        errors = entry_errors(fields, self._store.clock.wall()) if is_by_card else {}
        buyer = None
        if "shown" in fields or asks(session):
            buyer, wrong = addresses.from_form(session, fields)
            errors = {**wrong, **errors}
        if errors and self._is_open(session):
            return self._show(session, fields, errors, next(iter(errors.values())), 422)
        if errors:
            return self._closed(session)
        if buyer is not None:
            session = await self._checkout.enter(session["id"], buyer, _typed(fields), is_whole=True)
            if fields.get("shown") != str(session["amount_total"]):
                return self._show(session, fields, note=_NEW_TOTAL)
        outcome = await self._submit(session, fields, buyer)
        if outcome.kind == "invalid":
            return self._show(session, fields, {outcome.field: outcome.message}, outcome.message, 422)
        return await self._go_on(outcome, fields)

    async def _update(self, session: Json, fields: dict[str, str]) -> Answer:
        """Show the total that follows from what was typed so far."""
        buyer = addresses.so_far(session, fields)
        session = await self._checkout.enter(session["id"], buyer, _typed(fields), is_whole=False)
        return self._show(session, fields)

    async def _submit(self, session: Json, fields: dict[str, str], buyer: Buyer | None) -> Outcome:
        if fields.get("method") == "bank":
            return await self._checkout.pay_by_bank(session["id"], None, buyer)
        entry = entry_from_fields(fields) if session["amount_total"] else NO_CARD
        return await self._checkout.pay(session["id"], replace(entry, buyer=buyer))

    async def _authenticate(self, session: Json, fields: dict[str, str]) -> Answer:
        outcome = await self._checkout.authenticate(session["id"], fields.get("answer") == "complete")
        return await self._go_on(outcome, {})

    async def _intent(self, intent_id: str, request: Request) -> Answer:
        """The 3-D Secure question of a payment intent that no session belongs to."""
        intent = self._store.reader.find(intent_id, "payment_intent")
        if intent is None:
            return self._missing()
        if intent["status"] != "requires_action":
            return self._render("answered.html", 200, intent=intent)
        if request.method != "POST":
            return self._show_question(intent["amount"], intent["currency"], f"/c/intent/{intent_id}", "")
        back = intent["next_action"]["redirect_to_url"]["return_url"]
        fields = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        intent = await self._checkout.authenticate_intent(intent_id, fields.get("answer") == "complete")
        if back is None:
            return self._render("answered.html", 200, intent=intent)
        return redirect(f"{back}{'&' if '?' in back else '?'}payment_intent={intent_id}")

    async def _go_on(self, outcome: Outcome, fields: dict[str, str]) -> Answer:
        session = outcome.session
        if outcome.kind in ("succeeded", "processing"):
            # Stripe holds the buyer for a moment, so that the shop's page usually finds the order paid.
            await self._deliveries.first_answer(outcome.event_id, self._redirect_hold)
            return redirect(_success_url(session))
        if outcome.kind == "requires_action":
            return redirect(f"/c/pay/{session['id']}/authenticate")
        if outcome.kind == "declined":
            return self._show(await self._after_decline(session), fields, {}, outcome.message, 402)
        return self._closed(session)

    async def _after_decline(self, session: Json) -> Json:
        """The session a moment later: a shop may end it for a decline, and then no other card can be entered."""
        until = time.monotonic() + min(self._redirect_hold, _MOMENT)
        while self._is_open(session) and time.monotonic() < until:
            await asyncio.sleep(0.02)
            session = self._store.reader.find(session["id"], "checkout.session") or session
        return session

    def _is_open(self, session: Json) -> bool:
        return bool(session["status"] == "open" and session["expires_at"] > self._store.clock.now())

    def _show(
        self,
        session: Json,
        fields: dict[str, str] | None = None,
        errors: dict[str, str] | None = None,
        message: str = "",
        status: int = 200,
        note: str = "",
    ) -> Answer:
        if not self._is_open(session):
            return self._closed(session, message)
        now = datetime.fromtimestamp(self._store.clock.now(), UTC)
        shown = [cards.CARDS[number] for number in cards.SHOWN]
        private = self._store.reader.private(session["id"])
        typed = private.get("typed", _AT_FIRST) if fields is None else fields
        return self._render(
            "pay.html",
            status,
            session=session,
            items=private["line_items"],
            fields={name: typed.get(name, "") for name in _FIELDS},
            note=note,
            errors=errors or {},
            message=message,
            cards=shown,
            more_cards=[card for card in cards.CARDS.values() if card not in shown],
            takes_card="card" in session["payment_method_types"],
            takes_bank=BANK in session["payment_method_types"],
            good_expiry=f"12 / {(now.year + 3) % 100:02d}",
            **page_view.view(session, private, sessions.email_of(self._store.reader, session)),
        )

    def _show_challenge(self, session: Json) -> Answer:
        if not self._is_open(session):
            return self._closed(session)
        if not self._store.reader.private(session["id"]).get("challenge"):
            return redirect(f"/c/pay/{session['id']}")
        page = f"/c/pay/{session['id']}"
        return self._show_question(session["amount_total"], session["currency"], f"{page}/authenticate", page)

    def _show_question(self, amount: int, currency: str, action: str, other_card: str) -> Answer:
        shown = {"amount": amount, "currency": currency, "action": action, "other_card": other_card}
        return self._render("authenticate.html", 200, **shown)

    def _closed(self, session: Json, message: str = "") -> Answer:
        is_complete = session["status"] == "complete"
        link = _success_url(session) if is_complete else session["cancel_url"]
        status = 200 if is_complete else 402 if message else 410
        return self._render("closed.html", status, session=session, link=link, message=message)

    def _missing(self) -> Answer:
        return self._render("missing.html", 404)


def _typed(fields: dict[str, str]) -> dict[str, str]:
    return {name: fields[name][: addresses.LONGEST] for name in page_view.TYPED if name in fields}


def _success_url(session: Json) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
