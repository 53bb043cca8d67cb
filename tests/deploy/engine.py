"""A container engine of the tests' own: Debian's, with a root, a network, processes and data that are nobody else's.

It is made of Debian's packages and the servers that the tests have anyway: no registry of images is asked. What takes
long to make is kept in the user's cache. Needs root.
"""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.deploy import images
from tests.deploy.manifests import ROOT
from tests.deploy.network import Network
from tests.servers.mongod import die_with_parent

# In a mount namespace of its own: Debian's root with a layer for what is written; the engine's data, the shop's files.
_CAGE = f"""
set -e
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
cd "$2/root"
mkdir -p old kassa cache var/lib/docker
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
for each in run tmp; do mount -t tmpfs tmpfs $each; done
mount --bind "$2" kassa
mount --bind "$3" cache
mount --bind "$3/$4" var/lib/docker
pivot_root . old
umount --lazy /old
python3 -m http.server --directory "/cache/$5" --bind 0.0.0.0 {images.WHEELS_PORT} >/dev/null 2>&1 &
exec dockerd --bip {images.WHEELS_HOST}/24 --cgroup-parent kassa-tests --log-level warn
"""


class Engine:
    """One engine, from `start` to `remove`, and the shop's files as somebody has them who has just fetched them."""

    def __init__(self) -> None:
        assert os.geteuid() == 0, "a container engine is root's: run this as root, or leave it out with -m 'not root'"
        self.folder = Path(tempfile.mkdtemp(prefix="kassa-engine-", dir="/var/tmp"))
        self.shop = self.folder / "shop"
        self.network = Network(["engine"])
        self._process: subprocess.Popen[bytes] | None = None
        images.CACHE.mkdir(parents=True, exist_ok=True)
        self._lock = (images.CACHE / "lock").open("w")

    @property
    def address(self) -> str:
        """Where the ports are that containers publish."""
        return self.network.addresses["engine"]

    def start(self) -> None:
        """Make what is not in the cache, start the engine, and have the images there that others come from."""
        fcntl.flock(self._lock, fcntl.LOCK_EX)  # One at a time: the engine's data are in the cache too.
        kept = images.prepare()
        for name in ("upper", "work", "root"):
            (self.folder / name).mkdir()
        for name in ("LICENSE", "README.md", "pyproject.toml", ".dockerignore", "requirements", "src", "deploy"):
            source, target = ROOT / name, self.shop / name
            target.parent.mkdir(exist_ok=True)
            shutil.copytree(source, target, ignore=_SECRETS) if source.is_dir() else shutil.copy(source, target)
        self.network.start()
        data = images.CACHE / f"data-{kept.key}"
        data.mkdir(exist_ok=True)
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *("nsenter", f"--net=/run/netns/{self.network.space('engine')}"),
                    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _CAGE, "sh"),
                    *(str(kept.tree), str(self.folder), str(images.CACHE), data.name, kept.wheels.name),
                ],
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        self._wait_until_it_answers()
        # Those of tests that were killed.
        self.run("sh", "-c", "docker ps --all --quiet | xargs --no-run-if-empty docker rm --force --volumes")
        self.docker("volume", "prune", "--all", "--force")
        self.docker("system", "prune", "--force")
        images.load(self, kept)

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + 60
        while self._pid() is None or self.ask("docker", "version").returncode:
            is_over = self._process.poll() is not None or time.monotonic() > deadline
            assert not is_over, (self.folder / "log").read_text()
            time.sleep(0.2)

    def docker(self, *arguments: str, **settings: str) -> str:
        """Run a command of the engine's that must succeed; what it printed."""
        return self.run("docker", *arguments, **settings)

    def run(self, *command: str, **settings: str) -> str:
        """Run a command where the engine is, which must succeed; what it printed."""
        done = self.ask(*command, **settings)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def ask(self, *command: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        """Run a command where the engine is, in the folder of the shop's files; how it ended."""
        inside = (
            "nsenter",
            f"--target={self._pid()}",
            "--mount",
            "--net",
            "--pid",
            "--wdns=/kassa/shop",
            "--",
            *command,
        )
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", **settings}
        return subprocess.run(inside, env=environment, capture_output=True, text=True, timeout=600, check=False)

    def inspect(self, name: str) -> Any:
        """All that the engine knows of a container or an image."""
        (found,) = json.loads(self.docker("inspect", name))
        return found

    def _pid(self) -> int | None:
        """The process from which the engine is to be entered: the first one of its own processes."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return int(children[0]) if children else None

    def remove(self) -> None:
        """End it and all that runs there; the images that others come from stay in the cache."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self.network.remove()
        shutil.rmtree(self.folder)
        self._lock.close()


_SECRETS = shutil.ignore_patterns("__pycache__", ".env", "*.env")
