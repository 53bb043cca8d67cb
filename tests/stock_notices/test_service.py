"""Whoever waits for what is sold out is told once, when it is back, and then forgotten."""

import pytest

from kassa.contracts.auth import MailOff
from kassa.contracts.mail import MailRefused
from kassa.contracts.product import UnknownProduct
from kassa.contracts.stock_notices import InStock
from kassa.kit.clock import DAY, HOUR, MINUTE
from kassa.kit.effects import LEASE
from kassa.kit.problem import Invalid, NotFound, Unavailable
from kassa.stock_notices.domain import CONFIRMED_WITHIN, KEPT, MOST_UNCONFIRMED, MOST_WAITING, TOLD_A_PIECE
from tests.stock_notices.conftest import ACCOUNT, SITE, VERIFIED, Queue

EMAIL = "bob@example.com"


async def test_who_confirms_is_told_once_when_it_is_back_and_forgotten(queue: Queue) -> None:
    teapot = await queue.shop.sell(stock=0, name="Teapot")
    assert await queue.ask(teapot, EMAIL, locale="de-AT")
    (mail,) = queue.box.mails
    token = queue.tokens.token_of(EMAIL)
    assert (mail.kind, mail.to, mail.locale, mail.says["name"]) == ("stock_confirm", EMAIL, "de", "Teapot")
    assert mail.says["link"] == mail.unsubscribe == f"{SITE}/shop/stock-notices/{token}"
    ((notice, name),) = await queue.service.of(token)
    assert (name, notice.confirmed_at, await queue.service.waiting(teapot)) == ("Teapot", None, 0)
    await queue.service.confirm(token, notice.id)
    await queue.service.confirm(token, notice.id)
    assert await queue.service.waiting(teapot) == 1
    await queue.look()
    assert len(queue.box.mails) == 1
    await queue.restock(teapot, 1)
    await queue.look()
    await queue.look()
    assert [each.kind for each in queue.box.mails] == ["stock_confirm", "stock_back"]
    assert queue.box.mails[1].says["product"] == f"{SITE}/shop/products/{teapot}"
    assert await queue.notices.count({}) == 0


async def test_what_is_not_confirmed_is_not_told_and_forgotten_after_three_days(queue: Queue) -> None:
    teapot = await queue.shop.sell(stock=0)
    await queue.ask(teapot, EMAIL)
    await queue.restock(teapot, 1)
    await queue.look()
    await queue.later(CONFIRMED_WITHIN - MINUTE)
    assert await queue.notices.count({}) == 1
    await queue.later(2 * MINUTE)
    assert [each.kind for each in queue.box.mails] == ["stock_confirm"]
    assert await queue.notices.count({}) == 0
    with pytest.raises(NotFound):
        await queue.service.confirm(queue.tokens.token_of(EMAIL), "stn_none")


async def test_what_does_not_come_back_is_forgotten_after_half_a_year(queue: Queue) -> None:
    await queue.wait(await queue.shop.sell(stock=0), EMAIL)
    await queue.later(KEPT - HOUR)
    assert await queue.notices.count({}) == 1
    await queue.later(2 * HOUR)
    assert await queue.notices.count({}) == 0


async def test_the_verified_address_of_an_account_confirms_nothing(queue: Queue) -> None:
    teapot = await queue.shop.sell(stock=0)
    assert await queue.ask(teapot, EMAIL, user_id=ACCOUNT)
    assert not await queue.ask(teapot, VERIFIED.email, user_id=ACCOUNT)
    assert not await queue.service.ask(teapot, None, "", ACCOUNT)
    assert [each.to for each in queue.box.mails] == [EMAIL]
    assert await queue.service.waiting(teapot) == 1
    queue.accounts[ACCOUNT] = VERIFIED.__class__("eve@example.com", "", "", is_verified=False)
    assert await queue.ask(teapot, "eve@example.com", user_id=ACCOUNT)


async def test_who_logs_in_later_has_confirmed_what_they_asked_for_before(queue: Queue) -> None:
    teapot = await queue.shop.sell(stock=0)
    assert await queue.ask(teapot, VERIFIED.email)
    assert not await queue.ask(teapot, VERIFIED.email, user_id=ACCOUNT)
    assert await queue.service.waiting(teapot) == 1
    await queue.later(2 * CONFIRMED_WITHIN)
    assert await queue.service.waiting(teapot) == 1


