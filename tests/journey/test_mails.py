"""Mails of a shop that runs: put into files, handed to a mail server, and none lost though the shop is killed."""

import email
import email.policy
import re
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.journey.running import Buyer, RunningShop, until
from tests.mail.test_postmen import Mailbox, serving

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]


def mails_in(data: Path) -> list[EmailMessage]:
    """The mails that lie in the shop's files, the oldest first."""
    found = [path.read_bytes() for path in sorted((data / "mails").glob("*.eml"))]
    return [email.message_from_bytes(each, policy=email.policy.default) for each in found]


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


async def guests_order(shop: RunningShop, **wish: Any) -> tuple[Buyer, str]:
    """An order of somebody without an account: who has its token, and its id."""
    product = (await shop.call("GET", "/products")).body["products"][0]
    items = [{"productId": product["id"], "quantity": 1}]
    made = await shop.call("POST", "/orders", {"items": items, "email": "ada@mail.example", **wish})
    assert made.status == 201, made.body
    return Buyer(shop, made.body["guestToken"]), made.body["order"]["id"]


async def paid(guest: Buyer, order_id: str) -> None:
    opened = await guest.call("POST", "/payments/create-session", {"orderId": order_id})
    await guest.pay(opened.body["sessionId"])
    await guest.becomes(order_id, "CONFIRMED")


async def test_a_guest_is_written_to_in_german_and_the_link_opens_the_order(tmp_path: Path) -> None:
    async with RunningShop(tmp_path / "shop", SHOP_NAME="Mug & Co") as shop:
        guest, order_id = await guests_order(shop, locale="de-AT,de;q=0.9")
        await paid(guest, order_id)

        async def has_come() -> bool:
            return bool(mails_in(shop.data))

        await until(has_come, "a mail")
        (mail,) = mails_in(shop.data)
        assert mail["Subject"] == "Ihre Bestellung bei Mug & Co ist bestätigt"
        assert mail["To"] == "ada@mail.example"
        link, withdraw = re.findall(r"http\S+", text_of(mail))
        assert (await shop.call("GET", withdraw)).status == 200
        page = await shop.call("GET", link)
        assert page.status == 200
        assert order_id in page.body
        told = (await (await shop.admin()).call("GET", f"/orders/{order_id}/timeline")).body["entries"]
        assert any("emailed that the order is confirmed" in each["text"] for each in told)


async def test_a_buyer_with_an_account_is_written_to_at_its_address(tmp_path: Path) -> None:
    async with RunningShop(tmp_path / "shop") as shop:
        buyer = await shop.buyer()
        product = (await shop.call("GET", "/products")).body["products"][0]
        order_id, session_id = await buyer.checkout(product["id"])
        await buyer.pay(session_id)
        who = (await buyer.call("GET", "/auth/verify")).body["user"]["email"]

        async def has_come() -> bool:
            return any(order_id in text_of(mail) and mail["To"] == who for mail in mails_in(shop.data))

        await until(has_come, "a mail")


async def test_no_mail_is_lost_or_another_one_though_the_shop_is_killed_while_it_sends(tmp_path: Path) -> None:
    class Slow(Mailbox):
        """A mail server that is waited for so long that the shop can be killed before it has answered."""

        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
            answer = await super().handle_DATA(server, session, envelope)
            if len(self.envelopes) == 1:
                await shop.kill()
            return answer

    box = Slow()
    async with serving(box) as port:
        settings = {"MAIL_URL": f"smtp://localhost:{port}", "MAIL_FROM": "shop@mug.example"}
        async with RunningShop(tmp_path / "shop", **settings) as shop:
            guest, order_id = await guests_order(shop)
            opened = await guest.call("POST", "/payments/create-session", {"orderId": order_id})
            await guest.pay(opened.body["sessionId"])

            async def is_sent() -> bool:
                return len(box.envelopes) == 1

            await until(is_sent, "the first mail")
            await shop.start()

            async def is_sent_again() -> bool:
                return len(box.envelopes) == 2

            await until(is_sent_again, "the mail once more", patience=90)
            first, again = box.messages
            assert first["Message-ID"] == again["Message-ID"]
            assert first["Subject"] == again["Subject"] == "Your order at Kassa is confirmed"
            assert order_id in text_of(again)


