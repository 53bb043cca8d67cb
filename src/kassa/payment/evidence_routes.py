"""Answering disputes: a draft of what can be said, and the answer, which is given once."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from kassa.contracts.payment import DisputeNotAnswerable
from kassa.kit.access import Permission
from kassa.kit.ids import EVIDENCE
from kassa.kit.problem import Invalid, NotFound
from kassa.kit.web import JsonResponse, new_id, once, principal_of, read_body, takes
from kassa.payment.answering import Answers
from kassa.payment.evidence_wire import EvidenceAnswer, EvidenceDraft, NewEvidence, shown_draft, shown_evidence
from kassa.payment.service import PaymentService, visible


@get("/payments/{order_id:str}/disputes/{dispute_id:str}/evidence", tags=["payments"], refuses=(NotFound,))
async def drafted_evidence(
    request: Request[Any, Any, Any], order_id: FromPath[str], dispute_id: FromPath[str]
) -> Response[EvidenceDraft]:
    """What can be said to a dispute, from what is stored of its order and payment; what is missing; and the answer, if
    one was confirmed. Nothing is sent."""
    staff = await principal_of(request)
    payment = await visible(_service(request), order_id, staff, Permission.ANSWER_DISPUTES)
    drafted, why_not = await _answers(request).drafted(payment, dispute_id)
    return JsonResponse(shown_draft(payment, dispute_id, drafted, why_not), media_type="application/json")


@post(
    "/payments/{order_id:str}/disputes/{dispute_id:str}/evidence",
    tags=["payments"],
    status_code=201,
    operation_class=takes(NewEvidence),
    refuses=(NotFound, DisputeNotAnswerable),
)
async def answer_dispute(
    request: Request[Any, Any, Any], order_id: FromPath[str], dispute_id: FromPath[str]
) -> Response[EvidenceAnswer]:
    """Answer a dispute: these texts go to the buyer's bank, through Stripe. It can be done once. An answer that Stripe
    refuses has no effect, and may be given anew; while Stripe cannot be reached it goes on by itself."""
    staff = await principal_of(request)
    asked = await read_body(request, NewEvidence)
    if not asked.submit:
        raise Invalid.field("submit", "must be true: a dispute is answered once, and this confirms it")
    payment = await visible(_service(request), order_id, staff, Permission.ANSWER_DISPUTES)

    async def answer(evidence_id: str) -> EvidenceAnswer:
        how = (payment, dispute_id, evidence_id, msgspec.structs.asdict(asked.fields), asked.amount_minor)
        _, made = await _answers(request).answer(*how, who=staff.id)
        return EvidenceAnswer(shown_evidence(made))

    return await once(request, staff.id, 201, new_id(request, EVIDENCE), answer)


def _answers(request: Request[Any, Any, Any]) -> Answers:
    answers: Answers = request.app.state["answers"]
    return answers


def _service(request: Request[Any, Any, Any]) -> PaymentService:
    service: PaymentService = request.app.state["payment"]
    return service


HANDLERS = (drafted_evidence, answer_dispute)
