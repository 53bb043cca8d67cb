"""Cause and effect in one place: what a change of state leaves to be done, and the method that does it."""

from typing import Any

from kassa.auth.customers import Customers
from kassa.auth.domain import Todo as AccountTodo
from kassa.auth.mail_effects import Claims, MailEffects
from kassa.kit.outbox import Carrier
from kassa.order.discounts import Todo as DiscountTodo
from kassa.order.domain import Todo as OrderTodo
from kassa.order.effects import OrderEffects
from kassa.order.invoices import OrderInvoices
from kassa.order.machine import MAILS
from kassa.order.mails import OrderMails
from kassa.order.offering import DiscountEffects
from kassa.payment.domain import Todo as PaymentTodo
from kassa.payment.effects import PaymentEffects
from kassa.payment.evidence_effects import EvidenceEffects
from kassa.payment.refund_effects import RefundEffects
from kassa.product.domain import Todo as ProductTodo
from kassa.product.effects import ProductEffects
from kassa.stock_notices.domain import Todo as NoticeTodo
from kassa.stock_notices.mails import NoticeEffects

Effects = dict[str, Carrier[Any]]


def auth_effects(customers: Customers, mails: MailEffects, claims: Claims) -> Effects:
    """What follows from changes of an account."""
    return {
        AccountTodo.ERASE: customers.erase_elsewhere,
        AccountTodo.MAIL_RESET: mails.mail_reset,
        AccountTodo.MAIL_VERIFY: mails.mail_verify,
        AccountTodo.MAIL_CHANGED: mails.mail_changed,
        AccountTodo.CLAIM_ORDERS: claims.claim_orders,
    }


def product_effects(product: ProductEffects) -> Effects:
    """What follows from changes of a product."""
    return {ProductTodo.OPEN_STOCK: product.open_stock, ProductTodo.ENTER_PRICE: product.enter_price}


def order_effects(order: OrderEffects, mails: OrderMails, invoices: OrderInvoices) -> Effects:
    """What follows from changes of an order."""
    return {
        OrderTodo.EXPIRE: order.expire,
        OrderTodo.CLOSE_PAYMENT: order.close_payment,
        OrderTodo.COMMIT: order.commit_stock,
        OrderTodo.RELEASE: order.release_stock,
        OrderTodo.RESERVE_AGAIN: order.reserve_again,
        OrderTodo.REFUND_LATE: order.refund_late,
        OrderTodo.RESTOCK: order.restock,
        OrderTodo.HAND_OVER: order.hand_over,
        OrderTodo.REFUND_DUE: order.refund_due,
        OrderTodo.INVOICE: invoices.carry_invoice,
        **dict.fromkeys(MAILS, mails.write),
    }


def discount_effects(discount: DiscountEffects) -> Effects:
    """What follows from changes of a discount."""
    return {DiscountTodo.OPEN_USES: discount.open_uses, DiscountTodo.ADD_USES: discount.add_uses}


def notice_effects(notices: NoticeEffects) -> Effects:
    """What follows from what happens to what somebody waits for."""
    return {
        NoticeTodo.MAIL_CONFIRM: notices.mail_confirm,
        NoticeTodo.MAIL_BACK: notices.mail_back,
        NoticeTodo.FORGET: notices.forget,
    }


def payment_effects(payment: PaymentEffects, refund: RefundEffects, evidence: EvidenceEffects) -> Effects:
    """What follows from changes of a payment."""
    return {
        PaymentTodo.LOOK_UP: payment.look_up,
        PaymentTodo.CONFIRM_ORDER: payment.confirm_order,
        PaymentTodo.CANCEL_ORDER: payment.cancel_order,
        PaymentTodo.CLOSE_ORDER: payment.close_order,
        PaymentTodo.NOTE_REFUND: payment.note_refund,
        PaymentTodo.SET_FREE: payment.set_free,
        PaymentTodo.REFUND_ALL: refund.carry_refund_all,
        PaymentTodo.REFUND: refund.carry_refund,
        PaymentTodo.REFUND_SECOND: refund.carry_refund_second,
        PaymentTodo.ANSWER_DISPUTE: evidence.answer,
    }
