"""Where mails are handed to."""

from typing import NamedTuple


class Server(NamedTuple):
    """A mail server. `is_tls`: from the first byte on; else by STARTTLS, which only a server on this machine may do
    without."""

    host: str
    port: int
    is_tls: bool
    needs_tls: bool
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Server({self.host!r}, {self.port})"
