"""Whether the user of the stock's server may do all that the stock does: each right is used once, harmlessly."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from redis.exceptions import ResponseError

from kassa.inventory.stock_redis_errors import is_lacking, lacks, meaning
from kassa.inventory.stock_redis_moves import Keys
from kassa.inventory.stock_redis_server import Server

_TEXT = f"#!lua\n{Path(__file__).with_name('rights.lua').read_text()}"
_NOBODY = "-"


async def use_rights(server: Server, keys: Keys) -> None:
    """Return if all may be done; else Unavailable, which names what may not."""
    figures, movements = keys.figures, keys.movements
    await server.ask(
        (
            ("GET", keys.shop),
            ("HGET", figures, _NOBODY),
            ("HMGET", figures, _NOBODY),
            ("ZRANGEBYLEX", keys.products, "-", "+", "LIMIT", 0, 0),
            ("ZRANGEBYSCORE", keys.unmarked, 0, 0, "LIMIT", 0, 0),
            ("ZRANGE", keys.held, 0, 0),
            ("XRANGE", movements, "-", "+", "COUNT", 1),
            ("XTRIM", movements, "MINID", 0),
        )
    )
    await server.at_once(("ZCARD", keys.products), ("ZCOUNT", keys.available, 0, 0))
    sets = (keys.available, keys.products, keys.held, keys.unmarked)
    nobodys = (keys.stock(_NOBODY), keys.reservation(_NOBODY), keys.done(_NOBODY))
    _check(await server.run_text(_TEXT, (figures, *sets, *nobodys)))


def _check(refused: Sequence[Any]) -> None:
    if not refused:
        return
    command, key, text = refused
    error = ResponseError(text.removeprefix("ERR "))
    if is_lacking(error):
        raise lacks(f"{command} on {key.removesuffix(_NOBODY)}")
    raise meaning(error)
