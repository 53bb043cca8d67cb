"""The fake shop's mails."""

from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from tests.pages.fake_asking import Ask, admin_of, listed, shop_of
from tests.pages.fake_shop import NOW, FakeShop, Json, Refused, answer


def add_mail(shop: FakeShop, order_id: str, **members: Any) -> Json:
    """A mail about an order, the newest one."""
    link = f"http://shop.test/shop/orders/{order_id}/guest_{'a' * 64}"
    mail = {
        "id": f"{len(shop.mails):032x}",
        "kind": "order_confirmed",
        "about": order_id,
        "to": "ada@example.com",
        "subject": "Your order at Corner Shop is confirmed",
        "sentAt": NOW,
        "text": f"Thank you!\n\n2 × Mug                    $39.98\n\nSee your order:\n{link}\n",
        "html": "<p>Thank you!</p><script>alert(1)</script>",
        **members,
    }
    shop.mails.insert(0, mail)
    return mail


@get("/mails")
async def mails(request: Ask) -> Response[bytes]:
    admin_of(request)
    about = request.query_params.getall("about", [])
    found = [each for each in _all(request) if not about or each["about"] in about]
    told = [{name: value for name, value in each.items() if name not in ("text", "html")} for each in found]
    return listed(request, "mails", told)


@get("/mails/{mail_id:str}")
async def one_mail(request: Ask, mail_id: FromPath[str]) -> Response[bytes]:
    admin_of(request)
    found = next((each for each in _all(request) if each["id"] == mail_id), None)
    if found is None:
        raise Refused(404, "not_found")
    return answer({"mail": found})


def _all(request: Ask) -> list[Json]:
    return shop_of(request).mails


MAIL_ROUTES = [mails, one_mail]
