"""What the shop's states and refusals are called in front of people."""

from kassa.kit.text import counted
from kassa.pages.client import ApiProblem
from kassa.pages.models import Order

STATUSES = {
    "PENDING": "Waiting for payment",
    "CONFIRMED": "Confirmed",
    "CANCELLED": "Cancelled",
    "FAILED": "Failed",
    "REFUNDED": "Refunded",
}

# The order's reasons as the API gives them. Append only, like they are.
_REASONS = {
    "cancelled_by_buyer": "You cancelled it before it was paid.",
    "cancelled_by_operator": "The shop cancelled it.",
    "expired": "It was not paid in time, so its goods went back on sale.",
    "payment_declined": "The payment was declined, so no money was taken.",
    "payment_failed": "The payment did not go through, so no money was taken.",
    "amount_mismatch": "The amount that was paid did not fit the order. The shop is looking into it.",
    "paid_late": "The payment came after the order had ended, so it goes back to you in full.",
    "sold_out": "Its goods were sold out by the time the payment came, so the money goes back to you in full.",
    "fully_discounted": "Your discount takes off all that it costs. There is nothing to pay.",
    "never_placed": "The order could not be completed. Nothing was charged.",
}

_WITHOUT_REASON = {
    "CONFIRMED": "Your payment has arrived. Thank you.",
    "CANCELLED": "This order was cancelled before it was paid.",
    "FAILED": "This order could not be completed.",
    "REFUNDED": "The money has been sent back to you. Banks usually show it within 5 to 10 days.",
}

# Stripe's statuses of a dispute, and of an inquiry before one, in front of the buyer.
_DISPUTES = {
    "warning_needs_response": "Your bank has asked us about this payment. No money was taken back; we will answer.",
    "warning_under_review": "Your bank has asked us about this payment, and is looking at our answer.",
    "warning_closed": "Your bank had asked us about this payment. Its question is settled, and the payment stands.",
    "needs_response": "Your bank has taken this back from us until it has decided. We will tell it our side.",
    "under_review": "Your bank has taken this back from us, and is deciding.",
    "won": "Your bank has decided that the payment stands.",
    "lost": "Your bank has decided for you: it pays this back to you.",
}

# Why goods have no right of withdrawal, as the API gives it (Directive 2011/83/EU, Art. 16). Append only.
EXCLUSIONS = {
    "market_price": "its price follows a market that nobody controls",
    "made_to_order": "made to order, or personalised",
    "perishable": "spoils quickly",
    "sealed_hygiene": "once its seal is broken, for health or hygiene",
    "mixed": "once it is mixed with other goods",
    "sealed_media": "once its seal is broken: music, films, software",
    "periodical": "a newspaper or magazine",
    "dated": "booked for a certain date",
    "digital_content": "digital, and delivered at once at your wish",
}
EXCLUSION_CHOICES = [(reason, text[:1].upper() + text[1:]) for reason, text in EXCLUSIONS.items()]

NOTES = {
    "added": "Added to your cart.",
    "updated": "Your cart was changed.",
    "removed": "Removed from your cart.",
    "refilled": "Everything that is still sold is back in your cart.",
    "welcome": "Welcome. Your account is ready.",
    "logged-in": "You are logged in.",
    "logged-out": "You are logged out.",
    "password": "Your password was changed.",
    "password-set": "Your new password is set. Please log in with it.",
    "verified": "Your email address is confirmed.",
    "verification-sent": "We have sent you another email. Its link works for an hour.",
    "second-factor-off": "Your second factor is off.",
    "discount-saved": "The discount was saved.",
    "discount-ended": "The discount has ended.",
    "selling-saved": "Saved. New orders are sold like this from now on.",
    "claimed": "The order is in your account now.",
    "erased": "Your account is erased.",
    "session-ended": "That log-in has ended.",
    "cancelled": "The order was cancelled.",
    "cancelling": "We are cancelling the order. This page follows it.",
    "not-cancelled": "This order can no longer be cancelled: it is paid, or being paid just now.",
    "pay-later": "Your order is made and its goods are held, but the payment page cannot be opened just now. "
    "Nothing was charged. Please try Pay again in a moment.",
    "not-payable": "This order can no longer be paid.",
    "product-saved": "The product was saved.",
    "family-saved": "The family was saved.",
    "product-off": "The product is no longer sold.",
    "product-on": "The product is on sale again.",
    "stock-saved": "The stock was changed.",
    "replayed": "The event was processed again.",
    "dismissed": "The payment is off the list.",
    "refunded": "The refund has succeeded.",
    "role": "The role was changed, and all sessions have ended.",
    "disabled": "The account is disabled, and logged out everywhere.",
    "enabled": "The account can be used again.",
    "logged-out-all": "All their sessions have ended.",
    "demoted": "They are no longer of the staff.",
    "key-ended": "The key has ended.",
    "endpoint-disabled": "Nothing is sent there for now.",
    "endpoint-enabled": "Events are sent there again.",
    "endpoint-removed": "The endpoint is removed.",
    "parcels-saved": "Saved.",
    "return-asked": "You have asked for a return. The shop will answer.",
    "nothing-to-return": "Say how many pieces you send back.",
    "not-returnable": "These pieces cannot be returned any more. Please ask the shop.",
    "dispute-answered": "The answer is with Stripe. Now the buyer's bank decides.",
    "dispute-answering": "The answer is confirmed, and on its way to Stripe. This page shows what becomes of it.",
    "refunding": "The refund was requested. This page shows what becomes of it.",
}


def status_word(status: str) -> str:
    return STATUSES.get(status, status.replace("_", " ").capitalize())


def exclusion(reason: str) -> str:
    """Why something cannot be withdrawn from."""
    return EXCLUSIONS.get(reason, reason.replace("_", " "))


def sentence(text: str) -> str:
    """With a capital in front."""
    return text[:1].upper() + text[1:]


def why(order: Order) -> str:
    """The order's reason in plain words; a reason that is not known here is shown as it is, without underscores."""
    if order.status == "PENDING":
        return ""
    reason = (order.reason or "").strip()
    if order.status == "CONFIRMED" or not reason:
        return _WITHOUT_REASON.get(order.status, "")
    known = _REASONS.get(reason.lower())
    if known is not None:
        return known
    return f"{sentence(reason.replace('_', ' ')).rstrip('.')}."


def dispute_words(status: str) -> str:
    """What it means to the buyer how a dispute stands."""
    return _DISPUTES.get(status, "Your bank is looking into this payment.")


def trouble(problem: ApiProblem) -> str:
    """A refusal that has no field to stand beside."""
    if problem.status == 429:
        seconds = problem.retry_after or ""
        wait = f" in {counted(int(seconds), 'second')}" if seconds.isdigit() else " in a moment"
        return f"Too many attempts. Please try again{wait}."
    if problem.code == "insufficient_stock" and "available" in problem.members:
        available = problem.members["available"]
        return f"Only {available} {'is' if available == 1 else 'are'} in stock. Nothing was changed."
    return problem.detail or "That did not work. Please try again."
