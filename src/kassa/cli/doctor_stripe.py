"""What `kassa doctor` finds out about Stripe: the key and its rights, the webhook's endpoint, and whether it works."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kassa.cli.finding import Finding, asked

if TYPE_CHECKING:
    from kassa.app.settings import Settings
    from kassa.app.shop import Shop
    from kassa.payment.key_rights import KeyRights
    from kassa.payment.rights import StripeAccount, WebhookEndpoint

WEBHOOK_PATH = "/payments/webhook"
_MOST_NAMED = 5


async def stripe_findings(shop: Shop, settings: Settings) -> list[Finding]:
    """All of them; what Stripe cannot be asked, because it is not reached, is left out."""
    notices = await shop.notices.all() if shop.notices else []
    # What the key lacks is told by a line of its own.
    findings = [Finding(False, each.text, each.advice) for each in notices if each.kind != "rights_missing"]
    if shop.stripe_account is None:
        return findings
    whose = "sandbox" if settings.has_sandbox else "Stripe"
    advice = partial(_advice, settings)
    reached = await asked(whose, "takes the key", "the key cannot be used", shop.stripe_account.check, advice)
    findings.append(reached)
    if reached.is_well and not settings.has_sandbox:
        if shop.key_rights is not None:
            findings.append(await _rights(shop.key_rights))
        findings += await _answers(shop.stripe_account)
        do_come = shop.notices is not None and await shop.notices.do_webhooks_come()
        findings += await _webhook(shop.stripe_account, settings, do_come=do_come)
    return findings


def _advice(settings: Settings, error: Exception) -> str:
    from kassa.contracts.payment import StripeKeyRefused

    if settings.has_sandbox:
        return "start `kassa up`, whose sandbox this is"
    if isinstance(error, StripeKeyRefused):
        return "set STRIPE_SECRET_KEY to a whole key of your account that is not revoked (Stripe's dashboard, API keys)"
    if settings.stripe_proxy is not None:
        return "does the proxy of HTTPS_PROXY lead to Stripe?"
    return "can this machine reach Stripe, or does it need a proxy (HTTPS_PROXY)?"


async def _rights(rights: KeyRights) -> Finding:
    """Each right is used once; what was refused and has not worked since is told too."""

    async def look() -> None:
        await rights.look()
        await rights.check()

    advice = "give it the rights in Stripe's dashboard"
    return await asked("Stripe key", "may do all that the shop does", "may not do all that the shop does", look, advice)


async def _answers(account: StripeAccount) -> list[Finding]:
    """Whether disputes can be answered here: a shop can do without."""
    from kassa.contracts.payment import StripeKeyRefused, StripeUnreachable
    from kassa.payment.rights import ANSWERS_RIGHT

    try:
        await account.use(ANSWERS_RIGHT)
    except StripeKeyRefused:
        text = "Stripe key: may not answer disputes (Disputes, write), which is left to Stripe's dashboard"
        return [Finding(True, text)]
    except StripeUnreachable:
        return []
    return [Finding(True, "Stripe key: may answer disputes")]


async def _webhook(account: StripeAccount, settings: Settings, *, do_come: bool) -> list[Finding]:
    from kassa.contracts.payment import StripeKeyRefused, StripeUnreachable

    try:
        endpoints = await account.webhook_endpoints()
    except StripeKeyRefused as error:
        text = f"webhook endpoint: could not be compared ({error.detail})"
        return [Finding(False, text, "give the key the right Webhook Endpoints (read), which only this command uses")]
    except StripeUnreachable as error:
        return [Finding(True, f"webhook endpoint: could not be compared ({error.detail})", "ask again later")]
    return endpoint_findings(endpoints, settings.frontend_url, is_test=settings.stripe_mode != "live", do_come=do_come)


def endpoint_findings(
    endpoints: list[WebhookEndpoint], shop_url: str | None, *, is_test: bool, do_come: bool
) -> list[Finding]:
    """Whether Stripe sends to this shop what it acts on. Where the shop is to be reached is known if `shop_url` is set;
    that may be a storefront's, apart from the shop: while webhooks `do_come`, one of the endpoints is right."""
    wanted = f"{shop_url.rstrip('/')}{WEBHOOK_PATH}" if shop_url else f"…{WEBHOOK_PATH}"
    of_a_kassa = [each for each in endpoints if each.url.endswith(WEBHOOK_PATH)]
    ours = [each for each in of_a_kassa if each.url == wanted]
    if not ours and (do_come or shop_url is None):
        ours = of_a_kassa
    if ours:
        return [_compared(each) for each in ours]
    others = [each.url for each in endpoints]
    if is_test and not others:
        text = "webhook endpoint: none in Stripe's test mode, as it should be while `stripe listen` forwards events"
        return [Finding(True, text)]
    named = ", ".join(others[:_MOST_NAMED]) + (", …" if len(others) > _MOST_NAMED else "")
    advice = f"add {wanted} in Stripe's dashboard" + ("" if shop_url else ", and set FRONTEND_URL")
    return [Finding(False, f"webhook endpoint: none for {wanted}, but {named or 'none at all'}", advice)]


def _compared(endpoint: WebhookEndpoint) -> Finding:
    from kassa.payment.event_handlers import HANDLED

    if endpoint.status != "enabled":
        text = f"webhook endpoint: {endpoint.url} is {endpoint.status}"
        return Finding(False, text, "enable it in Stripe's dashboard")
    missing = [each for each in HANDLED if each not in endpoint.enabled_events]
    if missing and "*" not in endpoint.enabled_events:
        text = f"webhook endpoint: {endpoint.url} is not sent {', '.join(missing)}"
        return Finding(False, text, "add these events to it in Stripe's dashboard")
    return Finding(True, f"webhook endpoint: {endpoint.url} is sent all that the shop acts on")
