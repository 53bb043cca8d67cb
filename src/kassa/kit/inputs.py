"""The ids that are made of others: what makes two inputs, two calls, two movements the same. It rests on these that
nothing takes effect twice.

They are stored, and under way: who spells one otherwise has made another input of it. What has an id of its own goes by
that: an order that is placed, a payment that is asked for, a refund, a message that names its input.
"""

import hashlib
import json
from collections.abc import Sequence

from kassa.kit.clock import Millis
from kassa.kit.ids import GUEST, ORDER, PAYMENT, RETURN, SESSION, WAITER

COMPARED = "reconcile"
"""What a comparison with Stripe finds is asked for by nobody else."""


def cancel(order_id: str) -> str:
    """Somebody cancels an order: once, whoever asks how often."""
    return f"cancel:{order_id}"


def claim(order_id: str) -> str:
    """A guest's order becomes an account's: once."""
    return f"claim:{order_id}"


def shipment(shipment_id: str, what: str) -> str:
    """A shipment is sent, delivered or cancelled: each of it once."""
    return f"{shipment_id}:{what}"


def goods_back(return_id: str, what: str) -> str:
    """A return is asked for, approved, declined, received or closed: each of it once."""
    return f"{return_id}:{what}"


def withdrawal(withdrawal_id: str, what: str) -> str:
    """A withdrawal is received, or closed by staff: each of it once."""
    return f"{withdrawal_id}:{what}"


def return_of(withdrawal_id: str) -> str:
    """The return by which what was withdrawn, and had been sent, comes back: one."""
    return f"{RETURN}_{withdrawal_id.partition('_')[2]}"


def document_place(order_id: str, number: int) -> str:
    """An order's first, second, third invoice or credit note: one each, whoever makes it out."""
    return f"{order_id}.{number}"


def aside(refund_id: str) -> str:
    """Goods of an order are set aside for a refund: once."""
    return f"aside:{refund_id}"


def free(refund_id: str) -> str:
    """What was set aside for a refund is free again: once, and afterwards nothing is set aside for it."""
    return f"free:{refund_id}"


def by_hand(what: str, version: int) -> str:
    """Staff holds an order back, releases it or sends it elsewhere: once in each version of it."""
    return f"{what}:{version}"


def close(order_id: str) -> str:
    """The order service has an order's payment closed: once."""
    return f"close:{order_id}"


def late_money(order_id: str) -> str:
    """Money came for an order that had ended, and goes back: once."""
    return f"refund-late:{order_id}"


def outgoing_id(subject: str, number: int) -> str:
    """What those are told who listen: of each subject the same thing once."""
    return f"evt_{subject}_{number}"


def stock_of(product_id: str) -> str:
    """What is told of a product's stock is told apart from what is told of the product."""
    return f"stock_{product_id}"


def held_id(endpoint_id: str, about: str) -> str:
    """An endpoint could not be told of something: all of it waits."""
    return f"{endpoint_id}.{about}"


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


def less(asked_for: str, refund_id: str) -> str:
    """Less is left than a refund is of, because of some input, which may shrink several."""
    return f"{asked_for}:{refund_id}:less"


def second(refund_id: str, status: str) -> str:
    """A refund of a second payment, which is no refund of the payment's own, has a state at Stripe: once."""
    return f"{refund_id}:{status}"


def respelled(version: int) -> str:
    """A text of a document is spelled as this release spells it: once in each version of the document."""
    return f"respelled:{version}"


# What is one for each order


def payment_id_of(order_id: str) -> str:
    """The id of an order's one payment: made of the order's own, so that a second one cannot be stored anywhere."""
    return f"{PAYMENT}_{order_id.partition('_')[2]}"


def order_paid_by(payment_id: str) -> str:
    """The id of the order that a payment is for; empty for none."""
    return f"{ORDER}_{payment_id.partition('_')[2]}" if payment_id else ""


def guest_of(token: str) -> str:
    """The id of whoever has this token: what is kept of it."""
    return f"{GUEST}_{hashlib.sha256(token.encode()).hexdigest()[:40]}"


def waiter_of(token: str) -> str:
    """The id of the address whose token this is: what is kept of it with what that address waits for."""
    return f"{WAITER}_{hashlib.sha256(token.encode()).hexdigest()[:26]}"


