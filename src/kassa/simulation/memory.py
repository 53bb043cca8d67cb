"""A Redis server as the stock uses it: its scripts run by Lua itself, its commands, and a log of writes of which a
crash takes the end, as `appendfsync everysec` lets it."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from random import Random
from typing import Any, NamedTuple, TypeAlias

import msgspec
from lupa.lua51 import LuaRuntime  # type: ignore[import-untyped]
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import NoScriptError

_AWAY = (0.2, 8.0)
"""How many seconds a restart takes."""
_WRITES = frozenset(("HSET", "HDEL", "SET", "ZADD", "ZREM", "XADD", "XTRIM"))

Command: TypeAlias = tuple[Any, ...]
Send: TypeAlias = Callable[[Sequence[Command]], Awaitable[list[Any]]]


class _Write(NamedTuple):
    at: float
    commands: list[Command]


class Memory:
    """One server; `now()` in seconds. A command or script is carried out as a whole, and logged as one write."""

    def __init__(self, now: Callable[[], float], chance: Random) -> None:
        self._now = now
        self._chance = chance
        self._lua = LuaRuntime()
        self._lua.globals().redis = self._lua.table_from({"call": self._called, "acl_check_cmd": _is_allowed})
        self._lua.globals().cjson = self._lua.table_from({"decode": self._json})
        self._log: list[_Write] = []
        self._writing: list[Command] = []
        self._back_at = 0.0
        self._begin()

    def _begin(self) -> None:
        self._keys: dict[str, Any] = {}
        self._scripts: dict[str, Any] = {}
        self.run_id = self._chance.randbytes(20).hex()

    def restart(self, lost: float) -> None:
        """kill -9, and a start some seconds later without the writes of the last `lost` seconds."""
        kept_until = self._now() - lost
        self._log = [write for write in self._log if write.at <= kept_until]
        self._back_at = self._now() + self._chance.uniform(*_AWAY)
        self._begin()
        for write in self._log:
            for command in write.commands:
                self._carry_out(command)
        self._writing = []

    def execute(self, commands: Iterable[Command]) -> list[Any]:
        """The answers to commands that nothing comes between; an exception as answer is of that command only."""
        if self._now() < self._back_at:
            raise NotConnected("connection refused")
        return [self._answer(command) for command in commands]

    async def execute_late(self, commands: Sequence[Command], after: float) -> None:
        """Commands whose answer nobody waits for; a restart takes them with their connection."""
        run_id = self.run_id
        await asyncio.sleep(after)
        if run_id == self.run_id:
            self.execute(commands)

    def _answer(self, command: Command) -> Any:
        try:
            return self._carry_out(command)
        except NoScriptError as error:
            return error
        finally:
            if self._writing:
                self._log.append(_Write(self._now(), self._writing))
                self._writing = []

    def _carry_out(self, command: Command) -> Any:
        name, *given = command
        if name in _WRITES:
            self._writing.append(command)
        return _COMMANDS[name](self, *given)

    # Scripts

    def _load(self, text: str) -> str:
        name = hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 - the name that Redis gives a script
        body = text.removeprefix("#!lua")
        self._scripts[name] = self._lua.execute(f"return function(KEYS, ARGV) {body}\nend")
        return name

    def _run(self, name: str, count: int, *given: Any) -> list[Any]:
        if name not in self._scripts:
            raise NoScriptError("NOSCRIPT")
        texts = [str(each) for each in given]
        keys, arguments = self._lua.table_from(texts[:count]), self._lua.table_from(texts[count:])
        return _listed(self._scripts[name](keys, arguments))

    def _called(self, *command: Any) -> Any:
        """`redis.call`: numbers become text, and what is not there becomes false."""
        answer = self._carry_out((command[0], *(_text(each) for each in command[1:])))
        if isinstance(answer, list):
            return self._lua.table_from([False if each is None else each for each in answer])
        return False if answer is None else answer

    def _json(self, text: str) -> Any:
        return self._lua.table_from([self._lua.table_from(line) for line in msgspec.json.decode(text)])

    # Commands

    def _info(self, *sections: str) -> dict[str, str]:
        return {"run_id": self.run_id, "redis_version": "8.0.0", "maxmemory_policy": "noeviction"}

    def _hash(self, key: str) -> dict[str, str]:
        found: dict[str, str] = self._keys.get(key, {})
        return found

    def _hset(self, key: str, *pairs: str) -> int:
        self._keys.setdefault(key, {}).update(zip(pairs[::2], pairs[1::2], strict=True))
        return len(pairs) // 2

    def _set(self, key: str, value: str) -> str:
        self._keys[key] = value
        return "OK"

    def _hdel(self, key: str, *fields: str) -> int:
        removed = sum(self._hash(key).pop(field, None) is not None for field in fields)
        if not self._hash(key):
            self._keys.pop(key, None)
        return removed

    def _zadd(self, key: str, score: str, member: str) -> int:
        self._keys.setdefault(key, {})[member] = float(score)
        return 1

    def _zrem(self, key: str, member: str) -> int:
        return int(self._keys.get(key, {}).pop(member, None) is not None)

    def _zrange(self, key: str, first: Any, last: Any, with_scores: str = "") -> list[Any]:
        members, scores = self._by_score(key), self._keys.get(key, {})
        found = members[int(first) :] if int(last) == -1 else members[int(first) : int(last) + 1]
        return [part for each in found for part in (each, _text(scores[each]))] if with_scores else found

    def _by_score(self, key: str) -> list[str]:
        scores: dict[str, float] = self._keys.get(key, {})
        return sorted(scores, key=lambda member: (scores[member], member))

    def _zrangebyscore(self, key: str, least: str, most: str, _: str, first: int, count: int) -> list[str]:
        scores = self._keys.get(key, {})
        found = [each for each in self._by_score(key) if scores[each] < float(most.removeprefix("("))]
        return found[first : first + count]

    def _zrangebylex(self, key: str, after: str, last: str, _: str, first: int, count: int) -> list[str]:
        found = [each for each in sorted(self._keys.get(key, {})) if after == "-" or each > after.removeprefix("(")]
        return found[first : first + count]

    def _zcount(self, key: str, least: str, most: str) -> int:
        return sum(float(least) <= score <= float(most) for score in self._keys.get(key, {}).values())

    def _xadd(self, key: str, id: str, *pairs: str) -> str:
        entries = self._keys.setdefault(key, {})
        assert not entries or _number(id) > _number(next(reversed(entries))), "ids of a stream must grow"
        entries[id] = dict(zip(pairs[::2], pairs[1::2], strict=True))
        return id

    def _xrange(self, key: str, _: str, last: int, __: str, count: int) -> list[tuple[str, dict[str, str]]]:
        found = [(id, fields) for id, fields in self._keys.get(key, {}).items() if _number(id) <= int(last)]
        return found[:count]

    def _xtrim(self, key: str, _: str, least: int) -> int:
        entries = self._keys.get(key, {})
        gone = [id for id in entries if _number(id) < int(least)]
        for id in gone:
            del entries[id]
        return len(gone)


class Client:
    """What `Server` uses of redis-py's client: pipelines that go to the server by `send`."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def pipeline(self, transaction: bool) -> "Pipeline":
        """Commands that go out together; see redis.asyncio.Redis.pipeline."""
        return Pipeline(self._send)

    async def aclose(self) -> None:
        """Nothing is open."""


