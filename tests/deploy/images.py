"""What the tests' engine and its images are made of; made once, and kept in the user's cache."""

import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.deploy.manifests import FILLED, ROOT, compose
from tests.servers import mongod, valkey

if TYPE_CHECKING:
    from tests.deploy.engine import Engine

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kassa-tests"
WHEELS_HOST, WHEELS_PORT = "172.31.255.1", 8123
# What stands in for the images that the Dockerfile builds on.
STANDING_IN = {"PYTHON": "kassa-python", "BUILDER": "kassa-builder"}
_DEBIAN = "trixie"
_PYTHON_VERSION = "3.13"
# As slim as the image in whose place it stands.
_BASE = ("ca-certificates", "python3", "python3-venv")
_TREE = (
    *_BASE,
    "binutils",
    "docker.io",
    "docker-cli",
    "docker-compose",
    "iproute2",
    "iptables",
    "libcurl4t64",
    "nodejs",
)
_MONGOSH = Path(__file__).parent / "mongosh"
# Packages of Python come from this machine alone.
_PIP = f"[global]\nno-index = true\nfind-links = http://{WHEELS_HOST}:{WHEELS_PORT}/\ntrusted-host = {WHEELS_HOST}\n"
_ON_PYTHON = "COPY pip.conf /etc/pip.conf\nRUN ln -s python3 /usr/bin/python\n"
_STORES = """
COPY mongod valkey-server /usr/local/bin/
COPY mongosh /opt/mongosh
RUN ln -s /opt/mongosh/node_modules/.bin/mongosh /usr/local/bin/ \\
  && useradd --system --uid 999 mongodb && useradd --system --uid 998 valkey \\
  && install -d -o valkey /data && install -d -o mongodb /data/db
"""


class Kept(NamedTuple):
    """What is in the cache."""

    key: str
    base: Path
    tree: Path
    wheels: Path
    mongosh: Path


def prepare() -> Kept:
    """Make what is not in the cache."""
    recipe = (_DEBIAN, *_BASE, "", *_TREE, _PIP, _ON_PYTHON, _STORES, (_MONGOSH / "package-lock.json").read_text())
    key = hashlib.sha256("\n".join(recipe).encode()).hexdigest()[:12]
    for old in CACHE.glob("*-*"):
        if key not in old.name and not old.name.startswith("wheels-"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    base, tree, mongosh = CACHE / f"base-{key}.tar", CACHE / f"tree-{key}", CACHE / f"mongosh-{key}"
    # Side by side, for most of the time they wait for what they fetch.
    with ThreadPoolExecutor() as pool:
        wheels = pool.submit(_wheels)
        others = [pool.submit(_debian, base, _BASE), pool.submit(_debian, tree, _TREE), pool.submit(_shell, mongosh)]
        for each in others:
            each.result()
        return Kept(key, base, tree, wheels.result(), mongosh)


def _debian(path: Path, packages: tuple[str, ...]) -> None:
    if path.exists():
        return
    made = path.with_name(f"part-{path.name}")
    shutil.rmtree(made, ignore_errors=True)
    less = [f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in ("doc", "info", "locale", "man")]
    options = ["--mode=root", "--variant=minbase", f"--include={','.join(packages)}", *less]
    assert shutil.which("mmdebstrap"), "these tests need mmdebstrap: apt-get install mmdebstrap"
    _run("mmdebstrap", *options, _DEBIAN, str(made))
    made.rename(path)


def _shell(folder: Path) -> None:
    """MongoDB's, which its image has."""
    if folder.exists():
        return
    made = folder.with_name(f"part-{folder.name}")
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(_MONGOSH, made)
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional")
    _run("npm", "ci", "--prefix", str(made), *quiet)
    made.rename(folder)


def _wheels() -> Path:
    """The packages that the image is made of, for the Python that it has here."""
    locks = [ROOT / "requirements" / name for name in ("build.txt", "run.txt")]
    folder = CACHE / f"wheels-{hashlib.sha256(b''.join(lock.read_bytes() for lock in locks)).hexdigest()[:12]}"
    if not folder.exists():
        for old in CACHE.glob("wheels-*"):
            shutil.rmtree(old)
        made = CACHE / "part-wheels"
        shutil.rmtree(made, ignore_errors=True)
        kinds = [f"--platform={kind}_x86_64" for kind in ("manylinux_2_28", "manylinux2014", "manylinux_2_17", "linux")]
        which = ["--only-binary=:all:", f"--python-version={_PYTHON_VERSION}", *kinds, "--no-deps", "--require-hashes"]
        named = [part for lock in locks for part in ("-r", str(lock))]
        _run(sys.executable, "-m", "pip", "download", "-q", *which, "-d", str(made), *named)
        made.rename(folder)
    return folder


def load(engine: "Engine", kept: Kept) -> None:
    """Have the images there that others come from: a slim Python, one that can build, and both stores."""
    images = [compose(FILLED)["services"][name]["image"] for name in ("mongo", "redis")]
    if engine.docker("images", "--quiet", images[-1]):
        return
    engine.docker("import", f"/cache/{kept.base.name}", "kassa-base")
    engine.run("sh", "-c", f"tar --create --directory=/cache/{kept.tree.name} . | docker import - kassa-tree")
    for source, image in zip(("kassa-base", "kassa-tree"), STANDING_IN.values(), strict=True):
        (_context(engine, image, source, _ON_PYTHON) / "pip.conf").write_text(_PIP)
        _build(engine, image, image)
    stores = _context(engine, "kassa-stores", "kassa-tree", _STORES)
    shutil.copytree(kept.mongosh, stores / "mongosh", symlinks=True)
    shutil.copy(mongod.binary(), stores / "mongod")
    shutil.copy(valkey.binary(), stores / "valkey-server")
    _build(engine, "kassa-stores", *images)


def _context(engine: "Engine", name: str, source: str, steps: str) -> Path:
    """A folder with what an image is built of and nothing else, for all of it is sent to the engine."""
    folder = engine.folder / name
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {source}\n{steps}")
    return folder


def _build(engine: "Engine", name: str, *tags: str) -> None:
    named = [f"--tag={tag}" for tag in tags]
    engine.docker("build", "--quiet", *named, f"/kassa/{name}", DOCKER_BUILDKIT="0")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
