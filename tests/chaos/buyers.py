"""Buyers and an administrator at work, whatever is answered."""

import asyncio
import secrets
from random import Random
from typing import Any

import aiohttp

from tests.chaos.promises import Promises, Question
from tests.journey.running import DECLINED, GOOD, Answer, Buyer

MOST_TRIES = 20
RECENT = 100
"""An administrator refunds one of the orders that were paid last."""


async def send(promises: Promises, kind: str, who: Buyer, method: str, path: str, **given: Any) -> Answer | None:
    """Ask once, with `body` and `key`; the answer, if it came and says for good what was done."""
    headers = {"Idempotency-Key": given["key"]} if "key" in given else {}
    try:
        answer = await who.call(method, path, given.get("body"), **headers)
    except TimeoutError:
        promises.breach(f"{method} {path} was not answered")
        return None
    except (aiohttp.ClientError, ConnectionError):
        return None  # Cut.
    return answer if promises.judge(kind, f"{method} {path}", answer) else None


async def ask(promises: Promises, question: Question) -> Answer | None:
    """Ask a question once; what it is answered for good is promised from then on."""
    promises.open[question.key] = question
    answer = await send(
        promises, question.kind, question.who, "POST", question.path, body=question.body, key=question.key
    )
    if answer is not None:
        promises.settle(question, answer)
    elif question.answered is not None:
        promises.open.pop(question.key, None)  # Somebody else has its answer.
    return answer


class Visitor:
    """Somebody at the shop, whose mind is drawn from `chance`."""

    def __init__(self, promises: Promises, who: Buyer, products: list[str], chance: Random) -> None:
        self._promises = promises
        self._who = who
        self._products = products
        self._chance = chance

    async def insist(self, kind: str, path: str, body: dict[str, Any]) -> Answer | None:
        """Ask until there is an answer, sometimes twice at once, under one key. Some give up early, nobody tries for
        ever; what stays unknown is asked again after the run."""
        question = Question(kind, self._who, path, body, f"{kind}-{secrets.token_hex(8)}")
        clicks = 2 if self._chance.random() < 0.15 else 1
        for _ in range(1 if self._chance.random() < 0.2 else MOST_TRIES):
            answers = await asyncio.gather(*(ask(self._promises, question) for _ in range(clicks)))
            if answer := next((each for each in answers if each is not None), None):
                return answer
            await self.pause(0.15)
        return None

    async def send(self, kind: str, method: str, path: str, body: Any = None) -> Answer | None:
        return await send(self._promises, kind, self._who, method, path, body=body)

    async def pause(self, mean: float) -> None:
        await asyncio.sleep(min(1.0, self._chance.expovariate(1 / mean)))


class Customer(Visitor):
    """Orders, and then pays, cancels, tries a bad card, or forgets about it."""

    async def work(self) -> None:
        """One order, from the cart to wherever it comes."""
        await self.pause(0.04)
        line = {"productId": self._chance.choice(self._products), "quantity": self._chance.choice([1, 1, 2, 3])}
        placed = await self.insist("order", "/orders", {"items": [line]})
        if placed is None or placed.status != 201:
            return
        order_id = placed.body["order"]["id"]
        way = self._chance.random()
        if way < 0.1:
            return  # Nothing more is heard of this one.
        if way < 0.2:
            await self._cancel(order_id)
        elif session_id := await self._open(order_id):
            await self._check_out(order_id, session_id, way)
        if shown := await self.send("look", "GET", f"/orders/{order_id}"):
            self._promises.seen(shown.body["order"])

    async def _open(self, order_id: str) -> str | None:
        opened = await self.send("session", "POST", "/payments/create-session", {"orderId": order_id})
        return str(opened.body["sessionId"]) if opened is not None and opened.status == 200 else None

    async def _check_out(self, order_id: str, session_id: str, way: float) -> None:
        if way < 0.28:
            await self._cancel(order_id)
            await self._pay(order_id, session_id, GOOD)
        elif way < 0.36:
            await asyncio.gather(self._cancel(order_id), self._pay(order_id, session_id, GOOD))
        elif way < 0.48:
            await self._pay(order_id, session_id, DECLINED)
        elif way > 0.55:  # The others leave Stripe's page.
            await self._pay(order_id, session_id, GOOD)

    async def _cancel(self, order_id: str) -> None:
        answer = await self.send("cancel", "POST", f"/orders/{order_id}/cancel")
        if answer is not None and answer.status < 300:
            self._promises.seen(answer.body["order"])

    async def _pay(self, order_id: str, session_id: str, card: str) -> None:
        try:
            answer = await self._who.pay(session_id, card)
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            return  # Stripe will know.
        if answer.status == 200 and answer.body["outcome"] == "succeeded":
            self._promises.pay(order_id)


class Administrator(Visitor):
    """Gives money back, in part or all of it, by item, with or without the goods; sends other orders, and takes goods
    back; counts stock."""

    async def work(self) -> None:
        """One thing that is to be done."""
        await self.pause(0.15)
        paid = self._promises.paid[-RECENT:]
        if paid and self._chance.random() < 0.8:
            order_id = self._chance.choice(paid)
            # What is sent and what is refunded are not the same here: so it is known what becomes of each piece.
            await (self._send if ord(order_id[-1]) % 2 else self._refund)(order_id)
        else:
            change = self._chance.choice([-3, -1, 1, 2, 5])
            body = {"productId": self._chance.choice(self._products), "change": change, "reason": "counted"}
            await self.insist("adjust", "/inventory/adjust", body)

    async def _send(self, order_id: str) -> None:
        piece = [{"productId": self._promises.orders[order_id].product, "quantity": 1}]
        sent = await self.insist("ship", f"/orders/{order_id}/shipments", {"items": piece, "carrier": "DHL"})
        if sent is None or sent.status != 201 or self._chance.random() < 0.5:
            return
        asked = await self.insist("return", f"/orders/{order_id}/returns", {"items": piece})
        if asked is None or asked.status != 201:
            return
        number = asked.body["order"]["returns"][-1]["number"]
        await self.insist("approve", f"/orders/{order_id}/returns/{number}/approve", {})
        await self.insist("receive", f"/orders/{order_id}/returns/{number}/receive", {"restock": piece})

    async def _refund(self, order_id: str) -> None:
        body: dict[str, Any] = {}
        if self._chance.random() < 0.3:
            line = {"productId": self._promises.orders[order_id].product, "quantity": 1}
            body["lines"] = [line | {"restock": self._chance.random() < 0.5}]
            await self.insist("refund", f"/payments/{order_id}/refund", body)
            return
        if self._chance.random() < 0.6:
            body["amount"] = self._chance.choice(["0.50", "5.00", "19.99"])
        if self._chance.random() < 0.4:
            product = self._promises.orders[order_id].product
            body["items"] = [{"productId": product, "quantity": self._chance.choice([1, 1, 2])}]
        elif not body:
            body["restock"] = self._chance.random() < 0.5
        await self.insist("refund", f"/payments/{order_id}/refund", body)


class Crowd:
    """All of them at work for as long as this lasts; what was begun is finished."""

    def __init__(self, visitors: list[Customer | Administrator]) -> None:
        self._visitors = visitors
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> None:
        self._tasks = [asyncio.create_task(self._go_on(visitor)) for visitor in self._visitors]

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        await asyncio.gather(*self._tasks)

    async def _go_on(self, visitor: Customer | Administrator) -> None:
        while not self._stopping.is_set():
            await visitor.work()
