"""Several hosts on this machine: network namespaces on one bridge, that find each other by name. Needs root."""

import os
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path

_HOSTS = Path("/etc/netns")


def run(*command: str) -> None:
    """Run a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


class Network:
    """The hosts with these names, and this machine, which has the first address."""

    def __init__(self, names: Sequence[str]) -> None:
        self._key = secrets.token_hex(3)
        self._bridge = f"kb{self._key}"
        net = f"10.{secrets.randbelow(100) + 100}.{secrets.randbelow(256)}"
        self._mine = f"{net}.1/24"
        self.addresses = {name: f"{net}.{number}" for number, name in enumerate(names, 2)}

    def start(self) -> None:
        """Make the bridge and the hosts."""
        assert os.geteuid() == 0, "network namespaces are root's: run this as root, or leave it out with -m 'not root'"
        run("ip", "link", "add", self._bridge, "type", "bridge")
        run("ip", "addr", "add", self._mine, "dev", self._bridge)
        run("ip", "link", "set", self._bridge, "up")
        known = "".join(f"{address} {name}\n" for name, address in self.addresses.items())
        for number, (name, address) in enumerate(self.addresses.items()):
            space, port = self.space(name), f"kp{self._key}{number}"
            run("ip", "netns", "add", space)
            run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", space)
            run("ip", "link", "set", port, "master", self._bridge, "up")
            run("ip", "-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                run("ip", "-n", space, "link", "set", device, "up")
            (_HOSTS / space).mkdir(parents=True)
            (_HOSTS / space / "hosts").write_text(f"127.0.0.1 localhost\n{known}")

    def on(self, name: str) -> tuple[str, ...]:
        """What to put before a command to run it on that host."""
        return ("ip", "netns", "exec", self.space(name))

    def cut(self, name: str) -> None:
        """From now on every packet from and to that host is dropped, without a word."""
        run("ip", "link", "set", self._port(name), "nomaster")

    def mend(self, name: str) -> None:
        """Packets pass again."""
        run("ip", "link", "set", self._port(name), "master", self._bridge)

    def remove(self) -> None:
        """Take all of it away; what still runs there must have been ended."""
        for name in self.addresses:
            space = self.space(name)
            run("ip", "netns", "delete", space)
            (_HOSTS / space / "hosts").unlink()
            (_HOSTS / space).rmdir()
        run("ip", "link", "delete", self._bridge)

    def space(self, name: str) -> str:
        """The network namespace of that host."""
        return f"kassa-{self._key}-{name}"

    def _port(self, name: str) -> str:
        return f"kp{self._key}{list(self.addresses).index(name)}"
