"""API keys: shown once, kept as a hash, good for their scopes until they end, and then at once no more."""

from collections.abc import Sequence

import msgspec
import pytest

from kassa.kit.access import SCOPES
from kassa.kit.clock import DAY, MINUTE
from kassa.kit.problem import Invalid, NotFound, Unauthenticated
from tests.auth.world import World


async def made(world: World, scopes: Sequence[str] = ("orders:read",), days: int = 365) -> tuple[str, str]:
    key, secret = await world.service.api_keys.make("The warehouse's program", scopes, days, "usr_1")
    return key.id, secret


async def test_a_key_is_known_again_by_its_secret_which_is_kept_nowhere(world: World) -> None:
    key_id, secret = await made(world)
    assert secret.startswith("kassa_")
    assert len(secret) == 6 + 64
    principal = await world.verifier.principal(f"Bearer {secret}")
    assert principal.id == key_id
    assert principal.scopes == frozenset(["orders:read"])
    stored = await world.store.api_keys.get(key_id)
    assert secret[6:].encode() not in msgspec.json.encode(stored)
    assert stored is not None
    assert stored.used_at == world.clock.now()


async def test_it_is_good_for_its_days_and_an_hour_of_use_asks_anew(world: World) -> None:
    _, secret = await made(world, days=1)
    await world.verifier.principal(f"Bearer {secret}")
    world.clock.advance(DAY - MINUTE)
    await world.verifier.principal(f"Bearer {secret}")
    world.clock.advance(MINUTE)
    with pytest.raises(Unauthenticated):
        await world.verifier.principal(f"Bearer {secret}")


async def test_an_ended_key_is_out_at_once_and_told_to_those_who_verify_elsewhere(world: World) -> None:
    key_id, secret = await made(world)
    principal = await world.verifier.principal(f"Bearer {secret}")
    await world.service.api_keys.end(key_id, "usr_1")
    assert set(principal.marks) <= set((await world.service.ended(world.clock.now())).marks)
    for _ in range(2):
        with pytest.raises(Unauthenticated, match="the API key is unknown, expired or ended; ask for a new one"):
            await world.verifier.principal(f"Bearer {secret}")
        world.clock.advance(DAY)
    with pytest.raises(NotFound):
        await world.service.api_keys.end("key_none", "usr_1")


@pytest.mark.parametrize(
    "secret",
    ["kassa_", "kassa_" + "0" * 64, "kassa_" + "g" * 64, "kassa_" + "0" * 65, "kassa_é", "kassa_" + "0" * 9999],
)
async def test_what_is_no_key_is_refused(world: World, secret: str) -> None:
    with pytest.raises(Unauthenticated, match=r"API key.*ask for a new one"):
        await world.verifier.principal(f"Bearer {secret}")


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [
        ("", ["orders:read"], 1),
        ("a" * 101, ["orders:read"], 1),
        ("a\0b", ["orders:read"], 1),
        ("a", [], 1),
        ("a", ["staff:manage"], 1),
        ("a", ["mails:read"], 1),
        ("a", ["orders:read", "none"], 1),
        ("a", ["orders:read"], 0),
        ("a", ["orders:read"], 1826),
    ],
)
async def test_no_key_without_a_name_a_scope_and_an_end(world: World, name: str, scopes: list[str], days: int) -> None:
    with pytest.raises(Invalid):
        await world.service.api_keys.make(name, scopes, days, "usr_1")
    assert {"staff:manage", "mails:read"}.isdisjoint(SCOPES)


async def test_over_http_an_administrator_makes_lists_and_ends_them_and_a_key_does_not(world: World) -> None:
    await world.service.admins.make("boss@shop.example", "four words that nobody has", promote=False)
    admin = (await world.login("four words that nobody has", "boss@shop.example")).json()["token"]
    answer = await world.post("/auth/keys", token=admin, name="Reports", scopes=["orders:read", "payments:read"])
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    secret, key = answer.json()["secret"], answer.json()["key"]
    listed = await world.get("/auth/keys", admin)
    assert [each["id"] for each in listed.json()["keys"]] == [key["id"]]
    assert secret not in listed.text
    assert (await world.get("/auth/keys", secret)).status_code == 403
    assert (await world.get("/auth/sessions", secret)).status_code == 403
    assert (await world.delete(f"/auth/keys/{key['id']}", admin)).status_code == 204
    assert (await world.get("/auth/sessions", secret)).status_code == 401
