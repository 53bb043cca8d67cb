"""The public endpoints of the shop's profile."""

from typing import Any

from litestar import Request, Response, get, put

from kassa.kit.clock import SECOND
from kassa.kit.web import JsonResponse, principal_of, read_body, takes
from kassa.order.profile import Profile
from kassa.order.profile_wire import ShopProfileAnswer, ShopProfileIn, profile_shown
from kassa.order.profiles import KEPT_FOR, ProfileChanged, Profiles

_KEPT = {"Cache-Control": f"public, max-age={KEPT_FOR // SECOND}"}


@get("/shop-profile", tags=["shop"])
async def shop_profile(request: Request[Any, Any, Any]) -> Response[ShopProfileAnswer]:
    """What the shop is known by: its name, looks, languages, and what the law has it say. Whoever asks for it may keep
    it for some seconds."""
    answer = _shown(request, await _profiles(request).profile())
    answer.headers.update(_KEPT)
    return answer


@put("/shop-profile", tags=["shop"], operation_class=takes(ShopProfileIn), refuses=(ProfileChanged,))
async def change_shop_profile(request: Request[Any, Any, Any]) -> Response[ShopProfileAnswer]:
    """Be known by this from now on: all of it is replaced. It shows on pages and in mails within seconds; what is
    invoiced keeps the name of its time."""
    staff = await principal_of(request)
    given = await read_body(request, ShopProfileIn)
    read_at = given.expected_updated_at
    expected = None if read_at is None else round(read_at.timestamp() * SECOND)
    return _shown(request, await _profiles(request).change(given, staff.id, expected))


def _shown(request: Request[Any, Any, Any], found: Profile) -> Response[ShopProfileAnswer]:
    answer = ShopProfileAnswer(profile_shown(found, _profiles(request).set_name))
    return JsonResponse(answer, media_type="application/json")


def _profiles(request: Request[Any, Any, Any]) -> Profiles:
    profiles: Profiles = request.app.state["profiles"]
    return profiles


HANDLERS = (shop_profile, change_shop_profile)
