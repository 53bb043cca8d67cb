"""The image is built by its own steps, and its eight containers run as compose.yaml says, on hosts of their own."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.deploy.containers import ComposedShop
from tests.deploy.manifests import ROOT, dockerfile, image_environment
from tests.journey.load import load
from tests.journey.running import DECLINED, free_port, until

pytestmark = [pytest.mark.slow, pytest.mark.root, pytest.mark.asyncio(loop_scope="module")]

SERVICES = ("gateway", "auth", "product", "inventory", "order", "payment")


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """The `kassa` that the steps of the Dockerfile make, in a directory that is nobody's."""
    folder = Path(tempfile.mkdtemp(prefix="kassa-image-", dir="/var/tmp"))
    folder.chmod(0o755)
    steps = dockerfile()
    second = [number for number, (name, _) in enumerate(steps) if name == "FROM"][1]
    build = folder / "build"
    build.mkdir()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for name, rest in steps[:second]:
        if name == "COPY":
            *sources, target = rest.split()
            for source in sources:
                copy(source, build / target)
        elif name == "RUN":
            command = rest.replace("/kassa", str(folder / "kassa"))
            done = subprocess.run(
                command,
                shell=True,
                cwd=build,
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
            assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    shutil.rmtree(build)  # The image has none of it.
    yield folder / "kassa" / "bin" / "kassa"
    shutil.rmtree(folder)


def copy(source: str, target: Path) -> None:
    """COPY: what .dockerignore leaves of it."""
    ignored = (ROOT / ".dockerignore").read_text().split("\n")
    assert f"!{source}" in ignored, f"{source} is not sent to the builder"
    is_folder = (ROOT / source).is_dir()
    into = target if is_folder or target.suffix else target / source.rpartition("/")[2]
    if is_folder:
        shutil.copytree(ROOT / source, into, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source, into)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(image: Path) -> AsyncIterator[ComposedShop]:
    composed = ComposedShop(image)
    try:
        async with composed:
            yield composed
    finally:
        await composed.remove()


async def test_the_image_alone_is_the_whole_shop(image: Path, tmp_path: Path) -> None:
    (command,) = [json.loads(rest) for name, rest in dockerfile() if name == "CMD"]
    environment = {"PATH": os.environ["PATH"], **image_environment(), "KASSA_DATA": str(tmp_path)}
    environment["STRIPE_SECRET_KEY"] = "sandbox"
    port = str(free_port())
    process = subprocess.Popen([image, *command, "--port", port], env=environment, cwd=tmp_path)
    try:
        await until(lambda: asyncio.to_thread(answers, f"http://127.0.0.1:{port}/ready"), "the shop to be ready")
    finally:
        process.terminate()
    assert process.wait(30) == 0


def answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        return bool(answer.status == 200)
    return False


async def test_the_whole_way_through_eight_containers(shop: ComposedShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=5)
    order_id, session_id = await buyer.checkout(mug)
    await buyer.pay(session_id)
    await buyer.becomes(order_id, "CONFIRMED")
    declined_id, session_id = await buyer.checkout(mug)
    await buyer.pay(session_id, DECLINED)
    await buyer.becomes(declined_id, "CANCELLED")
    assert await buyer.stock(mug) == 4
    refund = await admin.call("POST", f"/payments/{order_id}/refund", {"restock": True})
    assert refund.status == 201, refund.body
    await buyer.becomes(order_id, "REFUNDED")
    for command in ("audit", "reconcile", "doctor"):
        status, printed = await shop.command(command)
        assert status == 0, printed


@pytest.mark.parametrize("name", SERVICES)
async def test_the_health_check_of_the_image_finds_it_well(shop: ComposedShop, name: str) -> None:
    assert await shop.is_healthy(name)


async def test_a_container_can_write_nothing_but_its_data(shop: ComposedShop) -> None:
    process = Path(f"/proc/{shop.pid_of('order')}")
    seen = {line.split()[0]: line.split()[1:] for line in (process / "status").read_text().splitlines()}
    assert seen["Uid:"] == ["10001"] * 4
    assert seen["CapEff:"] == ["0" * 16]
    assert re.search(r"^\S+ / \S+ ro\b", (process / "mounts").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", [*SERVICES, "mongo", "redis"])
async def test_a_container_that_is_cut_off_under_load_loses_nothing(shop: ComposedShop, name: str) -> None:
    async with load(shop) as buyers:
        await buyers.reach(4)
        shop.network.cut(name)
        try:
            await asyncio.sleep(2)
        finally:
            shop.network.mend(name)
        await buyers.reach(4)


async def test_the_catalogue_is_there_while_the_orders_are_cut_off(shop: ComposedShop) -> None:
    await (await shop.admin()).product(stock=5)
    shop.network.cut("order")
    try:
        assert (await shop.call("GET", "/products?limit=3")).status == 200
    finally:
        shop.network.mend("order")


async def test_all_end_well_when_they_are_stopped(shop: ComposedShop) -> None:
    assert await shop.stop() == 0
    for name in SERVICES[1:]:
        assert "Traceback" not in shop.log(name)
