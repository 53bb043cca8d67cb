"""Stripe's test cards and what each one does (Stripe docs: testing)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["succeed", "decline", "blocked", "client_error", "challenge_then_succeed", "challenge_then_decline"]
After = Literal["", "dispute", "early_fraud_warning", "refund_pending", "refund_fails"]


@dataclass(frozen=True)
class TestCard:
    """A card number and its behaviour; `title` is what the card page calls it, `pm_card_{name}` and `tok_{name}` what
    programs call it."""

    number: str
    title: str
    outcome: Outcome = "succeed"
    code: str = ""
    decline_code: str = ""
    message: str = "Your card was declined."
    after: After = ""
    dispute_reason: str = ""
    dispute_status: str = ""
    name: str = ""

    @property
    def is_challenged(self) -> bool:
        """Whether the buyer must pass 3-D Secure first."""
        return self.outcome.startswith("challenge")

    @property
    def spaced(self) -> str:
        return " ".join(self.number[i : i + 4] for i in range(0, len(self.number), 4))


def _decline(
    number: str, title: str, code: str, name: str, message: str = "Your card was declined.", kind: str = ""
) -> TestCard:
    return TestCard(number, title, "decline", kind or "card_declined", code, message, name=f"chargeDeclined{name}")


_CARDS = (
    TestCard("4242424242424242", "Succeeds", name="visa"),
    _decline("4000000000000002", "Declined", "generic_decline", ""),
    _decline(
        "4000000000009995", "Insufficient funds", "insufficient_funds", "InsufficientFunds",
        "Your card has insufficient funds.",
    ),
    _decline("4000000000009987", "Lost card", "lost_card", "LostCard"),
    _decline("4000000000009979", "Stolen card", "stolen_card", "StolenCard"),
    _decline(
        "4000000000000069", "Expired card", "expired_card", "ExpiredCard", "Your card has expired.", "expired_card",
    ),
    _decline(
        "4000000000000127", "Wrong CVC", "incorrect_cvc", "IncorrectCvc",
        "Your card's security code is incorrect.", "incorrect_cvc",
    ),
    _decline(
        "4000000000000119", "Processing error", "processing_error", "ProcessingError",
        "An error occurred while processing your card. Try again in a little bit.", "processing_error",
    ),
    _decline("4000000000006975", "Used too often", "card_velocity_exceeded", "VelocityLimitExceeded"),
    TestCard(
        "4242424242424241", "Mistyped number", "client_error", "incorrect_number", "",
        "Your card number is incorrect.",
    ),
    TestCard("4100000000000019", "Blocked as fraud", "blocked", "card_declined", "fraudulent", name="radarBlock"),
    TestCard("4000002760003184", "3-D Secure", "challenge_then_succeed", name="authenticationRequired"),
    TestCard(
        "4000002500003155", "3-D Secure (setup)", "challenge_then_succeed", name="authenticationRequiredOnSetup",
    ),
    TestCard("4000000000003220", "3-D Secure 2", "challenge_then_succeed", name="threeDSecure2Required"),
    TestCard(
        "4000008400001629", "3-D Secure, fails", "challenge_then_decline", "card_declined", "generic_decline",
        name="threeDSecureRequiredChargeDeclined",
    ),
    TestCard(
        "4000000000000259", "Disputed later", after="dispute",
        dispute_reason="fraudulent", dispute_status="needs_response", name="createDispute",
    ),
    TestCard(
        "4000000000002685", "Item not received", after="dispute",
        dispute_reason="product_not_received", dispute_status="needs_response", name="createDisputeProductNotReceived",
    ),
    TestCard(
        "4000000000001976", "Dispute inquiry", after="dispute",
        dispute_reason="fraudulent", dispute_status="warning_needs_response", name="createDisputeInquiry",
    ),
    TestCard("4000000000005423", "Fraud warning", after="early_fraud_warning", name="createIssuerFraudRecord"),
    TestCard("4000000000007726", "Refund pending", after="refund_pending", name="pendingRefund"),
    TestCard("4000000000005126", "Refund fails later", after="refund_fails", name="refundFail"),
)  # fmt: skip
_OTHER_BRANDS = {
    "mastercard": "5555555555554444",
    "mastercard_2": "2223003122003222",
    "amex": "378282246310005",
    "discover": "6011111111111117",
    "diners": "3056930009020004",
    "jcb": "3566002020360505",
    "unionpay": "6200000000000005",
    "mastercard_debit": "5200828282828210",
    "mastercard_prepaid": "5105105105105100",
    "visa_debit": "4000056655665556",
}

CARDS = {card.number: card for card in _CARDS}
_OTHER_NAMES = {"chargeDeclinedFraudulent": "4100000000000019"}
_NUMBERS = {**{card.name: card.number for card in _CARDS if card.name}, **_OTHER_BRANDS, **_OTHER_NAMES}
SHOWN = ("4242424242424242", "4000000000000002", "4000000000009995", "4000002760003184", "4000000000000259")
"""The numbers that the card page shows at once; the others stand behind a fold."""


def find_card(number: str) -> TestCard:
    """The behaviour of a card number; a number that is no test card is declined, as in Stripe's test mode."""
    if number in CARDS:
        return CARDS[number]
    if number in _OTHER_BRANDS.values():
        return TestCard(number, "Succeeds")
    text = "Your card was declined. Your request was in test mode, but used a non test card."
    return TestCard(number, "No test card", "decline", "card_declined", "test_mode_live_card", text)


def number_of(name: str, prefix: str) -> str | None:
    """The number behind `pm_card_visa` or `tok_visa`; both spellings of the declines, `visa_chargeDeclined` and
    `chargeDeclined`, are in use (Stripe docs: testing)."""
    if not name.startswith(prefix):
        return None
    short = name.removeprefix(prefix)
    return _NUMBERS.get(short) or _NUMBERS.get(short.removeprefix("visa_"))


_BRANDS = (("amex", ("34", "37")), ("diners", ("30", "36", "38")), ("jcb", ("35",)), ("unionpay", ("62",)))


def brand_of(number: str) -> str:
    for brand, starts in _BRANDS:
        if number.startswith(starts):
            return brand
    return {"4": "visa", "5": "mastercard", "2": "mastercard", "6": "discover"}.get(number[:1], "unknown")


def passes_luhn(number: str) -> bool:
    """The check digit of a card number (ISO/IEC 7812-1)."""
    if not (number.isascii() and number.isdecimal() and 12 <= len(number) <= 19):
        return False
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(digit * 2, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
