"""docs/settings.md: what can be set."""

from generator.markdown import code, page, table
from kassa.app.settings import SETTINGS

INTRODUCTION = """\
Settings are read from the environment and from a file `.env` in the directory in which the command is started; the
environment counts more. Empty is the same as unset. They are checked at the start and never change afterwards: a
missing secret, a malformed address or an unknown value stops the start with one line that names the setting, and exit
status 2. [Running Kassa](operations.md) says which of them a shop needs."""

CLOSING = """\
This release keeps everything in SQLite: it refuses to start when `MONGO_URI` or `REDIS_URL` is set."""


def made() -> str:
    """The page."""
    rows = [(code(setting.name), setting.default, setting.help) for setting in SETTINGS]
    return page("Settings", INTRODUCTION, table(("Setting", "Default", "Meaning"), rows), CLOSING)
