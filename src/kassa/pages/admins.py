"""Who may see the console: whoever the API says is an administrator."""

from kassa.pages.account_models import Verified
from kassa.pages.visit import Visit


class NotAdmin(Exception):
    """Logged in, but not as an administrator."""


async def require_admin(visit: Visit) -> None:
    visit.require_login()
    verified = await visit.api.get("/auth/verify", Verified)
    if verified.user.role != "admin":
        raise NotAdmin
