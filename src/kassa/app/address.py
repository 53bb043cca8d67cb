"""Where a process of the shop is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    """Where the process listens, and where others find it."""

    host: str
    port: int
    scheme: str = "http"

    @property
    def url(self) -> str:
        """For programs on the same machine."""
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"{self.scheme}://{f'[{shown}]' if ':' in shown and not shown.startswith('[') else shown}:{self.port}"

    @property
    def for_people(self) -> str:
        """For browsers: the name that people type, so that they keep their cookies on the way back from paying."""
        return self.url.replace("//127.0.0.1:", "//localhost:")
