"""Orders with more than goods: destinations, shipping, taxes, discounts, guests. What they cost, what Stripe is asked
for, and what becomes of it all."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kassa.contracts.inventory import InsufficientStock, Line
from kassa.contracts.order import DiscountRefused, DiscountUsedUp, OrderNotCancellable, PriceChanged
from kassa.contracts.parts import Address, Parts
from kassa.contracts.payment import OrderNotPayable
from kassa.kit.clock import DAY, MINUTE
from kassa.kit.identity import guest
from kassa.kit.ids import DISCOUNT, ORDER
from kassa.kit.money import to_stripe
from kassa.kit.problem import Invalid, NotFound
from kassa.order.discount_wire import NewDiscount
from kassa.order.discounts import Discount
from kassa.order.domain import Limits, Order, Reason, Stage, subtotal_minor
from kassa.order.pricing import TaxMode
from kassa.order.quoting import Asked, buyer_of
from kassa.order.selling_wire import MethodIn, PlaceIn, RateIn, SellingIn, WeightBracket, ZoneIn
from kassa.payment.domain import Payment
from tests.trade.world import BUYER, OTHER, TTL, World, world

BERLIN = Address("A Buyer", "DE", ("Street 1",), "Berlin", "", "10115")
HELGOLAND = msgspec.structs.replace(BERLIN, city="Helgoland", postal_code="27498")
OAKLAND = Address("A Buyer", "US", ("1 Street",), "Oakland", "CA", "94601")
LIMA = Address("A Buyer", "PE", ("Street 1",), "Lima", "LIM")
EMAIL = "guest@mail.example"
TOKEN = f"guest_{'a' * 64}"


def selling() -> SellingIn:
    de, us = PlaceIn("DE"), PlaceIn("US")
    islands = PlaceIn("DE", postal_prefixes=["27498", "18565"])
    return SellingIn(
        zones=[
            ZoneIn("germany", "Germany", [de]),
            ZoneIn("islands", "Islands", [islands]),
            ZoneIn("usa", "USA", [us]),
        ],
        shipping_methods=[
            MethodIn("parcel", "Parcel", zone="germany", price=Decimal("4.90"), free_from=Decimal(100)),
            MethodIn("express", "Express", zone="germany", price=Decimal("9.90")),
            MethodIn(
                "ship",
                "By ship",
                zone="islands",
                by_weight=[WeightBracket(Decimal(8), 1000), WeightBracket(Decimal(15), 5000)],
            ),
            MethodIn("air", "Air mail", zone="usa", price=Decimal(20)),
            MethodIn("shop", "Pick up", "pickup"),
        ],
        tax_rates=[
            RateIn("DE", Decimal(19), "VAT", is_included=True),
            RateIn("DE", Decimal(7), "VAT", tax_class="books", is_included=True),
            RateIn("US", Decimal("8.875"), "Sales tax", region="CA"),
        ],
        home="DE",
    )


@pytest.fixture
def tax() -> TaxMode:
    return "rates"


@pytest.fixture
async def shop(tmp_path: Path, form: str, tax: TaxMode) -> AsyncIterator[World]:
    async with world(tmp_path, form=form, tax=tax) as opened:
        await opened.offering.sell(selling(), "usr_admin", None)
        yield opened
        assert await opened.audit() == []


async def give(shop: World, code: str | None = "SAVE", **members: Any) -> Discount:
    """Make a discount: 15 % if nothing else is said."""
    said: dict[str, Any] = {"name": "Fifteen off", "kind": "percentage", "percent": Decimal(15), **members}
    if said["kind"] != "percentage":
        del said["percent"]
    return await shop.offering.make(shop.ids.new(DISCOUNT), NewDiscount(code=code, **said), "usr_admin")


def asks(to: Address | None = BERLIN, method: str | None = "parcel", code: str | None = None, **more: Any) -> Asked:
    email = more.pop("email", EMAIL)
    return Asked(to, None, method, code, email, buyer_of(email), **more)


def parts_of(order: Order) -> Parts:
    assert order.sale is not None
    return order.sale.parts


def at_stripe(payment: Payment) -> int:
    """What Stripe reckons from what it is asked."""
    lines = sum(each["quantity"] * each["price_data"]["unit_amount"] for each in payment.params["line_items"])
    off = payment.coupon["amount_off"] if payment.coupon else 0
    shipping = [each["shipping_rate_data"]["fixed_amount"] for each in payment.params.get("shipping_options", ())]
    return int(lines - off + sum(each["amount"] for each in shipping))


async def test_a_guest_in_germany_pays_prices_with_tax(shop: World) -> None:
    mug, book = await shop.sell(price_minor=1000), await shop.sell(price_minor=3333, tax_class="books")
    await give(shop)
    order = await shop.place((mug, 3), (book, 1), who=guest(TOKEN), asked=asks(code="save"), is_guest=True)
    parts = parts_of(order)
    assert [line.discount_minor for line in parts.lines] == [450, 500]
    assert parts.shipping is not None
    assert (parts.discount_minor, parts.shipping.amount_minor, parts.added_tax_minor) == (950, 490, 0)
    # 2550 and the shipping at 19 % of 119, 2833 at 7 % of 107.
    assert [(tax.millionths, tax.amount_minor) for tax in parts.taxes] == [(190000, 407 + 78), (70000, 185)]
    assert order.total_minor == 6333 - 950 + 490
    payment = await shop.open(order, guest(TOKEN))
    assert at_stripe(payment) == order.total_minor
    assert payment.params["customer_email"] == EMAIL
    assert payment.params["custom_text"]["submit"]["message"] == (
        "The total contains VAT (19 %): 4.85 USD, VAT (7 %): 1.85 USD."
    )
    assert payment.params["payment_intent_data"]["shipping"]["address"]["postal_code"] == "10115"
    await shop.pay(payment)
    assert (await shop.order_now(order)).status == "CONFIRMED"


async def test_a_buyer_in_california_pays_tax_on_top(shop: World) -> None:
    mug = await shop.sell(price_minor=1000)
    order = await shop.place((mug, 2), asked=asks(OAKLAND, "air"))
    parts = parts_of(order)
    assert [line.tax_minor for line in parts.lines] == [178]  # 177.5, half up
    assert order.total_minor == 2000 + 2000 + parts.added_tax_minor == 4000 + 178 + 178
    payment = await shop.open(order)
    assert at_stripe(payment) == order.total_minor
    assert payment.params["line_items"][-1]["price_data"]["product_data"]["name"] == "Sales tax (8.875 %)"
    await shop.pay(payment)
    assert (await shop.order_now(order)).status == "CONFIRMED"


@pytest.mark.parametrize("currency", ["jpy", "kwd", "isk"])
async def test_in_every_currency_stripe_takes_the_order_s_total(tmp_path: Path, currency: str) -> None:
    step = 10 if currency == "kwd" else 1
    async with world(tmp_path, currency=currency, tax="rates") as shop:
        given = msgspec.structs.replace(
            selling(),
            shipping_methods=[MethodIn("air", "Air mail", zone="usa", price=Decimal(700))],
        )
        await shop.offering.sell(given, "usr_admin", None)
        await give(shop, percent=Decimal("33.3333"))
        mugs = [await shop.sell(price_minor=777 * step), await shop.sell(price_minor=1001 * step)]
        order = await shop.place((mugs[0], 3), (mugs[1], 1), asked=asks(OAKLAND, "air", "SAVE"))
        parts = parts_of(order)
        assert sum(line.discount_minor for line in parts.lines) == parts.discount_minor
        assert order.total_minor % step == parts.added_tax_minor % step == 0
        assert order.total_minor == subtotal_minor(order.items) + parts.change_minor()
        payment = await shop.open(order)
        assert at_stripe(payment) == to_stripe(order.total_minor, currency)
        await shop.pay(payment)
        assert (await shop.order_now(order)).status == "CONFIRMED"
        assert await shop.audit() == []


async def test_an_order_of_goods_alone_is_what_it_was(tmp_path: Path, form: str) -> None:
    async with world(tmp_path, form=form) as shop:
        await shop.offering.sell(selling(), "usr_admin", None)
        order = await shop.place((await shop.sell(), 2))
        assert (order.sale, order.contact, order.total_minor) == (None, None, 3998)
        assert set((await shop.open(order)).params) == {
            "mode", "client_reference_id", "metadata", "payment_intent_data", "adaptive_pricing",
            "allow_promotion_codes", "expires_at", "success_url", "cancel_url", "line_items",
        }  # fmt: skip


async def test_a_quote_is_what_the_order_costs_and_holds_nothing(shop: World) -> None:
    mug = await shop.sell(price_minor=1234)
    await give(shop, limit=1)
    asked = asks(code="SAVE")
    quote = await shop.offering.quoting.quote_now([Line(mug, 3)], asked)
    assert (await shop.level(mug)).reserved == 0
    order = await shop.place((mug, 3), asked=msgspec.structs.replace(asked, expected_minor=quote.total_minor))
    assert (order.total_minor, parts_of(order)) == (quote.total_minor, quote.parts)
    with pytest.raises(DiscountUsedUp):
        await shop.offering.quoting.quote_now([Line(mug, 3)], asked)


async def test_a_price_that_has_changed_is_told_with_a_new_quote(shop: World) -> None:
    mug = await shop.sell(price_minor=1000)
    with pytest.raises(PriceChanged) as refused:
        await shop.place((mug, 1), asked=asks(expected_minor=1000))
    quote = msgspec.to_builtins(refused.value.members["quote"])
    assert (quote["totalAmountMinor"], quote["parts"]["shipping"]["amountMinor"]) == (1490, 490)
    assert (await shop.level(mug)).reserved == 0


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (asks(LIMA, None), "destination"),
        (asks(OAKLAND, "parcel"), "shippingMethod"),
        (asks(BERLIN, "rocket"), "shippingMethod"),
        (asks(BERLIN, None), "shippingMethod"),
        (asks(None, "parcel"), "shippingMethod"),
    ],
)
async def test_what_cannot_be_sent_is_not_held(shop: World, asked: Asked, field: str) -> None:
    mug = await shop.sell()
    with pytest.raises(Invalid) as refused:
        await shop.place((mug, 1), asked=asked)
    assert [each.field for each in refused.value.errors] == [field]
    assert (await shop.level(mug)).reserved == 0


async def test_shipping_is_by_the_closest_zone_by_weight_and_free_from_an_amount(shop: World) -> None:
    mug = await shop.sell(stock=50, price_minor=1000, weight_grams=400)
    costs = []
    for to, method, count in (
        (HELGOLAND, "ship", 2),
        (HELGOLAND, "ship", 3),
        (BERLIN, "parcel", 9),
        (BERLIN, "parcel", 10),
    ):
        parts = parts_of(await shop.place((mug, count), asked=asks(to, method)))
        assert parts.shipping is not None
        costs.append(parts.shipping.amount_minor)
    assert costs == [800, 1500, 490, 0]
    with pytest.raises(Invalid, match="no method takes these goods there"):
        await shop.place((mug, 13), asked=asks(HELGOLAND, "ship"))


async def test_what_is_picked_up_or_digital_needs_no_destination(shop: World) -> None:
    mug, song = await shop.sell(price_minor=1000), await shop.sell(price_minor=500, is_digital=True)
    picked_up = await shop.place((mug, 1), asked=asks(None, "shop"))
    assert (picked_up.total_minor, [tax.amount_minor for tax in parts_of(picked_up).taxes]) == (1000, [160])
    heard = await shop.place((song, 1), asked=asks(None, None))
    assert (parts_of(heard).shipping, heard.total_minor) == (None, 500)
    with pytest.raises(Invalid, match="nothing of the order is sent"):
        await shop.place((song, 1), asked=asks(BERLIN, "parcel"))


async def test_free_shipping_takes_off_the_shipping(shop: World) -> None:
    mug = await shop.sell(price_minor=1000)
    await give(shop, kind="freeShipping", name="Free shipping")
    order = await shop.place((mug, 1), asked=asks(code="SAVE"))
    parts = parts_of(order)
    assert (parts.shipping_minor, parts.discounts[0].shipping_minor, order.total_minor) == (490, 490, 1000)
    assert at_stripe(await shop.open(order)) == 1000


async def test_a_discount_is_for_its_goods_and_from_its_minimum(shop: World) -> None:
    mug, book = await shop.sell(price_minor=1000), await shop.sell(price_minor=2000, category="books")
    await give(shop, categories=["books"], minimum=Decimal(40))
    for lines in ([(mug, 5)], [(mug, 5), (book, 1)]):
        with pytest.raises(DiscountRefused):
            await shop.place(*lines, asked=asks(code="SAVE"))
    order = await shop.place((mug, 1), (book, 2), asked=asks(code="SAVE"))
    assert [line.discount_minor for line in parts_of(order).lines] == [0, 600]


async def test_a_discount_is_for_its_time(shop: World) -> None:
    mug = await shop.sell()
    now = datetime.fromtimestamp(shop.clock.now() / 1000, UTC)
    later = datetime.fromtimestamp((shop.clock.now() + DAY) / 1000, UTC)
    await give(shop, "SOON", starts_at=later)
    await give(shop, "NOW", starts_at=now, ends_at=later)
    with pytest.raises(DiscountRefused, match="not valid yet"):
        await shop.place((mug, 1), asked=asks(code="SOON"))
    await shop.place((mug, 1), asked=asks(code="NOW"))
    shop.clock.advance(DAY)
    with pytest.raises(DiscountRefused, match="not valid any more"):
        await shop.place((mug, 1), asked=asks(code="NOW"))
    await shop.later(MINUTE)


async def test_what_does_not_combine_excludes_the_other_and_the_best_is_taken(shop: World) -> None:
    mug = await shop.sell(price_minor=10000)
    await give(shop, None, name="Ten", percent=Decimal(10))
    await give(shop, None, name="Twelve", kind="amount", amount=Decimal(12))
    await give(shop, None, name="Five", percent=Decimal(5), combines=True)
    await give(shop, "FOUR", name="Four", percent=Decimal(4), combines=True)
    await give(shop, "ONE", name="One", percent=Decimal(1))
    found = {}
    for code in (None, "FOUR", "ONE"):
        order = await shop.place((mug, 1), asked=asks(code=code))
        found[code] = {each.name: each.amount_minor for each in parts_of(order).discounts}
    assert found == {None: {"Twelve": 1200}, "FOUR": {"Five": 500, "Four": 380}, "ONE": {"One": 100}}


async def test_the_last_use_of_a_code_is_had_once_and_comes_back_with_its_order(shop: World) -> None:
    mug = await shop.sell(stock=50)
    discount = await give(shop, limit=3)
    tries = [shop.place((mug, 1), asked=asks(code="SAVE", email=f"b{each}@mail.example")) for each in range(10)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    orders = [each for each in outcomes if isinstance(each, Order)]
    assert len(orders) == 3
    assert {type(each) for each in outcomes} == {Order, DiscountUsedUp}
    assert (await shop.level(mug)).reserved == 3
    await shop.order.cancel(orders[0].id, BUYER)
    await shop.settle()
    assert await shop.offering.left(discount) == {discount.id: 1}
    await shop.place((mug, 1), asked=asks(code="SAVE"))
    await shop.pay(await shop.open(orders[1]))
    raised = await shop.offering.edit(discount.id, {"limit": 5}, "usr_admin")
    assert await shop.offering.left(raised) == {discount.id: 2}
    with pytest.raises(Invalid):
        await shop.offering.edit(discount.id, {"limit": 4}, "usr_admin")


async def test_money_that_comes_late_for_a_code_that_is_gone_goes_back(shop: World) -> None:
    mug = await shop.sell()
    await give(shop, limit=1)
    order = await shop.place((mug, 1), asked=asks(code="SAVE"))
    payment = await shop.open(order)
    shop.stripe.faults["expire_session"] = []
    await shop.later(TTL + MINUTE)
    assert (await shop.order_now(order)).stage is Stage.CANCELLED
    await shop.place((mug, 1), asked=asks(code="SAVE"))
    await shop.pay(payment)
    await shop.later(MINUTE)
    after = await shop.order_now(order)
    assert (after.stage, after.reason) == (Stage.CANCELLED, Reason.SOLD_OUT)
    assert sum(each.amount for each in shop.stripe.refunds_made.values()) == order.total_minor


async def test_each_buyer_has_so_many_uses_with_account_or_without(shop: World) -> None:
    mug = await shop.sell(stock=50)
    await give(shop, limit_per_buyer=2)
    order_id = shop.ids.new(ORDER)
    first = await shop.place((mug, 1), asked=asks(code="SAVE"), order_id=order_id)
    assert await shop.place((mug, 1), asked=asks(code="SAVE"), order_id=order_id) == first
    await shop.place((mug, 1), who=guest(TOKEN), asked=asks(code="SAVE"), is_guest=True)
    with pytest.raises(DiscountUsedUp) as refused:
        await shop.place((mug, 1), asked=asks(code="SAVE"))
    assert refused.value.members["per"] == "buyer"
    await shop.place((mug, 1), asked=asks(code="SAVE", email="other@mail.example"))
    await shop.order.cancel(first.id, BUYER)
    await shop.settle()
    await shop.place((mug, 1), asked=asks(code="SAVE"))
    assert (await shop.level(mug)).reserved == 3


@pytest.mark.parametrize("limited", [{"limit": 2}, {"limit_per_buyer": 2}])
async def test_what_applies_by_itself_and_is_used_up_keeps_nobody_from_buying(
    shop: World, limited: dict[str, int]
) -> None:
    mug = await shop.sell(stock=50, price_minor=1000)
    await give(shop, None, **limited)
    wish = asks(None, "shop")
    orders = await asyncio.gather(*(shop.place((mug, 1), asked=wish) for _ in range(5)))
    assert sorted(order.total_minor for order in orders) == [850, 850, 1000, 1000, 1000]
    assert (await shop.offering.quoting.quote_now([Line(mug, 1)], wish)).total_minor == 1000
    other = await shop.place((mug, 1), asked=asks(None, "shop", email="other@mail.example"))
    assert other.total_minor == (1000 if "limit" in limited else 850)
    shop.clock.advance(MINUTE)
    with pytest.raises(PriceChanged) as refused:
        await shop.place((mug, 1), asked=msgspec.structs.replace(wish, expected_minor=850))
    assert refused.value.members["totalAmountMinor"] == 1000
    assert (await shop.level(mug)).reserved == 6


async def test_a_code_that_takes_nothing_off_is_refused_and_not_used(shop: World) -> None:
    song = await shop.sell(price_minor=500, is_digital=True)
    discount = await give(shop, kind="freeShipping", name="Free shipping", limit=1)
    with pytest.raises(DiscountRefused, match="takes nothing off"):
        await shop.place((song, 1), asked=asks(None, None, "SAVE"))
    assert await shop.offering.left(discount) == {discount.id: 1}


@pytest.mark.parametrize(
    ("email", "is_told"),
    [(EMAIL, True), ("a.b+c@sub.mail.example", True), ("ünï@mail.example", False), ("a..b@mail.example", False)],
)
async def test_stripe_is_told_the_addresses_that_it_takes(shop: World, email: str, is_told: bool) -> None:
    order = await shop.place((await shop.sell(), 1), asked=asks(email=email))
    assert ("customer_email" in (await shop.open(order)).params) is is_told


async def test_what_is_sold_out_leaves_no_use_taken(shop: World) -> None:
    mug = await shop.sell(stock=1)
    discount = await give(shop, limit=5, limit_per_buyer=1)
    with pytest.raises(InsufficientStock):
        await shop.place((mug, 2), asked=asks(code="SAVE"))
    assert await shop.offering.left(discount) == {discount.id: 5}
    await shop.place((mug, 1), asked=asks(code="SAVE"))


async def test_what_costs_nothing_is_confirmed_without_stripe(shop: World) -> None:
    mug = await shop.sell(price_minor=1000)
    await give(shop, kind="amount", amount=Decimal(20), name="Gift")
    order = await shop.place((mug, 2), asked=asks(None, "shop", "SAVE"))
    assert (order.stage, order.reason, order.total_minor) == (Stage.CONFIRMED, Reason.FULLY_DISCOUNTED, 0)
    assert (await shop.level(mug)).sold == 2
    with pytest.raises(OrderNotPayable):
        await shop.open(order)
    with pytest.raises(OrderNotCancellable):
        await shop.order.cancel(order.id, BUYER)
    assert shop.stripe.sessions == {}


async def test_what_is_too_little_for_stripe_after_a_discount_is_refused(shop: World) -> None:
    mug = await shop.sell(price_minor=1000)
    await give(shop, kind="amount", amount=Decimal("9.80"), name="Nearly all")
    with pytest.raises(Invalid, match=r"at least 0\.50"):
        await shop.place((mug, 1), asked=asks(None, "shop", "SAVE"))
    assert (await shop.level(mug)).reserved == 0


async def test_guests_of_one_address_hold_no_more_than_a_buyer_may(tmp_path: Path, form: str) -> None:
    async with world(tmp_path, form=form, limits=Limits(per_buyer=2)) as shop:
        mug = await shop.sell()
        tokens = [f"guest_{each * 64}" for each in "abc"]
        for token in tokens[:2]:
            await shop.place((mug, 1), who=guest(token), asked=asks(None, None), is_guest=True)
        with pytest.raises(Exception, match="wait to be paid") as refused:
            await shop.place((mug, 1), who=guest(tokens[2]), asked=asks(None, None), is_guest=True)
        assert refused.value.members["orderIds"] == []  # type: ignore[attr-defined]
        other = asks(None, None, email="other@mail.example")
        await shop.place((mug, 1), who=guest(tokens[2]), asked=other, is_guest=True)


async def test_a_guest_s_order_is_the_guest_s_until_it_is_claimed(shop: World) -> None:
    mug = await shop.sell()
    order = await shop.place((mug, 1), who=guest(TOKEN), asked=asks(), is_guest=True)
    payment = await shop.open(order, guest(TOKEN))
    for who in (guest(f"guest_{'b' * 64}"), BUYER):
        with pytest.raises(NotFound):
            await shop.order.visible(order.id, who)
    with pytest.raises(NotFound):
        await shop.order.claim(order.id, BUYER, f"guest_{'b' * 64}")
    claimed = await shop.order.claim(order.id, BUYER, TOKEN)
    assert claimed.user_id == (await shop.payment_now(order)).user_id == BUYER.id
    assert (await shop.order.claim(order.id, BUYER, TOKEN)).audit == claimed.audit
    for who in (guest(TOKEN), OTHER):
        with pytest.raises(NotFound):
            await shop.order.claim(order.id, who, TOKEN)
    await shop.pay(payment)
    assert (await shop.order.visible(order.id, BUYER)).status == "CONFIRMED"


async def test_what_guests_of_an_address_have_ordered_is_told_and_forgotten(shop: World) -> None:
    mug = await shop.sell()
    paid = await shop.place((mug, 1), who=guest(TOKEN), asked=asks(OAKLAND, "air", note="Ring twice"), is_guest=True)
    await shop.pay(await shop.open(paid, guest(TOKEN)))
    waiting = await shop.place((mug, 1), who=guest(TOKEN), asked=asks(), is_guest=True)
    await shop.open(waiting, guest(TOKEN))
    others = [
        await shop.place((mug, 1), who=guest(TOKEN), asked=asks(email=f"a{EMAIL}"), is_guest=True),
        await shop.place((mug, 1), asked=asks()),
    ]
    told = (await shop.order.records_of_guests(EMAIL, "")).records
    assert [each.order["id"] for each in told] == [paid.id, waiting.id]
    assert told[0].order["note"] == "Ring twice"
    await shop.order.erase_guests(EMAIL)
    await shop.settle()
    assert (await shop.order.records_of_guests(EMAIL, "")).records == []
    for order in (paid, waiting):
        stored = msgspec.json.encode([await shop.order_now(order), await shop.payment_now(order)])
        assert not any(word in stored for word in (EMAIL.encode(), b"Oakland", b"10115", b"Ring twice", b"A Buyer"))
    assert (await shop.order_now(paid)).sale.destination == Address("", "US", region="CA")  # type: ignore[union-attr]
    assert (await shop.order_now(waiting)).stage is Stage.CANCELLED
    for order in others:
        assert (await shop.order_now(order)).contact == order.contact


class TestTaxAtStripe:
    """The tax is reckoned when the buyer pays: the total grows by it, and is right all the same."""

    @pytest.fixture
    def tax(self) -> TaxMode:
        return "stripe"

    async def _opened(self, shop: World) -> tuple[Order, Payment]:
        mug = await shop.sell(price_minor=1000)
        await give(shop, kind="amount", amount=Decimal(3), name="Three off")
        order = await shop.place((mug, 2), asked=asks(OAKLAND, "air", "SAVE"))
        assert (order.total_minor, parts_of(order).is_tax_open) == (3700, True)
        payment = await shop.open(order)
        assert payment.params["automatic_tax"] == {"enabled": True}
        told = [each["price_data"]["tax_behavior"] for each in payment.params["line_items"]]
        assert [*told, payment.params["shipping_options"][0]["shipping_rate_data"]["tax_behavior"]] == ["exclusive"] * 2
        assert payment.params["shipping_address_collection"] == {"allowed_countries": ["US"]}
        return order, payment

    @pytest.mark.parametrize(("tax_minor", "added"), [(328, 328), (591, 0), (400, 100), (0, 0)])
    async def test_what_it_adds_is_right(self, shop: World, tax_minor: int, added: int) -> None:
        order, payment = await self._opened(shop)
        shop.stripe.pay(str(payment.session_id), amount_total=3700 + added, tax=tax_minor)
        for _ in range(2):
            await shop.hook(shop.stripe.session_event("completed", str(payment.session_id)))
        paid, now = await shop.payment_now(order), await shop.order_now(order)
        assert (now.status, now.total_minor, paid.amount_minor) == ("CONFIRMED", 3700 + added, 3700 + added)
        assert (paid.taken_minor, paid.tax_minor, paid.added_tax_minor) == (3700 + added, tax_minor, added)
        assert sum(each.amount_minor for each in parts_of(now).taxes) == tax_minor
        assert parts_of(now).added_tax_minor == added
        assert shop.stripe.refunds_made == {}
        refunding = shop.payment.refunding
        await refunding.refund(order.id, "rfd_1", 0, "", restock=False, who="usr_admin")
        await shop.settle()
        assert [each.amount for each in shop.stripe.refunds_made.values()] == [3700 + added]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"amount_total": 4200, "tax": 328},  # more than the tax was added
            {"amount_total": 3600, "tax": 328},  # less than it costs without any
            {"amount_total": 3528, "tax": 328, "subtotal": 1500},
            {"amount_total": 4028, "tax": 328, "discount": 0, "subtotal": 1700, "currency": "eur"},
        ],
    )
    async def test_another_amount_is_wrong_still(self, shop: World, wrong: dict[str, Any]) -> None:
        order, payment = await self._opened(shop)
        shop.stripe.pay(str(payment.session_id), **wrong)
        await shop.hook(shop.stripe.session_event("completed", str(payment.session_id)))
        await shop.later(MINUTE)
        now = await shop.order_now(order)
        assert (now.status, now.reason) == ("CANCELLED", Reason.AMOUNT_MISMATCH)
        assert [each.amount for each in shop.stripe.refunds_made.values()] == [wrong["amount_total"]]
