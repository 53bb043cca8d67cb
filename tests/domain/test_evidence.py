"""What can be said to a dispute: what is stored, by its reason, and nothing else."""

from typing import Any

import msgspec
import pytest

from kassa.contracts.facts import AskedReturn, OrderFacts, Pieces, SentMail, SentParcel, Withdrawn
from kassa.contracts.order import OrderItem, Sale
from kassa.contracts.parts import Address, Parts, ShippingPart
from kassa.kit.clock import DAY, from_rfc3339
from kassa.kit.problem import Invalid
from kassa.payment.domain import Dispute, Payment, Refund, Stage
from kassa.payment.evidence_draft import WANTED, Draft, draft
from kassa.payment.evidence_fields import CUT, EVIDENCE_FIELDS, LONGEST, MOST_TOGETHER, checked, cut
from kassa.payment.evidence_wire import EvidenceTexts

AT = from_rfc3339("2026-11-02T09:30:00.000Z")
HOME = Address("Ada Byron", "GB", ("12 St James's Square",), "London", "", "SW1Y 4JH")
SENT = SentParcel(1, [Pieces("Mug", 2)], "Royal Mail", "RM123", "", AT + DAY, AT + 3 * DAY)
REASONS = (*WANTED, "general", "something new")


def payment(**members: Any) -> Payment:
    return Payment(
        id="pay_1",
        order_id="ord_1",
        user_id="usr_1",
        amount_minor=3998,
        currency="gbp",
        stage=Stage.SUCCESS,
        status="SUCCESS",
        intent_id="pi_1",
        taken_minor=3998,
        paid_at=AT,
        created_at=AT,
        updated_at=AT,
        **members,
    )


def refund(**members: Any) -> Refund:
    given: dict[str, Any] = {"amount_minor": 1000, "status": "succeeded", "stripe_id": "re_1", **members}
    return Refund(id="rfd_1", reason="", restock=False, origin="kassa", key="", created_at=AT, updated_at=AT, **given)


def dispute(reason: str, **members: Any) -> Dispute:
    given: dict[str, Any] = {"intent_id": "pi_1", "status": "needs_response", "answer_by": AT + 9 * DAY, **members}
    return Dispute(id="du_1", amount_minor=3998, reason=reason, created_at=AT, updated_at=AT, **given)


def facts(**members: Any) -> OrderFacts:
    sale = Sale(Parts(), "ada@example.com", HOME, HOME)
    given: dict[str, Any] = {"sale": sale, "email": "ada@example.com", "parcels": [SENT], "returns": [], "mails": []}
    given |= {"is_sent_all": True, "items": [OrderItem("prd_1", "Mug", 2, 1999)], **members}
    return OrderFacts(id="ord_1", placed_at=AT, **given)


def drafted(reason: str = "product_not_received", of: Payment | None = None, **members: Any) -> Draft:
    return draft(of or payment(), dispute(reason), facts(**members))


def test_goods_that_were_delivered() -> None:
    told = drafted(mails=[SentMail("confirmed", AT), SentMail("shipped", AT + DAY)])
    assert told.missing == ()
    assert told.fields == {
        "customer_name": "Ada Byron",
        "customer_email_address": "ada@example.com",
        "billing_address": "Ada Byron\n12 St James's Square\nSW1Y 4JH London\nGB",
        "product_description": "2 × Mug, 19.99 GBP each\nIn all: 39.98 GBP",
        "shipping_address": "Ada Byron\n12 St James's Square\nSW1Y 4JH London\nGB",
        "shipping_date": "3 November 2026",
        "shipping_carrier": "Royal Mail",
        "shipping_tracking_number": "RM123",
        "uncategorized_text": "2 November 2026, 09:30 UTC: Order ord_1 was placed.\n"
        "2 November 2026, 09:30 UTC: 39.98 GBP was paid for it.\n"
        "2 November 2026, 09:30 UTC: The buyer was emailed that the order is paid and confirmed.\n"
        "3 November 2026, 09:30 UTC: Parcel 1 was sent with Royal Mail, tracking number RM123: 2 × Mug.\n"
        "3 November 2026, 09:30 UTC: The buyer was emailed that goods are on their way.\n"
        "5 November 2026, 09:30 UTC: Parcel 1 was noted as delivered.\n"
        "No return was asked for.",
    }
    assert set(told.wanted) == set(told.fields)