async def test_only_what_is_sold_out_and_on_sale_is_waited_for(queue: Queue) -> None:
    there, gone = await queue.shop.sell(stock=1), await queue.shop.sell(stock=0)
    await queue.shop.product.withdraw(gone, "usr_admin")
    with pytest.raises(InStock):
        await queue.ask(there, EMAIL)
    for product_id in (gone, "prd_none"):
        with pytest.raises(UnknownProduct):
            await queue.ask(product_id, EMAIL)
    with pytest.raises(Invalid):
        await queue.ask(await queue.shop.sell(stock=0), "nobody")
    with pytest.raises(Invalid):
        await queue.service.ask(gone, None, "", None)
    assert await queue.notices.count({}) == 0


async def test_a_shop_without_mails_takes_nobody_in(queue: Queue) -> None:
    off = Queue(queue.shop, queue.notices, queue.box, is_off=True)
    with pytest.raises(MailOff):
        await off.ask(await queue.shop.sell(stock=0), EMAIL)


async def test_nobody_can_have_a_stranger_written_to_again_and_again(queue: Queue) -> None:
    goods = [await queue.shop.sell(stock=0) for _ in range(MOST_UNCONFIRMED + 2)]
    for product_id in [*goods, *goods]:
        assert await queue.ask(product_id, EMAIL)
    assert len(queue.box.mails) == MOST_UNCONFIRMED
    token = queue.tokens.token_of(EMAIL)
    await queue.service.unsubscribe(token)
    assert await queue.service.of(token) == []
    assert await queue.notices.count({"email": EMAIL}) == 0
    for product_id in goods:
        assert await queue.ask(product_id, EMAIL)
    assert len(queue.box.mails) == MOST_UNCONFIRMED


async def test_an_address_waits_for_so_many_products_and_no_more(queue: Queue) -> None:
    goods = [await queue.shop.sell(stock=0) for _ in range(MOST_WAITING + 1)]
    for product_id in goods:
        assert not await queue.ask(product_id, VERIFIED.email, user_id=ACCOUNT)
    assert await queue.notices.count({}) == MOST_WAITING


async def test_of_few_pieces_few_are_told_who_asked_first(queue: Queue) -> None:
    teapot = await queue.shop.sell(stock=0)
    emails = [f"b{number}@example.com" for number in range(TOLD_A_PIECE + 2)]
    for email in emails:
        await queue.wait(teapot, email)
        queue.shop.clock.advance(1)
    queue.box.mails.clear()
    await queue.restock(teapot, 1)
    await queue.look()
    assert [each.to for each in queue.box.mails] == emails[:TOLD_A_PIECE]
    await queue.restock(teapot, -1)
    await queue.look()
    assert len(queue.box.mails) == TOLD_A_PIECE
    await queue.restock(teapot, 1)
    await queue.look()
    assert [each.to for each in queue.box.mails] == emails


async def test_what_is_gone_before_the_mail_is_sent_is_waited_for_on(queue: Queue) -> None:
    teapot = await queue.shop.sell(stock=0)
    await queue.wait(teapot, EMAIL)
    await queue.restock(teapot, 1)
    queue.box.trouble = Unavailable("the mail server is away")
    await queue.look()
    await queue.restock(teapot, -1)
    queue.box.trouble = None
    await queue.later(HOUR)
    assert ([each.kind for each in queue.box.mails], await queue.service.waiting(teapot)) == (["stock_confirm"], 1)
    await queue.restock(teapot, 1)
    await queue.look()
    assert [each.kind for each in queue.box.mails] == ["stock_confirm", "stock_back"]