async def test_an_administrator_reads_what_was_written_and_that_is_an_act(tmp_path: Path) -> None:
    async with RunningShop(tmp_path / "shop", SHOP_NAME="Mug & Co") as shop:
        guest, order_id = await guests_order(shop)
        await paid(guest, order_id)
        admin = await shop.admin()

        async def is_listed() -> bool:
            return bool((await admin.call("GET", "/mails?limit=5")).body["mails"])

        await until(is_listed, "a mail")
        (mail,) = (await admin.call("GET", "/mails")).body["mails"]
        assert (mail["kind"], mail["about"], mail["to"]) == ("order_confirmed", order_id, "ada@mail.example")
        whole = (await admin.call("GET", f"/mails/{mail['id']}")).body["mail"]
        assert whole["text"] == text_of(mails_in(shop.data)[0])
        assert {name: whole[name] for name in mail} == mail
        acts = (await admin.call("GET", "/auth/acts?limit=2")).body["acts"]
        assert [(each["what"], each["status"]) for each in acts] == [(f"GET /mails/{mail['id']}", 200)]
        assert (await admin.call("GET", "/mails/none")).status == 404
        assert (await (await shop.admin("support")).call("GET", f"/mails/{mail['id']}")).status == 403
        cookie = f"kassa_token={admin.token}"
        page = await shop.call("GET", f"/console/mails/{mail['id']}", Cookie=cookie, Accept="text/html")
        assert order_id in page.body
        assert "max-width:560px" in whole["html"].replace(" ", "")
        assert "max-width:560px" not in page.body.replace(" ", "")


async def test_a_shop_that_keeps_no_mails_says_where_they_go(tmp_path: Path) -> None:
    async with RunningShop(tmp_path / "shop", MAIL_URL="off") as shop:
        refused = await (await shop.admin()).call("GET", "/mails")
        assert (refused.status, refused.body["code"]) == (404, "mails_not_kept")
        assert "MAIL_URL=off" in refused.body["detail"]


async def test_who_waits_for_what_is_sold_out_is_told_though_the_shop_is_killed(tmp_path: Path) -> None:
    async with RunningShop(tmp_path / "shop", SHOP_NAME="Mug & Co") as shop:
        admin = await shop.admin()
        teapot = await admin.product(stock=0)
        asked = await shop.call("POST", "/stock-notices", {"productId": teapot, "email": "ada@mail.example"})
        assert (asked.status, asked.body["needsConfirmation"]) == (202, True)

        async def have_come(many: int) -> list[EmailMessage]:
            async def are_there() -> bool:
                return len(mails_in(shop.data)) == many

            await until(are_there, f"{many} mails")
            return mails_in(shop.data)

        (confirm,) = await have_come(1)
        link = confirm["List-Unsubscribe"].strip("<>")
        assert link in text_of(confirm)
        token = link.rpartition("/")[2]
        notices = (await shop.call("GET", f"/stock-notices/{token}")).body["notices"]
        confirmed = await shop.call("POST", f"/stock-notices/{token}/confirm", {"id": notices[0]["id"]})
        waiting = await admin.call("GET", f"/stock-notices/admin/products/{teapot}")
        assert (confirmed.status, waiting.body) == (204, {"productId": teapot, "waiting": 1})
        more = {"productId": teapot, "change": 2, "reason": "delivered"}
        assert (await admin.call("POST", "/inventory/adjust", more)).status == 200
        await shop.kill()
        await shop.start()
        _, told = await have_come(2)
        assert f"/shop/products/{teapot}" in text_of(told)
        assert (await shop.call("GET", f"/stock-notices/{token}")).body == {"notices": []}
        assert (await shop.command("audit"))[0] == 0
