"""Whether a process can do its work: what it needs must do what it must."""

import asyncio
from collections.abc import Mapping
from functools import partial

import msgspec

from kassa import __version__
from kassa.app.health import Check, Watched
from kassa.app.shop import Shop
from kassa.gateway.system import NeedOut, ServiceOut, SystemOut
from kassa.kit.problem import Unavailable


def _checks(shop: Shop, services: tuple[str, ...]) -> dict[str, Check]:
    """What must answer: the store, and the services that are called. By their health, not by their readiness: two
    that wait for each other would never be ready."""
    checks: dict[str, Check] = {"database": partial(_probe, shop)} if shop.databases else {}
    if shop.stock is not None:
        checks["stock"] = shop.stock.probe
    if shop.key_rights is not None:
        checks["stripe"] = shop.key_rights.check
    for service in services:
        checks[service] = partial(_is_alive, shop, shop.settings.service_urls[service])
    return checks


async def _probe(shop: Shop) -> None:
    for database in shop.databases.values():
        await database.probe()


async def _is_alive(shop: Shop, url: str) -> None:
    async with shop.sessions().get(f"{url}/health") as answer:
        if answer.status != 200:
            raise Unavailable("not healthy")


def watched_by(shop: Shop, services: tuple[str, ...]) -> dict[str, Watched]:
    """The checks of a process that calls these services."""
    return {name: Watched(check) for name, check in _checks(shop, services).items()}


class _Ready(msgspec.Struct, frozen=True):
    """What `/ready` says: which checks are well, or why which are not."""

    checks: dict[str, str] = {}
    reasons: dict[str, str] = {}
    version: str = ""


class System:
    """How all services of the shop are doing, as far as can be seen from this process."""

    def __init__(self, shop: Shop, name: str, watched: Mapping[str, Watched], elsewhere: Mapping[str, str]) -> None:
        self._shop = shop
        self._name = name
        self._watched = watched
        self._elsewhere = {service: Watched(partial(self._asked, service)) for service in elsewhere}
        self._urls = elsewhere
        self._heard: dict[str, _Ready] = {}

    async def told(self) -> SystemOut:
        """All of them, asked at once; an answer is two seconds old at most."""
        here = [self._here()] if self._shop.place.here else []
        return SystemOut(__version__, list(await asyncio.gather(*here, *map(self._there, self._elsewhere))))

    async def _here(self) -> ServiceOut:
        own = {name: each for name, each in self._watched.items() if name not in self._urls}
        troubles = await asyncio.gather(*(each.trouble() for each in own.values()))
        checks = [NeedOut(name, trouble is None, trouble or "") for name, trouble in zip(own, troubles, strict=True)]
        return ServiceOut(self._name, all(each.is_ok for each in checks), __version__, checks)

    async def _there(self, service: str) -> ServiceOut:
        trouble = await self._elsewhere[service].trouble()
        if trouble is not None:
            return ServiceOut(service, False, "", [NeedOut(service, False, trouble)])
        heard = self._heard[service]
        checks = [NeedOut(name, True, "") for name in heard.checks]
        checks += [NeedOut(name, False, why) for name, why in heard.reasons.items()]
        return ServiceOut(service, not heard.reasons, heard.version, checks)

    async def _asked(self, service: str) -> None:
        async with self._shop.sessions().get(f"{self._urls[service]}/ready") as answer:
            self._heard[service] = msgspec.json.decode(answer.body, type=_Ready)
