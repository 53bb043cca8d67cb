"""Products, prices and customers: made, named by line items and sessions, changed, taken away."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.world import World


async def mug(world: World, amount: int = 500, **more: Any) -> tuple[str, str]:
    """A product and its price."""
    product = await world.stripe.v1.products.create_async({"name": "Mug", "description": "For tea"})
    given: Any = {"product": product.id, "currency": "usd", "unit_amount": amount, **more}
    return product.id, (await world.stripe.v1.prices.create_async(given)).id


async def test_a_line_item_may_name_a_price(world: World) -> None:
    product_id, price_id = await mug(world)
    line: Any = {"price": price_id, "quantity": 3}
    session = await world.open_session(line_items=[line])
    assert session.amount_total == 1500
    expanded = await world.session(session.id, "line_items.data.price.product")
    (item,) = expanded.line_items.data
    assert (item.description, item.price.id, item.price.product.description) == ("Mug", price_id, "For tea")
    assert item.price.product.id == product_id
    assert (await world.pay(session.id))["outcome"] == "succeeded"


async def test_what_a_line_describes_can_be_looked_up_but_not_used_again(world: World) -> None:
    session = await world.open_session()
    (item,) = (await world.session(session.id, "line_items")).line_items.data
    price = await world.stripe.v1.prices.retrieve_async(item.price.id, {"expand": ["product"]})
    assert (price.active, price.unit_amount, price.product.name) == (False, 1999, "Mug")  # type: ignore[union-attr]
    line: Any = {"price": price.id, "quantity": 1}
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        await world.open_session(line_items=[line])


async def test_a_line_may_describe_the_price_of_a_known_product(world: World) -> None:
    product_id, _ = await mug(world)
    data: Any = {"currency": "usd", "unit_amount": 700, "product": product_id}
    session = await world.open_session(line_items=[{"price_data": data, "quantity": 1}])
    assert session.amount_total == 700


@pytest.mark.parametrize(
    ("unit", "quantity", "total"),
    [
        ("0.5", 1, 1),
        ("0.499999999999", 1, 0),
        ("33.333333333333", 3, 100),
        ("1.5", 3, 5),
        ("250", 2, 500),
        ("0.000000000001", 1, 0),
    ],
)
async def test_parts_of_a_cent_are_rounded_once_for_each_line(
    world: World, unit: str, quantity: int, total: int
) -> None:
    price: Any = {"currency": "usd", "unit_amount_decimal": unit, "product_data": {"name": "Screw"}}
    whole: Any = {"currency": "usd", "unit_amount": 100, "product_data": {"name": "Mug"}}
    lines = [{"price_data": price, "quantity": quantity}] * 2 + [{"price_data": whole, "quantity": 1}]
    session = await world.open_session(line_items=lines)
    assert session.amount_total == 2 * total + 100
    item = (await world.session(session.id, "line_items")).line_items.data[0]
    assert (item.amount_total, f"{item.price.unit_amount_decimal:f}") == (total, unit)
    assert item.price.unit_amount == (int(unit) if "." not in unit else None)


async def test_a_stored_price_may_have_parts_of_a_cent(world: World) -> None:
    product_id, _ = await mug(world)
    given: Any = {"product": product_id, "currency": "usd", "unit_amount_decimal": "12.345"}
    price = await world.stripe.v1.prices.create_async(given)
    assert (price.unit_amount, str(price.unit_amount_decimal)) == (None, "12.345")
    line: Any = {"price": price.id, "quantity": 100}
    assert (await world.open_session(line_items=[line])).amount_total == 1235


@pytest.mark.parametrize("amount", ["1.0000000000001", "1e3", "x", "-0.1", ".5", "1."])
async def test_a_decimal_has_at_most_twelve_places(world: World, amount: str) -> None:
    body = f"currency=usd&product_data[name]=Mug&unit_amount_decimal={amount}"
    status, answer = await world.raw("POST", "/v1/prices", body)
    assert (status, answer["error"]["param"]) == (400, "unit_amount_decimal")
    body = "currency=usd&product_data[name]=Mug&unit_amount_decimal=1.5&unit_amount=2"
    assert "only specify one" in (await world.raw("POST", "/v1/prices", body))[1]["error"]["message"]


@pytest.mark.parametrize(
    ("line", "param"),
    [
        ({"price": "price_none", "quantity": 1}, "line_items[0][price]"),
        ({"quantity": 1}, "line_items[0][price_data]"),
        ({"price_data": {"currency": "usd", "unit_amount": 5, "product": "prod_none"}, "quantity": 1},
         "line_items[0][price_data][product]"),
    ],
)  # fmt: skip
async def test_what_a_line_names_must_be_there(world: World, line: Any, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await world.open_session(line_items=[line])
    assert refused.value.param == param


async def test_a_recurring_price_is_kept_and_not_paid(world: World) -> None:
    _, price_id = await mug(world, recurring={"interval": "month"})
    line: Any = {"price": price_id, "quantity": 1}
    with pytest.raises(stripe.InvalidRequestError, match="subscription"):
        await world.open_session(line_items=[line])


async def test_products_and_prices_are_changed_listed_and_taken_away(world: World) -> None:
    api = world.stripe.v1
    product_id, price_id = await mug(world)
    other = await api.products.create_async({"name": "Cup", "active": False, "id": "cup-1", "metadata": {"a": "b"}})
    changed = await api.products.update_async(other.id, {"name": "Big cup", "metadata": {"a": "", "c": "d"}})
    assert (changed.name, changed.metadata.to_dict()) == ("Big cup", {"c": "d"})
    assert [each.id for each in (await api.products.list_async({"active": True})).data] == [product_id]
    assert [each.id for each in (await api.prices.list_async({"product": product_id})).data] == [price_id]
    assert (await api.prices.update_async(price_id, {"active": False, "nickname": "old"})).nickname == "old"
    assert (await api.prices.list_async({"active": True})).data == []
    with pytest.raises(stripe.InvalidRequestError, match="prices"):
        await api.products.delete_async(product_id)
    assert (await api.products.delete_async(other.id)).deleted
    with pytest.raises(stripe.InvalidRequestError, match="No such product"):
        await api.products.retrieve_async(other.id)
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        await api.products.create_async({"name": "Again", "id": product_id})
    types = await world.types()
    assert types == ["product.created", "price.created", "product.created", "product.updated", "price.updated",
                     "product.deleted"]  # fmt: skip
    (updated,) = [e for e in (await api.events.list_async()).data if e.type == "product.updated"]
    assert updated.data.previous_attributes["name"] == "Cup"  # type: ignore[index]


async def test_a_product_brings_its_price(world: World) -> None:
    default: Any = {"currency": "eur", "unit_amount": 900}
    product = await world.stripe.v1.products.create_async({"name": "Mug", "default_price_data": default})
    price = await world.stripe.v1.prices.retrieve_async(str(product.default_price))
    assert (price.unit_amount, price.currency, price.product) == (900, "eur", product.id)


async def test_a_customer_is_named_by_what_it_buys(world: World) -> None:
    api = world.stripe.v1
    customer = await api.customers.create_async({"email": "ada@example.com", "name": "Ada"})
    session = await world.open_session(customer=customer.id)
    await world.pay(session.id)
    paid = await world.session(session.id, "customer", "payment_intent.latest_charge")
    assert paid.customer.email == "ada@example.com"
    assert (paid.payment_intent.customer, paid.payment_intent.latest_charge.customer) == (customer.id, customer.id)
    found = (await api.checkout.sessions.list_async({"customer": customer.id})).data
    assert [each.id for each in found] == [session.id]
    assert [c.id for c in (await api.customers.list_async({"email": "ada@example.com"})).data] == [customer.id]
    assert (await api.customers.list_async({"email": "bob@example.com"})).data == []
    await api.customers.update_async(customer.id, {"phone": "1"})
    assert (await api.customers.retrieve_async(customer.id)).phone == "1"
    await api.customers.delete_async(customer.id)
    with pytest.raises(stripe.InvalidRequestError):
        await world.open_session(customer=customer.id)
    with pytest.raises(stripe.InvalidRequestError, match="does not support `balance`"):
        await api.customers.create_async({"balance": 5})


async def test_a_payment_method_belongs_to_one_customer_until_it_is_detached(world: World) -> None:
    api = world.stripe.v1
    ada = await api.customers.create_async({"name": "Ada", "payment_method": "pm_card_visa"})
    bob = await api.customers.create_async({"name": "Bob"})
    (method,) = (await api.payment_methods.list_async({"customer": ada.id})).data
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        await api.payment_methods.attach_async(method.id, {"customer": bob.id})
    assert (await api.payment_methods.detach_async(method.id)).customer is None
    with pytest.raises(stripe.InvalidRequestError, match="not attached"):
        await api.payment_methods.detach_async(method.id)
    assert (await api.payment_methods.attach_async(method.id, {"customer": bob.id})).customer == bob.id


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"type": "card", "card": {"number": "4242424242424241", "exp_month": 1, "exp_year": 2049}},
         "incorrect_number"),
        ({"type": "card", "card": {"number": "4242424242424242", "exp_month": 13, "exp_year": 2049}},
         "invalid_expiry_month"),
        ({"type": "card", "card": {"number": "4242424242424242", "exp_month": 1, "exp_year": 2001}},
         "invalid_expiry_year"),
        ({"type": "card", "card": {"token": "tok_1none"}}, "resource_missing"),
        ({"type": "card", "card": {"number": "4242424242424242"}}, "parameter_missing"),
        ({"type": "sepa_debit", "sepa_debit": {"iban": "AT001904300234573201"}}, "invalid_bank_account_iban"),
        ({"type": "sepa_debit", "sepa_debit": {"iban": "AT611904300234573201"}}, "parameter_missing"),
        ({"type": "card", "card": {"token": "tok_visa", "cvc": "123"}}, None),
        ({"type": "card", "card": {"token": "tok_avsFail"}}, "sandbox_unsupported"),
        ({"type": "card", "card": {"number": "4242424242424242", "exp_month": 1, "exp_year": 2049, "cvc": "1"}},
         "invalid_cvc"),
        ({"type": "klarna"}, "sandbox_unsupported"),
        ({"type": "moon"}, None),
        ({}, "parameter_missing"),
    ],
)  # fmt: skip
async def test_a_payment_method_that_cannot_be_is_refused(world: World, given: Any, code: str | None) -> None:
    with pytest.raises((stripe.InvalidRequestError, stripe.CardError)) as refused:
        await world.stripe.v1.payment_methods.create_async(given)
    assert refused.value.code == code
    assert (await world.stripe.v1.payment_methods.list_async()).data == []
