"""The audit finds what should never be of mails: each promise is broken by hand and must be named."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from kassa.kit.clock import DAY, HOUR, MINUTE
from kassa.kit.ids import REFUND
from kassa.kit.problem import NotFound
from kassa.mail.postmen import KEPT, Files
from kassa.mail.service import MailService
from kassa.order.domain import Order, Reason, Stage, Todo
from tests.mail.orders import foot_of
from tests.support import FakeClock
from tests.trade.world import ADMIN, BUYER, World, world


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def shop(tmp_path: Path, form: str, clock: FakeClock) -> AsyncIterator[World]:
    """A shop that has written about an order that was paid and refunded in part, and about one that was cancelled."""
    mails = MailService(Files(tmp_path / "mails", clock), foot_of("Mug & Co"), "shop@mug.example")
    async with world(tmp_path, form=form, mails=mails, clock=clock) as opened:
        order = await _paid(opened)
        await opened.payment.refunding.refund(order.id, opened.ids.new(REFUND), 500, "scratched", who=ADMIN.id)
        await opened.settle()
        cancelled = await opened.place((order.items[0].product_id, 1))
        await opened.order.cancel(cancelled.id, BUYER)
        await opened.settle()
        assert len(_files(tmp_path)) == 3
        assert await opened.audit() == []
        yield opened


async def _paid(shop: World) -> Order:
    order = await shop.place((await shop.sell(), 2))
    await shop.pay(await shop.open(order))
    return await shop.order_now(order)


def _files(directory: Path) -> list[Path]:
    return sorted((directory / "mails").glob("*.eml"))


def _written(directory: Path, kind: str = "order_confirmed") -> Path:
    return next(each for each in _files(directory) if kind in each.name)


async def _order(shop: World) -> Order:
    (order,) = await shop.order.orders.find({"stage": Stage.CONFIRMED}, limit=1)
    return order


async def lose_a_mail(shop: World, directory: Path) -> None:
    _written(directory).unlink()


async def write_it_twice(shop: World, directory: Path) -> None:
    mail = _written(directory)
    mail.with_name(f"{int(mail.name[:13]) + 1}{mail.name[13:]}").write_bytes(mail.read_bytes())


async def write_about_something_else(shop: World, directory: Path) -> None:
    mail = _written(directory)
    mail.rename(mail.with_name(mail.name.replace("order_confirmed", "order_shipped")))


async def write_it_under_another_id(shop: World, directory: Path) -> None:
    mail = _written(directory)
    mail.write_bytes(mail.read_bytes().replace(b"Message-ID: <", b"Message-ID: <0"))


async def write_what_nobody_asked_for(shop: World, directory: Path) -> None:
    mail = _written(directory)
    mail.with_name(mail.name.replace(mail.name[-36:-4], "0" * 32)).write_bytes(mail.read_bytes())
    shop.clock.advance(2 * MINUTE)
    await shop.place((await shop.sell(), 1))


async def forget_what_was_demanded(shop: World, directory: Path) -> None:
    order = await _order(shop)
    effects = tuple(each for each in order.effects if each.kind != Todo.MAIL_CONFIRMED)
    await shop.order.orders.save(msgspec.structs.replace(order, effects=effects))


async def demand_it_twice(shop: World, directory: Path) -> None:
    order = await _order(shop)
    again = next(each for each in order.effects if each.kind == Todo.MAIL_REFUNDED)
    effects = (*order.effects, msgspec.structs.replace(again, id=f"{order.id}:9:mail_refunded", done_at=None))
    await shop.order.orders.save(msgspec.structs.replace(order, effects=effects))


async def forget_that_it_was_cancelled(shop: World, directory: Path) -> None:
    (order,) = await shop.order.orders.find({"stage": Stage.CANCELLED}, limit=1)
    effects = tuple(each for each in order.effects if each.kind != Todo.MAIL_CANCELLED)
    await shop.order.orders.save(msgspec.structs.replace(order, effects=effects))


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        (lose_a_mail, "is done, and its mail is not among those that lie in files"),
        (write_it_twice, "was written twice"),
        (write_about_something_else, "was written as another mail"),
        (write_it_under_another_id, "was written as another mail"),
        (write_what_nobody_asked_for, "nothing asked for that"),
        (forget_what_was_demanded, "of mail_confirmed what happened demands 1, and 0 were wanted"),
        (demand_it_twice, "of mail_refunded what happened demands 1, and 2 were wanted"),
        (forget_that_it_was_cancelled, "of mail_cancelled what happened demands 1, and 0 were wanted"),
    ],
)
async def test_a_broken_promise_is_named(
    shop: World, tmp_path: Path, breaks: Callable[[World, Path], Awaitable[None]], words: str
) -> None:
    await breaks(shop, tmp_path)
    found = [each for each in await shop.audit() if each.invariant.startswith("I13")]
    assert any(words in each.text for each in found), found


async def test_nobody_misses_what_is_not_kept_any_more_nor_what_lay_elsewhere(
    shop: World, tmp_path: Path, clock: FakeClock
) -> None:
    assert shop.outgoing is not None
    assert shop.outgoing.files is not None
    files = shop.outgoing.files
    _written(tmp_path, "order_cancelled").unlink()
    assert await shop.audit() != []
    files.end()  # A mail server gets them from now on,
    assert await shop.audit() == []
    clock.advance(HOUR)
    await _paid(shop)  # and now files do again.
    assert await shop.audit() == []
    _files(tmp_path)[-1].unlink()
    assert await shop.audit() != []
    clock.advance(KEPT + DAY)
    await files.remove_old()
    assert _files(tmp_path) == []
    assert await shop.audit() == []


async def test_who_is_forgotten_misses_no_mail(shop: World, tmp_path: Path) -> None:
    assert shop.outgoing is not None
    assert shop.outgoing.files is not None
    await shop.outgoing.files.forget((await _order(shop)).id)
    assert await shop.audit() != []

    async def erased(user_id: str) -> None:
        raise NotFound("there is no such account")

    shop.outgoing = shop.outgoing._replace(contact_of=erased)  # type: ignore[arg-type]
    assert await shop.audit() == []


async def test_who_left_an_order_alone_is_not_written_to_and_that_is_right(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    await shop.later(HOUR)
    assert (await shop.order_now(order)).reason is Reason.EXPIRED
    assert await shop.audit() == []
