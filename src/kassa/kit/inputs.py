"""The ids of inputs: what makes two of them the same. It rests on these that nothing takes effect twice.

What has an id of its own goes by that: an effect and a timer, an order that is placed, a payment that is asked for, a
refund, a message that names its input. Here are the others.
"""

COMPARED = "reconcile"
"""What a comparison with Stripe finds is asked for by nobody else."""


def cancel(order_id: str) -> str:
    """Somebody cancels an order: once, whoever asks how often."""
    return f"cancel:{order_id}"


def close(order_id: str) -> str:
    """The order service has an order's payment closed: once."""
    return f"close:{order_id}"


def late_money(order_id: str) -> str:
    """Money came for an order that had ended, and goes back: once."""
    return f"refund-late:{order_id}"


def orphan(reservation_id: str) -> str:
    """A reservation has no order: once."""
    return f"orphan:{reservation_id}"


def goods(refund_news: str) -> str:
    """The goods that come back with a refund's news: once with each of them."""
    return f"{refund_news}:goods"


def opened(session_id: str) -> str:
    """Stripe has answered that it opened a session."""
    return f"opened:{session_id}"


def closed(session_id: str) -> str:
    """Stripe has answered how a session stands that was to be ended."""
    return f"closed:{session_id}"


def fetched(asked_for: str, says: str) -> str:
    """A session was fetched for some input. It may be fetched again for the same one: what it says then is news, if
    it is something else."""
    return f"{asked_for}:{says}"


def state(asked_for: str, object_id: str, status: str) -> str:
    """Stripe has told the state of a refund or dispute: each state of each of them is news once."""
    return f"{asked_for}:{object_id}:{status}"


def compared(version: int) -> str:
    """A comparison with Stripe has found that a payment has moved on: once in each version of it."""
    return f"{COMPARED}:{version}"


def again(asked_for: str, refund_id: str) -> str:
    """A refund is asked for again because of some input, which may wake several."""
    return f"{asked_for}:{refund_id}"


def second(refund_id: str, status: str) -> str:
    """A refund of a second payment, which is no refund of the payment's own, has a state at Stripe: once."""
    return f"{refund_id}:{status}"
