"""Withdrawals: buyers who take back that they have bought, within the period that the law gives them (Directive
2011/83/EU). What cannot be withdrawn from, and what is refused."""

from enum import StrEnum
from typing import Any

from kassa.kit.problem import Problem

DEFAULT_DAYS = 14
"""Directive 2011/83/EU, Art. 9 (1)."""
MOST_DAYS = 365


class Exclusion(StrEnum):
    """Why a product cannot be withdrawn from (Directive 2011/83/EU, Art. 16). Append only."""

    MARKET_PRICE = "market_price"  # (b)
    MADE_TO_ORDER = "made_to_order"  # (c)
    PERISHABLE = "perishable"  # (d)
    SEALED_HYGIENE = "sealed_hygiene"  # (e)
    MIXED = "mixed"  # (f)
    SEALED_MEDIA = "sealed_media"  # (i)
    PERIODICAL = "periodical"  # (j)
    DATED = "dated"  # (l)
    DIGITAL_CONTENT = "digital_content"  # (m)


CONDITIONAL = frozenset({Exclusion.SEALED_HYGIENE, Exclusion.MIXED, Exclusion.SEALED_MEDIA})
"""These exclude what was unsealed, or mixed, after it came: that the shop sees when the goods are back. Until then the
buyer may withdraw."""


def excludes(reason: str) -> bool:
    """Whether a product with this reason cannot be withdrawn from at all."""
    return bool(reason) and reason not in CONDITIONAL


class NotWithdrawable(Problem):
    """The order is not paid, has ended, or all of it was withdrawn from, or refunded, already."""

    code, title, status = "not_withdrawable", "There is nothing to withdraw from", 409


class WithdrawalPeriodOver(Problem):
    """The period in which the buyer could withdraw has ended; `ended_at` says when."""

    code, title, status = "withdrawal_period_over", "The period for withdrawing is over", 409

    def __init__(self, ended_at: str) -> None:
        super().__init__(f"it ended at {ended_at}; ask the shop whether it takes the goods back", endedAt=ended_at)


class WithdrawalExcluded(Problem):
    """All that was asked for is excluded from withdrawing; `excluded` names each product with the reason."""

    code, title, status = "withdrawal_excluded", "These goods are excluded from withdrawing", 409

    def __init__(self, excluded: list[dict[str, Any]]) -> None:
        words = ", ".join(f"{each['name']}: {each['reason']}" for each in excluded)
        super().__init__(f"they were sold without a right to withdraw ({words})", excluded=excluded)


class TooManyToWithdraw(Problem):
    """More pieces of a product than were ordered, and are neither withdrawn nor refunded; nothing was changed."""

    code, title, status = "too_many_to_withdraw", "More pieces than can be withdrawn", 409

    def __init__(self, product_id: str, asked: int, left: int) -> None:
        super().__init__(
            f"{asked} of product {product_id} were asked for, {left} can be withdrawn",
            productId=product_id,
            asked=asked,
            left=left,
        )


class OrderNotFound(Problem):
    """There is no order of this number that was made with this e-mail address. Which of both is wrong is not told."""

    code, title, status = "order_not_found", "No order has this number and this email address", 404


class WithdrawalsOff(Problem):
    """The shop offers no withdrawing (WITHDRAWAL_DAYS=0)."""

    code, title, status = "withdrawals_off", "This shop offers no withdrawing here", 404


class RefundOverdue(Problem):
    """A withdrawal was to be refunded by now. It is told to whoever sees what needs attention."""

    code, title, status = "refund_overdue", "A withdrawal is not refunded in time", 409
