"""The story of one order, as staff is told it."""

from datetime import timedelta

from kassa.pages.models import Entry
from kassa.pages.story import stuck, told
from tests.pages.fake_shop import NOW

BUYER, BOSS = "usr_" + 26 * "1", "usr_" + 26 * "2"


def entry(kind: str, service: str = "order", text: str = "", after: int = 0, **data: str) -> Entry:
    return Entry(at=NOW + timedelta(minutes=after), kind=kind, service=service, text=text, data=data)


def titles(*entries: Entry) -> list[str]:
    return [f"{each.title} {each.amount}".strip() for each in told(entries, BUYER)]


def test_what_counts_is_told_and_how_the_shop_got_there_is_not() -> None:
    assert titles(
        entry("stock reserve", "inventory"),
        entry("place", by=BUYER),
        entry("create", "payment", by=BUYER),
        entry("opened", "payment"),
        entry("stripe event", "payment", event="evt_1"),
        entry("paid", "payment", amount="61.30 usd"),
        entry("paid"),
        entry("commit_stock"),
        entry("mail_confirmed"),
        entry("shipped", text="A parcel was sent: parcel 1 with DHL."),
    ) == ["Placed", "Paid $61.30", "Sent"]


def test_a_refund_is_told_once_as_it_stands_with_who_and_why() -> None:
    asked = entry("refund rfd_1", "payment", by=BOSS, name="Grace", why="scratched", amount="1.50 usd", refund="rfd_1")
    done = entry("refund rfd_1: requested -> succeeded", "payment", after=1, by="stripe", amount="1.50 usd")
    (chapter,) = told([asked, entry("partly refunded"), done], BUYER)
    assert (chapter.title, chapter.amount, chapter.who, chapter.why) == ("Refunded", "$1.50", "Grace", "scratched")
    assert chapter.at == NOW
    (failed,) = told([asked, entry("refund rfd_1: requested -> failed", "payment", text="No: x.")], BUYER)
    assert (failed.title, failed.tone, failed.about) == ("Refund failed", "bad", "No: x.")


def test_two_refunds_and_a_dispute_are_three_chapters() -> None:
    assert titles(
        entry("refund rfd_1", "payment", by=BOSS, amount="1.50 usd"),
        entry("refund rfd_2", "payment", by="key_1", amount="2.00 usd"),
        entry("dispute du_1: needs_response -> lost", "payment", amount="344.75 usd"),
        entry("dispute du_2: new -> needs_response", "payment", amount="500 jpy"),
    ) == ["Refund asked for $1.50", "Refund asked for $2.00", "Dispute lost $344.75", "Disputed ¥500"]


def test_who_did_it_is_called_by_name_and_the_buyer_the_buyer() -> None:
    first, second, third = told(
        [entry("place", by=BUYER), entry("held back", by=BOSS), entry("let go", by=BOSS, name="boss@shop.example")],
        BUYER,
    )
    assert (first.who, second.who, third.who) == ("the buyer", BOSS, "boss@shop.example")


def test_what_is_stuck_stands_apart() -> None:
    waiting = entry("waiting", text="Not done yet")
    assert list(stuck([entry("place"), waiting])) == [waiting]
    assert titles(waiting) == []
