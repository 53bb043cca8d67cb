"""The compose file is valid, says what the code says, and lets nobody in but through the gateway."""

import json
from importlib.resources import files

import jsonschema
import pytest
import typer.main

from kassa.app.settings import DEFAULT_PORTS, SETTINGS, read_settings
from kassa.app.web import CALLS, calls
from kassa.cli.main import app
from tests.deploy.manifests import DEPLOY, ROOT, SECRETS, compose, dockerfile, image_environment, variables

EXAMPLE = variables(DEPLOY / ".env.example")
SERVICES = tuple(DEFAULT_PORTS)
NAMES = {setting.name for setting in SETTINGS}


def test_the_compose_file_is_valid() -> None:
    schema = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text())
    jsonschema.validate(compose(EXAMPLE | SECRETS), schema)


def test_without_secrets_it_says_which_is_missing() -> None:
    with pytest.raises(KeyError, match="JWT_SECRET is missing"):
        compose(EXAMPLE)


def test_there_are_the_eight_containers_and_two_doors() -> None:
    containers = compose(EXAMPLE | SECRETS)["services"]
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
    container = compose(EXAMPLE | SECRETS)["services"][name]
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


@pytest.mark.parametrize("file", [".env.example", "kubernetes/shop/.env.example"])
def test_the_example_names_settings(file: str) -> None:
    assert set(variables(DEPLOY / file)) <= NAMES


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
    assert sent == {"LICENSE", "README.md", "pyproject.toml", "requirements/run.txt", "src"}