def test_what_is_missing_is_named_and_not_invented() -> None:
    bare = SentParcel(1, [Pieces("Mug", 1)], "", "", "", AT + DAY, None)
    told = drafted(sale=None, email="", parcels=[bare], is_sent_all=False)
    assert set(told.fields) == {"product_description", "shipping_date", "uncategorized_text"}
    assert told.missing == (
        "The buyer's name is not known: the order has no address.",
        "The buyer's e-mail address is not known.",
        "Where the goods were sent to is not known: the order has no address.",
        "No carrier is noted for parcel 1.",
        "No tracking number is noted for parcel 1.",
        "It is not noted that parcel 1 was delivered.",
        "Some of the order was not sent yet.",
    )
    assert "No parcel is noted: note on the order's page what was sent, or say it here." in drafted(parcels=[]).missing


def test_what_the_buyer_fetched_was_sent_nowhere() -> None:
    parts = Parts(shipping=ShippingPart("m", "Pick up", "pickup", 0))
    told = drafted(sale=Sale(parts, "ada@example.com", HOME))
    assert "shipping_address" not in told.fields
    assert "Where the goods were sent to is not known: the buyer fetched the goods." in told.missing


def test_a_download_asks_for_no_parcel() -> None:
    told = drafted(items=[OrderItem("prd_1", "Songs", 1, 3998, is_digital=True)], parcels=[])
    assert told.fields["product_description"].startswith("1 × Songs, 39.98 GBP, by download")
    assert {"service_date", "access_activity_log"} < set(told.wanted)
    assert "shipping_carrier" not in told.wanted
    assert told.missing == ("No log is kept of when the buyer downloaded the goods.",)


@pytest.mark.parametrize(
    ("reason", "field", "begins"),
    [
        ("duplicate", "duplicate_charge_explanation", "This payment is for order ord_1 of 2 November 2026: 2 × Mug."),
        ("subscription_canceled", "cancellation_rebuttal", "This was a single purchase, order ord_1"),
        (
            "credit_not_processed",
            "refund_refusal_explanation",
            "10.00 GBP was refunded on 2 November 2026 (Stripe: re_1).",
        ),
    ],
)
def test_some_reasons_have_an_answer_of_their_own(reason: str, field: str, begins: str) -> None:
    told = drafted(reason, payment(refunds=(refund(),)))
    assert told.fields[field].startswith(begins)
    for other in set(REASONS) - {reason}:
        assert field not in drafted(other, payment(refunds=(refund(),))).fields


@pytest.mark.parametrize(
    ("reason", "missing"),
    [
        ("fraudulent", "The IP address from which the order was placed is not kept."),
        ("unrecognized", "The IP address from which the order was placed is not kept."),
        ("credit_not_processed", "Nothing was refunded: say why no refund is due."),
        ("product_unacceptable", "Say in which way the goods were as described."),
        ("subscription_canceled", "How the buyer was shown your refund policy is not kept."),
    ],
)
def test_what_is_missing_depends_on_the_reason(reason: str, missing: str) -> None:
    assert missing in drafted(reason).missing
    assert missing not in drafted("general").missing


def test_refunds_are_told_as_they_stand() -> None:
    failed = drafted("credit_not_processed", payment(refunds=(refund(status="failed"),)))
    assert "refund_refusal_explanation" not in failed.fields
    assert "refunded" not in failed.fields["uncategorized_text"]
    part = drafted("credit_not_processed", payment(refunds=(refund(),)))
    assert part.fields["refund_refusal_explanation"].endswith("10.00 GBP of 39.98 GBP went back.")
    whole = drafted("credit_not_processed", payment(refunds=(refund(amount_minor=3998),)))
    assert whole.fields["refund_refusal_explanation"].endswith("With this all that was paid went back to the buyer.")
    assert "39.98 GBP was refunded." in whole.fields["uncategorized_text"]
    under_way = drafted("general", payment(refunds=(refund(status="pending"),)))
    assert "10.00 GBP is being refunded." in under_way.fields["uncategorized_text"]


