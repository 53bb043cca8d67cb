"""Webhook endpoints: the configured ones, and those made through the API (Stripe docs: api/webhook_endpoints)."""

from __future__ import annotations

from kassa.sandbox import params
from kassa.sandbox.call import Call
from kassa.sandbox.config import SandboxConfig, WebhookTarget
from kassa.sandbox.errors import ApiError, Json, missing
from kassa.sandbox.guard import check_receiver
from kassa.sandbox.ids import new_id, signing_secret
from kassa.sandbox.tables import Tx, decode

_CONFIGURED = "we_configured_"
_TAKEN = {"url", "enabled_events", "description", "metadata", "api_version", "expand"}


def apply_configuration(tx: Tx, targets: tuple[WebhookTarget, ...]) -> None:
    """Make the configured endpoints so. The n-th keeps its id, so that what waits for it follows a changed address."""
    wanted = {f"{_CONFIGURED}{position}": target for position, target in enumerate(targets)}
    known = {row[0]: decode(row[1]) for row in tx.rows("SELECT id, body FROM object WHERE kind = 'webhook_endpoint'")}
    for endpoint_id, target in wanted.items():
        fields = _new(endpoint_id, target.url, list(target.enabled_events), tx.now)
        if endpoint_id in known:
            tx.update({**fields, "created": known[endpoint_id]["created"]})
            tx.update_private(endpoint_id, {"secrets": list(target.secrets)})
        else:
            tx.insert(fields, {"secrets": list(target.secrets)})
    for endpoint_id, endpoint in known.items():
        if endpoint_id.startswith(_CONFIGURED) and endpoint_id not in wanted:
            tx.update({**endpoint, "status": "disabled"})


def create(tx: Tx, call: Call, config: SandboxConfig) -> Json:
    """A new endpoint; its secret is in this answer only."""
    params.only(call.params, _TAKEN)
    url = params.url(call.params, "url")
    if url is None:
        raise missing("url")
    check_receiver(url, config)
    events = params.sequence(call.params, "enabled_events")
    if not events:
        raise missing("enabled_events")
    endpoint = _new(new_id("webhook_endpoint"), url, events, tx.now)
    endpoint["description"] = params.text(call.params, "description")
    endpoint["metadata"] = params.metadata(call.params)
    endpoint["api_version"] = params.text(call.params, "api_version")
    secret = signing_secret()
    tx.insert(endpoint, {"secrets": [secret]})
    return {**endpoint, "secret": secret}


def change(tx: Tx, call: Call, config: SandboxConfig) -> Json:
    """Change the address, the events or whether an endpoint is disabled."""
    params.only(call.params, _TAKEN - {"api_version"} | {"disabled"})
    endpoint = tx.get(call.object_id, "webhook_endpoint")
    if "description" in call.params:
        endpoint["description"] = params.text(call.params, "description")
    if "metadata" in call.params:
        endpoint["metadata"] = params.merged_metadata(endpoint["metadata"], call.params)
    if url := params.url(call.params, "url"):
        check_receiver(url, config)
        endpoint["url"] = url
    if "enabled_events" in call.params:
        endpoint["enabled_events"] = params.sequence(call.params, "enabled_events")
    is_disabled = params.boolean(call.params, "disabled")
    if is_disabled is not None:
        endpoint["status"] = "disabled" if is_disabled else "enabled"
    return tx.update(endpoint)


def roll(tx: Tx, endpoint_id: str, overlap: float) -> str:
    """A new signing secret; for `overlap` seconds the old one signs too, as when one is rolled in the dashboard."""
    endpoint = tx.get(endpoint_id, "webhook_endpoint")
    fresh, private = signing_secret(), tx.private(endpoint_id)
    ending = {secret: tx.clock.now() + overlap for secret in valid_secrets(private, tx.clock.now())}
    secrets = [fresh, *(secret for secret in ending if overlap > 0)]
    tx.update_private(endpoint_id, {"secrets": secrets, "ending": ending})
    tx.update(endpoint)
    return fresh


def valid_secrets(private: Json, now: float) -> list[str]:
    """The secrets that sign for an endpoint at this time."""
    ending = private.get("ending", {})
    return [secret for secret in private["secrets"] if secret not in ending or ending[secret] > now]


def remove(tx: Tx, call: Call) -> Json:
    """Delete an endpoint; one from the configuration stays."""
    endpoint = tx.get(call.object_id, "webhook_endpoint")
    if endpoint["id"].startswith(_CONFIGURED):
        raise ApiError("This endpoint comes from the sandbox's configuration and cannot be deleted.")
    tx.delete(endpoint["id"])
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def _new(endpoint_id: str, url: str, enabled_events: list[str], created: int) -> Json:
    return {
        "id": endpoint_id,
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": created,
        "description": None,
        "enabled_events": enabled_events,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
    }
