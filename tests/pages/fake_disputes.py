"""The fake shop's disputes: what can be said to them, and what is."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from tests.pages.fake_asking import Ask, admin_of, body_of, shop_of
from tests.pages.fake_shop import NOW, FakeShop, Json, Refused, answer

PATH = "/payments/{order_id:str}/disputes/{dispute_id:str}/evidence"
TEXTS = {
    "customer_name": ("Buyer's name", "As the buyer gave it.", 5_000, "Ada Byron"),
    "shipping_address": ("Sent to", "The whole address on the parcels.", 5_000, "12 St James's Square\nLondon"),
    "shipping_tracking_number": ("Tracking number", "Several are separated by commas.", 5_000, ""),
    "duplicate_charge_id": ("The other charge", "The id at Stripe of the payment it is taken for.", 5_000, ""),
    "uncategorized_text": (
        "What happened",
        "The whole story, with dates.",
        20_000,
        "1 March: <b>Order</b> placed.",
    ),
}


def add_dispute(shop: FakeShop, order_id: str, **members: Any) -> Json:
    """A dispute of an order, with what can be said to it."""
    dispute = {"id": "du_1", "orderId": order_id, "status": "needs_response", "amount": 19.99, "amountMinor": 1999}
    dispute |= {"currency": "usd", "reason": "product_not_received", "answerBy": NOW}
    shop.money_back.setdefault(order_id, {})["disputes"] = [dispute]
    fields = [
        {"field": name, "label": label, "hint": hint, "maxLength": most, "text": text, "isWanted": bool(text),
         "isShortened": False}
        for name, (label, hint, most, text) in TEXTS.items()
    ]  # fmt: skip
    draft = {"dispute": dispute, "fields": fields, "maxTogether": 150_000, "canAnswer": True, "whyNot": ""}
    draft |= {"missing": ["No tracking number is noted for parcel 1."], "answer": None, **members}
    shop.drafts["du_1"] = draft
    return draft


@get(PATH)
async def drafted(request: Ask, dispute_id: FromPath[str]) -> Response[bytes]:
    admin_of(request)
    return answer(_draft(request, dispute_id))


@post(PATH)
async def give(request: Ask, dispute_id: FromPath[str]) -> Response[bytes]:
    admin_of(request)
    draft = _draft(request, dispute_id)
    if not draft["canAnswer"]:
        raise Refused(409, "dispute_not_answerable", "it was answered, and can be answered once")
    refusal = draft.get("refuses", "")
    evidence = {"status": "refused" if refusal else "sent", "failure": refusal, "askedAt": NOW, "updatedAt": NOW}
    draft["answer"] = evidence
    if not refusal:
        draft |= {"canAnswer": False, "whyNot": "it was answered, and can be answered once"}
        draft["dispute"]["status"] = "under_review"
        for each in draft["fields"]:
            each["text"] = body_of(request)["fields"].get(each["field"], "")
    return answer({"evidence": evidence}, 201)


def _draft(request: Ask, dispute_id: str) -> Json:
    draft = shop_of(request).drafts.get(dispute_id)
    if draft is None:
        raise Refused(404, "not_found", "there is no such dispute")
    return draft


DISPUTE_ROUTES = [drafted, give]
