"""What the shop's states and refusals are called in front of people."""

from kassa.pages.client import ApiProblem
from kassa.pages.language import _, later
from kassa.pages.models import Order
from kassa.pages.told import refusal

STATUSES = {
    "PENDING": later("Waiting for payment"),
    "CONFIRMED": later("Confirmed"),
    "CANCELLED": later("Cancelled"),
    "FAILED": later("Failed"),
    "REFUNDED": later("Refunded"),
}

# The order's reasons as the API gives them. Append only, like they are.
_REASONS = {
    "cancelled_by_buyer": later("You cancelled this order before paying."),
    "cancelled_by_operator": later("The shop cancelled this order."),
    "expired": later("It was not paid for in time, so the items went back on sale."),
    "payment_declined": later(
        "Your payment was declined. You have not been charged, and your items are back on sale. "
        "You can order them again with another card or another way to pay."
    ),
    "payment_failed": later("Your payment did not go through. You have not been charged."),
    "amount_mismatch": later("The amount paid does not match the order. The shop is looking into it."),
    "paid_late": later("Your payment came after the order had expired, so you will be refunded in full."),
    "sold_out": later("The items had sold out by the time your payment came, so you will be refunded in full."),
    "fully_discounted": later("Your discount covers the whole amount. There is nothing to pay."),
    "never_placed": later("This order could not be completed. You have not been charged."),
}

_WITHOUT_REASON = {
    "CONFIRMED": later("Thank you! We have received your payment."),
    "CANCELLED": later("This order was cancelled before it was paid."),
    "FAILED": later("This order could not be completed."),
    "REFUNDED": later("We have sent your money back. Banks usually show it within 5 to 10 days."),
}

# Stripe's statuses of a dispute, and of an inquiry before one, in front of the buyer.
_DISPUTES = {
    "warning_needs_response": later("Your bank has asked us about this payment. No money has moved; we will reply."),
    "warning_under_review": later("Your bank has asked us about this payment and is reviewing our reply."),
    "warning_closed": later("Your bank asked us about this payment. That is settled, and the payment stands."),
    "needs_response": later("Your bank has taken this amount back until it decides. We will tell it our side."),
    "under_review": later("Your bank has taken this amount back and is deciding."),
    "won": later("Your bank has decided that the payment stands."),
    "lost": later("Your bank has decided in your favour and is paying you back."),
}

# Why goods have no right of withdrawal, as the API gives it (Directive 2011/83/EU, Art. 16). Append only.
EXCLUSIONS = {
    "market_price": later("its price depends on financial markets"),
    "made_to_order": later("made to order, or personalised"),
    "perishable": later("spoils quickly"),
    "sealed_hygiene": later("once its seal is broken, for health or hygiene"),
    "mixed": later("once it is mixed with other goods"),
    "sealed_media": later("once its seal is broken: music, films, software"),
    "periodical": later("a newspaper or magazine"),
    "dated": later("booked for a specific date"),
    "digital_content": later("digital, and delivered right away at your request"),
}
EXCLUSION_CHOICES = [(reason, text[:1].upper() + text[1:]) for reason, text in EXCLUSIONS.items()]

NOTES = {
    "added": later("Added to your cart."),
    "updated": later("Your cart has been updated."),
    "removed": later("Removed from your cart."),
    "fitted": later("Your cart has what is in stock now."),
    "refilled": later("Everything still on sale is back in your cart."),
    "welcome": later("Welcome! Your account is ready."),
    "logged-in": later("You are logged in."),
    "logged-out": later("You are logged out."),
    "password": later("Your password has been changed."),
    "password-set": later("Your new password is set. Please log in with it."),
    "verified": later("Your email address is confirmed."),
    "verification-sent": later("We have sent you another email. The link works for an hour."),
    "second-factor-off": later("Two-step login is off."),
    "claimed": later("The order is now in your account."),
    "erased": later("Your account has been deleted."),
    "session-ended": later("That device has been logged out."),
    "cancelled": later("The order was cancelled."),
    "cancelling": later("We are cancelling your order. You can follow it here."),
    "not-cancelled": later("This order can no longer be cancelled: it has been paid for, or a payment is under way."),
    "pay-later": later(
        "Your order is in and the items are reserved, but we cannot open the payment page right now. "
        "You have not been charged. Please try to pay again in a moment."
    ),
    "not-payable": later("This order can no longer be paid for."),
    "return-asked": later("You have asked for a return. The shop will reply."),
    "notice-asked": later(
        "One more step: open the email we have just sent you and confirm. Then we will tell you when it is back."
    ),
    "notice-known": later("Done. We will email you once, when it is back."),
    "notice-in-stock": later("Good news: it is back already."),
    "notice-over": later("That request is too old. Please ask again on the product's page."),
    "notices-ended": later("Done. We will not email you about it."),
    "nothing-to-return": later("Tell us how many you are sending back."),
    "not-returnable": later("These items can no longer be returned. Please ask the shop."),
}

