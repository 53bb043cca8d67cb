"""Nothing that comes from outside is answered with a 5xx, nor breaks a page for those who come after it. Longer:
`pytest tests/app/test_outside.py --hypothesis-profile long`."""

import json
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import stripe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kassa.contracts.payment import StripeUnreachable
from kassa.kit.clock import LAST, day_of, from_rfc3339, from_unix, rfc3339
from kassa.kit.problem import Invalid
from kassa.payment.processor import DisputeState, RefundState, SessionState
from kassa.payment.processor_answers import Session, dispute_state, refund_state, session_state, told_apart
from kassa.payment.processor_http import _Json
from kassa.product.catalogue_csv import Row, read, write
from tests.app.whole import Lines, Whole, whole

EXAMPLES = settings().max_examples
FUZZ = settings(
    max_examples=3 * EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
FORM = (b"content-type", b"application/x-www-form-urlencoded")
HTML = (b"accept", b"text/html")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with whole(tmp_path_factory.mktemp("shop")) as made:
        yield made


_PART = b"--x\r\nContent-Disposition: form-data; name=a\r\nContent-Type: text/plain; charset="

KNOWN: dict[str, tuple[str, str, Lines, bytes]] = {
    "signature": ("POST", "/payments/webhook", [(b"stripe-signature", b"t=1,v1=\xe9")], b"{}"),
    "signature's time": ("POST", "/payments/webhook", [(b"stripe-signature", b"t=\xb2,v1=a")], b"{}"),
    "token in a cookie": ("GET", "/account", [HTML, (b"cookie", b"kassa_token=%C4%80; kassa_refresh=\xff")], b""),
    "other cookies": (
        "GET",
        "/",
        [HTML, (b"cookie", b"kassa_csrf=\xff; kassa_note=%C4%80; kassa_cart=\xb2:\xb2")],
        b"",
    ),
    "next": ("GET", "/account/login?next=//[", [HTML], b""),
    "next, encoded": ("GET", "/account/login?next=/%C4%80", [HTML], b""),
    "origin": ("POST", "/account/login", [FORM, (b"origin", b"http://[")], b"a=1"),
    "multipart": (
        "POST",
        "/account/login",
        [(b"content-type", b"multipart/form-data; boundary=x")],
        _PART + b"nope\r\n\r\nb\r\n--x--\r\n",
    ),
    "forwarded": ("GET", "/", [HTML, (b"x-forwarded-for", b"\xe9, [::")], b""),
    "bearer": ("GET", "/orders", [(b"authorization", b"Bearer \xe9.\xe9.\xe9")], b""),
}


@pytest.mark.parametrize(("method", "path", "lines", "body"), KNOWN.values(), ids=KNOWN)
def test_what_was_answered_with_a_500_is_not(shop: Whole, method: str, path: str, lines: Lines, body: bytes) -> None:
    assert shop.ask(method, path, lines, body).status < 500


def test_a_deadline_that_is_no_number_is_none(shop: Whole) -> None:
    for left in (b"\xb2", b"-1", b"1e9", b"9" * 500, b" ", b"1_0"):
        assert shop.ask("GET", "/products", [(b"x-internal-deadline", left)], app=shop.inner).status < 500


def signed_in(browser: Lines, name: str, value: str) -> tuple[Lines, bytes]:
    """A form as our pages send it, with one field."""
    token = "a" * 43
    return [FORM, HTML, (b"cookie", f"kassa_csrf={token}".encode()), *browser], f"csrf={token}&{name}={value}".encode()


def test_where_to_go_after_logging_in_is_ascii_and_ours(shop: Whole) -> None:
    for target, at in (
        ("/caf%C3%A9", "/caf%C3%A9"),
        ("//evil.example", "/"),
        ("/a?b=c", "/a?b=c"),
        ("/" + "a" * 9000, "/"),
    ):
        fields = "&email=buyer%40shop.example&password=four+words+that+nobody+has"
        lines, body = signed_in([], "next", target.replace("?", "%3F").replace("=", "%3D"))
        answer = shop.ask("POST", "/account/login", lines, body + fields.encode())
        assert (answer.status, answer.headers["location"]) == (303, at)


# Any header, query, cookie, form and body, to every path there is

BYTES = st.binary(max_size=12) | st.sampled_from(
    [b"\xb2", b"\xe9", b"[", b"%", b"%ff", b"=", b";;", b",,", b"t=1,v1=", b"Bearer a.b.c", b"http://[::1", b"9" * 400,
     b"bytes=0-", b'"', b"W/", b"*", b"text/html;q=\xb2", b"a=b; charset=\xff", b"0" * 300, b"\x7f", b"null", b"{"]
)  # fmt: skip
VALUES = st.lists(BYTES, min_size=1, max_size=4).map(b"".join).map(lambda it: it.translate(None, b"\r\n\0"))
NAMES = st.sampled_from(
    [b"accept", b"authorization", b"content-type", b"cookie", b"host", b"idempotency-key", b"if-none-match", b"origin",
     b"sec-fetch-site", b"stripe-signature", b"traceparent", b"x-forwarded-for", b"x-internal-deadline", b"expect",
     b"x-internal-service", b"x-internal-token", b"x-request-id", b"access-control-request-method", b"range"]
)  # fmt: skip
TEXT = st.text(max_size=6) | st.sampled_from(["1e400", "²", "-1", "9" * 60, "%", "a:1.b:²", "//[", "null", "\x00", "é"])


def paths_of(shop: Whole) -> list[tuple[str, str]]:
    """Every method and path that the framework knows: API and pages."""
    app: Any = shop.public
    while not hasattr(app, "routes"):
        app = app._app
    known = [(method, route.path_format) for route in app.routes for method in getattr(route, "methods", ())]
    return sorted((method, path) for method, path in known if method not in ("HEAD", "OPTIONS"))


def filled(path: str, word: str) -> str:
    return "/".join(word if "{" in part else part for part in path.split("/"))


def encoded(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="", errors="replace")


@pytest.mark.parametrize("door", ["public", "inner"])
def test_any_header_is_answered(shop: Whole, door: str) -> None:
    app, paths = getattr(shop, door), paths_of(shop)
    assert len(paths) > 70

    @FUZZ
    @given(st.sampled_from(paths), st.lists(st.tuples(NAMES, VALUES), max_size=4), TEXT)
    def any_header(where: tuple[str, str], lines: Lines, word: str) -> None:
        answer = shop.ask(where[0], filled(where[1], word or "x"), lines, app=app)
        assert answer.status < 500, (where, lines, answer)

    any_header()


def test_any_query_cookie_and_form_is_answered(shop: Whole) -> None:
    paths = paths_of(shop)
    names = ["limit", "skip", "cursor", "q", "category", "status", "days", "from", "to", "order", "next", "unpaid",
             "low", "quantity", "product", "price", "stock", "amount", "email", "cart", "total", "key",
             "role", "v", "within", "sort", "minPrice", "maxPrice", "inStock", "option", "collapse"]  # fmt: skip
    pairs = st.dictionaries(st.sampled_from(names) | TEXT, TEXT, max_size=5)

    @FUZZ
    @given(st.sampled_from(paths), pairs, pairs, st.sampled_from(["admin", "buyer", ""]), st.text(max_size=8))
    def anything(where: tuple[str, str], query: dict[str, str], form: dict[str, str], who: str, cookie: str) -> None:
        method, path = where[0], filled(where[1], "prd_" + "0" * 26)
        asked = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in query.items())
        token, csrf = shop.tokens.get(who, ""), "a" * 43
        cookies = f"kassa_token={token}; kassa_csrf={csrf}; kassa_cart={cookie}; kassa_refresh={cookie}"
        lines = [HTML, FORM, (b"cookie", cookies.encode("utf-8", "replace").translate(None, b"\r\n\0"))]
        if token:
            lines.append((b"authorization", f"Bearer {token}".encode()))
        body = f"csrf={csrf}&" + "&".join(f"{encoded(name)}={encoded(value)}" for name, value in form.items())
        answer = shop.ask(method, f"{path}?{asked}", lines, body.encode() if method == "POST" else b"")
        assert answer.status < 500 or b"stripe" in answer.body, (where, query, form, who, cookie, answer)

    anything()


