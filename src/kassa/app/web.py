"""The HTTP side of the wiring: which handlers a process answers with, behind which door."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from litestar import Litestar, Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin

from kassa.app.door_rules import door_rules
from kassa.app.health import health_handlers, metrics_handler
from kassa.app.readiness import System, watched_by
from kassa.app.settings import Settings
from kassa.app.shop import Shop, present
from kassa.app.straight import Straight, straight
from kassa.auth import routes as auth_routes
from kassa.contracts.auth import Auth
from kassa.contracts.events import Events
from kassa.contracts.facts import Facts
from kassa.contracts.inventory import Inventory
from kassa.contracts.mail import Mails
from kassa.contracts.order import Orders
from kassa.contracts.payment import Payments
from kassa.contracts.product import Product
from kassa.contracts.stock_notices import StockNotices
from kassa.gateway import security_txt, system
from kassa.gateway.acts import Noted
from kassa.gateway.arrival import App, Door
from kassa.gateway.docs import docs_handlers
from kassa.gateway.inner_door import GATEWAY, InnerDoor
from kassa.gateway.middleware import Gateway, Rules
from kassa.gateway.security_txt import SecurityContact
from kassa.gateway.shedding import Shedding
from kassa.gateway.turning_away import TurningAway
from kassa.inventory import routes as inventory_routes
from kassa.kit.access import API
from kassa.kit.problem import Invalid
from kassa.kit.service_keys import ServiceIdentity
from kassa.kit.web import EXCEPTION_HANDLERS, MAX_BODY, METHODS, WHAT_IS_ALLOWED, internal_handlers, on_http_error
from kassa.mail import routes as mail_routes
from kassa.order import routes as order_routes
from kassa.outgoing import routes as outgoing_routes
from kassa.pages.client import Caller, ShopClient
from kassa.pages.router import not_found_page, pages_router
from kassa.pages.settings import PageSettings
from kassa.pages.watching import Streams
from kassa.payment import routes as payment_routes
from kassa.product import routes as product_routes
from kassa.stock_notices import routes as stock_notice_routes

if TYPE_CHECKING:
    from kassa.app.metrics import Metrics

Connection = ASGIConnection[Any, Any, Any, Any]
HANDLERS: dict[str, Sequence[Any]] = {
    GATEWAY: (*security_txt.HANDLERS, *system.HANDLERS),
    "auth": auth_routes.HANDLERS,
    "product": product_routes.HANDLERS,
    "inventory": inventory_routes.HANDLERS,
    "order": (*order_routes.HANDLERS, *outgoing_routes.HANDLERS, *mail_routes.HANDLERS, *stock_notice_routes.HANDLERS),
    "payment": payment_routes.HANDLERS,
}
OWN_PORT_HANDLERS: dict[str, Sequence[Any]] = {"payment": payment_routes.OWN_PORT_HANDLERS}
CONTRACTS: dict[str, type] = {
    "auth": Auth,
    "product": Product,
    "inventory": Inventory,
    "order": Orders,
    "payment": Payments,
}
BESIDE: dict[str, tuple[tuple[type, str], ...]] = {
    "order": ((Events, "events"), (Facts, "facts"), (Mails, "mail"), (StockNotices, "stock_notices"))
}
"""What else a service answers others, and by which part of the shop."""
# Who calls whom: what a service that runs alone needs besides its own store.
CALLS = {
    "auth": ("order",),
    "product": ("auth", "inventory"),
    "inventory": ("auth",),
    "order": ("auth", "product", "inventory", "payment"),
    "payment": ("auth", "order"),
}

TELLS = ("product", "inventory", "payment")
"""Who tells the order service what is to be told of it; none of them needs that to start, or to be ready."""


def calls(service: str, settings: Settings) -> tuple[str, ...]:
    """Whom a service that runs alone calls. The inventory asks the orders only when its stock may lose something."""
    is_mended = service == "inventory" and settings.redis_url is not None
    return (*CALLS[service], "order") if is_mended else CALLS[service]


def public_app(shop: Shop) -> App:
    """What the public port answers: the API of the services that live here or behind it, the pages, the docs."""
    settings = shop.settings
    page_settings = PageSettings(
        settings.shop_name,
        settings.currency,
        sandbox=settings.has_sandbox,
        public_url=settings.frontend_url or "",
        withdrawal_days=settings.withdrawal_days,
        sends_mail=settings.mail.by != "off",
        clock=shop.clock,
    )

    def client_of(caller: Caller) -> ShopClient:
        return ShopClient(gateway, caller)

    shop.streams = Streams()
    elsewhere = {service: url for service, url in settings.service_urls.items() if service not in shop.place.here}
    name = "kassa" if shop.place.here else GATEWAY
    watched = watched_by(shop, tuple(elsewhere))
    shop.system = System(shop, name, watched, elsewhere)
    routes = [
        *(handler for service in (GATEWAY, *shop.place.here) for handler in HANDLERS[service]),
        *docs_handlers([handler for handlers in HANDLERS.values() for handler in handlers], settings.currency),
        *health_handlers(name, watched),
        pages_router(client_of, page_settings, shop.streams),
    ]
    straight_ones = straight(routes)
    others = {**EXCEPTION_HANDLERS, HTTPException: _Missing(not_found_page(client_of, page_settings))}
    inner: App = Straight(_litestar(shop, routes, others), straight_ones, _state(shop))
    if elsewhere:
        from kassa.gateway.proxy import Proxy

        inner = Proxy(inner, elsewhere, ServiceIdentity(GATEWAY, shop.service_keys), shop.proxying)
    rules = door_rules(settings)
    auth, bounded = present(shop.auth_anywhere, "auth"), _bounded(shop, inner, rules, name)
    gateway = Gateway(Noted(bounded, auth.note_act, shop.ids, shop.clock), shop.ids, shop.verifier, rules)
    return gateway


def _bounded(shop: Shop, inner: App, rules: Rules, name: str) -> App:
    """Refuses what is too much, unless there are no limits; measured, if anybody asks for figures."""
    metrics = None if shop.settings.metrics_port is None else _metrics(shop, name)
    if rules.limiter is not None:
        inner = shedding = Shedding(inner, note=metrics.note_refusal if metrics else None)
        shop.turn_away = TurningAway(shedding, shop.ids, is_https=rules.is_https)
    if metrics is None:
        return inner
    from kassa.app.metrics import Measured

    return Measured(inner, metrics)


def figures_app(shop: Shop) -> App:
    """What METRICS_PORT answers: the figures of a process whose public port does not tell them."""
    name = "kassa" if shop.place.here else GATEWAY
    routes = [*health_handlers(name, {}), metrics_handler(_metrics(shop, name))]
    return Door(_litestar(shop, routes, EXCEPTION_HANDLERS), shop.ids)


def _metrics(shop: Shop, name: str) -> "Metrics":
    """The process's; the same whoever asks for them."""
    from kassa.app.metrics import Metrics

    if shop.metrics is None:
        events = shop.inbox.events if shop.inbox else None
        shop.metrics = Metrics(name, shop.clock, shop.aggregates, events)
    return shop.metrics


