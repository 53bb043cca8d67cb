"""Mails in words: in all languages, as text and as HTML that say the same."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from kassa.auth.domain import PASSWORD_CHANGED, SECOND_FACTOR_OFF, SECOND_FACTOR_ON
from kassa.contracts.mail import LOCALES, language
from kassa.kit.problem import Unavailable
from kassa.mail.rendering import OWN, Renderer
from kassa.order.domain import Reason
from kassa.order.machine import MAILS
from tests.mail.orders import LINK, ORDER_ID, SHIPMENT, WITHDRAW, WITHDRAWAL, order

KINDS = sorted(path.stem for path in (OWN / "en").glob("*.txt"))
PRODUCT = "https://shop.example/shop/products/prd_1"
SAYS = {
    "link": LINK,
    "refunded": "5.00",
    "hours": 1,
    "shipment": SHIPMENT,
    "what": "password reset",
    "at": "2026-11-30T09:00:00Z",
    "withdrawal": WITHDRAWAL,
    "withdraw": WITHDRAW,
    "name": "Teapot, blue",
    "product": PRODUCT,
    "days": 3,
}


class _Words(HTMLParser):
    """All that a reader sees, and where links go."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self._is_seen = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_seen = tag != "title"
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        if self._is_seen:
            self.words += data.split()


def _read(html: str) -> _Words:
    words = _Words()
    words.feed(html)
    return words


@pytest.mark.parametrize("locale", LOCALES)
def test_each_language_has_each_mail(locale: str) -> None:
    assert sorted(path.stem for path in (OWN / locale).glob("*.txt")) == KINDS
    assert {f"order_{todo.removeprefix('mail_')}" for todo in MAILS} <= set(KINDS)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", KINDS)
def test_text_and_html_say_the_same(kind: str, locale: str) -> None:
    rendered = Renderer("Mug & Co").render(kind, locale, {**SAYS, "order": order()})
    html = _read(rendered.html)
    # A long label is cut in the text alone; here none is.
    links = [SHIPMENT["trackingUrl"], LINK] if kind == "order_shipped" else [LINK]
    links = [PRODUCT, LINK] if kind == "stock_back" else links
    links += [WITHDRAW] if kind in ("order_confirmed", "order_shipped") else []
    text = rendered.text
    for link in links:
        text = text.replace(f"{link}\n", "")
    text = text.replace("-" * 72, "").replace("-- \n", "")
    assert sorted(re.findall(r"[\w€,.%]+", text)) == sorted(re.findall(r"[\w€,.%]+", " ".join(html.words)))
    assert html.links == links
    assert LINK in rendered.text
    assert "\n" not in rendered.subject
    assert all(len(line) <= 78 for line in rendered.text.split("\n") if LINK not in line and WITHDRAW not in line)


@pytest.mark.parametrize("locale", LOCALES)
def test_each_change_of_an_account_is_told_in_words_of_its_own(locale: str) -> None:
    changes = (PASSWORD_CHANGED, SECOND_FACTOR_ON, SECOND_FACTOR_OFF)
    mails = [Renderer("Shop").render("account_changed", locale, {**SAYS, "what": each}) for each in changes]
    assert len({each.subject for each in mails}) == len({each.text for each in mails}) == len(changes)
    assert all("9:00" in each.text for each in mails)


def test_an_order_is_told_line_by_line_and_adds_up() -> None:
    text = Renderer("Shop").render("order_confirmed", "de", {**SAYS, "order": order()}).text
    rows = [tuple(part for part in re.split(r"\s{2,}", line)) for line in text.split("\n") if "€" in line]
    assert [(label, amount.replace("\xa0", " ")) for label, amount in rows] == [
        ("2 × Enamel mug", "39,98 €"),
        ("1 × Linen towel", "1.234,50 €"),
        ("Zwischensumme", "1.274,48 €"),
        ("Summer (SUMMER)", "-29,98 €"),
        ("Standard", "4,90 €"),
        ("Gesamt", "1.249,40 €"),
        ("VAT 19\xa0% (enthalten)", "199,48 €"),
    ]
    assert "Ada, Lindenweg 1, 10115 Berlin, Deutschland" in " ".join(text.split())


def test_tax_on_top_stands_before_the_total() -> None:
    taxed = order()
    taxed["parts"]["taxes"] = [{"name": "CA tax", "percent": "8.875", "amount": "1.00", "isIncluded": False}]
    text = Renderer("Shop").render("order_confirmed", "en", {**SAYS, "order": taxed}).text
    assert text.index("CA tax 8.875%") < text.index("Total")


def test_an_order_of_goods_alone_has_no_parts() -> None:
    plain = {name: value for name, value in order().items() if name not in ("parts", "destination")}
    text = Renderer("Shop").render("order_confirmed", "en", {**SAYS, "order": plain}).text
    assert "Subtotal" not in text
    assert "It goes to" not in text
    assert "Total" in text


@pytest.mark.parametrize("reason", [None, *(each for each in Reason if each)])
@pytest.mark.parametrize("locale", LOCALES)
def test_a_cancelled_order_says_why(reason: str | None, locale: str) -> None:
    renderer = Renderer("Shop")
    rendered = renderer.render("order_cancelled", locale, {**SAYS, "order": order(reason=reason)}).text
    text = " ".join(rendered.split())
    money_came = reason in ("sold_out", "amount_mismatch")
    assert any(words in text for words in ("Nothing has been charged", "nichts abgebucht")) is not money_came
    assert any(words in text for words in ("way back to you", "ganzen Betrag zurück")) is money_came