async def test_whoever_is_killed_between_has_it_told_by_the_next_one_as_the_same_mail(queue: Queue) -> None:
    teapot = await queue.shop.sell(stock=0)
    await queue.wait(teapot, EMAIL)
    await queue.restock(teapot, 1)
    killed = queue.again()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(killed.outbox, "at_once", lambda _: None)
        await killed.look()  # It is stored that the mail is wanted, and nothing more happens there.
    await queue.look()
    assert [each.kind for each in queue.box.mails] == ["stock_confirm"]
    queue.shop.clock.advance(LEASE + 1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(queue.notices, "delete", _down)
        await queue.outbox.run_due()  # It is sent, and cannot be noted.
    await queue.later(HOUR)
    first, second = [each for each in queue.box.mails if each.kind == "stock_back"]
    assert first.cause == second.cause
    assert await queue.notices.count({}) == 0


async def _down(*_: object) -> None:
    raise Unavailable("the store is away")


async def test_two_processes_tell_each_once(queue: Queue) -> None:
    teapot = await queue.shop.sell(stock=0)
    for number in range(3):
        await queue.wait(teapot, f"b{number}@example.com")
    queue.box.mails.clear()
    await queue.restock(teapot, 9)
    other = queue.again()
    await queue.service.tell()
    await other.look()
    await queue.outbox.settle()
    assert sorted(each.to for each in queue.box.mails) == [f"b{number}@example.com" for number in range(3)]


async def test_what_the_mail_server_refuses_is_given_up_and_forgotten(queue: Queue) -> None:
    teapot = await queue.shop.sell(stock=0)
    await queue.wait(teapot, EMAIL)
    await queue.restock(teapot, 1)
    queue.box.trouble = MailRefused("550 no such mailbox")
    await queue.look()
    assert await queue.notices.count({}) == 0


async def test_a_mail_server_that_is_away_for_days_is_not_waited_for(queue: Queue) -> None:
    teapot = await queue.shop.sell(stock=0)
    await queue.wait(teapot, EMAIL)
    await queue.restock(teapot, 1)
    queue.box.trouble = Unavailable("the mail server is away")
    await queue.look()
    assert await queue.notices.count({"email": EMAIL}) == 1
    await queue.later(4 * DAY)
    assert await queue.notices.count({}) == 0


async def test_who_unsubscribes_is_not_told_of_one_product_or_of_all(queue: Queue) -> None:
    goods = [await queue.shop.sell(stock=0) for _ in range(3)]
    for product_id in goods:
        await queue.wait(product_id, EMAIL)
    await queue.wait(goods[0], "other@example.com")
    token = queue.tokens.token_of(EMAIL)
    last = (await queue.service.of(token))[0][0]
    await queue.service.unsubscribe(token, last.id)
    await queue.service.unsubscribe(token, last.id)
    assert {each.product_id for each, _ in await queue.service.of(token)} == set(goods) - {last.product_id}
    await queue.service.unsubscribe(token)
    await queue.service.unsubscribe(token)
    assert await queue.service.of(token) == []
    assert await queue.service.waiting(goods[0]) == 1


async def test_an_address_is_told_and_forgotten_with_all_that_it_waits_for(queue: Queue) -> None:
    teapot, mug = await queue.shop.sell(stock=0), await queue.shop.sell(stock=0)
    await queue.wait(teapot, EMAIL)
    await queue.ask(mug, EMAIL)
    await queue.wait(mug, "other@example.com")
    records = await queue.service.records_of(EMAIL)
    assert [(each.product_id, each.is_confirmed) for each in records] == [(teapot, True), (mug, False)]
    waiter = queue.box.mails[0].about
    await queue.service.erase_of(EMAIL)
    await queue.service.erase_of(EMAIL)
    assert await queue.service.records_of(EMAIL) == []
    assert (await queue.service.waiting(mug), waiter in queue.box.forgotten) == (1, True)


async def test_nothing_kept_tells_the_token_and_nothing_told_the_address(queue: Queue) -> None:
    await queue.wait(await queue.shop.sell(stock=0), EMAIL)
    (notice,) = await queue.notices.find({}, limit=2)
    token = queue.tokens.token_of(EMAIL)
    assert token not in str(queue.notices.spec.type.__struct_fields__) + "".join(map(str, _values(notice)))
    assert EMAIL not in repr(notice)


def _values(notice: object) -> list[object]:
    return [getattr(notice, name) for name in notice.__struct_fields__]  # type: ignore[attr-defined]


async def test_who_says_no_is_not_asked_about_anything_else_for_a_while(queue: Queue) -> None:
    first, second, third = [await queue.shop.sell(stock=0) for _ in range(3)]
    await queue.ask(first, EMAIL)
    await queue.service.unsubscribe(queue.tokens.token_of(EMAIL))
    await queue.ask(second, EMAIL)
    assert len(queue.box.mails) == 1
    await queue.later(CONFIRMED_WITHIN + MINUTE)
    await queue.ask(third, EMAIL)
    assert [each.kind for each in queue.box.mails] == ["stock_confirm", "stock_confirm"]
