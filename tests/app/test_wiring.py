"""What is wired to what."""

from pathlib import Path

import pytest

from kassa.app.settings import SERVICES, SettingError, read_settings
from kassa.app.shop import Elsewhere, Place, Shop, present
from kassa.app.wiring import all_here, open_shop, within_reach
from kassa.auth.domain import Todo as AuthTodo
from kassa.contracts.auth import Act
from kassa.gateway.middleware import CONTRACTS
from kassa.kit.clock import DAY
from kassa.kit.lists import Paging
from kassa.kit.machine import Stateful, Unbroken
from kassa.kit.wire import endpoints
from kassa.order.discounts import Todo as DiscountTodo
from kassa.order.domain import Todo as OrderTodo
from kassa.payment.domain import Todo as PaymentTodo
from kassa.product.domain import Todo as ProductTodo
from kassa.stock_notices.domain import Todo as NoticeTodo
from tests.support import OWN_SECRET


async def test_every_effect_has_somebody_to_carry_it_out(tmp_path: Path) -> None:
    settings = read_settings({"KASSA_DATA": str(tmp_path)})
    async with open_shop(settings, Place(all_here(settings), serves=False, brings_sandbox=False)) as shop:
        here = {name: set(outbox.carriers) for name, outbox in shop.outboxes.items()}
        kinds = {"auth": AuthTodo, "product": ProductTodo, "order": OrderTodo, "payment": PaymentTodo}
        kinds |= {"discount": DiscountTodo, "stock_notice": NoticeTodo}
        assert here == {name: set(each) for name, each in kinds.items()}


async def test_what_has_invariants_is_written_by_the_one_place_that_looks_at_them(tmp_path: Path) -> None:
    settings = read_settings({"KASSA_DATA": str(tmp_path)})
    async with open_shop(settings, Place(all_here(settings), serves=False, brings_sandbox=False)) as shop:
        unbroken = {name for name, each in shop.aggregates.items() if isinstance(each, Unbroken)}
        stateful = {name for name, each in shop.aggregates.items() if issubclass(each.spec.type, Stateful)}
        assert unbroken == stateful == {"order", "payment"}


@pytest.mark.parametrize(("given", "days"), [({}, 400), ({"RETAIN_ACTS_DAYS": "7"}, 7)])
async def test_old_acts_are_removed_regularly(tmp_path: Path, given: dict[str, str], days: int) -> None:
    settings = read_settings({"KASSA_DATA": str(tmp_path), **given})
    async with open_shop(settings, Place(all_here(settings), serves=False, brings_sandbox=False)) as shop:
        auth, now = present(shop.auth, "auth"), shop.clock.now()
        for number, age in enumerate((days + 1, days - 1)):
            at = now - age * DAY
            await auth.note_act(Act(f"act_{number}", at, "usr_1", "", "admin", "", "POST /products", "", 201, ""))
        remove_old = next(job.do for job in shop.jobs if job.name == "remove old acts")
        assert await remove_old() == 1
        assert [act.id for act in (await auth.acts.listed({}, Paging(10, 0, None)))[0]] == ["act_1"]


async def test_each_service_satisfies_its_contract(tmp_path: Path) -> None:
    settings = read_settings({"KASSA_DATA": str(tmp_path)})
    async with open_shop(settings, Place(all_here(settings), serves=False, brings_sandbox=False)) as shop:
        beside = (shop.events, shop.facts, shop.stock_notices)
        services = (shop.auth, shop.product, shop.inventory, shop.order, *beside, shop.payment)
        for contract, service in zip(CONTRACTS, services, strict=True):
            assert [each.name for each in endpoints(contract) if not hasattr(service, each.name)] == []


async def test_a_service_elsewhere_is_not_here(tmp_path: Path) -> None:
    settings = read_settings(
        {"KASSA_DATA": str(tmp_path), "AUTH_SERVICE_URL": "http://auth:4000", "INTERNAL_SECRET": OWN_SECRET}
    )
    async with open_shop(settings, Place(all_here(settings), serves=False, brings_sandbox=False)) as shop:
        assert shop.auth is None
        with pytest.raises(Elsewhere, match="AUTH_SERVICE_URL"):
            present(shop.auth, "auth")
        assert present(shop.order, "order")


async def test_a_command_reaches_a_service_that_runs_apart_on_the_same_data(tmp_path: Path) -> None:
    settings = read_settings({"KASSA_DATA": str(tmp_path), "AUTH_SERVICE_URL": "http://auth:4000"})
    assert "auth" not in within_reach(settings)
    (tmp_path / "auth.db").touch()
    assert within_reach(settings)["auth"] == "auth"


async def test_a_command_reaches_services_that_run_apart_on_shared_stores(tmp_path: Path) -> None:
    urls = {f"{service.upper()}_SERVICE_URL": f"http://{service}" for service in SERVICES}
    stores = {"MONGO_URI": "mongodb://db", "REDIS_URL": "redis://cache"}
    assert not within_reach(read_settings({"KASSA_DATA": str(tmp_path), **urls}))
    assert set(within_reach(read_settings({"KASSA_DATA": str(tmp_path), **urls, **stores}))) == set(SERVICES)
    del stores["REDIS_URL"]
    assert "inventory" not in within_reach(read_settings({"KASSA_DATA": str(tmp_path), **urls, **stores}))


async def test_a_mongodb_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    settings = read_settings(
        {"KASSA_DATA": str(tmp_path), "MONGO_URI": "mongodb://one.example,two.example/?directConnection=true"}
    )
    with pytest.raises(SettingError, match="MONGO_URI"):
        async with open_shop(settings, Place(all_here(settings))):
            raise AssertionError


async def test_secrets_of_the_one_process_form_stay_the_same(tmp_path: Path) -> None:
    settings = read_settings({"KASSA_DATA": str(tmp_path)})

    async def secret_and_key() -> tuple[str, object]:
        async with open_shop(settings, Place(all_here(settings), brings_sandbox=False)) as shop:
            return shop.service_keys.secret, await _key(shop)

    assert await secret_and_key() == await secret_and_key()


async def _key(shop: Shop) -> object:
    return (await present(shop.auth, "auth").keys()).keys
