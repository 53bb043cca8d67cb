"""What lists of orders are asked for of the payments: whose order an id of Stripe's is, and what is disputed."""

from kassa.contracts.payment import DisputedOrder, DisputedPage
from kassa.kit.documents import Collection, In
from kassa.kit.inputs import payment_id_of
from kassa.kit.problem import Invalid
from kassa.payment.domain import Payment

MOST_ASKED = 100
LONGEST_STRIPE_ID = 255
_FIELDS = {"cs_": "session_id", "pi_": "intent_id"}
"""By what a payment is found, by how Stripe's ids begin."""


async def order_of(payments: Collection[Payment], stripe_id: str) -> str:
    """See contracts.payment.Payments."""
    field = _FIELDS.get(stripe_id[:3])
    if field is None or len(stripe_id) > LONGEST_STRIPE_ID:
        return ""
    found = await payments.find({field: stripe_id}, limit=1)
    return found[0].order_id if found else ""


async def disputed(payments: Collection[Payment], limit: int, skip: int, after: str) -> DisputedPage:
    """See contracts.payment.Payments."""
    if not 1 <= limit <= MOST_ASKED:
        raise Invalid.field("limit", f"must be from 1 to {MOST_ASKED}")
    where = {"is_disputed": True}
    start = payment_id_of(after) if after else None
    found = await payments.find(where, limit=limit + 1, skip=max(0, skip), after=start)
    more = found[limit - 1].order_id if len(found) > limit else ""
    return DisputedPage([_disputed(each) for each in found[:limit]], await payments.count(where), more)


async def disputed_among(payments: Collection[Payment], order_ids: list[str]) -> list[DisputedOrder]:
    """See contracts.payment.Payments."""
    if len(order_ids) > MOST_ASKED:
        raise Invalid.field("orderIds", f"must be at most {MOST_ASKED}")
    ids = In(tuple(payment_id_of(each) for each in order_ids))
    found = await payments.find({"is_disputed": True, "id": ids}, limit=MOST_ASKED) if order_ids else []
    return [_disputed(each) for each in found]


def _disputed(payment: Payment) -> DisputedOrder:
    last = max(payment.disputes, key=lambda each: (each.created_at, each.id))
    return DisputedOrder(payment.order_id, last.status, last.amount_minor, last.answer_by)