def test_what_others_wrote_is_text_in_html() -> None:
    sold = order(items=[{"quantity": 1, "name": "<b onclick='x'>Mug</b>", "priceSnapshot": "1"}])
    sold["destination"]["name"] = "<script>alert(1)</script>"
    html = Renderer("A < B").render("order_confirmed", "en", {**SAYS, "order": sold}).html
    assert "<script" not in html
    assert "<b " not in html
    assert "A &lt; B" in html


@pytest.mark.parametrize("kind", ["order_received", "order_cancelled"])
@pytest.mark.parametrize("locale", LOCALES)
def test_who_has_not_paid_has_no_words_mailed_to_anybody(kind: str, locale: str) -> None:
    typed = "Buy-at-evil.example"
    place = {**order()["destination"], "name": typed, "lines": [typed], "city": typed}
    wish = order(destination=place, billing=place, note=typed, email=f"{typed}@mail.example")
    rendered = Renderer("Shop").render(kind, locale, {**SAYS, "order": wish})
    assert typed not in "".join(rendered)


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [("jpy", "1200", "¥1,200"), ("kwd", "1.250", "KWD\xa01.250"), ("eur", "12.5", "€12.50")],
)
def test_money_is_written_with_the_decimals_of_its_currency(currency: str, amount: str, shown: str) -> None:
    told = order(currency=currency, totalAmount=amount)
    assert shown in Renderer("Shop").render("order_confirmed", "en", {**SAYS, "order": told}).text


def test_a_shop_writes_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "order_confirmed.txt").write_text("Hooray, {{ order.id }}\n\nIt is yours.\n\n[goods]\n")
    (tmp_path / "en" / "labels.toml").write_text('total = "All of it"\n')
    renderer = Renderer("Shop", tmp_path)
    rendered = renderer.render("order_confirmed", "en", {**SAYS, "order": order()})
    assert rendered.subject == f"Hooray, {order()['id']}"
    assert "It is yours." in rendered.text
    assert "All of it" in rendered.text
    assert "Subtotal" in rendered.text
    assert "bestätigt" in renderer.render("order_confirmed", "de", {**SAYS, "order": order()}).subject


@pytest.mark.parametrize("words", ["Hello {{ order.nothing }}\n\nx", "Hello {% if %}", "{{ 1 / 0 }}\n\nx"])
def test_a_template_that_cannot_be_used_is_named(tmp_path: Path, words: str) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "order_confirmed.txt").write_text(words)
    with pytest.raises(Unavailable, match="en/order_confirmed"):
        Renderer("Shop", tmp_path).render("order_confirmed", "en", {**SAYS, "order": order()})


def test_no_template_is_outside_of_its_directory() -> None:
    with pytest.raises(Unavailable):
        Renderer("Shop").render("../en/order_confirmed", "en", SAYS)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr-FR, fr;q=0.9, de;q=0.5, en;q=0.4", "de"),
        ("en;q=0.1, de;q=0.2", "de"),
        ("de;q=0, en", "en"),
        ("de_DE", "de"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
        (";;q=,,q", "en"),
    ],
)
def test_the_language_is_the_nearest_one(wanted: str, found: str) -> None:
    assert language(wanted) == found


@pytest.mark.parametrize("locale", LOCALES)
def test_an_acknowledgement_says_what_was_stated_when_and_what_follows(locale: str) -> None:
    text = " ".join(Renderer("Shop").render("order_withdrawn", locale, {**SAYS, "order": order()}).text.split())
    times = {"en": "November 30, 2026, 3:30\u202fPM UTC", "de": "30. November 2026, 15:30 UTC"}
    assert times[locale].replace("\u202f", " ") in text.replace("\u202f", " ")
    for said in ("Ada Buyer", "ada@shop.example", "Too large", "2 × Enamel mug", "1 × Enamel mug", "1042"):
        assert said in text
    bare = {**WITHDRAWAL, "amountMinor": 0, "sendsBack": False, "remark": "", "items": [
        {"name": "Song", "quantity": 1, "toSendBack": 0, "withheld": 0}]}  # fmt: skip
    short = Renderer("Shop").render("order_withdrawn", locale, {**SAYS, "withdrawal": bare, "order": order()}).text
    assert "39" not in short.replace(ORDER_ID, "")
    assert ("send back" if locale == "en" else "schicken Sie") not in short
    not_sent = "had not been sent yet" if locale == "en" else "noch nicht verschickt war"
    assert (not_sent in text, not_sent in short) == (True, False)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("order_")])
def test_an_order_is_called_by_its_number_and_by_its_id_if_it_has_none(kind: str, locale: str) -> None:
    renderer = Renderer("Shop")
    for number, called, other in ((1042, "1042", f": {ORDER_ID}"), (None, ORDER_ID, "None")):
        text = renderer.render(kind, locale, SAYS | {"order": order(number=number)}).text
        assert called in text
        assert other not in text.replace(LINK, "").replace(WITHDRAW, "")


def test_a_mail_ends_with_the_shop_s_name_and_what_its_profile_has_at_the_foot() -> None:
    rendered = Renderer("Mug & Co", foot="Mug & Co Ltd.\nHRB <1>").render(
        "order_confirmed", "en", {**SAYS, "order": order()}
    )
    assert rendered.text.endswith("Mug & Co\nMug & Co Ltd.\nHRB <1>\n")
    assert "Mug &amp; Co Ltd.<br>HRB &lt;1&gt;<br>" in rendered.html