CONSOLE_NOTES = {
    "discount-saved": "The discount was saved.",
    "discount-ended": "The discount has ended.",
    "shop-saved": "Saved. Your shop shows it within seconds.",
    "selling-saved": "Saved. New orders are sold like this from now on.",
    "product-saved": "The product was saved.",
    "family-saved": "The family was saved.",
    "product-off": "The product is no longer sold.",
    "product-on": "The product is on sale again.",
    "pictures-added": "The pictures were added.",
    "stock-saved": "The stock was changed.",
    "replayed": "The event was processed again.",
    "dismissed": "The payment is off the list.",
    "refunded": "The refund has succeeded.",
    "role": "The role was changed, and all sessions have ended.",
    "disabled": "The account is disabled, and logged out everywhere.",
    "enabled": "The account can be used again.",
    "logged-out-all": "All their sessions have ended.",
    "demoted": "They are no longer on the staff.",
    "key-ended": "The key has ended.",
    "endpoint-disabled": "Nothing is sent there for now.",
    "endpoint-enabled": "Events are sent there again.",
    "endpoint-removed": "The endpoint is removed.",
    "parcels-saved": "Saved.",
    "dispute-answered": "The answer is with Stripe. Now the buyer's bank decides.",
    "dispute-answering": "The answer is confirmed, and on its way to Stripe. This page shows what becomes of it.",
    "tried": "Done: it worked this time.",
    "tried-in-vain": "It was tried, and still does not work. Below is what was wrong.",
    "given-up": "The mail was given up.",
    "refunding": "The refund was requested. This page shows what becomes of it.",
}


def note_of(name: str) -> str | None:
    """What is said above the next page, by the name that a cookie has it under."""
    return _(NOTES[name]) if name in NOTES else CONSOLE_NOTES.get(name)


def status_word(status: str) -> str:
    return _(STATUSES[status]) if status in STATUSES else status.replace("_", " ").capitalize()


def exclusion(reason: str) -> str:
    """Why something cannot be withdrawn from."""
    return _(EXCLUSIONS[reason]) if reason in EXCLUSIONS else reason.replace("_", " ")


def sentence(text: str) -> str:
    """With a capital in front."""
    return text[:1].upper() + text[1:]


def why(order: Order) -> str:
    """The order's reason in plain words; a reason that is not known here is shown as it is, without underscores."""
    if order.status == "PENDING":
        return ""
    reason = (order.reason or "").strip()
    if order.status == "CONFIRMED" or not reason:
        return _(_WITHOUT_REASON[order.status]) if order.status in _WITHOUT_REASON else ""
    known = _REASONS.get(reason.lower())
    if known is not None:
        return _(known)
    return f"{sentence(reason.replace('_', ' ')).rstrip('.')}."


_NEXT = {
    "unfulfilled": later("We are getting your order ready. This page shows when it is on its way."),
    "partly": later("Part of your order is on its way; the rest follows."),
    "fulfilled": later("Your order is on its way."),
    "delivered": later("Your order has arrived."),
}
_TO_PICK_UP = later("We are getting your order ready to be picked up.")


def what_next(order: Order) -> str:
    """What its buyer can expect now; empty if nothing more is to come."""
    if order.status != "CONFIRMED":
        return ""
    shipping = order.parts.shipping if order.parts else None
    if shipping is not None and shipping.kind == "pickup" and order.fulfilment == "unfulfilled":
        return _(_TO_PICK_UP)
    return _(_NEXT[order.fulfilment]) if order.fulfilment in _NEXT else ""


def dispute_words(status: str) -> str:
    """What it means to the buyer how a dispute stands."""
    return _(_DISPUTES.get(status, later("Your bank is looking into this payment.")))


def trouble(problem: ApiProblem) -> str:
    """A refusal that has no field to stand beside, for staff: they are told what programs are."""
    if problem.status == 429 or "available" in problem.members:
        return refusal(problem)
    return problem.detail or refusal(problem)