def test_a_return_is_told_with_what_became_of_it() -> None:
    back = AskedReturn(1, [Pieces("Mug", 1)], "declined", AT + 4 * DAY, AT + 5 * DAY)
    told = drafted("product_unacceptable", returns=[back]).fields["uncategorized_text"]
    assert told.endswith("Return 1 was asked for: 1 × Mug; it was declined.")


def test_a_withdrawal_is_told_and_that_its_money_is_owed() -> None:
    told = drafted("credit_not_processed", withdrawals=[Withdrawn(1, [Pieces("Mug", 1)], AT + 4 * DAY)])
    assert told.fields["uncategorized_text"].endswith(
        "6 November 2026, 09:30 UTC: The buyer has withdrawn from 1 × Mug."
    )
    assert any("whose money is owed" in each for each in told.missing)
    assert "No return was asked for." not in told.fields["uncategorized_text"]


def test_a_dispute_about_a_second_payment_has_perhaps_nothing_to_defend() -> None:
    told = draft(payment(), msgspec.structs.replace(dispute("duplicate"), intent_id="pi_2"), facts())
    assert "duplicate_charge_explanation" not in told.fields
    assert told.missing[0].startswith("The dispute is about a second payment")


@pytest.mark.parametrize("reason", REASONS)
def test_no_field_is_longer_than_stripe_takes_it_and_none_is_empty(reason: str) -> None:
    many = [OrderItem(f"prd_{number}", "A mug with a very long name " * 12, 3, 100) for number in range(100)]
    told = drafted(reason, items=many)
    assert told.shortened == (("product_description",) if reason != "duplicate" else told.shortened)
    assert told.fields["product_description"].endswith(CUT)
    for name, text in told.fields.items():
        assert 0 < len(text) <= EVIDENCE_FIELDS[name].longest
    assert set(told.wanted) >= set(told.fields)


def test_a_text_is_cut_at_the_end_of_a_word() -> None:
    assert cut("one two three", 13) == "one two three"
    assert cut("one two three four", 17) == f"one{CUT}"[:17]
    assert cut("one two three four five", 21) == f"one two{CUT}"
    assert cut("x" * 50, 20) == "x" * (20 - len(CUT)) + CUT


def test_all_fields_can_be_sent_and_no_others() -> None:
    assert EvidenceTexts.__struct_fields__ == tuple(EVIDENCE_FIELDS)


def test_what_is_confirmed_is_what_is_sent() -> None:
    assert checked({"uncategorized_text": "a\r\nb\n", "customer_name": "  ", "product_description": "Ünï"}) == {
        "product_description": "Ünï",
        "uncategorized_text": "a\nb",
    }


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, ["fields"]),
        ({"customer_name": " "}, ["fields"]),
        ({"receipt": "file_1", "x" * 500: "y"}, ["fields.receipt", f"fields.{'x' * 64}"]),
        ({"customer_name": "a" * 5001}, ["fields.customer_name"]),
        ({"customer_name": "a\0b"}, ["fields.customer_name"]),
        ({"uncategorized_text": "a" * (LONGEST + 1)}, ["fields.uncategorized_text"]),
        ({"uncategorized_text": "a" * 1_000_000}, ["fields.uncategorized_text"]),
        (dict.fromkeys((n for n, f in EVIDENCE_FIELDS.items() if f.longest == LONGEST), "a" * LONGEST)
         | dict.fromkeys((n for n, f in EVIDENCE_FIELDS.items() if f.longest < LONGEST), "a" * 5000), ["fields"]),
    ],
)  # fmt: skip
def test_what_stripe_would_refuse_is_refused_before(given: dict[str, str], fields: list[str]) -> None:
    with pytest.raises(Invalid) as caught:
        checked(given)
    assert [each.field for each in caught.value.errors] == fields
    assert sum(map(len, given.values())) > MOST_TOGETHER or fields != ["fields"] or not "".join(given.values()).strip()
