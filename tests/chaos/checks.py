"""Whether what was promised was kept. Each check returns what is wrong now, a line each; what can never come right
any more it tells the promises."""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any

import aiohttp

from kassa.app.sandboxing import SANDBOX_KEY
from tests.chaos.buyers import ask, send
from tests.chaos.promises import UNKNOWN, Promise, Promises
from tests.journey.running import Answer, Buyer, RunningShop, until

PAGE = 100
GIVEN_BACK = ("succeeded", "pending")
UNHEARD_OF = ("relay failed", "job failed", "stock differs")
"""What the shop logs when something happens to it that it did not expect."""


async def command(shop: RunningShop, name: str) -> list[str]:
    """`kassa audit` or `kassa reconcile`: what it prints when it is not content."""
    status, printed = await shop.command(name)
    return [] if status == 0 else [f"kassa {name} ended with {status}:", *printed.splitlines()]


def unheard_of(shop: RunningShop) -> list[str]:
    """Lines of the shop's log that nothing but a mistake in it explains: stores that are away are expected."""
    log = (shop.data.parent / f"{shop.data.name}.log").read_text(errors="replace")
    return [line for line in log.splitlines() if any(words in line for words in UNHEARD_OF)]


async def unanswered(promises: Promises) -> list[str]:
    """The questions that are open; each is asked once more before."""
    await asyncio.gather(*(ask(promises, question) for question in list(promises.open.values())))
    return [f"{each.kind} {each.key} is not answered" for each in promises.open.values()]


async def ask_again(promises: Promises) -> None:
    """Ask what was answered since the last time once more: the answer must be the same."""
    known, promises.answered = promises.answered, []
    await asyncio.gather(*(ask(promises, question) for question in known))


async def orders(promises: Promises, who: Buyer, *, of_all: bool = False) -> list[str]:
    """A buyer's orders, or for an administrator those `of_all`: what was acknowledged is there, as it was or further,
    and nothing else is, once every question is answered."""
    listed = await _listed(who, "/orders/admin/all" if of_all else "/orders")
    wanted = {id for id, promise in promises.orders.items() if of_all or promise.buyer is who}
    asking = any(of_all or question.who is who for question in promises.open.values())
    shown = Counter(order["id"] for order in listed)
    for id in wanted - shown.keys():
        promises.breach(f"order {id} was acknowledged and is not there")
    for order in listed:
        if shown[order["id"]] > 1:
            promises.breach(f"order {order['id']} is there {shown[order['id']]} times")
        elif order["id"] in wanted:
            promises.seen(order)
        elif order["status"] != "FAILED" and not asking:
            promises.breach(f"order {order['id']} is there, and no key has made it")
    return [line for id in wanted if of_all for line in _unfinished(id, promises.orders[id])]


def _unfinished(order_id: str, promise: Promise) -> list[str]:
    """One order, when everything is over."""
    if promise.status == "PENDING":
        return [f"order {order_id} is PENDING, and everything is over"]
    is_refunded = promise.refunded == promise.total
    if promise.is_paid and promise.status != "CANCELLED" and is_refunded != (promise.status == "REFUNDED"):
        return [f"order {order_id} is {promise.status}, and {promise.refunded} of {promise.total} was to be refunded"]
    return []


async def stock(promises: Promises, admin: Buyer) -> list[str]:
    """What can be bought and what orders keep is what was put in."""
    kept: Counter[str] = Counter()
    for promise in promises.orders.values():
        kept[promise.product] += promise.kept
    wrong = []
    for product, put_in in promises.put_in.items():
        available = (await _get(admin, f"/inventory/{product}"))["stock"]
        if available + kept[product] != put_in:
            wrong.append(f"stock of {product}: {put_in} put in, {kept[product]} kept by orders, {available} available")
    return wrong


async def money(promises: Promises, shop: RunningShop) -> list[str]:
    """What was paid at Stripe is a CONFIRMED or REFUNDED order or was given back; each refund that was acknowledged
    was made there once, with its amount."""
    back: Counter[str] = Counter()
    made: Counter[tuple[str, int]] = Counter()
    for refund in await _all_at_stripe(shop, "refunds"):
        if refund["status"] in GIVEN_BACK:
            back[refund["payment_intent"]] += refund["amount"]
            made[refund["metadata"].get("refundId", ""), refund["amount"]] += 1
    wrong, paid = [], set()
    for session in await _all_at_stripe(shop, "checkout/sessions"):
        order_id = session["client_reference_id"]
        if session["payment_status"] == "paid":
            paid.add(order_id)
            status = promises.orders[order_id].status if order_id in promises.orders else "not there"
            if status not in ("CONFIRMED", "REFUNDED") and back[session["payment_intent"]] != session["amount_total"]:
                wrong.append(f"order {order_id} is {status}, and Stripe has its money")
    for order_id, promise in promises.orders.items():
        if promise.is_paid and order_id not in paid:
            wrong.append(f"order {order_id} was paid, and Stripe does not know")
        for id, amount in promise.refunds.items():
            if (times := made[id, amount]) != 1:
                wrong.append(f"refund {id} of {amount} for order {order_id} was made {times} times")
    return wrong


async def nothing_waits(admin: Buyer) -> list[str]:
    """None of Stripe's events is still to be acted on, and nothing that follows from orders or payments goes on
    failing."""
    places = [f"/payments/admin/events?status={status}" for status in ("received", "parked")]
    places += ["/orders/admin/attention", "/payments/admin/attention"]
    counts = [(await _get(admin, place))["pagination"]["total"] for place in places]
    return [f"GET {place} shows {count}" for place, count in zip(places, counts, strict=True) if count]


async def cancel_pending(promises: Promises, admin: Buyer) -> list[str]:
    """Cancel the orders that are PENDING still."""
    pending = await _listed(admin, "/orders/admin/all", "&status=PENDING")
    paths = [f"/orders/{order['id']}/cancel" for order in pending]
    await asyncio.gather(*(send(promises, "cancel", admin, "POST", path) for path in paths))
    return [f"order {order['id']} stays PENDING" for order in pending]


async def _listed(who: Buyer, path: str, where: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await _get(who, f"{path}?limit={PAGE}{where}" + (f"&cursor={cursor}" if cursor else ""))
        found += page["orders"]
        cursor = page["pagination"]["nextCursor"]
    return found


async def _get(who: Buyer, path: str) -> dict[str, Any]:
    """What is shown; the shop has time to find its stores again."""
    answers: list[Answer] = []

    async def is_shown() -> bool:
        with suppress(aiohttp.ClientError):
            answers.append(await who.call("GET", path))
        return answers != [] and answers[-1].status not in UNKNOWN

    await until(is_shown, f"GET {path}")
    assert answers[-1].status == 200, f"GET {path} was answered {answers[-1].status}: {answers[-1].body}"
    return dict(answers[-1].body)


async def _all_at_stripe(shop: RunningShop, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after, has_more = "", True
    while has_more:
        url = f"{shop.sandbox}/v1/{kind}?limit={PAGE}{after}"
        page = (await shop.call("GET", url, Authorization=f"Bearer {SANDBOX_KEY}")).body
        found += page["data"]
        has_more = page["has_more"]
        after = f"&starting_after={found[-1]['id']}" if has_more else ""
    return found
