"""What watches over a process asks: is it alive, is it ready, how is it doing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from litestar import Response, get

from kassa import __version__
from kassa.kit.problem import Problem
from kassa.kit.web import JsonResponse

if TYPE_CHECKING:
    from kassa.app.metrics import Metrics

Check = Callable[[], Awaitable[None]]
CHECK_SECONDS = 3.0


class NotReady(Problem):
    """Something that this process needs does not answer; `failing` names it."""

    code, title, status = "not_ready", "Not ready", 503


def health_handlers(service: str, checks: Mapping[str, Check]) -> list[Any]:
    """`/health` and `/ready` of the process that runs `service`. A check returns, or raises what is wrong."""

    @get("/health", include_in_schema=False)
    async def health() -> Response[dict[str, str]]:
        """Alive."""
        return JsonResponse({"status": "ok", "service": service, "version": __version__}, media_type="application/json")

    @get("/ready", include_in_schema=False)
    async def ready() -> Response[dict[str, Any]]:
        """Whether all that it needs answers."""
        results = dict(zip(checks, await asyncio.gather(*(_is_well(check) for check in checks.values())), strict=True))
        failing = [name for name, is_well in results.items() if not is_well]
        if failing:
            raise NotReady(f"not answering: {', '.join(failing)}", failing=failing)
        answer = {"status": "ready", "service": service, "checks": dict.fromkeys(results, "ok")}
        return JsonResponse(answer, media_type="application/json")

    return [health, ready]


def metrics_handler(metrics: "Metrics") -> Any:
    """`/metrics`, for Prometheus."""

    @get("/metrics", include_in_schema=False)
    async def show() -> Response[bytes]:
        """The figures."""
        text, media_type = await metrics.text()
        return Response(text, headers={"Content-Type": media_type})

    return show


async def _is_well(check: Check) -> bool:
    try:
        await asyncio.wait_for(check(), CHECK_SECONDS)
    except Exception:  # whatever it is, the answer is no; the log of the part itself has the reason
        return False
    return True
