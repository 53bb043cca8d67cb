"""One visit of one page: who comes, with what cart, and what goes back."""

import base64
import dataclasses
import re
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.response import Stream

from kassa.kit.access import STAFF, reaches
from kassa.kit.languages import LANGUAGES
from kassa.kit.packing import PAGE_LEVEL, is_wanted, packed
from kassa.pages import forgery, guest_orders
from kassa.pages.account_models import Claims
from kassa.pages.cart import Cart, read_cart
from kassa.pages.client import ApiProblem, Caller, ShopClient, Tokens
from kassa.pages.language import COOKIE as LANGUAGE
from kassa.pages.language import Language, _, chosen, speak, spoken
from kassa.pages.render import Renderer
from kassa.pages.sent import cookie, cookie_name, read_form
from kassa.pages.settings import PageSettings
from kassa.pages.words import note_of

T = TypeVar("T")
ClientFactory = Callable[[Caller], ShopClient]

ACCESS, REFRESH, DEVICE = "kassa_token", "kassa_refresh", "kassa_device"
CART, NOTE = "kassa_cart", "kassa_note"
_MONTH, _QUARTER, YEAR = 30 * 86_400, 90 * 86_400, 365 * 86_400
_LONGEST_ADDRESS = 2000
_LONGEST_LANGUAGES = 200
_LONGEST_TOKEN = 4096
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass
class Visit:
    request: Request[Any, Any, Any]
    api: ShopClient
    renderer: Renderer
    request_id: str
    token: str
    """What the forms of this browser have, and those of other sites do not (forgery.py)."""
    cart: Cart
    form: Mapping[str, str] = dataclasses.field(default_factory=dict)
    is_partial: bool = False
    """Whether something that belongs on the page cannot be had just now."""
    is_private: bool = False
    """Whether the page shows what is nobody else's, though nobody is logged in."""
    _guest_orders: dict[str, str] | None = None
    _cookies: dict[str, Cookie] = dataclasses.field(default_factory=dict)

    @cached_property
    def csrf(self) -> str:
        """The token as this page's forms have it."""
        return forgery.masked(self.token)

    @property
    def is_logged_in(self) -> bool:
        return self.api.tokens.access is not None or self.api.tokens.refresh is not None

    @property
    def claims(self) -> Claims:
        """Who the token says this is, unverified: only for what the page shows; the API decides what is allowed."""
        return _peek(self.api.tokens.access)

    @property
    def is_staff(self) -> bool:
        """Whether there is anything in the console for whom the token says this is."""
        return self.claims.role in STAFF

    def may(self, endpoint: str) -> bool:
        """Whether an endpoint, such as `POST /products`, lets this one of the staff do to others' what it does: what
        leads to it is shown only then. It is the table that the API asks, about the role that the token says."""
        return reaches(self.claims.role, endpoint)

    def set_cart(self, cart: Cart) -> None:
        self.cart = cart
        self._set(CART, cart.text() if cart.lines else "", _MONTH if cart.lines else 0)

    @property
    def guest_orders(self) -> dict[str, str]:
        """The orders that this browser has made without an account, with their tokens; the newest last."""
        if self._guest_orders is None:
            self._guest_orders = guest_orders.read(self.cookie(guest_orders.COOKIE))
        return self._guest_orders

    def keep_guest_order(self, order_id: str, token: str = "") -> None:
        """Remember an order of a guest; without a token forget it."""
        orders = {each: known for each, known in self.guest_orders.items() if each != order_id}
        self._guest_orders = orders | {order_id: token} if token else orders
        text = guest_orders.written(self._guest_orders)
        self._set(guest_orders.COOKIE, text, _QUARTER if text else 0)

    def api_of(self, order_id: str) -> ShopClient:
        """The API as it shows this order: to the guest who has made it here, or to whoever is logged in."""
        token = self.guest_orders.get(order_id)
        if token is not None:
            self.is_private = True
            return self.api.with_token(token)
        self.require_login()
        return self.api

    def address_of(self, order_id: str) -> str:
        """Where this order's page is."""
        return f"/{'shop' if order_id in self.guest_orders else 'account'}/orders/{order_id}"

    @property
    def language(self) -> Language:
        """In which this visitor is answered, and written to."""
        return spoken()

    @property
    def site(self) -> str:
        """Where browsers find the shop."""
        return self.renderer.settings.public_url.rstrip("/") or str(self.request.base_url).rstrip("/")

    @property
    def here(self) -> str:
        """The page that is shown; the shop, if it is the answer to a form."""
        url = self.request.url
        return (url.path + (f"?{url.query}" if url.query else "")) if self.request.method == "GET" else "/"

    def field(self, name: str) -> str:
        """What was typed into a form's field; passwords are read from `form`, spaces and all."""
        return self.form.get(name, "").strip()

    def typed(self, **otherwise: object) -> dict[str, object]:
        """What stands in a form's fields: what was typed, if this page is the answer to a form that was refused."""
        return {name: self.form.get(name, value) for name, value in otherwise.items()}

    def require_login(self) -> None:
        if not self.is_logged_in:
            raise ApiProblem(401, "login_required", _("Please log in."))

    def page(self, template: str, status: int = 200, *, leads_to_payment: bool = False, **shown: Any) -> Response[str]:
        named = self.cookie(NOTE)
        note = note_of(named)
        if note is not None:
            self._set(NOTE, "", 0)
        html = self.renderer.html(template, visit=self, note=note, noted=named, **shown)
        headers = self.renderer.headers(leads_to_payment=leads_to_payment)
        content: Any = html
        if is_wanted(self.request.headers.get("Accept-Encoding", "")):
            content, headers["Content-Encoding"] = packed(html.encode(), PAGE_LEVEL), "gzip"
        return self._answer(Response(content, status_code=status, media_type="text/html", headers=headers))

    def file(self, content: str, media_type: str, disposition: str) -> Response[str]:
        """What the browser is to keep as a file."""
        headers = {**self.renderer.headers(), "Content-Disposition": disposition}
        return self._answer(Response(content, media_type=media_type, headers=headers))

    def document(self, content: bytes, media_type: str, disposition: str) -> Response[bytes]:
        """A file that is not text."""
        headers = {**self.renderer.headers(), "Content-Disposition": disposition}
        return self._answer(Response(content, media_type=media_type, headers=headers))

    def events(self, events: AsyncIterator[str]) -> Response[Any]:
        """Server-sent events. No cookie can be set once they have begun: who asks on needs no new tokens."""
        headers = {**self.renderer.headers(), "X-Accel-Buffering": "no"}
        answer = self._answer(Stream(events, media_type="text/event-stream", headers=headers))
        self.api.tokens.refresh = None
        return answer

    def nothing(self) -> Response[Any]:
        """204."""
        return self._answer(Response(None, status_code=204, headers=self.renderer.headers()))

    def redirect(self, address: str, note: str | None = None) -> Response[str]:
        """303: what follows a form is fetched, not sent again."""
        if note is not None:
            self._set(NOTE, note, 60)
        headers = {**self.renderer.headers(), "Location": address}
        return self._answer(Response("", status_code=303, media_type="text/html", headers=headers))

    def farewell(self, note: str) -> Response[str]:
        """To the shop, for whoever is not logged in any more. The browser is told to drop what it was shown before
        (W3C: Clear-Site-Data; ASVS 5.0, 14.3.1); the cart is a cookie, and stays."""
        answer = self.redirect("/", note)
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        return answer

    def _answer(self, response: Response[T]) -> Response[T]:
        # What a form is answered may hold half a log-in.
        is_kept = not self.is_logged_in and not self.is_private and self.request.method == "GET"
        response.headers["Cache-Control"] = "private, no-cache" if is_kept else "private, no-store"
        response.headers["Content-Language"] = self.language.tag
        response.headers["Vary"] = "Accept-Encoding, Accept-Language, Cookie"
        response.headers["X-Request-Id"] = self.request_id
        self._keep_tokens()
        if self.cookie(forgery.COOKIE) != self.token:
            self._set(forgery.COOKIE, self.token, None)
        response.cookies = list(self._cookies.values())
        return response

    def _keep_tokens(self) -> None:
        tokens = self.api.tokens
        if tokens.has_changed:
            self._set(ACCESS, tokens.access or "", tokens.expires_in if tokens.access else 0)
            self._set(REFRESH, tokens.refresh or "", _MONTH if tokens.refresh else 0)
            if tokens.device and tokens.device != self.cookie(DEVICE):
                self._set(DEVICE, tokens.device, YEAR)  # It stays when one logs out: that is what it is for.

    def cookie(self, name: str) -> str:
        """What the browser has kept under this name of ours; empty if nothing."""
        return cookie(self.request, cookie_name(name, is_secure=self.renderer.settings.is_https))

    def keep(self, name: str, value: str, max_age: int) -> None:
        """Have the browser keep something for so many seconds, and show it to us alone."""
        self._set(name, value, max_age)

    def forget(self, name: str) -> None:
        """Have the browser drop it."""
        self._set(name, "", 0)

    def _set(self, name: str, value: str, max_age: int | None) -> None:
        secure = self.renderer.settings.is_https
        key = cookie_name(name, is_secure=secure)
        self._cookies[name] = Cookie(
            key=key, value=value, max_age=max_age, path="/", httponly=True, samesite="lax", secure=secure
        )


