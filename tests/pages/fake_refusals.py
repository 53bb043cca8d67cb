"""How the fake shop says no."""

from typing import Any

Json = dict[str, Any]


class Refused(Exception):
    def __init__(self, status: int, code: str, detail: str = "", **members: Any) -> None:
        super().__init__(code)
        self.status, self.code, self.detail, self.members = status, code, detail, members
