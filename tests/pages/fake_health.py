"""How the fake shop is doing."""

from litestar import Response, get

from tests.pages.fake_asking import Ask, admin_of, shop_of
from tests.pages.fake_shop import answer


@get("/system")
async def system(request: Ask) -> Response[bytes]:
    admin_of(request)
    troubles = shop_of(request).system or {"kassa": {"database": "", "stock": "", "stripe": ""}}
    services = [
        {
            "name": name,
            "isReady": not any(needs.values()),
            "version": "1.0" if name == "kassa" else "0.9",
            "checks": [{"name": each, "isOk": not why, "trouble": why} for each, why in needs.items()],
        }
        for name, needs in troubles.items()
    ]
    return answer({"version": "1.0", "services": services})


@get("/payments/admin/checks")
async def checks(request: Ask) -> Response[bytes]:
    admin_of(request)
    return answer({"checks": shop_of(request).checks})