Visiting: TypeAlias = NamedDependency[SkipValidation[Visit]]


def make_visit(request: Request[Any, Any, Any], client_factory: ClientFactory, renderer: Renderer) -> Visit:
    """The visit of this request; the same one for its handler and for an error page after it."""
    known = request.scope.get("kassa_visit")
    if isinstance(known, Visit):
        return known
    request_id = request.headers.get("X-Request-Id", "")
    request_id = request_id if _REQUEST_ID.fullmatch(request_id) else uuid.uuid4().hex
    ip = request.client.host if request.client else "127.0.0.1"
    program = request.headers.get("User-Agent", "")
    api = client_factory(Caller(ip, request_id, request.headers.get("X-Forwarded-For"), program))
    visit = Visit(request, api, renderer, request_id, token="", cart=Cart())
    access, refresh, device = (visit.cookie(name) or None for name in (ACCESS, REFRESH, DEVICE))
    api.tokens = Tokens(access, refresh, device=device)
    visit.token, visit.cart = forgery.token_of(visit.cookie(forgery.COOKIE)), read_cart(visit.cookie(CART))
    answer_in_language(request, renderer.settings)
    request.scope["kassa_visit"] = visit  # type: ignore[typeddict-unknown-key]
    return visit


def answer_in_language(request: Request[Any, Any, Any], settings: PageSettings) -> None:
    """From here on this request is answered in its visitor's language. The console speaks English."""
    kept = cookie(request, cookie_name(LANGUAGE, is_secure=settings.is_https))
    accepted = request.headers.get("Accept-Language", "")[:_LONGEST_LANGUAGES]
    is_console = request.url.path.startswith("/console")
    speak(LANGUAGES[0] if is_console else chosen(settings.languages, kept, accepted))


