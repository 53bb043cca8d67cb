"""Every problem of every contract goes over the wire and comes back as itself."""

from importlib import import_module
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.contracts.inventory import InsufficientStock
from kassa.kit.problem import FieldError, Invalid, Problem, Unavailable

for _name in ("auth", "product", "inventory", "order", "payment"):
    import_module(f"kassa.contracts.{_name}")
for _name in ("idempotency", "web"):
    import_module(f"kassa.kit.{_name}")

KINDS = sorted(Problem.by_code.values(), key=lambda kind: kind.code)
RESERVED = {"type", "title", "status", "detail", "code", "requestId", "errors"}
MEMBERS = st.dictionaries(
    st.text(min_size=1).filter(lambda name: name not in RESERVED),
    st.one_of(st.text(), st.integers(0, 2**53)),
    max_size=4,
)


def subclasses(kind: type[Problem]) -> set[type[Problem]]:
    below = set(kind.__subclasses__())
    return below.union(*(subclasses(each) for each in below))


def over_the_wire(problem: Problem) -> Problem:
    body = msgspec.json.encode(problem.document("req_1"))
    return Problem.from_document(msgspec.json.decode(body), problem.status)


def test_no_two_problems_share_a_code() -> None:
    kinds = subclasses(Problem)
    assert len({kind.code for kind in kinds}) == len(kinds)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
@given(detail=st.text(min_size=1), members=MEMBERS, field=st.text(), message=st.text())
def test_a_problem_comes_back_as_itself(
    kind: type[Problem], detail: str, members: dict[str, Any], field: str, message: str
) -> None:
    problem = kind.__new__(kind)
    Problem.__init__(problem, detail, errors=(FieldError(field, message),), **members)
    back = over_the_wire(problem)
    assert type(back) is kind
    assert (back.code, back.status, back.title) == (kind.code, kind.status, kind.title)
    assert (back.detail, back.members, back.errors) == (detail, problem.members, problem.errors)
    assert problem.members == (members if kind.status != 503 else {"retryAfter": 2, **members})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_a_problem_is_a_definite_answer_with_a_stable_code(kind: type[Problem]) -> None:
    assert 400 <= kind.status < 600
    assert kind.code.islower()
    assert kind.code.isidentifier()
    assert kind.title
    assert kind.__doc__


def test_a_problem_brings_what_its_caller_needs() -> None:
    back = over_the_wire(InsufficientStock("prd_1", 5, 2))
    assert isinstance(back, InsufficientStock)
    assert back.members == {"productId": "prd_1", "asked": 5, "available": 2}
    assert back.detail == "5 of product prd_1 were asked for, 2 can be had"


def test_a_document_is_that_of_rfc_9457() -> None:
    document = Invalid.field("items[0].quantity", "must be positive").document("req_7")
    assert document == {
        "type": "urn:kassa:problem:validation_failed",
        "title": "The request is not valid",
        "status": 422,
        "detail": "items[0].quantity: must be positive",
        "code": "validation_failed",
        "requestId": "req_7",
        "errors": [{"field": "items[0].quantity", "message": "must be positive"}],
    }


def test_a_member_never_hides_what_the_document_says_itself() -> None:
    document = InsufficientStock("prd_1", 5, 2).document("req_1")
    assert {"type", "title", "status", "detail", "code", "requestId"} <= document.keys()


@pytest.mark.parametrize(
    "document",
    [{}, {"code": "from_the_future"}, {"code": 7}, {"code": "validation_failed", "errors": "oops"},
     {"code": "validation_failed", "errors": [1]}, {"code": "validation_failed", "errors": [{"field": 1}]}],
)  # fmt: skip
def test_an_answer_that_nobody_here_understands_is_unknown(document: dict[str, Any]) -> None:
    assert isinstance(Problem.from_document(document, 400), Unavailable)
