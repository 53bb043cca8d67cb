"""The shop in each of its forms, on servers of its own, and what clients of HTTP cost."""

from contextlib import ExitStack
from functools import cache

import aiohttp
import httpx
import msgspec

from bench.servers import ON_SERVERS, SIX_PROCESSES
from kassa.bench import visits
from kassa.bench.driving import Outcome
from kassa.bench.figures import Line, driven, figures, ratio
from kassa.bench.running import ONE_PROCESS, shop
from kassa.bench.visits import OK, Client
from kassa.bench.workloads import JOURNEY_CLIENTS
from kassa.kit.peer import Client as Peer
from kassa.kit.peer import Origin, written

FORMS = {
    "one process, SQLite": ONE_PROCESS,
    "one process, MongoDB and Valkey": ON_SERVERS,
    "six processes, MongoDB and Valkey": SIX_PROCESSES,
}


def forms(seconds: float) -> Line:
    """The paid journey in each form, in turn. `ratio`: Kassa's CPU in six processes, by that in one on SQLite. The
    line's own figures are those of six processes."""
    with ExitStack() as closing:
        running = {name: closing.enter_context(shop(with_sandbox=True, form=form)) for name, form in FORMS.items()}
        products = {name: each.stock_up() for name, each in running.items()}
        rounds: dict[str, list[Outcome]] = {name: [] for name in running}
        for name in (*running, *running):
            outcome = driven(running[name], visits.journey, JOURNEY_CLIENTS, seconds / 6, products[name])
            rounds[name].append(outcome)
        by_form = {name: figures(one.joined(two), running[name]) for name, (one, two) in rounds.items()}
        first, *_, last = by_form.values()
        return {"clients": JOURNEY_CLIENTS, **last, "ratio": ratio(last, first), "by_form": by_form}


def clients(seconds: float) -> Line:
    """Small questions by the client between services, by aiohttp and by httpx, in turn. `ratio`: what asking costs with
    aiohttp, by what with our own."""
    asks = {"peer": ask_by_peer, "aiohttp": ask_by_aiohttp, "httpx": ask_by_httpx}
    with shop() as running:
        rounds: dict[str, list[Outcome]] = {name: [] for name in asks}
        for name in (*asks, *asks):
            rounds[name].append(driven(running, asks[name], JOURNEY_CLIENTS, seconds / 6, []))
        by_client = {name: figures(one.joined(two), running) for name, (one, two) in rounds.items()}
        cost = ratio(by_client["aiohttp"], by_client["peer"], "drivers")
        return {"clients": JOURNEY_CLIENTS, **by_client["peer"], "ratio": cost, "by_client": by_client}


async def ask_by_peer(client: Client) -> str:
    """A small question, by the client that services use between them."""
    bearer = written([(b"authorization", f"Bearer {client.token}".encode())])
    answer = await _peer().call("GET", Origin.of(client.base), b"/health", bearer, None, 10)
    return OK if answer.status == 200 and msgspec.json.decode(answer.body) else "wrong"


async def ask_by_aiohttp(client: Client) -> str:
    """The same, by a client for everything."""
    async with _aiohttp().get(client.base + "/health", headers=_bearer(client)) as answer:
        return OK if answer.status == 200 and await answer.json() else "wrong"


async def ask_by_httpx(client: Client) -> str:
    """The same, by another one."""
    answer = await _httpx().get(client.base + "/health", headers=_bearer(client))
    return OK if answer.status_code == 200 and answer.json() else "wrong"


def _bearer(client: Client) -> dict[str, str]:
    return {"Authorization": f"Bearer {client.token}"}


@cache
def _peer() -> Peer:
    return Peer()


@cache
def _aiohttp() -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=0)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


@cache
def _httpx() -> httpx.AsyncClient:
    return httpx.AsyncClient(limits=httpx.Limits(max_connections=None), trust_env=False)
