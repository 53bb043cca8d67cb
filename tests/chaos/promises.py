"""What was asked of the shop, what it acknowledged, and what it has to keep because of that."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.journey.running import Answer, Buyer

NEXT = {
    "PENDING": {"PENDING", "CONFIRMED", "CANCELLED", "REFUNDED"},
    "CONFIRMED": {"CONFIRMED", "REFUNDED"},
    "CANCELLED": {"CANCELLED"},
    "REFUNDED": {"REFUNDED"},
}
"""What an acknowledged order may be seen as afterwards: nobody here pays late, and no refund fails."""

EXPECTED: dict[str, set[int | str]] = {
    "order": {201, "insufficient_stock", "idempotency_key_in_use"},
    "session": {200, "order_not_payable"},
    "cancel": {200, 202, "order_not_cancellable"},
    "refund": {
        201,
        "not_refundable",
        "refund_too_large",
        "too_many_pieces",
        "too_many_refunds",
        "too_many_to_refund",
        "idempotency_key_in_use",
    },
    "ship": {201, "not_shippable", "too_many_to_send", "idempotency_key_in_use"},
    "return": {201, "too_many_to_return", "idempotency_key_in_use"},
    "approve": {200, "return_fixed", "idempotency_key_in_use"},
    "receive": {200, "return_fixed", "idempotency_key_in_use"},
    "adjust": {200, "insufficient_stock", "idempotency_key_in_use"},
    "look": {200},
}
"""What each kind of request may be answered: a status, or the code of a refusal."""
UNKNOWN = {502, 503, 504}
"""It may or may not have been done; asking again tells."""
NEVER = {"stripe_refused", "stripe_key_refused"}


@dataclass
class Question:
    """A request under an idempotency key: however often it is asked, it has one answer."""

    kind: str
    who: Buyer
    path: str
    body: dict[str, Any]
    key: str
    answered: tuple[int, str] | None = None


@dataclass
class Promise:
    """An acknowledged order: its goods, what it was last seen as, and what became of its money."""

    buyer: Buyer
    product: str
    quantity: int
    total: int
    status: str
    is_paid: bool = False
    refunds: dict[str, int] = field(default_factory=dict)
    back: int = 0

    @property
    def refunded(self) -> int:
        """What the shop has agreed to give back, in minor units."""
        return sum(self.refunds.values())

    @property
    def kept(self) -> int:
        """How many pieces the order keeps from being bought by others."""
        return 0 if self.status == "CANCELLED" else self.quantity - self.back


class Promises:
    """All that was acknowledged. `open` are the questions without an answer, by their keys, `answered` those that have
    one and were not asked again yet; `broken` tells, a line each, what the shop must not have done."""

    def __init__(self) -> None:
        self.orders: dict[str, Promise] = {}
        self.paid: list[str] = []
        self.open: dict[str, Question] = {}
        self.answered: list[Question] = []
        self.put_in: Counter[str] = Counter()
        self.broken: list[str] = []

    def breach(self, line: str) -> None:
        """Something that can never come right any more."""
        if line not in self.broken:
            self.broken.append(line)

    def judge(self, kind: str, what: str, answer: Answer) -> bool:
        """Take note of an answer; whether it says for good what was done."""
        code = answer.body.get("code", "") if isinstance(answer.body, dict) else ""
        if answer.status in UNKNOWN and code not in NEVER:
            return False
        if (code if answer.status >= 400 else answer.status) not in EXPECTED[kind]:
            self.breach(f"{what} was answered {answer.status}: {answer.body}")
            return False
        return code != "idempotency_key_in_use"

    def settle(self, question: Question, answer: Answer) -> None:
        """A question is answered for good: what follows from it is promised. The same question again, the same."""
        found = {"order": "order", "refund": "refund"}.get(question.kind, "")
        made = answer.body.get(found, {}) if answer.status < 300 else {}
        answered = (answer.status, str(made.get("id", answer.body.get("code", ""))))
        self.open.pop(question.key, None)
        if question.answered is not None:
            if question.answered != answered:
                self.breach(f"key {question.key} was answered {question.answered}, and then {answered}")
            return
        question.answered = answered
        self.answered.append(question)
        if answer.status < 300:
            self._keep(question, made)

    def seen(self, order: dict[str, Any]) -> None:
        """An order as it was just shown; it may not have gone back."""
        promise = self.orders[order["id"]]
        if order["status"] not in NEXT[promise.status]:
            self.breach(f"order {order['id']} was {promise.status}, and is {order['status']} now")
            return
        promise.status = order["status"]
        if promise.status == "REFUNDED" and not promise.is_paid:
            self.breach(f"order {order['id']} is REFUNDED, and nobody had paid it")

    def pay(self, order_id: str) -> None:
        """Stripe has said that it has the money."""
        promise = self.orders[order_id]
        if promise.status == "CANCELLED":
            self.breach(f"order {order_id} was CANCELLED, and could still be paid")
        if not promise.is_paid:
            promise.is_paid = True
            self.paid.append(order_id)

    def _keep(self, question: Question, made: dict[str, Any]) -> None:
        if question.kind == "order":
            if made["id"] in self.orders:
                self.breach(f"order {made['id']} was made for two keys, {question.key} is the second")
            (item,) = made["items"]
            self.orders[made["id"]] = Promise(
                question.who, item["productId"], item["quantity"], made["totalAmountMinor"], made["status"]
            )
        elif question.kind == "refund":
            promise = self.orders[question.path.split("/")[2]]
            promise.refunds[made["id"]] = made["amountMinor"]
            promise.back += sum(item["quantity"] for item in made["items"])
            if promise.back > promise.quantity:
                self.breach(f"{promise.back} of {promise.quantity} pieces come back by {question.path}")
            if promise.refunded > promise.total:
                self.breach(f"{promise.refunded} of {promise.total} is refunded by {question.path}")
        elif question.kind == "receive":
            self.orders[question.path.split("/")[2]].back += sum(each["quantity"] for each in question.body["restock"])
        elif question.kind == "adjust":
            self.put_in[question.body["productId"]] += question.body["change"]
