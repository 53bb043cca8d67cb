"""Bugs of answers to disputes that somebody could write, beside those of bugs.py."""

from typing import Any

import msgspec
import pytest

from kassa.contracts.payment import StripeUnreachable
from kassa.payment import evidence_effects
from kassa.payment.evidence_effects import EvidenceEffects
from kassa.payment.processor import Refused
from tests.simulation.bugs import bug

Patch = pytest.MonkeyPatch


@bug
def an_answer_has_a_new_key_with_every_try_and_nobody_looks_before(patch: Patch) -> None:
    tries = iter(range(1_000_000))
    original = EvidenceEffects._send

    async def send(self: Any, payment: Any, evidence: Any) -> Any:
        return await original(self, payment, msgspec.structs.replace(evidence, key=f"{evidence.id}-{next(tries)}"))

    patch.setattr(EvidenceEffects, "_send", send)
    patch.setattr(EvidenceEffects, "_why_not", lambda *_: "")
    patch.setattr(evidence_effects, "_is_in", lambda *_: False)


@bug
def an_answer_of_which_nothing_is_heard_is_taken_for_refused(patch: Patch) -> None:
    original = EvidenceEffects._send

    async def send(self: Any, payment: Any, evidence: Any) -> Any:
        try:
            return await original(self, payment, evidence)
        except StripeUnreachable as error:
            raise Refused(400, None, error.detail) from error

    patch.setattr(EvidenceEffects, "_send", send)


@bug
def what_is_sent_is_not_what_was_confirmed(patch: Patch) -> None:
    original = EvidenceEffects._send

    async def send(self: Any, payment: Any, evidence: Any) -> Any:
        added = evidence.fields | {"customer_purchase_ip": "192.0.2.1"}
        return await original(self, payment, msgspec.structs.replace(evidence, fields=added))

    patch.setattr(EvidenceEffects, "_send", send)
