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


# How old an answer may be: whoever asks, however often, must not cost more than that.
FRESH_SECONDS = 2.0


class NotReady(Problem):
    """Something that this process needs does not do what it must; `failing` names it, `reasons` says why."""

    code, title, status = "not_ready", "Not ready", 503


def health_handlers(service: str, watched: Mapping[str, "Watched"]) -> list[Any]:
    """`/health` and `/ready` of the process that runs `service`, and needs what is `watched`."""

    @get("/health", include_in_schema=False)
    async def health() -> Response[dict[str, str]]:
        """Alive."""
        return JsonResponse({"status": "ok", "service": service, "version": __version__}, media_type="application/json")

    @get("/ready", include_in_schema=False)
    async def ready() -> Response[dict[str, Any]]:
        """Whether all that it needs does what it must."""
        answers = await asyncio.gather(*(each.trouble() for each in watched.values()))
        reasons = {name: trouble for name, trouble in zip(watched, answers, strict=True) if trouble is not None}
        if reasons:
            detail = "; ".join(f"{name}: {trouble}" for name, trouble in reasons.items())
            raise NotReady(detail, failing=list(reasons), reasons=reasons, version=__version__)
        answer = {"status": "ready", "service": service, "checks": dict.fromkeys(watched, "ok"), "version": __version__}
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


class Watched:
    """A check, which returns, or raises what is wrong: made anew when its last answer is old, and once for all who ask
    meanwhile."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._asked_at = -FRESH_SECONDS
        self._answer: asyncio.Task[str | None] | None = None

    async def trouble(self) -> str | None:
        """What is wrong, or None."""
        now = asyncio.get_running_loop().time()
        if self._answer is None or (self._answer.done() and now - self._asked_at >= FRESH_SECONDS):
            self._asked_at = now
            self._answer = asyncio.create_task(_trouble(self._check))
        return await asyncio.shield(self._answer)


async def _trouble(check: Check) -> str | None:
    try:
        await asyncio.wait_for(check(), CHECK_SECONDS)
    except Problem as problem:
        return problem.detail
    except Exception:  # whatever it is, the answer is no; the log of the part itself has the reason
        return "does not answer"
    return None