def test_any_body_is_answered(shop: Whole) -> None:
    paths = [each for each in paths_of(shop) if each[0] in ("POST", "PUT") and "webhook" not in each[1]]
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.just(10**30) | st.just(1e300)
    names = st.sampled_from(["email", "password", "name", "price", "items", "productId", "quantity", "orderId",
                             "amount", "stock", "images", "reason", "change", "refreshToken", "current", "new",
                             "expectedUpdatedAt"])  # fmt: skip
    values = st.recursive(leaves, lambda each: st.lists(each, max_size=3) | st.dictionaries(names, each, max_size=4))
    bodies = st.dictionaries(names, values, max_size=5).map(lambda it: json.dumps(it).encode()) | st.binary(max_size=20)

    @FUZZ
    @given(st.sampled_from(paths), bodies, st.sampled_from(["admin", "buyer", ""]))
    def any_body(where: tuple[str, str], body: bytes, who: str) -> None:
        answer = shop.as_json(where[0], filled(where[1], "x"), body, who)
        assert answer.status < 500 or b"stripe" in answer.body, (where, body, answer)

    any_body()


# What Stripe tells, with every field odd

ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 0, 2**31, 2**53 + 1, 2**63, 10**30, 1.5, "", "x", "é" * 300, [], {}, [{}], {"id": 1}, "1e9"]
)
EVENT: dict[str, Any] = {
    "id": "evt_1", "object": "event", "type": "payment_intent.payment_failed", "created": 1_767_268_800,
    "livemode": False, "account": None, "context": None, "api_version": "2026-10-28.endive",
    "data": {"object": {"id": "pi_1", "object": "payment_intent", "metadata": {"paymentId": "pay_1"},
                        "payment_intent": None, "last_payment_error": {"code": "card_declined", "charge": "ch_1"}}},
}  # fmt: skip
THIN: dict[str, Any] = {
    "id": "evt_2", "object": "v2.core.event", "type": "v1.charge.refunded", "created": "2026-01-01T12:00:00.000Z",
    "livemode": False, "context": None, "related_object": {"id": "ch_1", "type": "charge", "url": "/v1/charges/ch_1"},
}  # fmt: skip


