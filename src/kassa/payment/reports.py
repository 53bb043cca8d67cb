"""Payments in numbers."""

from collections.abc import Awaitable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from litestar import Request, Response, get

from kassa.kit.clock import DAY, Date, day_of
from kassa.kit.documents import Between, Total, Where
from kassa.kit.money import major
from kassa.kit.web import JsonResponse, principal_of
from kassa.payment.service import PaymentService

TREND_DAYS = 30
STATUSES = ("SUCCESS", "FAILED", "INITIATED")


class DayRevenue(msgspec.Struct, frozen=True):
    """What was paid on one UTC day."""

    date: Date
    revenue: Decimal


class Revenue(msgspec.Struct, frozen=True, rename="camel"):
    """Money in numbers; the success rate is from 0 to 1 and over the payments that have ended."""

    total_revenue: Decimal
    currency: str
    daily_revenue: list[DayRevenue]
    payment_success_rate: float
    total_payments: int
    successful_payments: int


class DayTrend(msgspec.Struct, frozen=True):
    """Payments opened on one UTC day."""

    date: Date
    count: int


class PaymentAnalytics(msgspec.Struct, frozen=True, rename="camel"):
    """Payments in numbers; `failure_reasons` counts the failed ones by reason."""

    success: int
    failed: int
    initiated: int
    failure_reasons: dict[str, int]
    recent_trend: list[DayTrend]


@get("/payments/admin/analytics/revenue", tags=["payments"])
async def revenue(request: Request[Any, Any, Any]) -> Response[Revenue]:
    """Money in numbers. What was refunded is not taken off here."""
    await principal_of(request)
    service = _service(request)
    by_status = await _by_status(service)
    paid: Where = {"status": "SUCCESS", "paid_at": _recently(service)}
    days = await service.figures.get(
        "paid", lambda: service.payments.totals(paid, "paid_at", sum_of="amount_minor", per=DAY)
    )
    success, failed = by_status.get("SUCCESS", Total("", 0, 0)), by_status.get("FAILED", Total("", 0, 0))
    currency = request.app.state["currency"]
    answer = Revenue(
        total_revenue=major(success.sum, currency),
        currency=currency,
        daily_revenue=[DayRevenue(_day(day), major(day.sum, currency)) for day in days],
        payment_success_rate=round(success.count / max(1, success.count + failed.count), 4),
        total_payments=sum(total.count for total in by_status.values()),
        successful_payments=success.count,
    )
    return JsonResponse(answer, media_type="application/json")


@get("/payments/admin/analytics/payments", tags=["payments"])
async def payment_analytics(request: Request[Any, Any, Any]) -> Response[PaymentAnalytics]:
    """Payments in numbers."""
    await principal_of(request)
    service = _service(request)
    by_status = await _by_status(service)
    get, totals, recent = service.figures.get, service.payments.totals, _recently(service)
    reasons = await get("reasons", lambda: totals({"status": "FAILED"}, "reason"))
    days = await get("days", lambda: totals({"created_at": recent}, "created_at", per=DAY))
    counts = {status: by_status[status].count if status in by_status else 0 for status in STATUSES}
    answer = PaymentAnalytics(
        success=counts["SUCCESS"],
        failed=counts["FAILED"],
        initiated=counts["INITIATED"],
        failure_reasons={str(total.key): total.count for total in reasons},
        recent_trend=[DayTrend(_day(day), day.count) for day in days],
    )
    return JsonResponse(answer, media_type="application/json")


async def _by_status(service: PaymentService) -> dict[str, Total]:
    def count() -> Awaitable[Sequence[Total]]:
        return service.payments.totals({}, "status", sum_of="amount_minor")

    return {str(total.key): total for total in await service.figures.get("value", count)}


def _recently(service: PaymentService) -> Between:
    return Between(service.clock.now() - TREND_DAYS * DAY)


def _day(total: Total) -> str:
    return day_of(int(total.key or 0) * DAY)


def _service(request: Request[Any, Any, Any]) -> PaymentService:
    service: PaymentService = request.app.state["payment"]
    return service


HANDLERS = (revenue, payment_analytics)
