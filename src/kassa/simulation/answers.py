"""Those who answer disputes in some runs: in the shop, two at once, and in Stripe's dashboard; and what must hold of
it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterator
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from kassa.app.shop import Shop, present
from kassa.kit.identity import Principal
from kassa.kit.ids import EVIDENCE, Ids
from kassa.kit.problem import Problem
from kassa.payment.domain import Payment
from kassa.payment.evidence import SENT
from kassa.payment.metadata import EVIDENCE_KEY
from kassa.sandbox import disputes
from kassa.sandbox.call import Call
from kassa.sandbox.errors import ApiError, Json
from kassa.simulation.books import Books

if TYPE_CHECKING:
    from kassa.simulation.world import World

_VERDICTS = ("winning_evidence", "losing_evidence")
_OPEN = "SELECT id FROM object WHERE kind = 'dispute' AND state LIKE '%needs_response' ORDER BY seq"


class Confirmed(NamedTuple):
    """What somebody has confirmed: for which dispute, and the texts."""

    dispute_id: str
    fields: dict[str, str]


class Answerers:
    """`confirmed` is what was confirmed, by its id; `elsewhere` how often a dispute was answered in the dashboard, and
    `touched` which somebody has begun or given an answer for there."""

    def __init__(self, world: "World", staff: Principal) -> None:
        self._world = world
        self._staff = staff
        self._chance = world.chance("answers to disputes")
        self._ids = Ids(world.clock, world.chance("evidence").randbytes)
        self.confirmed: dict[str, Confirmed] = {}
        self.elsewhere: Counter[str] = Counter()
        self.touched: set[str] = set()

    async def work(self, seconds: float, times: int) -> None:
        """Look so many times what wants an answer, and give one."""
        if not self._world.answers_disputes:
            return
        for _ in range(times):
            await asyncio.sleep(self._chance.expovariate(times / seconds))
            if self._chance.random() < 0.15:
                self._in_the_dashboard(self._chance)
                continue
            for payment in await self._waiting():
                await self._answer(payment, self._chance)

    async def _waiting(self) -> list[Payment]:
        def asked(shop: Shop) -> Awaitable[list[Payment]]:
            return present(shop.payment, "payment").payments.find({"wants_evidence": True}, limit=3)

        try:
            return await self._world.insist("", asked)
        except Problem:
            return []

    async def _answer(self, payment: Payment, chance: Random) -> None:
        """One or two of the staff, each of whom may click twice."""
        dispute = chance.choice(payment.disputes)
        ways = []
        for _ in range(2 if chance.random() < 0.3 else 1):
            evidence_id = self._ids.new(EVIDENCE)
            fields = {"customer_name": f"A buyer {chance.randint(1, 9)}", "product_description": "Mugs"}
            fields |= {"uncategorized_text": chance.choice(_VERDICTS)} if chance.random() < 0.5 else {}
            self.confirmed[evidence_id] = Confirmed(dispute.id, fields)
            ways += [self._confirm(payment, evidence_id) for _ in range(2 if chance.random() < 0.2 else 1)]
        await asyncio.gather(*ways)

    async def _confirm(self, payment: Payment, evidence_id: str) -> None:
        dispute_id, fields = self.confirmed[evidence_id]
        amount = next(each.amount_minor for each in payment.disputes if each.id == dispute_id)

        def asked(shop: Shop) -> Awaitable[Any]:
            answers = present(shop.answers, "payment")
            return answers.answer(payment, dispute_id, evidence_id, fields, amount, who=self._staff.id)

        try:
            await self._world.insist(payment.order_id, asked)
        except Problem:
            return

    def _in_the_dashboard(self, chance: Random) -> None:
        """Somebody begins an answer there, or gives one."""
        rows = self._world.stripe.tx.rows(_OPEN)
        if not rows:
            return
        dispute_id, is_given = str(chance.choice(rows)[0]), chance.random() < 0.5
        given: Json = {"evidence": {"refund_policy_disclosure": "Shown."}, "submit": str(is_given).lower()}
        call = Call("POST", f"/v1/disputes/{dispute_id}", given, "", dispute_id)
        try:
            self._world.stripe.do(lambda tx: disputes.change(tx, call))
        except ApiError:
            return
        self.touched.add(dispute_id)
        self.elsewhere[dispute_id] += is_given


def answered(books: Books, answerers: Answerers) -> Iterator[str]:
    """I17: what Stripe has of evidence is what was confirmed, once; and the shop knows which that is."""
    known = {each.id: each for payment in books.payments.values() for each in payment.evidence}
    at_stripe: set[str] = set()
    for dispute in books.disputes:
        by_us = dispute["evidence_details"]["submission_count"] - answerers.elsewhere[dispute["id"]]
        evidence_id = dispute["metadata"].get(EVIDENCE_KEY, "")
        at_stripe.add(evidence_id)
        if by_us > 1:
            yield f"I17: dispute {dispute['id']} was answered {by_us} times"
        if by_us and evidence_id not in answerers.confirmed:
            yield f"I17: dispute {dispute['id']} was answered, and nobody has confirmed that"
        elif by_us and dispute["id"] not in answerers.touched:
            given = {name: text for name, text in dispute["evidence"].items() if isinstance(text, str)}
            if answerers.confirmed[evidence_id] != (dispute["id"], given):
                yield f"I17: dispute {dispute['id']} was answered otherwise than was confirmed"
        if by_us and (evidence_id not in known or known[evidence_id].status != SENT):
            yield f"I17: Stripe has the answer {evidence_id}, and the shop does not know"
    for each in known.values():
        if each.status == SENT and each.id not in at_stripe:
            yield f"I17: the answer {each.id} is taken for sent, and Stripe does not have it"