def bent(whole_one: dict[str, Any], value: Any, at: int) -> dict[str, Any]:
    """A copy in which the field of this number, counted through all depths, has this value."""
    count = 0

    def walk(node: Any) -> Any:
        nonlocal count
        if not isinstance(node, dict):
            return node
        made = {}
        for name, each in node.items():
            count += 1
            made[name] = value if count == at else walk(each)
        return made

    changed: dict[str, Any] = walk(whole_one)
    return changed


def test_any_event_is_taken_or_refused_and_the_events_page_shows_it(shop: Whole) -> None:
    number = iter(range(10**9))

    @FUZZ
    @given(st.sampled_from([EVENT, THIN]), ODD, st.integers(0, 18), ODD, st.integers(0, 18))
    def any_event(event: dict[str, Any], one: Any, first: int, two: Any, second: int) -> None:
        odd = bent(bent({**event, "id": f"evt_{next(number)}"}, one, first), two, second)
        answer = shop.hook(json.dumps(odd).encode())
        assert answer.status in (200, 400), (odd, answer)
        listed = shop.as_json("GET", "/payments/admin/events?limit=5", who="admin")
        assert listed.status == 200, (odd, listed)

    any_event()
    assert shop.hook(json.dumps({**EVENT, "id": "evt_late", "created": 10**15}).encode()).status == 200
    assert b'"9999-12-31T23:59:59.999Z"' in shop.as_json("GET", "/payments/admin/events", who="admin").body


@pytest.mark.parametrize("created", [-(10**30), -1, 0, 253_402_300_800, 2**63, 10**30])
def test_a_time_that_has_no_date_is_the_nearest_that_has_one(created: int) -> None:
    at = from_unix(created)
    assert 0 <= at <= LAST
    assert from_rfc3339(rfc3339(at)) == at
    assert rfc3339(created)[:4] == rfc3339(created * 10)[:4] in ("1970", "9999") or created == 253_402_300_800
    assert day_of(created * 1000)[:4] in ("1970", "9999")


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59.999999-23:59", "0001-01-01T00:00:00+23:59", "2026-01-01T00:00:00Z" + "0" * 9999]
)
def test_a_time_at_the_end_of_the_calendar_is_read_or_refused(text: str) -> None:
    at = 0
    with suppress(ValueError):
        at = from_rfc3339(text)
    assert 0 <= at <= LAST


