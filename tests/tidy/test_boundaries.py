"""Who may import whom. The layers are in `.importlinter`; here are the rules that it cannot say."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from tests.tidy.sources import PACKAGE, ROOT, imports, is_under, modules

KIT = {
    "money", "ids", "clock", "problem", "audit", "inputs", "effects", "machine", "outbox", "documents", "wire",
    "identity", "ended", "service_keys", "idempotency", "web", "origin", "household", "text", "security", "figures",
    "access", "spelling", "formats", "email", "recent", "lists", "patience", "peer", "peer_connection", "peer_pool",
    "peer_tunnel", "languages", "colour", "packing", "gathering",
}  # fmt: skip

# Time, chance, concurrency and the outside world have no place in a domain.
IMPURE = {
    "asyncio", "concurrent", "http", "io", "logging", "multiprocessing", "os", "pathlib", "queue", "random",
    "secrets", "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib", "uuid",
}  # fmt: skip

SERVICES = ("auth", "product", "inventory", "order", "payment")
WIRING = ("kassa.app.wiring", "kassa.app.stores")


def test_layers_services_sandbox_and_storage_keep_their_boundaries(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "src"))
    failed = lint_imports(str(ROOT / ".importlinter"), cache_dir=str(tmp_path))
    assert failed == 0, capsys.readouterr().out


def test_the_kit_is_a_closed_list() -> None:
    there = {path.stem for path in (PACKAGE / "kit").iterdir() if path.suffix == ".py"}
    assert there - {"__init__"} == KIT


def test_nothing_below_the_routes_knows_the_web_framework() -> None:
    inside = {name: tree for name, tree in modules().items() if name.split(".")[1:2] and name.split(".")[1] in SERVICES}
    of_the_web = {name for name, tree in inside.items() if any(is_under(each, "litestar") for each in imports(tree))}
    offenders = [
        f"{module} imports {name}"
        for module, tree in inside.items()
        if module not in of_the_web
        for name in imports(tree)
        if any(is_under(name, web) for web in of_the_web)
    ]
    assert offenders == []
    layers = {f"kassa.{service}.{layer}" for service in SERVICES for layer in ("domain", "service", "store")}
    assert of_the_web & layers == set()


PURE = [f"kassa.{service}.{layer}" for service in SERVICES for layer in ("domain", "machine")]


@pytest.mark.parametrize("module", [module for module in PURE if module in modules()])
def test_a_domain_is_pure(module: str) -> None:
    impure = {name: found for name in _reached_from(module) if (found := _impurities(name))}
    assert impure == {}


def _reached_from(domain: str) -> set[str]:
    """The domain and the modules of its own service that it imports, directly or not: all must be pure."""
    service = domain.rpartition(".")[0]
    reached: set[str] = set()
    waiting = [domain]
    while waiting:
        module = waiting.pop()
        if module in reached or module not in modules():
            continue
        reached.add(module)
        for name in imports(modules()[module]):
            waiting += [each for each in (name, name.rpartition(".")[0]) if is_under(each, service) and each != service]
    return reached


def _impurities(module: str) -> list[str]:
    service = module.rpartition(".")[0]
    return [name for name in imports(modules()[module]) if not _may_be_in_a_domain(name, service)]


def _may_be_in_a_domain(name: str, service: str) -> bool:
    top = name.partition(".")[0]
    if top == "kassa":
        is_vocabulary = is_under(name, "kassa.kit") and not is_under(name, "kassa.kit.web")
        return is_under(name, service) or is_vocabulary or is_under(name, "kassa.contracts")
    # A domain is told the time, as Millis: it neither asks for it nor builds dates of it.
    return top in ("msgspec", "snowballstemmer") or (
        top in sys.stdlib_module_names and top not in IMPURE and top != "datetime"
    )


def test_adapters_are_imported_by_the_wiring_alone() -> None:
    offenders = [
        f"{module} imports {name}"
        for module, tree in modules().items()
        if module not in WIRING and not _is_adapter(module)
        for name in imports(tree)
        if _is_adapter(name)
    ]
    assert offenders == []


def _is_adapter(name: str) -> bool:
    parts = name.split(".")
    if parts[0] != "kassa" or len(parts) < 3:
        return False
    return parts[1] == "storage" or (parts[1] in SERVICES and parts[2].startswith(("stock_", "processor_")))


def test_only_its_adapter_imports_the_stripe_sdk() -> None:
    offenders = [
        module
        for module, tree in modules().items()
        if any(is_under(name, "stripe") for name in imports(tree)) and not module.startswith("kassa.payment.processor_")
    ]
    assert offenders == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Imports for types alone count, and those inside functions: what knows each other is one thing in two files."""
    known = modules()
    needs = {
        name: {each for each in _modules_of(tree) if each in known and each != name} for name, tree in known.items()
    }
    while leaves := {name for name, needed in needs.items() if not needed & needs.keys()}:
        needs = {name: needed for name, needed in needs.items() if name not in leaves}
    assert {name: sorted(needed & needs.keys()) for name, needed in needs.items()} == {}


def _modules_of(tree: ast.Module) -> Iterator[str]:
    for name in imports(tree):
        yield name if name in modules() else name.rpartition(".")[0]
