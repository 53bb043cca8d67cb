"""The files under deploy/, read as the tools for which they are written read them."""

import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"

_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def variables(file: Path) -> dict[str, str]:
    """What a file such as .env.example sets."""
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def with_secrets(folder: Path) -> dict[str, str]:
    """What `deploy/secrets.sh` makes of a folder's examples."""
    with tempfile.TemporaryDirectory() as made:
        for example in folder.glob("*.env.example"):
            shutil.copy(example, made)
        subprocess.run(["sh", DEPLOY / "secrets.sh", made], check=True)
        return {name: value for file in Path(made).glob("*.env") for name, value in variables(file).items()}


EXAMPLE = variables(DEPLOY / ".env.example")
FILLED = with_secrets(DEPLOY)


def compose(environment: Mapping[str, str]) -> Any:
    """compose.yaml with its variables put in; KeyError names one that is required and missing."""

    def value(match: re.Match[str]) -> str:
        name, kind, text = match.groups()
        if given := environment.get(name):
            return given
        if kind != "-":
            raise KeyError(f"{name} {text}")
        return str(text)

    def filled(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: filled(each) for key, each in part.items()}
        if isinstance(part, list):
            return [filled(each) for each in part]
        return _VARIABLE.sub(value, part) if isinstance(part, str) else part

    return filled(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


def kubernetes(folder: str) -> list[Any]:
    """All that `kubectl apply -k` makes of a folder, but for what kustomize makes up itself."""
    return list(_resources(KUBERNETES / folder))


def kustomization(folder: str) -> Any:
    """A folder's kustomization."""
    return yaml.safe_load((KUBERNETES / folder / "kustomization.yaml").read_text())


def _resources(folder: Path) -> Iterator[Any]:
    steps = yaml.safe_load((folder / "kustomization.yaml").read_text())
    for name in steps.get("resources", []):
        path = (folder / name).resolve()
        if path.is_dir():
            yield from _resources(path)
            continue
        for found in yaml.safe_load_all(path.read_text()):
            for patch in steps.get("patches", []):
                if patch["target"]["kind"] == found["kind"]:
                    common = yaml.safe_load((folder / patch["path"]).read_text())
                    _merge(found["spec"], common["spec"])
            yield found


def _merge(into: Any, more: Any) -> None:
    """A strategic merge: mappings by key, lists of what has a name by name."""
    for key, value in more.items():
        if isinstance(value, dict) and key in into:
            _merge(into[key], value)
        elif isinstance(value, list) and key in into:
            known = {each["name"]: each for each in into[key]}
            for each in value:
                if each["name"] in known:
                    _merge(known[each["name"]], each)
                else:
                    into[key].append(each)
        else:
            into[key] = value


def dockerfile() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile: each one's name and what follows it."""
    lines = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    found = [line.split(None, 1) for line in lines if line and not line.startswith("#")]
    return [(name, rest) for name, rest in found]


def image_environment() -> dict[str, str]:
    """What the image sets, but for the path of commands."""
    sets = [shlex.split(rest) for name, rest in dockerfile() if name == "ENV"]
    named = dict(each.split("=", 1) for each in sets[0])
    del named["PATH"]
    return named
