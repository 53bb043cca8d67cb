"""docs/permissions.md: who may do what."""

from generator.markdown import code, codes, page, table
from kassa.kit.access import ACCESS, MEANING, ROLES, STAFF

INTRODUCTION = """\
Every user may do what concerns only them: their orders, payments, sessions, password. What concerns others needs a
permission, which a role has. `kassa admin create EMAIL --role ROLE` makes somebody of the staff; whoever registers in
the shop is a user and has none.

A program is given an API key with those permissions that it needs, all but `staff:manage` and `mails:read`:
`kassa key create NAME --scope PERMISSION`, or `POST /auth/keys`. It sends the key as
`Authorization: Bearer kassa_…`. The key is shown once, of it only a hash is kept, it is good for a year unless told
otherwise, and ends at once with `kassa key revoke`. A key owns nothing: what is open to users alone is not for it."""

ENDPOINTS = """\
Each public endpoint, and whom it lets in. *Owner*: users, to what is their own; somebody else's is answered 404, as
what does not exist. Without a token that is good the answer is 401, without the permission 403. The table is the one
that the code asks, [`kit/access.py`](../src/kassa/kit/access.py); an endpoint that is not in it lets nobody in."""


def made() -> str:
    """The page."""
    rows = [(code(each), MEANING[each], *("✓" if each in ROLES[role] else "" for role in STAFF)) for each in MEANING]
    roles = table(("Permission", "Lets one", *map(code, STAFF)), rows)
    return page("Permissions", INTRODUCTION, roles, f"## Endpoints\n\n{ENDPOINTS}", _endpoints())


def _endpoints() -> str:
    rows = []
    for endpoint, access in ACCESS.items():
        whom = "anybody" if access.is_open else "owner" if access.is_own else ""
        rows.append((code(endpoint), whom, codes([access.permission] if access.permission else [])))
    return table(("Endpoint", "Open to", "And to whom has"), rows)