REFUND = {"id": "re_1", "object": "refund", "status": "succeeded", "amount": 100, "currency": "usd",
          "payment_intent": {"id": "pi_1", "object": "payment_intent"}, "metadata": {"refundId": "rfd_1"},
          "failure_reason": None}  # fmt: skip
DISPUTE = {"id": "dp_1", "object": "dispute", "status": "needs_response", "amount": 100, "reason": "fraudulent",
           "payment_intent": "pi_1", "created": 1, "evidence_details": {"due_by": 1_767_268_800}}  # fmt: skip
SESSION = {"id": "cs_1", "status": "open", "payment_status": "unpaid", "amount_total": 100, "currency": "usd",
           "expires_at": 1_767_268_800, "url": "https://x", "payment_intent": {"id": "pi_1"}, "metadata": {"a": "b"},
           "mode": "payment", "created": 1_767_268_800}  # fmt: skip


@FUZZ
@given(st.sampled_from(["refund", "dispute", "session"]), ODD, st.integers(0, 11), ODD, st.integers(0, 11))
def test_any_answer_of_stripe_s_is_understood_or_not_but_never_half(
    kind: str, one: Any, at: int, two: Any, by: int
) -> None:
    answers: dict[str, dict[str, Any]] = {"refund": REFUND, "dispute": DISPUTE, "session": SESSION}
    odd = bent(bent(answers[kind], one, at), two, by)
    state: Any
    form: Any
    try:
        with told_apart():
            if kind == "refund":
                state, form = refund_state(stripe.Refund.construct_from(odd, "k")), RefundState
            elif kind == "dispute":
                state, form = dispute_state(stripe.Dispute.construct_from(odd, "k")), DisputeState
            else:
                state, form = session_state(msgspec.json.decode(json.dumps(odd), type=Session), None), SessionState
    except StripeUnreachable:
        return
    assert msgspec.json.decode(msgspec.json.encode(state), type=form) == state
    assert all(abs(each) <= 2**53 for each in msgspec.structs.astuple(state) if isinstance(each, int))


def test_an_answer_of_stripe_s_that_is_nested_without_end_is_not_understood() -> None:
    endless = '{"data":' * 9999 + "1" + "}" * 9999
    for read_it in (lambda: msgspec.json.decode(endless, type=Session), lambda: _Json.loads(endless)):
        with pytest.raises(StripeUnreachable), told_apart():
            read_it()


# The catalogue's file

CELLS = st.text(max_size=12) | st.sampled_from(
    ["=1+1", "'=1", "''=", "+1", "-1", "@SUM", "\t=", "＝1", "'", "a'=b", "'a"]
)


@FUZZ
@given(
    st.binary(max_size=200)
    | st.lists(st.lists(CELLS, max_size=9), max_size=6).map(lambda rows: "\n".join(map(",".join, rows)))
)
def test_any_file_is_read_or_refused(content: bytes | str) -> None:
    for head in (b"", b"name,description,category,price,stock,images,id,sku\n"):
        size, text = 0, content if isinstance(content, bytes) else content.encode("utf-8", "replace")
        try:
            read(head + text)
        except Invalid as refused:
            size = len(refused.detail)
        assert size < 20_000


@FUZZ
@given(CELLS, CELLS, CELLS, CELLS)
def test_what_is_exported_is_no_formula_and_comes_back_as_it_was(
    name: str, description: str, category: str, sku: str
) -> None:
    import csv
    import io

    cells = [
        each.replace("\x00", "").replace("\r", "").encode("utf-8", "replace").decode()
        for each in (name, description, category)
    ]
    row = Row(name=cells[0] or "a", description=cells[1], category=cells[2], price=Decimal("1.50"), stock=1, number=2)
    text = write([row])
    for written in list(csv.reader(io.StringIO(text, newline="")))[1]:
        assert written[:1] not in tuple("=+-@\t\r\n＝＋－＠")
    empty = {"compare_at_price": None, "gtin": None, "weight_grams": None, "family": None}
    assert read(text).rows == [msgspec.structs.replace(row, images=(), **empty)]