async def open_visit(request: Request[Any, Any, Any], client_factory: ClientFactory, renderer: Renderer) -> Visit:
    visit = make_visit(request, client_factory, renderer)
    if request.method == "POST":
        visit.form = await read_form(request)
    return visit


def safe_next(address: str) -> str:
    """Where to go after logging in: only ever to a page of this site. What is not ASCII is encoded (RFC 3987, 3.1)."""
    is_ours = address.startswith("/") and not address.startswith("//") and "\\" not in address
    if not is_ours or len(address) > _LONGEST_ADDRESS or not address.isprintable():
        return "/"
    return quote(address, safe="/?#[]@!$&'()*+,;=:%~")


def number(text: str | None, otherwise: int = 0, most: int = 1_000_000) -> int:
    """A count from a form or an address; what is none is taken for `otherwise`."""
    text = (text or "").strip()
    if not text.lstrip("-").isascii() or not text.lstrip("-").isdigit() or len(text) > 9:
        return otherwise
    return max(-most, min(int(text), most))


def _peek(token: str | None) -> Claims:
    try:
        payload = (token or "")[:_LONGEST_TOKEN].split(".")[1]
        return msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=Claims)
    except (IndexError, ValueError, RecursionError, msgspec.MsgspecError):
        return Claims()
