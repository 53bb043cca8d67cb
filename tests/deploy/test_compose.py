"""The compose file is valid, says what the code says, and lets nobody in but through the gateway."""

import json
import re
import subprocess
from importlib.resources import files
from itertools import permutations
from pathlib import Path

import jsonschema
import pytest
import typer.main

from kassa.app.secrets import service_keys
from kassa.app.settings import DEFAULT_PORTS, SETTINGS, read_settings
from kassa.app.web import CALLS, calls
from kassa.cli.main import app
from kassa.kit.problem import Forbidden
from kassa.kit.service_keys import ServiceIdentity
from tests.app.test_rights import ACTIONS
from tests.deploy.manifests import DEPLOY, EXAMPLE, FILLED, ROOT, compose, dockerfile, image_environment, variables
from tests.servers.valkey_user import ACL

SERVICES = tuple(DEFAULT_PORTS)
OF_THE_SHOP = ("", "keys", "stores")
MADE = "RANDOM|PRIVATE|PUBLIC"
NAMES = {setting.name for setting in SETTINGS}


def test_the_compose_file_is_valid() -> None:
    schema = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text())
    jsonschema.validate(compose(FILLED), schema)


@pytest.mark.parametrize("name", [name for name, value in EXAMPLE.items() if re.search(MADE, value)])
def test_without_a_secret_it_says_which_is_missing(name: str) -> None:
    with pytest.raises(KeyError, match=f"{name} is missing"):
        compose(FILLED | {name: ""})


def test_there_are_the_eight_containers_and_two_doors() -> None:
    containers = compose(FILLED)["services"]
    assert containers.pop("kassa")["profiles"] == ["commands"]
    assert set(containers) == {*SERVICES, "mongo", "redis"}
    doors = {name: each["ports"] for name, each in containers.items() if "ports" in each}
    assert doors == {"gateway": ["3000:3000"], "payment": ["12111:12111"]}
    for each in containers.values():
        assert each["read_only"] is True
        assert each["cap_drop"] == ["ALL"]
        assert each["security_opt"] == ["no-new-privileges:true"]
        assert each["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_finds_the_others_and_has_valid_settings(name: str) -> None:
    container = compose(FILLED)["services"][name]
    environment = image_environment() | {key: str(value) for key, value in container["environment"].items()}
    assert set(environment) - {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"} <= NAMES
    settings = read_settings(environment)
    settings.require_services_form((name,), *(CALLS if name == "gateway" else calls(name, settings)))
    assert settings.port == DEFAULT_PORTS[name]
    assert settings.has_sandbox
    assert settings.service_urls == {each: f"http://{each}:{DEFAULT_PORTS[each]}" for each in CALLS}
    # The browser that pays is on the host; nobody else is let in to the sandbox unless told.
    assert container["command"] == ["serve", name, *(["--sandbox-host", "0.0.0.0"] if name == "payment" else [])]
    assert container["depends_on"] == ["mongo", "redis"]


def test_no_container_can_sign_as_another() -> None:
    containers = compose(FILLED)["services"]
    identities = {}
    for name in SERVICES:
        given = {key: str(value) for key, value in containers[name]["environment"].items()}
        assert ("JWT_SECRET" in given) is (name == "auth")
        keys = service_keys(read_settings(given), keeps=False)
        assert (set(keys.own), set(keys.public), keys.secret) == ({name}, set(SERVICES), "")
        identities[name] = {each: ServiceIdentity(each, keys) for each in SERVICES}
    for name, pretended in permutations(SERVICES, 2):
        callee = next(each for each in SERVICES if each not in (name, pretended))
        asked = identities[callee][callee]
        own = identities[name][name].headers(callee)
        assert asked.check(own["x-internal-service"], own["x-internal-token"], SERVICES) == name
        assert identities[name][pretended].headers(callee) == {}
        with pytest.raises(Forbidden):
            asked.check(f"{pretended}-service", own["x-internal-token"], SERVICES)


@pytest.mark.parametrize(
    "file", [".env.example", *(f"kubernetes/shop/{name}.env.example" for name in ("", "keys", "stores"))]
)
def test_the_example_names_settings(file: str) -> None:
    stores = {"MONGO_KEY", "MONGO_ADMIN_PASSWORD", *(f"MONGO_URI_{name.upper()}" for name in CALLS)}
    keys = {f"SERVICE_KEYS_{name.upper()}" for name in SERVICES}
    assert set(variables(DEPLOY / file)) <= NAMES | stores | keys


def test_the_image_runs_commands_that_there_are() -> None:
    instructions = dict(dockerfile())
    assert json.loads(instructions["ENTRYPOINT"]) == ["kassa"]
    command = typer.main.get_command(app)
    for arguments in (json.loads(instructions["CMD"]), *(["serve", name] for name in SERVICES), ["reconcile", "--fix"]):
        name, *rest = arguments
        found = command.get_command(command.make_context("kassa", [], resilient_parsing=True), name)  # type: ignore[attr-defined]
        assert found is not None
        found.make_context(name, list(rest))


def test_nothing_secret_or_needless_is_sent_to_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*"
    sent = {rule[1:] for rule in rules if rule.startswith("!")}
    assert sent == {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "requirements/build.txt",
        "requirements/run.txt",
        "deploy/slim.py",
        "src",
    }


def test_the_secrets_are_made_by_one_command_and_what_is_there_stays(tmp_path: Path) -> None:
    example = tmp_path / ".env.example"
    example.write_text((DEPLOY / ".env.example").read_text())
    (tmp_path / ".env").write_text("JWT_SECRET=mine\nCURRENCY=eur\n")
    for _ in range(2):
        subprocess.run(["sh", DEPLOY / "secrets.sh", tmp_path], check=True)
    made = variables(tmp_path / ".env")
    assert set(made) == set(EXAMPLE)
    assert (made["JWT_SECRET"], made["CURRENCY"]) == ("mine", "eur")
    random = [re.search("[0-9a-f]{64}", made[name]) for name, value in EXAMPLE.items() if "RANDOM" in value]
    assert not any(re.search(MADE, value) for value in made.values())
    assert len({each[0] for each in random[1:] if each}) == len(random) - 1
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    assert len((tmp_path / ".env").read_text().splitlines()) == len(made)


def test_each_service_may_go_to_its_own_data_alone() -> None:
    containers = compose(FILLED)["services"]
    for name in CALLS:
        environment = containers[name]["environment"]
        assert environment["MONGO_URI"] == FILLED[f"MONGO_URI_{name.upper()}"]
        assert ("REDIS_URL" in environment) is (name == "inventory")
        assert [key for key in environment if key.startswith("MONGO")] == ["MONGO_URI"]
    assert not {"MONGO_URI", "REDIS_URL"} & set(containers["gateway"]["environment"])


def test_the_stores_users_may_do_what_the_handbook_says() -> None:
    script = (DEPLOY / "stores" / "mongo.js").read_text()
    assert re.findall(r'"(\w+)"', re.search(r"actions = \[(.*?)\]", script, re.DOTALL)[1]) == ACTIONS  # type: ignore[index]
    (line,) = re.findall(r"^user .* on >\S+ (.*)$", (DEPLOY / "stores" / "redis.sh").read_text(), re.MULTILINE)
    assert line == ACL.partition(">hidden ")[2]