class Pipeline:
    """See redis.asyncio.client.Pipeline."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._commands: list[Command] = []

    def execute_command(self, *command: Any) -> None:
        """Add one."""
        self._commands.append(command)

    async def execute(self, raise_on_error: bool) -> list[Any]:
        """Send them, and return the answers."""
        return await self._send(self._commands)


def _is_allowed(*command: Any) -> bool:
    return True


def _text(value: Any) -> Any:
    return str(int(value)) if isinstance(value, float) else value if isinstance(value, str) else str(value)


def _listed(table: Any) -> list[Any]:
    return [int(each) if isinstance(each, float) else each for each in table.values()]


def _number(id: str) -> int:
    return int(id.partition("-")[0])


_COMMANDS: dict[str, Callable[..., Any]] = {
    "EVALSHA": Memory._run,
    "SCRIPT LOAD": Memory._load,
    "INFO": Memory._info,
    "PING": lambda memory: "PONG",
    "EXISTS": lambda memory, key: int(key in memory._keys),
    "SET": Memory._set,
    "HGET": lambda memory, key, field: memory._hash(key).get(field),
    "HMGET": lambda memory, key, *fields: [memory._hash(key).get(field) for field in fields],
    "HSET": Memory._hset,
    "HDEL": Memory._hdel,
    "ZADD": Memory._zadd,
    "ZREM": Memory._zrem,
    "ZRANGE": Memory._zrange,
    "ZRANGEBYSCORE": Memory._zrangebyscore,
    "ZRANGEBYLEX": Memory._zrangebylex,
    "ZCARD": lambda memory, key: len(memory._keys.get(key, {})),
    "ZCOUNT": Memory._zcount,
    "XADD": Memory._xadd,
    "XRANGE": Memory._xrange,
    "XTRIM": Memory._xtrim,
}
