"""The contracts of the catalogue and of auth, in all three ways."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kassa.auth.challenges import Challenges
from kassa.auth.devices import Devices
from kassa.auth.passwords import Passwords
from kassa.auth.service import AuthService
from kassa.auth.store import AuthStore
from kassa.auth.tokens import Tokens
from kassa.contracts.auth import Auth
from kassa.contracts.product import Product, Snapshot
from kassa.kit.identity import TokenVerifier
from kassa.kit.ids import PRODUCT, Ids
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.contract.ways import Reach
from tests.support import FakeClock
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
    assert await product.snapshot(asked) == [Snapshot(mug, "Mug & saucer, “blue”", 1999, "usd")]


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


async def test_the_public_keys_verify_the_tokens(reach: Reach, database: SqliteDatabase, clock: FakeClock) -> None:
    ids = Ids(clock)
    tokens = Tokens(["a master secret"], ids, clock)
    passwords = Passwords(memory_kib=8, time_cost=1)
    devices = Devices(["m"], ids, clock)
    store, challenges = await AuthStore.open(database, clock), Challenges(["m"], clock)
    service = AuthService(store, tokens, devices, passwords, ids, clock, challenges=challenges, issuer="shop.example")
    # Anybody may ask for the keys: the gateway is in no list of callers.
    auth: Auth = await reach(Auth, "auth", service, "gateway")
    assert await auth.keys() == tokens.keys()

    async def keys() -> list[dict[str, object]]:
        return (await auth.keys()).keys

    principal = await TokenVerifier(keys, clock).principal(f"Bearer {tokens.issue('usr_1', 'a@b.c', 'user')}")
    assert (principal.id, principal.email, principal.role) == ("usr_1", "a@b.c", "user")
    passwords.close()
