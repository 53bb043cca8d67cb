"""`kassa doctor`: is everything set up as it must be, and if not, what to do."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable
from dataclasses import replace
from email.utils import parsedate_to_datetime
from errno import EACCES
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from kassa.cli.doctor_mail import mail_findings
from kassa.cli.doctor_stripe import stripe_findings
from kassa.cli.finding import Finding, asked
from kassa.cli.running import DataOption, opened, run, settings_for

if TYPE_CHECKING:
    from kassa.app.settings import Settings
    from kassa.app.shop import Shop

LEAST_SPACE = 256 * 1024 * 1024

_SANDBOX = Finding(True, "Stripe: the sandbox stands in, no real money moves")


def doctor(data: DataOption = None) -> None:
    """Check settings, connections, the Stripe key, the webhook secret, the clock and the disk; say what to do.
    Exit status 1 if anything is wrong; a line with ! is a warning."""
    settings = settings_for(data)
    findings = [Finding(True, "settings: all can be read"), *_secrets(settings), *_contact(settings), _space(settings)]
    findings += run(_outside(settings))
    for finding in findings:
        print(finding)
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


def _secrets(settings: Settings) -> list[Finding]:
    findings = []
    for name, secret in (
        ("JWT_SECRET", next(iter(settings.jwt_secrets), "")),
        ("INTERNAL_SECRET", settings.internal_secret),
    ):
        findings.append(Finding(True, f"{name}: {'set' if secret else f'made by the shop itself, in {settings.data}'}"))
    if settings.service_keys:
        findings.append(Finding(True, f"SERVICE_KEYS: {', '.join(settings.service_keys)}"))
    if not settings.has_sandbox:
        count = len(settings.stripe_webhook_secrets)
        rolled = f", {count} at once while one is rolled" if count > 1 else ""
        findings.append(Finding(True, f"STRIPE_WEBHOOK_SECRET: set{rolled}"))
        wrong = [secret for secret in settings.stripe_webhook_secrets if not secret.startswith("whsec_")]
        if wrong:
            advice = "take the endpoint's signing secret from Stripe's dashboard, or from `stripe listen`"
            findings.append(Finding(False, "STRIPE_WEBHOOK_SECRET: does not begin with whsec_", advice))
    return findings


def _contact(settings: Settings) -> list[Finding]:
    """A warning if a live shop does not say whom to tell of a hole."""
    if settings.security_contacts or settings.stripe_mode != "live":
        return []
    advice = "set it to an address such as mailto:security@shop.example, which /.well-known/security.txt then says"
    return [Finding(True, "SECURITY_CONTACT: not set, so who finds a security hole cannot know whom to tell", advice)]


def _space(settings: Settings) -> Finding:
    there = next(path for path in (settings.data, *settings.data.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    text = f"disk: {free // 1024**2} MiB free at {settings.data}"
    return Finding(free >= LEAST_SPACE, text, "" if free >= LEAST_SPACE else "make room; a full disk stops all sales")


async def _outside(settings: Settings) -> list[Finding]:
    found, mail = await asyncio.gather(_connections(settings), mail_findings(settings))
    return [*found, *mail]


async def _connections(settings: Settings) -> list[Finding]:
    from kassa.app.files import DataUnusable
    from kassa.app.settings import SettingError
    from kassa.app.shop import NoShop
    from kassa.kit.problem import Problem

    try:
        return await _asked_all(settings)
    except SettingError as error:
        return [Finding(False, str(error), "the shop does not start like this")]
    except NoShop as error:
        return [Finding(False, str(error)), *await _before_the_first_start(settings)]
    except (Problem, DataUnusable, OSError) as error:
        return [Finding(False, f"the shop cannot be opened: {error}", "mend that first, then ask again")]


async def _before_the_first_start(settings: Settings) -> list[Finding]:
    """What Stripe says of the key, the clock and the endpoint, for which no data is needed."""
    from kassa.app.shop import Place
    from kassa.app.wiring import all_here, open_shop

    if settings.has_sandbox:
        return [_SANDBOX]
    with tempfile.TemporaryDirectory() as folder:
        apart = replace(settings, data=Path(folder), mongo_uri=None, redis_url=None, service_urls={})
        async with open_shop(apart, Place(all_here(apart), serves=False, brings_sandbox=False)) as shop:
            return [await clock_compared(shop, settings), *await stripe_findings(shop, settings)]


async def _asked_all(settings: Settings) -> list[Finding]:
    async with opened(settings, with_sandbox=True, reads_only=True) as shop:
        checks: list[Awaitable[Finding]] = []
        advice = f"is {settings.data} writable, and not on a network file system?"
        if settings.mongo_uri is not None:
            advice = "does MongoDB take writes, and has the user of MONGO_URI its role?"
        for name, database in shop.databases.items():
            probe = partial(_probe_beside, settings, name) if settings.mongo_uri is None else database.probe
            checks.append(asked(f"database {name}", "reads and writes", "cannot be read and written", probe, advice))
        if settings.redis_url is not None and shop.stock is not None:
            advice = "does it take writes, and has the user of REDIS_URL its rights?"
            checks.append(
                asked(
                    "Redis", "does all that stock needs", "does not do all that stock needs", shop.stock.probe, advice
                )
            )
        for service, url in settings.service_urls.items():
            name = f"{service.upper()}_SERVICE_URL"
            advice = f"does `kassa serve {service}` run there?"
            checks.append(asked(name, "answers", "does not answer", partial(_is_alive, shop, url), advice))
        if shop.stripe_account is not None and not settings.has_sandbox:
            checks.append(clock_compared(shop, settings))
        about_stripe = await stripe_findings(shop, settings)
        about_staff = await second_factors(shop, settings)
        stands_in = [_SANDBOX] if settings.has_sandbox else []
        return [*stands_in, *await asyncio.gather(*checks), *about_stripe, *about_staff, *await _twins(shop)]


async def second_factors(shop: Shop, settings: Settings) -> list[Finding]:
    """Whether a password alone is enough to refund what a live shop has sold."""
    if shop.auth is None or settings.stripe_mode != "live":
        return []
    without = [user.email for user in await shop.auth.staff.all() if not user.has_second_factor]
    if settings.second_factor_required == "off":
        advice = "set SECOND_FACTOR_REQUIRED=staff: whoever guesses a password must not be able to refund"
        count = f"{len(without)} of the staff {'has' if len(without) == 1 else 'have'} none"
        return [Finding(True, f"second factor: not required, {count}", advice)]
    missing = f", missing at {', '.join(without)}" if without else ""
    advice = "they can do nothing for the shop until it is set up" if without else ""
    return [Finding(True, f"second factor: required of the staff{missing}", advice)]


async def _twins(shop: Shop) -> list[Finding]:
    """What looks the same, and was stored by a former release as two."""
    accounts = await shop.auth.twins() if shop.auth is not None else []
    products = await shop.product.twins() if shop.product is not None else []
    return [
        Finding(
            True,
            f"account {other}: its address, stored as {stored!a}, looks like that of {owner}",
            f"both log in, {other} with the address as it was typed then; if its owner cannot, {owner} is to be used",
        )
        for owner, other, stored in accounts
    ] + [
        Finding(
            True,
            f"product {other}: its SKU, stored as {stored!a}, looks like that of {owner}",
            f"give {other} another SKU in the console, or take {owner}'s away: the SKU finds {owner} alone",
        )
        for owner, other, stored in products
    ]


async def _probe_beside(settings: Settings, name: str) -> None:
    """Of another file beside the database, which is left as it is."""
    from kassa.app.files import usable
    from kassa.app.stores import open_file

    with usable(settings.data):
        if not os.access(settings.data / f"{name}.db", os.W_OK):
            raise PermissionError(EACCES, os.strerror(EACCES))
        folder = tempfile.TemporaryDirectory(dir=settings.data, prefix="doctor-")
    with folder as beside:
        file = await open_file(settings, name, Path(beside))
        try:
            await file.probe()
        finally:
            await file.close()


async def _is_alive(shop: Shop, url: str) -> None:
    async with shop.sessions().get(f"{url}/health") as answer:
        if answer.status >= 400:
            raise ValueError(answer.status)


async def clock_compared(shop: Shop, settings: Settings) -> Finding:
    """Stripe's answers say in which second they were made."""
    from kassa.app.settings import STRIPE
    from kassa.kit.clock import MOST_SKEW, SECOND

    asking = shop.sessions().get(settings.stripe_api_base or STRIPE, proxy=settings.stripe_proxy)
    try:
        async with asking as answer:
            theirs = int(parsedate_to_datetime(answer.field(b"date")).timestamp()) * SECOND + SECOND // 2
    except Exception:  # reaching Stripe has a finding of its own
        return Finding(True, "clock: could not be compared with Stripe's", "ask again when Stripe answers")
    ahead = shop.clock.now() - theirs
    text = f"clock: {abs(ahead) // SECOND} s {'ahead' if ahead > 0 else 'short'} of Stripe's"
    if abs(ahead) <= MOST_SKEW:
        return Finding(True, text)
    harm = "webhooks may be refused" if ahead > 0 else "Stripe may refuse all sessions"
    return Finding(False, text, f"{harm}: set it, with NTP for instance")
