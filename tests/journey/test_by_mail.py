"""A forgotten password, and an address that is shown to be one's own: by the links in the mails that the shop sends, in
each form of the shop. What guests have ordered with the address becomes the account's then, and not before."""

import email
import re
import secrets
from email.message import EmailMessage
from email.policy import default

import pytest

from tests.journey.running import Buyer, RunningShop, until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

PASSWORD, NEW = "correct horse battery", "four words that nobody has"
RESET, VERIFY = "reset", "verify"


def address() -> str:
    return f"{secrets.token_hex(8)}@shop.example"


def mails(shop: RunningShop, to: str) -> list[EmailMessage]:
    """All that was sent to the address, the oldest first."""
    found = sorted((shop.data / "mails").glob("*.eml"))
    read = [email.message_from_bytes(path.read_bytes(), policy=default) for path in found]
    return [each for each in read if isinstance(each, EmailMessage) and each["To"] == to]


def links(shop: RunningShop, to: str, kind: str) -> list[str]:
    """The links of a kind that were sent to the address."""
    texts = [mail.get_body(("plain",)).get_content() for mail in mails(shop, to)]  # type: ignore[union-attr]
    return [each for text in texts for each in re.findall(rf"http\S+/account/{kind}/\S+", text)]


async def link(shop: RunningShop, to: str, kind: str, number: int = 1) -> str:
    """The link of a kind that comes as so manieth."""

    async def has_come() -> bool:
        return len(links(shop, to, kind)) >= number

    await until(has_come, f"mail {number} to {kind}")
    return links(shop, to, kind)[number - 1]


def token_of(link: str) -> str:
    return link.rpartition("/")[2]


async def registered(shop: RunningShop, to: str) -> Buyer:
    made = await shop.call("POST", "/auth/register", {"email": to, "password": PASSWORD, "locale": "de"})
    assert made.status == 201, made.body
    return Buyer(shop, made.body["token"])


async def logged_in(shop: RunningShop, to: str, password: str = PASSWORD) -> Buyer:
    answer = await shop.call("POST", "/auth/login", {"email": to, "password": password})
    assert answer.status == 200, answer.body
    return Buyer(shop, answer.body["token"])


async def ordered_by_a_guest(shop: RunningShop, product_id: str, to: str) -> str:
    body = {"items": [{"productId": product_id, "quantity": 1}], "email": to}
    made = await shop.call("POST", "/orders", body)
    assert made.status == 201, made.body
    return str(made.body["order"]["id"])


async def orders(buyer: Buyer) -> set[str]:
    return {each["id"] for each in (await buyer.call("GET", "/orders")).body["orders"]}


async def has_orders(buyer: Buyer, *wanted: str) -> None:
    async def has() -> bool:
        return await orders(buyer) == set(wanted)

    await until(has, "the guest's orders to be the account's")


async def test_a_forgotten_password_is_set_anew_by_the_link_in_the_mail(shop: RunningShop) -> None:
    ada = address()
    buyer = await registered(shop, ada)
    answers = [await shop.call("POST", "/auth/password/forgotten", {"email": each}) for each in (ada, address())]
    assert answers[0].status == answers[1].status == 202
    assert answers[0].body == answers[1].body
    token = token_of(await link(shop, ada, RESET))
    assert mails(shop, ada)[-1]["Subject"] == "Neues Passwort bei Kassa festlegen"
    body = {"token": token, "new": NEW}
    assert (await shop.call("POST", "/auth/password/reset", body)).status == 204
    again = await shop.call("POST", "/auth/password/reset", body)
    assert (again.status, again.body["code"]) == (400, "invalid_link")
    assert (await buyer.call("GET", "/auth/verify")).status == 401
    assert (await shop.call("POST", "/auth/login", {"email": ada, "password": PASSWORD})).status == 401
    later = await logged_in(shop, ada, NEW)
    assert (await later.call("GET", "/auth/email/verification")).body["emailVerified"] is True


async def test_what_a_guest_has_ordered_is_the_account_s_once_the_address_is_verified(shop: RunningShop) -> None:
    admin, ada = await shop.admin(), address()
    mug = await admin.product(stock=9)
    first, others = await ordered_by_a_guest(shop, mug, ada), await ordered_by_a_guest(shop, mug, f"a{ada}")
    buyer = await registered(shop, ada)
    assert await orders(buyer) == set()
    assert await orders(await logged_in(shop, ada)) == set()
    verify = token_of(await link(shop, ada, VERIFY))
    assert await orders(buyer) == set()
    assert (await shop.call("POST", "/auth/email/verify", {"token": verify})).status == 401
    assert (await buyer.call("POST", "/auth/email/verify", {"token": verify})).status == 204
    await has_orders(buyer, first)
    second = await ordered_by_a_guest(shop, mug, ada)
    assert await orders(buyer) == {first}
    await logged_in(shop, ada)
    await has_orders(buyer, first, second)
    assert (await buyer.call("GET", f"/orders/{others}")).status == 404
    assert (await buyer.call("POST", f"/orders/{second}/cancel")).status in (200, 202)


async def test_a_link_is_opened_by_browsers_and_by_programs_that_look_through_mails(shop: RunningShop) -> None:
    ada = address()
    buyer = await registered(shop, ada)
    opened = await link(shop, ada, VERIFY)
    assert re.fullmatch(rf"http://localhost:{shop.port}/account/verify/usr_\w{{26}}\.[\w-]{{43}}", opened)
    page = await shop.call("GET", opened, Accept="text/html")
    assert page.status == 200
    assert "Log in" in page.body
    assert token_of(opened) not in page.body
    assert (await buyer.call("GET", "/auth/email/verification")).body["emailVerified"] is False


async def test_the_log_tells_no_token(shop: RunningShop) -> None:
    ada = address()
    buyer = await registered(shop, ada)
    opened = await link(shop, ada, VERIFY)
    await shop.call("GET", opened, Accept="text/html")
    await buyer.call("POST", "/auth/email/verify", {"token": token_of(opened)})
    log = (shop.data.parent / f"{shop.data.name}.log").read_text()
    assert token_of(opened).partition(".")[2] not in log
    assert ada not in log
