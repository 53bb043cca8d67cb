"""docs/settings.md: what can be set."""

from generator.markdown import code, page, table
from kassa.app.settings import SETTINGS

INTRODUCTION = """\
Settings are read from the environment and from a file `.env` in the directory in which the command is started; the
environment counts more. Empty is the same as unset. They are checked at the start and never change afterwards: a
missing secret, a malformed address or an unknown value stops the start with one line that names the setting, and exit
status 2. [Running Kassa](operations.md) says which of them a shop needs."""

CLOSING = """\
`MONGO_URI` names a replica set (a database for each service is made in it), `REDIS_URL` a Redis 7 or Valkey with
`appendonly yes`, `appendfsync everysec` and `maxmemory-policy noeviction`
([how to run them](operations.md#mongodb-and-redis)). `JWT_SECRET` and `INTERNAL_SECRET` stay in the data directory
unless they are set."""


def made() -> str:
    """The page."""
    rows = [(code(setting.name), setting.default, setting.help) for setting in SETTINGS]
    return page("Settings", INTRODUCTION, table(("Setting", "Default", "Meaning"), rows), CLOSING)
