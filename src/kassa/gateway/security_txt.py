"""`/.well-known/security.txt` (RFC 9116): whom to tell of a security hole in the shop."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException

from kassa.kit.clock import DAY, Clock, rfc3339
from kassa.kit.problem import NotFound

PATH = "/.well-known/security.txt"
# RFC 9116, 2.5.5: less than a year, so that nobody goes on writing to where nobody reads any more.
GOOD_FOR = 90 * DAY


@dataclass(frozen=True)
class SecurityContact:
    """Whom to tell: `contacts` are URIs, the preferred first; `public_url` is where buyers find the shop, or empty."""

    contacts: tuple[str, ...]
    public_url: str
    clock: Clock

    def text(self, host: str) -> str:
        """The file, as it is for whoever has called this host by name. It is good for 90 days from now."""
        lines = [f"Contact: {each}" for each in self.contacts]
        lines += [f"Expires: {rfc3339(self.clock.now() + GOOD_FOR)}", "Preferred-Languages: en"]
        # RFC 9116, 2.5.2: with https. A storefront of one's own is elsewhere, and has a file of its own or none.
        origin = urlsplit(self.public_url)
        if origin.scheme == "https" and origin.netloc == host.lower():
            lines.append(f"Canonical: https://{origin.netloc}{PATH}")
        return "".join(f"{line}\n" for line in lines)


@get(PATH, tags=["security"], media_type="text/plain", refuses=(NotFound,))
async def security_txt(request: Request[Any, Any, Any]) -> Response[str]:
    """Whom to tell of a security hole in this shop (RFC 9116). 404 in a shop that does not say it."""
    told: SecurityContact = request.app.state["security_contact"]
    if not told.contacts:
        raise NotFoundException
    return Response(told.text(request.headers.get("host", "")))


HANDLERS = (security_txt,)
