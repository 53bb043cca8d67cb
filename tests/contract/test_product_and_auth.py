"""The contracts of the catalogue and of auth, in all three ways."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kassa.contracts.auth import Auth, Contact
from kassa.contracts.product import Product, Snapshot
from kassa.kit.identity import TokenVerifier
from kassa.kit.ids import PRODUCT
from kassa.kit.problem import NotFound
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.auth.world import World as AuthWorld
from tests.auth.world import cheap_passwords
from tests.contract.ways import Reach
from tests.trade.world import World, world


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as opened:
        yield opened


@pytest.fixture
async def product(reach: Reach, shop: World) -> Product:
    reached: Product = await reach(Product, "product", shop.product, "order")
    return reached


async def test_snapshots_of_what_is_on_sale(product: Product, shop: World) -> None:
    mug = await shop.sell(price_minor=1999, name="Mug & saucer, “blue”")
    withdrawn = await shop.sell(name="Plate")
    await shop.product.withdraw(withdrawn, "usr_admin")
    asked = [mug, withdrawn, shop.ids.new(PRODUCT), "nonsense", "", "a&ids=b", mug]
    assert await product.snapshot(asked) == [Snapshot(mug, "Mug & saucer, “blue”", 1999, "usd", "things")]


async def test_a_snapshot_of_nothing_is_nothing(product: Product) -> None:
    assert await product.snapshot([]) == []


async def test_a_snapshot_has_the_price_of_this_moment(product: Product, shop: World) -> None:
    ids = [await shop.sell(price_minor=price) for price in (1, 99_999_999)]
    found = {snapshot.id: snapshot.price_minor for snapshot in await product.snapshot(ids)}
    assert found == {ids[0]: 1, ids[1]: 99_999_999}


async def test_snapshots_of_as_many_as_an_order_can_have(product: Product, shop: World) -> None:
    mug = await shop.sell()
    found = await product.snapshot([mug, *(shop.ids.new(PRODUCT) for _ in range(99))])
    assert [snapshot.id for snapshot in found] == [mug]


@pytest.fixture
async def accounts(database: SqliteDatabase) -> AsyncIterator[AuthWorld]:
    passwords = cheap_passwords()
    yield await AuthWorld.on(database, passwords)
    passwords.close()


async def test_the_public_keys_verify_the_tokens(reach: Reach, accounts: AuthWorld) -> None:
    # Anybody may ask for the keys: the gateway is in no list of callers.
    auth: Auth = await reach(Auth, "auth", accounts.service, "gateway")
    tokens = accounts.tokens
    assert await auth.keys() == tokens.keys()

    async def keys() -> list[dict[str, object]]:
        return (await auth.keys()).keys

    principal = await TokenVerifier(keys, accounts.clock).principal(f"Bearer {tokens.issue('usr_1', 'a@b.c', 'user')}")
    assert (principal.id, principal.email, principal.role) == ("usr_1", "a@b.c", "user")


async def test_the_order_service_is_told_whom_to_write_to(reach: Reach, accounts: AuthWorld) -> None:
    auth: Auth = await reach(Auth, "auth", accounts.service, "order")
    made = (await accounts.service.register("Ada", "Ada@Example.com", "correct horse")).user
    assert await auth.contact(made.id) == Contact("ada@example.com", "Ada", "", is_verified=False)
    for unknown in ("usr_01jd0000000000000000000000", "nonsense", "."):
        with pytest.raises(NotFound):
            await auth.contact(unknown)