def stock_notice(waiter: str, product_id: str) -> str:
    """What an address asks to be told: of each product once at a time."""
    return f"{waiter}:{product_id}"


def contact_of(email: str, order_id: str) -> str:
    """By what an order is found by its e-mail address: all of one address begin with it and a number sign."""
    return f"{email}#{order_id}"


def uses_of(discount_id: str, buyer: str, count: int) -> list[str]:
    """All uses of a discount that a buyer may have. Of who that is they tell nothing."""
    who = hashlib.sha256(f"{discount_id}:{buyer}".encode()).hexdigest()[:32]
    return [f"{discount_id}:{who}#{number}" for number in range(count)]


def coupon_of(order_id: str) -> str:
    """The id, at Stripe, of the coupon by which an order's session has its discounts."""
    return f"kassa_{order_id}"


def reservation_of(order_id: str, generation: int) -> str:
    """The stock that is held for an order, for the first time (1) or once more: it is held, sold, released once."""
    return f"{order_id}.{generation}"


def generation_of(reservation_id: str) -> int:
    """Which of an order's reservations it is."""
    return int(reservation_id.rpartition(".")[2])


def order_of(reservation_id: str) -> str:
    """The id of the order that a reservation is for."""
    return reservation_id.rpartition(".")[0]


def restock_id(order_id: str, refund_id: str = "") -> str:
    """The operation by which goods of an order come back on the shelf with a refund: once, however often it is asked
    for. Without a refund: all of them, as earlier versions asked for."""
    return f"{order_id}.restock.{refund_id}" if refund_id else f"{order_id}.restock"


# Effects, and what they move


def effect_id(document_id: str, number: int, kind: str) -> str:
    """A document's effect, which is the input of whoever it is carried out at: once."""
    return f"{document_id}:{number}:{kind}"


def number_of(effect_id: str) -> int:
    """The effect's number among those of its document."""
    return int(effect_id.rsplit(":", 2)[1])


def price_change_id(effect_id: str) -> str:
    """The entry of a product's price history that an effect wants: once. It sorts behind the product's earlier ones."""
    return f"{effect_id.partition(':')[0]}:{number_of(effect_id):010d}"


def variant_of(family_id: str, values: Sequence[str]) -> str:
    """A variant of a family: the product that has these values is one, and no other."""
    return f"{family_id}:{json.dumps(values, ensure_ascii=False)}"


def movement_id(kind: str, product_id: str, input_id: str) -> str:
    """What a reservation or an operation does to a product's stock: once."""
    return f"{kind}:{product_id}:{input_id}"


def level_set_id(at: Millis) -> str:
    """The movement that says that a level was set to what the ledger says, at that time."""
    return f"set:{at}"


def session_id(family_id: str) -> str:
    """The public name of a log-in: from it nobody can tell the family's id, which is a part of its refresh tokens."""
    return f"{SESSION}_{hashlib.sha256(f'session:{family_id}'.encode()).hexdigest()[:26]}"


# What Stripe is asked under: its idempotency keys


def session_key(payment_id: str, number: int = 1) -> str:
    """A call that opens a payment's session. A later one, when it is known that the last has made none."""
    return f"{payment_id}-session-{number}"


def coupon_key(of_session: str) -> str:
    """A call that makes the coupon of a session, by the session's key: where that is made anew, so is this. Made twice
    it is there all the same, for it has its id."""
    return f"{of_session}-coupon"


def refund_key(refund_id: str, number: int = 1) -> str:
    """A call that makes a refund. A later one, when it is known that the last has made none."""
    return f"{refund_id}-{number}"


def second_refund_key(effect_id: str, attempts: int) -> str:
    """A call that gives money back which came a second time; each attempt looks first what the last has made."""
    return f"{effect_id}-{attempts}"


def evidence_key(evidence_id: str, number: int = 1) -> str:
    """A call that answers a dispute. A later one, when it is known that the last has sent nothing."""
    return f"{evidence_id}-{number}"


def refund_day(who: str, day: str) -> str:
    """What somebody of the staff refunds on one UTC day."""
    return f"{who}:{day}"
