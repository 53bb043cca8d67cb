"""The table of access is whole: what is asked there is what the shop answers, and what the endpoints ask."""

import inspect
import re

from kassa.app.web import HANDLERS
from kassa.gateway.description import described, endpoints_of
from kassa.kit.access import ACCESS, MEANING, ROLES, SCOPES, Permission

PUBLIC = [handler for handlers in HANDLERS.values() for handler in handlers]
ENDPOINTS = {f"{verb.upper()} {path}": handler for verb, path, handler in endpoints_of(PUBLIC)}


def test_it_has_every_public_endpoint_and_no_other() -> None:
    assert set(ACCESS) == set(ENDPOINTS)


def test_an_endpoint_that_is_not_open_asks_who_comes() -> None:
    asks = re.compile(r"await (?:principal_of|buyer_and_order)\(")
    asking = {name for name, each in ENDPOINTS.items() if asks.search(inspect.getsource(each.fn))}
    wanted = {name for name, access in ACCESS.items() if access.permission or access.is_own}
    assert asking == wanted


def test_the_description_names_what_is_needed() -> None:
    paths = described(PUBLIC)["paths"]
    told = {f"{verb.upper()} {path}": each for path, verbs in paths.items() for verb, each in verbs.items()}
    for name, access in ACCESS.items():
        if access.permission and not access.is_open:
            assert f"`{access.permission}`" in told[name]["description"]
            assert {"token": []} in told[name]["security"]
            assert ({"key": []} in told[name]["security"]) is (access.permission in SCOPES)


def test_an_administrator_may_do_all_and_the_others_what_their_work_is() -> None:
    assert ROLES["admin"] == set(Permission) == set(MEANING)
    assert ROLES["user"] == set()
    writes = {each for each in ROLES["support"] if not each.endswith(":read")}
    assert writes == {"refunds:write", "parcels:write", "disputes:write"}
    assert {each.partition(":")[0] for each in ROLES["stock"]} == {"products", "inventory"}