def service_app(shop: Shop, service: str) -> App:
    """What the port of one service answers that runs alone."""
    from kassa.app.metrics import Measured

    identity = ServiceIdentity(service, shop.service_keys)
    metrics = _metrics(shop, service)
    routes = [
        *HANDLERS[service],
        *OWN_PORT_HANDLERS.get(service, ()),
        *health_handlers(service, watched_by(shop, calls(service, shop.settings))),
        metrics_handler(metrics),
    ]
    answered = ((CONTRACTS[service], service), *BESIDE.get(service, ())) if service in CONTRACTS else ()
    internal = [
        handler
        for contract, part in answered
        for handler in internal_handlers(contract, getattr(shop, part), identity, has_open=False)
    ]
    straight_ones = [*straight(routes), *internal]
    longer = _litestar(shop, [*routes, *internal], EXCEPTION_HANDLERS)
    inner = Straight(longer, straight_ones, _state(shop))
    return InnerDoor(Measured(inner, metrics), shop.ids, identity)


def _state(shop: Shop) -> dict[str, Any]:
    """What handlers find."""
    settings = shop.settings
    services = {name: getattr(shop, name) for name in CONTRACTS if getattr(shop, name) is not None}
    return {
        **services,
        "customers": shop.customers,
        "events": shop.events,
        "endpoints": shop.endpoints,
        "deliverer": shop.deliverer,
        "mail": shop.mail,
        "stock_notices": shop.stock_notices,
        "invoices": shop.invoices,
        "offering": shop.offering,
        "profiles": shop.profiles,
        "fulfilling": shop.fulfilling,
        "withdrawals": shop.withdrawals,
        "guests": shop.guests,
        "verifier": shop.verifier,
        "idempotency": shop.idempotency,
        "ids": shop.ids,
        "inbox": shop.inbox,
        "notices": shop.notices,
        "check_reports": shop.check_reports,
        "unclaimed": shop.unclaimed,
        "allowances": shop.allowances,
        "answers": shop.answers,
        "system": shop.system,
        "currency": settings.currency,
        "security_contact": SecurityContact(settings.security_contacts, settings.frontend_url or "", shop.clock),
    }


def _litestar(shop: Shop, routes: list[Any], exception_handlers: dict[Any, Any]) -> Any:
    return _LeanLitestar(
        route_handlers=routes,
        state=State(_state(shop)),
        exception_handlers=exception_handlers,
        openapi_config=None,
        logging_config=None,  # Its own is for the whole process.
        guards=[whole_numbers],
        debug=False,
        pdb_on_exception=False,
        request_max_body_size=MAX_BODY,
    )


def whole_numbers(connection: Connection, handler: BaseRouteHandler) -> None:
    """Guard: a query's numbers are digits. Invalid for what the framework would take for one as well: `1e1`, `1.0`."""
    if connection.scope["query_string"]:
        for name, parameter in handler.parsed_fn_signature.parameters.items():
            sent = getattr(parameter.kwarg_definition, "name", None) or name
            given = connection.query_params.getall(sent, []) if parameter.annotation in (int, int | None) else []
            if not all(re.fullmatch("-?[0-9]+", text) for text in given):
                raise Invalid.field(sent, "must be a whole number, in digits")


class _LeanLitestar(Litestar):
    """Without the plugins for models that Kassa does not use: they take a tenth of a second and 15 MB at the start.
    Without its own answer to OPTIONS, which does not know all methods."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            scope = {**scope, "method": WHAT_IS_ALLOWED}
        await super().__call__(scope, receive, send)

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


class _Missing:
    """Exception handler: an unknown address is a page for people and a problem for programs."""

    def __init__(self, page: Any) -> None:
        self._page = page

    def __call__(self, request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        is_page = request.url.path[1:].split("/", 1)[0] not in API and request.method in METHODS
        if error.status_code == 404 and is_page and "text/html" in request.headers.get("accept", ""):
            answer: Response[Any] = self._page(request)
            return answer
        return on_http_error(request, error)
