"""What an audit finds."""

import msgspec


class Difference(msgspec.Struct, frozen=True):
    """An invariant that does not hold: which one, for what, and how."""

    invariant: str
    subject: str
    text: str
