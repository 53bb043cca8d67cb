"""One Redis or Valkey (or a cluster): commands that wait together go out together, and the scripts that change stock
run only on a server process that is known to have all that was ever acknowledged.

How that is made sure of. A server's script cache does not outlive its process (Redis 7 and newer, Valkey). A process
of ours loads the scripts, with a salt of its own in their text, together with asking the server's run id; only when
that is the accepted one it begins to use their names. So a name that is in use is known to no other server process:
one that was restarted, or takes over, answers NOSCRIPT, and the run id is looked at again before anything is changed.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import hiredis
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import NoScriptError

from kassa.inventory.stock_redis_errors import ERRORS, check_address, meaning, not_an_address
from kassa.kit.gathering import when_gathered
from kassa.kit.patience import Waiting, seconds_left
from kassa.kit.problem import Unavailable

MENDING = "the stock is being mended after the server was restarted; try again shortly"
_SILENT = "the stock's server does not answer"

_OLDEST = 7
_ABOUT = ("INFO", "server", "memory")
_RETRIES = 3
_SECONDS = 2.0  # For one answer.
_PATIENCE_SECONDS = (1 + _RETRIES) * _SECONDS  # For all of it: to wait for one's turn, to be admitted, to be answered.
_FLIGHTS = 4  # Pipelines under way at a time: what comes meanwhile waits, and so goes out together.
_LOAD = 512  # The most commands of one pipeline.

_PARTS = {
    **{name: ("common", name) for name in ("init", "adjust", "restock", "reserve", "mark", "enter", "level")},
    **{name: ("common", name) for name in ("mend_begin", "mend_end", "forget")},
    **{name: ("common", "end", name) for name in ("commit", "release")},
}

Names: TypeAlias = Mapping[str, str]
"""The scripts by name, as a server process knows them."""

_Waiting: TypeAlias = "tuple[tuple[Any, ...], asyncio.Future[Any]]"


class _Packing:
    """Has commands packed by hiredis: a script's many keys and arguments cost redis-py's own packer 60 µs."""

    def pack_command(self, *command: Any) -> list[bytes]:
        return [_packed(command)]

    def pack_commands(self, commands: Iterable[Sequence[Any]]) -> list[bytes]:
        return [b"".join(map(_packed, commands))]


def _packed(command: Sequence[Any]) -> bytes:
    name, *args = command
    packed: bytes = hiredis.pack_command((*name.split(), *args) if isinstance(name, str) else tuple(command))
    return packed


class Process(NamedTuple):
    """A server process, and the names of the scripts that were loaded into it."""

    run_id: str
    scripts: Names


class Server:
    """`is_accepted(run_id)` tells whether a server process has all that was acknowledged. `tag` is part of every key:
    on a cluster, the node that holds it is the server."""

    def __init__(self, client: "Redis | RedisCluster", tag: str) -> None:
        self._client: Any = client
        self._tag = tag
        self._waiting: list[_Waiting] = []
        self._callers = Waiting(_PATIENCE_SECONDS, _SILENT)
        self._flights: set[asyncio.Task[None]] = set()
        self._is_scheduled = False
        self._texts = {name: _text(parts) for name, parts in _PARTS.items()}
        self._admitted: Names | None = None
        self._admitting = asyncio.Lock()
        self.is_accepted: Callable[[str], Awaitable[bool]] = _never

    @classmethod
    async def connect(cls, url: str, tag: str) -> "Server":
        """The server at the address; a cluster, if it is part of one. Unavailable if it does not answer, or not us;
        ValueError if nothing could ever be reached at such an address."""
        # Without retries a connection that the server closed while it was idle raises. Repeating is harmless here.
        retry = Retry(ExponentialWithJitterBackoff(base=0.01, cap=1), _RETRIES)
        how: Any = {"decode_responses": True, "socket_timeout": _SECONDS, "socket_connect_timeout": _SECONDS}
        try:
            client = Redis.from_url(url, retry=retry, **how)
        except ValueError as error:
            raise ValueError(f"has options that cannot be read ({error})") from None
        pool: Any = client.connection_pool
        pool.connection_class = type("PackingConnection", (_Packing, pool.connection_class), {})
        check_address(pool.connection_kwargs)
        try:
            about: Any = await client.info("server")
        except (*ERRORS, TypeError) as error:
            await client.aclose()
            raise (not_an_address(error) or meaning(error)) from error
        if about.get("redis_mode", about.get("server_mode")) != "cluster":
            return cls(client, tag)
        await client.aclose()
        return cls(RedisCluster.from_url(url, retry=retry, **how), tag)

    async def close(self) -> None:
        """Finish what is under way and close the connections."""
        while self._flights:
            await asyncio.wait(self._flights)
        await self._client.aclose()

    # Commands

    def send(self, *command: Any) -> "asyncio.Future[Any]":
        """The answer to a command, which goes out with all others that come until nothing more comes. One that nobody
        waits for any more by then does not go out."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._callers.add(future)
        self._waiting.append((command, future))
        if not self._is_scheduled and len(self._flights) < _FLIGHTS:
            self._is_scheduled = True
            when_gathered(loop, lambda: len(self._waiting), self._take_off)
        return future

    async def ask(self, commands: Iterable[Sequence[Any]]) -> list[Any]:
        """The answers to many commands, however many: no more of them wait at a time than are soon answered."""
        waiting, answers = list(commands), list[Any]()
        for first in range(0, len(waiting), _FLIGHTS * _LOAD):
            part = waiting[first : first + _FLIGHTS * _LOAD]
            answers += await asyncio.gather(*(self.send(*command) for command in part))
        return answers

    async def at_once(self, *commands: Sequence[Any]) -> list[Any]:
        """The answers to commands that nothing comes between."""
        return await self._pipeline(commands, is_transaction=True)

    async def run(self, script: str, keys: Sequence[str], args: Sequence[Any]) -> list[Any]:
        """Run a script on an accepted process; Unavailable if there is none now."""
        for _ in range(3):
            names = self._admitted or await self._admit()
            try:
                return await self.run_as(names, script, keys, args)
            except NoScriptError:
                if self._admitted is names:
                    self._admitted = None
        raise Unavailable("the stock's server is restarted again and again")

    async def check(self) -> None:
        """Return if scripts may run now, as far as is known; else Unavailable."""
        if self._admitted is None:
            await self._admit()

    async def run_as(self, names: Names, script: str, keys: Sequence[str], args: Sequence[Any]) -> list[Any]:
        """Run a script where it is known by this name; NoScriptError anywhere else."""
        answer: list[Any] = await self.send("EVALSHA", names[script], len(keys), *keys, *args)
        return answer

    async def run_text(self, text: str, keys: Sequence[str]) -> list[Any]:
        """Run a script that changes nothing, and so may run on any process."""
        _, (name,) = await self._load([text])
        answer: list[Any] = await self.send("EVALSHA", name, len(keys), *keys)
        return answer

    # The server process

    async def process(self) -> Process:
        """The process that answers now, and the scripts in it under new names."""
        salt = f"#!lua\n-- {secrets.token_hex(16)}\n"
        run_id, names = await self._load([salt + text for text in self._texts.values()])
        return Process(run_id, dict(zip(self._texts, names, strict=True)))

    async def run_id(self) -> str:
        """The run id of the process that answers now."""
        if isinstance(self._client, RedisCluster):
            return _run_id((await self._load_into_node([]))[0])
        return _run_id(await self.send(*_ABOUT))

    async def _load(self, texts: Sequence[str]) -> tuple[str, list[str]]:
        """Load scripts; the run id of the process that has them now, and their names."""
        commands = [("SCRIPT LOAD", text) for text in texts]
        if isinstance(self._client, RedisCluster):
            about, names = await self._load_into_node(commands)
        else:
            about, *names = await self._pipeline([_ABOUT, *commands])
        for name in names:
            if isinstance(name, Exception):
                raise meaning(name) from name
        return _run_id(about), names

    async def _load_into_node(self, commands: Sequence[tuple[str, ...]]) -> tuple[Any, list[str]]:
        """Load, ask who it was, and see that it is there: then it was the same process all the time."""
        try:
            await self._client.initialize()
            node = self._client.get_node_from_key(self._tag)
            names = [await self._client.execute_command(*command, target_nodes=node) for command in commands]
            about = await self._client.execute_command(*_ABOUT, target_nodes=node)
            are_there = await self._client.execute_command("SCRIPT EXISTS", *names, target_nodes=node) if names else []
        except ERRORS as error:
            raise meaning(error) from error
        if not all(are_there):
            raise Unavailable("the stock's server was restarted just now")
        return about, names

    async def _admit(self) -> Names:
        try:
            async with asyncio.timeout(seconds_left(_PATIENCE_SECONDS)), self._admitting:
                if self._admitted is None:
                    # Asked first without loading: while the stock is mended, everybody comes by here.
                    if not await self.is_accepted(await self.run_id()):
                        raise Unavailable(MENDING)
                    run_id, names = await self.process()
                    if not await self.is_accepted(run_id):
                        raise Unavailable(MENDING)
                    self._admitted = names
                return self._admitted
        except TimeoutError:
            raise Unavailable(_SILENT) from None

    # Pipelines

    def _take_off(self) -> None:
        self._is_scheduled = False
        while self._waiting and len(self._flights) < _FLIGHTS:
            load, self._waiting = self._waiting[:_LOAD], self._waiting[_LOAD:]
            flight = asyncio.get_running_loop().create_task(self._fly(load))
            self._flights.add(flight)
            flight.add_done_callback(self._land)

    def _land(self, flight: "asyncio.Task[None]") -> None:
        self._flights.discard(flight)
        if self._waiting and not self._is_scheduled:
            self._take_off()

    async def _fly(self, load: Sequence[_Waiting]) -> None:
        load = [each for each in load if not each[1].done()]
        try:
            answers = await self._pipeline([command for command, _ in load]) if load else []
        except asyncio.CancelledError:
            for _, future in load:
                future.cancel()
            raise
        except Exception as error:
            answers = [error] * len(load)
        for (_, future), answer in zip(load, answers, strict=True):
            if future.done():
                continue  # its caller has gone away
            if isinstance(answer, Exception):
                future.set_exception(meaning(answer))
            else:
                future.set_result(answer)

    async def _pipeline(self, commands: Sequence[Sequence[Any]], *, is_transaction: bool = False) -> list[Any]:
        pipeline = self._client.pipeline(transaction=is_transaction)
        for command in commands:
            pipeline.execute_command(*command)
        try:
            answers: list[Any] = await pipeline.execute(raise_on_error=is_transaction)
        except ERRORS as error:
            raise meaning(error) from error
        return answers


@cache
def _text(parts: Sequence[str]) -> str:
    return "\n".join(Path(__file__).with_name(f"{part}.lua").read_text() for part in parts)


async def _never(run_id: str) -> bool:
    return False


def _run_id(about: Any) -> str:
    """Who it is, of a server that can be trusted with stock."""
    if isinstance(about, Exception):
        raise meaning(about) from about
    if int(str(about["redis_version"]).partition(".")[0]) < _OLDEST:
        raise Unavailable(f"Redis {about['redis_version']} is too old for the stock: use Redis 7 or newer, or Valkey")
    if str(about["maxmemory_policy"]).startswith("allkeys"):
        raise Unavailable("this Redis throws keys away when memory is short: set its maxmemory-policy to noeviction")
    return str(about["run_id"])
