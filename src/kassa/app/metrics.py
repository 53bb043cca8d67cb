"""Figures for Prometheus: requests by route, effects and events that wait, and those that need somebody."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, exposition
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from kassa import __version__
from kassa.gateway.arrival import App, Message, Receive, Scope, Send
from kassa.kit import security
from kassa.kit.clock import Clock
from kassa.kit.documents import Between, Collection
from kassa.kit.effects import NEEDS_ATTENTION_AFTER, waiting_of
from kassa.kit.problem import Problem

NO_ROUTE = "none"
_LOOKED_AT = 1000


class Metrics:
    """One process's figures. `aggregates` and `events` are the collections whose effects and events may wait."""

    def __init__(
        self,
        service: str,
        clock: Clock,
        aggregates: Mapping[str, Collection[Any]],
        events: Collection[Any] | None = None,
    ) -> None:
        self._clock = clock
        self._aggregates = aggregates
        self._events = events
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "kassa_request_seconds", "Time to answer", ["method", "route"], registry=self._registry
        )
        self._answers = Counter(
            "kassa_requests", "Requests answered", ["method", "route", "status"], registry=self._registry
        )
        self._overdue = Gauge(
            "kassa_effects_overdue", "Documents with effects that are due", ["collection"], registry=self._registry
        )
        self._attention = Gauge(
            "kassa_effects_needing_attention",
            f"Effects that were refused, or failed {NEEDS_ATTENTION_AFTER} times or more",
            ["collection"],
            registry=self._registry,
        )
        self._backlog = Gauge("kassa_inbox_backlog", "Stripe events not acted on", ["status"], registry=self._registry)
        self._registry.register(_SecurityEvents())
        info = Gauge("kassa_build_info", "What runs here", ["service", "version"], registry=self._registry)
        info.labels(service, __version__).set(1)
        self._known: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        key = (method, route, status)
        known = self._known.get(key)
        if known is None:
            known = self._answers.labels(method, route, str(status)), self._seconds.labels(method, route)
            self._known[key] = known
        known[0].inc()
        known[1].observe(seconds)

    def note_refusal(self, method: str) -> None:
        """One was refused with 503 as soon as its header had come: nobody knows its route."""
        self.note(method, NO_ROUTE, 503, 0.0)

    async def text(self) -> tuple[bytes, str]:
        """The figures in Prometheus's text form, and its media type."""
        for name, collection in self._aggregates.items():
            await self._count_effects(name, collection)
        if self._events is not None:
            for status in ("received", "parked"):
                self._backlog.labels(status).set(await self._events.count({"status": status}))
        return exposition.generate_latest(self._registry), exposition.CONTENT_TYPE_LATEST

    async def _count_effects(self, name: str, collection: Collection[Any]) -> None:
        failing = await collection.find({"needs_attention": True}, limit=_LOOKED_AT)
        self._attention.labels(name).set(sum(len(waiting_of(document, "")) for document in failing))
        self._overdue.labels(name).set(await collection.count({"due_at": Between(below=self._clock.now())}))


class _SecurityEvents(Collector):
    """Of each kind how many; those that were not told in a line of their own count as well."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The figures as they are now."""
        events = CounterMetricFamily("kassa_security_events", "Security events", labels=["event", "outcome"])
        for kind in security.KINDS:
            events.add_metric([kind.name, kind.outcome], security.EVENTS.counts[kind.name])
        yield events


class Measured:
    """Notes every request of `app`, by the route that it took."""

    def __init__(self, app: App, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Problem as problem:
            status = problem.status
            raise
        finally:
            # Unknown paths are one route: there is no end to them.
            route = scope.get("path_template") or NO_ROUTE
            self._metrics.note(scope["method"], route, status, time.perf_counter() - started)
