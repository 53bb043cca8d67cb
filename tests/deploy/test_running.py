"""The image is built, and its eight containers run as compose.yaml says, on a real container engine."""

import asyncio
import json
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.deploy.composed import SERVICES, STORES, ComposedShop
from tests.deploy.manifests import ROOT, variables
from tests.journey.load import load
from tests.journey.running import DECLINED, until

pytestmark = [pytest.mark.slow, pytest.mark.root, pytest.mark.asyncio(loop_scope="module")]

MOST = 230_000_000
INSTALLED = """
import json, importlib.metadata as metadata
print(json.dumps([(each.name.lower().replace("_", "-"), each.version) for each in metadata.distributions()]))
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop() -> AsyncIterator[ComposedShop]:
    composed = ComposedShop()
    try:
        async with composed:
            yield composed
    finally:
        await composed.remove()


async def test_the_image_is_small(shop: ComposedShop) -> None:
    assert shop.engine.inspect("kassa")["Size"] < MOST


async def test_the_sbom_lists_exactly_what_is_in_the_image(shop: ComposedShop, tmp_path: Path) -> None:
    make = subprocess.run(["make", "-n", "sbom"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (command,) = re.findall(r"cyclonedx-py (.*)", make)
    made = tmp_path / "sbom.json"
    told = shlex.split(command.replace("sbom.json", str(made)))
    subprocess.run([Path(sys.executable).with_name("cyclonedx-py"), *told], cwd=ROOT, check=True)
    sbom = json.loads(made.read_text())
    assert (sbom["bomFormat"], sbom["metadata"]["component"]["name"]) == ("CycloneDX", "kassa")
    listed = {(each["name"], each["version"]) for each in [sbom["metadata"]["component"], *sbom["components"]]}
    inside = shop.engine.docker("run", "--rm", "--entrypoint", "python", "kassa", "-c", INSTALLED)
    assert {(name, version) for name, version in json.loads(inside)} == listed


async def test_the_whole_way_through_eight_containers(shop: ComposedShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=5)
    order_id, session_id = await buyer.checkout(mug)
    await buyer.pay(session_id)
    await buyer.becomes(order_id, "CONFIRMED")
    declined_id, session_id = await buyer.checkout(mug)
    await buyer.pay(session_id, DECLINED)
    await buyer.becomes(declined_id, "CANCELLED")
    expired_id, session_id = await buyer.checkout(mug)
    expire = f"{shop.sandbox}/v1/checkout/sessions/{session_id}/expire"
    assert (await shop.call("POST", expire, Authorization="Bearer sk_test_sandbox")).status == 200
    await buyer.becomes(expired_id, "CANCELLED")
    assert await buyer.stock(mug) == 4
    refund = await admin.call("POST", f"/payments/{order_id}/refund", {"restock": True})
    assert refund.status == 201, refund.body
    await buyer.becomes(order_id, "REFUNDED")
    for command in ("audit", "reconcile", "doctor"):
        status, printed = await shop.command(command)
        assert status == 0, printed


async def test_all_are_healthy_and_none_can_write_but_to_its_data(shop: ComposedShop) -> None:
    async def are_healthy() -> bool:
        return all(shop.state(name)["Health"]["Status"] == "healthy" for name in (*SERVICES, *STORES))

    await until(are_healthy, "all containers to be healthy", patience=60)
    seen = shop.engine.docker("exec", "kassa-order-1", "cat", "/proc/1/status", "/proc/1/mounts")
    assert re.search(r"^Uid:(\s10001){4}$", seen, re.MULTILINE)
    assert re.search(r"^CapEff:\s0{16}$", seen, re.MULTILINE)
    assert re.search(r"^\S+ / \S+ ro\b", seen, re.MULTILINE)


async def test_nobody_reads_the_stores_without_a_password_nor_a_service_what_is_another_s(shop: ComposedShop) -> None:
    given = variables(shop.engine.shop / "deploy" / ".env")
    count = 'try { print(db.getSiblingDB("authdb").users.countDocuments()) } catch (e) { print(e.codeName) }'
    said = {}
    for name in ("", "_AUTH", "_ORDER"):
        uri = given[f"MONGO_URI{name}"] if name else "mongodb://mongo/"
        said[name] = shop.engine.docker("exec", "kassa-mongo-1", "mongosh", "--quiet", uri, "--eval", count).strip()
    assert said.pop("_AUTH").isdecimal()
    assert said == {"": "Unauthorized", "_ORDER": "Unauthorized"}
    ask = "exec 3<>/dev/tcp/127.0.0.1/6379; printf 'GET {kassa}:shop\\r\\n' >&3; read -t 3 answer <&3; echo $answer"
    assert shop.engine.docker("exec", "kassa-redis-1", "bash", "-c", ask).startswith("-NOAUTH")


async def test_each_container_comes_back_when_it_is_killed_under_load(shop: ComposedShop) -> None:
    async with load(shop) as buyers:
        for name in (*SERVICES, *STORES):
            await buyers.reach(4)
            pid = shop.kill_one(name)
            await until(lambda name=name, pid=pid: is_back(shop, name, pid), f"{name} to come back")
        await buyers.reach(4)


async def is_back(shop: ComposedShop, name: str, killed: int) -> bool:
    return bool(shop.state(name)["Pid"] not in (0, killed))


async def test_a_container_that_is_cut_off_under_load_loses_nothing(shop: ComposedShop) -> None:
    async with load(shop) as buyers:
        for name in (*SERVICES, *STORES):
            await buyers.reach(4)
            async with cut_off(shop, name):
                await asyncio.sleep(2)
        await buyers.reach(4)


async def test_the_catalogue_is_there_while_the_orders_are_cut_off(shop: ComposedShop) -> None:
    async with cut_off(shop, "order"):
        assert (await shop.call("GET", "/products?limit=3")).status == 200


@asynccontextmanager
async def cut_off(shop: ComposedShop, name: str) -> AsyncIterator[None]:
    """Meanwhile every packet from and to that container is dropped, without a word."""
    cable = shop.cable(name)
    switch = re.search(r" master (\S+)", shop.engine.run("ip", "link", "show", "dev", cable))
    assert switch
    shop.engine.run("ip", "link", "set", cable, "nomaster")
    try:
        yield
    finally:
        shop.engine.run("ip", "link", "set", cable, "master", switch[1])


async def test_all_end_well_when_they_are_stopped(shop: ComposedShop) -> None:
    assert await shop.stop() == 0
    for name in SERVICES[1:]:
        assert "Traceback" not in shop.log(name)


async def test_the_image_alone_is_the_whole_shop(shop: ComposedShop) -> None:
    shop.engine.docker(
        "run", "--detach", "--name", "alone", "--publish", "4000:3000", "--env=STRIPE_SECRET_KEY=sandbox", "kassa"
    )

    async def is_ready() -> bool:
        try:
            return (await shop.call("GET", f"http://{shop.engine.address}:4000/ready")).status == 200
        except OSError:
            return False

    await until(is_ready, "the shop to be ready")
    shop.engine.docker("stop", "--time", "45", "alone")
    assert shop.engine.inspect("alone")["State"]["ExitCode"] == 0
