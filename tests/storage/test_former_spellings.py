"""What former releases stored as it was typed is found by its one spelling from the first start on, in every store."""

import asyncio
import hashlib
import unicodedata
from itertools import chain

import msgspec
import pytest

from kassa.auth.domain import User
from kassa.auth.store import USERS, AuthStore
from kassa.kit.documents import Database
from kassa.kit.email import one_spelling
from kassa.kit.spelling import RULE, SPELLINGS, respell
from kassa.kit.text import normalised
from kassa.product.store import PRODUCTS, ProductStore
from tests.auth.world import World, cheap_passwords, stored_user
from tests.product.world import World as Catalogue
from tests.product.world import mug, stored_product
from tests.support import FakeClock

CLEAN = "zoë@bücher.example"
FORMER = [
    "zo\u200bë@bücher.example",
    "zoe\u0308@bücher.example",
    "zoë@xn--bcher-kva.example",
    "z\u2060oë@bu\u0308cher.example\ufeff",
    "zoë\u3164@bücher。example",
]


def _password(number: int) -> str:
    return f"the password of {number}"


async def _stored(database: Database, *emails: str) -> None:
    """The accounts of a former release, each with a password of its own."""
    passwords = cheap_passwords()
    users = await database.collection(USERS)
    for number, email in enumerate(emails):
        hashed = await passwords.hash(_password(number))
        await users.insert(stored_user(f"usr_{number}", email, hashed))
    passwords.close()


async def _users(database: Database) -> list[User]:
    return await (await database.collection(USERS)).find({}, limit=100, order="oldest")


@pytest.mark.parametrize("former", FORMER)
async def test_an_account_is_found_by_its_clean_address_and_has_no_twin(database: Database, former: str) -> None:
    await _stored(database, former)
    world = await World.on(database)
    for spelling in (CLEAN, former):
        assert (await world.login(_password(0), email=spelling)).json()["user"]["email"] == CLEAN
        again = await world.post("/auth/register", email=spelling, password="correct horse")
        assert (again.status_code, again.json()["code"]) == (409, "email_taken")
    assert (await world.service.admins.make(CLEAN, "a new correct horse", promote=True)).outcome == "promoted"
    (user,) = await _users(database)
    assert ascii(former) in user.audit[0].why, "nothing is lost"


async def test_several_that_start_at_once_and_again_change_each_address_once(database: Database) -> None:
    await _stored(database, *(f"{number}\u200b@shop.example" for number in range(9)), "plain@shop.example")
    await asyncio.gather(*(AuthStore.open(database, FakeClock()) for _ in range(4)))
    after = await _users(database)
    assert [user.email for user in after] == [*(f"{number}@shop.example" for number in range(9)), "plain@shop.example"]
    assert [len(user.audit) for user in after] == [1] * 9 + [0]
    await AuthStore.open(database, FakeClock())
    assert await _users(database) == after


@pytest.mark.parametrize("emails", [FORMER, [*FORMER, CLEAN]], ids=["without a clean one", "with a clean one"])
async def test_accounts_that_become_one_address_stay_apart_and_are_named(database: Database, emails: list[str]) -> None:
    await _stored(database, *emails)
    stores = await asyncio.gather(*(AuthStore.open(database, FakeClock()) for _ in range(4)))
    owner = "usr_5" if CLEAN in emails else "usr_0"
    others = [f"usr_{number}" for number in range(len(emails)) if f"usr_{number}" != owner]
    assert [list(store.left) for store in stores] == [others] * 4
    world = await World.on(database)
    assert [twin[:2] for twin in await world.service.twins()] == [(owner, other) for other in others]
    for number, email in enumerate(emails):
        assert (await world.login(_password(number), email=email)).json()["user"]["id"] == f"usr_{number}"
    for number in range(1, len(FORMER)):
        assert (await world.login(_password(number), email=CLEAN, client=f"192.0.2.{number}")).status_code == 401
    assert len({user.email for user in await _users(database)}) == len(emails)


async def test_who_stands_in_nobodys_way_any_more_gets_the_address(database: Database) -> None:
    await _stored(database, *FORMER[:2])
    world = await World.on(database)
    owner = await world.store.users.get("usr_0")
    assert owner is not None
    await world.store.users.save(msgspec.structs.replace(owner, email="other@shop.example"))
    assert await world.service.twins() == []
    again = await World.on(database)
    assert (await again.login(_password(1), email=CLEAN)).json()["user"]["id"] == "usr_1"
    assert again.store.left == ()


async def test_what_is_no_address_in_its_one_spelling_stays_as_it_is(database: Database) -> None:
    await _stored(database, "\u200b@shop.example")
    world = await World.on(database)
    assert (await world.login(_password(0), email="\u200b@shop.example")).status_code == 200


async def test_products_are_found_by_what_they_are_called_now(database: Database) -> None:
    products = await database.collection(PRODUCTS)
    for number, (sku, category) in enumerate([("Ｍ－１", "Cafe\u0301"), ("M-1\u200b", "Ca\u200bfé"), ("M-2", "Café")]):
        await products.insert(stored_product(f"prd_{number}", sku, category))
    await asyncio.gather(*(ProductStore.open(database, FakeClock()) for _ in range(4)))
    catalogue = await Catalogue.on(database)
    taken = await catalogue.ask("POST", "/products", mug(sku="M-1"), role="admin")
    assert (taken.status_code, taken.json()["productId"]) == (409, "prd_0")
    assert await catalogue.service.listing.categories() == {"Café": 3}
    for query in ("?category=Café", "?category=Ca\u200bfé", "?q=café", "?q=tea"):
        assert await catalogue.names(query) == ["Tea"] * 3
    (twin,) = await catalogue.service.twins()
    assert twin == ("prd_0", "prd_1", "M-1\u200b")
    assert [each.sku for each in await products.find({}, limit=9, order="oldest")] == ["M-1", "M-1\u200b", "M-2"]


async def test_a_rule_that_is_counted_on_has_all_looked_at_again(database: Database) -> None:
    await AuthStore.open(database, FakeClock())
    await _stored(database, FORMER[0])
    users, kept = await database.collection(USERS), await database.collection(SPELLINGS)
    assert await respell(database, users, lambda user: msgspec.structs.replace(user, email=CLEAN)) == ()
    assert (await _users(database))[0].email == FORMER[0], "what was looked at is not looked at again"
    spelling = await kept.get("users")
    assert spelling is not None
    await kept.save(msgspec.structs.replace(spelling, rule="0"))
    await AuthStore.open(database, FakeClock())
    assert (await _users(database))[0].email == CLEAN


def test_who_changes_a_spelling_counts_the_rule_on() -> None:
    """Of characters that are old enough to be the same in every Python."""
    letters = [chr(code) for code in chain(range(0x20, 0x3100), range(0xF900, 0x10000))]
    known = [each for each in letters if unicodedata.ucd_3_2_0.category(each) not in ("Cn", "Cs")]
    hosts = ["xn--bcher-kva.example", "BÜCHER。example", "ß.de", "bu\u0308cher.example"]
    spelled = [
        (normalised(f"a{each}b {each}", 99), normalised(f"a{each}b", 99, is_label=True), one_spelling(f"a{each}@b.de"))
        for each in known
    ]
    digest = hashlib.sha256(ascii([spelled, *(one_spelling(f"a@{host}") for host in hosts)]).encode()).hexdigest()[:16]
    assert (RULE.partition(",")[0], digest) == ("1", "f9973dbf953c95ea"), (
        "count RULE on, and write down the digest that belongs to it"
    )
