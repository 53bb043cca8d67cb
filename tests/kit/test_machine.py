"""The state machine: news is interpreted, then the table is asked, and what must always hold is looked at."""

from enum import StrEnum
from typing import Any

import msgspec
import pytest

from kassa.kit.audit import Cause
from kassa.kit.effects import Effect, has_seen, planned, with_todos
from kassa.kit.machine import Machine, Move, Stateful, Table


class Stage(StrEnum):
    SHUT = "SHUT"
    OPEN = "OPEN"


class Kind(StrEnum):
    BUILT = "built"
    PUSHED = "pushed"
    PULLED = "pulled"
    LOOKED_AT = "looked at"


class Todo(StrEnum):
    SHUT_AGAIN = "shut_again"
    LIGHT = "light"


class Door(Stateful, frozen=True, kw_only=True):
    stage: Stage
    pushes: int = 0


class Input(msgspec.Struct, frozen=True):
    kind: Kind
    cause: Cause
    strength: int = 1


TABLE: Table[Stage, Kind, Todo] = {
    (None, Kind.BUILT): Move(Stage.SHUT, (Todo.LIGHT,)),
    (Stage.SHUT, Kind.PUSHED): Move(Stage.OPEN, (Todo.SHUT_AGAIN, Todo.LIGHT)),
    (Stage.OPEN, Kind.PULLED): Move(Stage.SHUT),
    (Stage.OPEN, Kind.LOOKED_AT): Move(Stage.OPEN, (Todo.LIGHT,), is_told=False),
}


def interpret(door: Door, news: Input) -> Input | None:
    if news.strength == 0:
        return None
    return msgspec.structs.replace(news, kind=Kind.PULLED) if news.strength < 0 else news


def noted(door: Door, news: Input, to: Stage, now: int) -> dict[str, Any]:
    return {"pushes": door.pushes + news.strength}


def plan(door: Door, todo: Todo, news: Input, now: int) -> Effect:
    return planned(door, todo, now, at=now + 10 if todo is Todo.SHUT_AGAIN else None, pushes=str(door.pushes))


MACHINE = Machine(
    table=TABLE,
    shown={Stage.OPEN: "ajar"},
    timers={Todo.SHUT_AGAIN: (Stage.OPEN,)},
    interpret=interpret,
    noted=noted,
    planned=plan,
    invariants={"no door bears more than nine": lambda door: door.pushes <= 9},
)


def news(kind: Kind, strength: int = 1, input_id: str = "in_1") -> Input:
    return Input(kind, Cause(input_id, "usr_1", "why", "req_1"), strength)


def built() -> Door:
    door = Door(id="door_1", stage=Stage.SHUT, status="SHUT", updated_at=1)
    return MACHINE.begin(door, news(Kind.BUILT, input_id="in_0"), 1)


def wanted(door: Door) -> list[str]:
    return [each.kind for each in door.effects if each.done_at is None]


def test_a_document_begins_with_its_row_its_audit_and_what_follows() -> None:
    door = built()
    assert (door.stage, wanted(door), door.pushes) == (Stage.SHUT, [Todo.LIGHT], 0)
    assert [(each.what, each.from_state, each.to_state) for each in door.audit] == [(Kind.BUILT, "", Stage.SHUT)]
    assert has_seen(door, "in_0")


def test_a_move_sets_the_stage_notes_the_news_and_plans_in_the_rows_order() -> None:
    door = MACHINE.after(built(), news(Kind.PUSHED, 3), 2)
    assert (door.stage, door.status, door.pushes, door.updated_at) == (Stage.OPEN, "ajar", 3, 2)
    assert [(each.id, each.args) for each in door.effects[1:]] == [
        ("door_1:1:shut_again", {"pushes": "3"}),
        ("door_1:2:light", {"pushes": "3"}),
    ]
    last = door.audit[-1]
    assert (last.who, last.why, last.request_id, last.input_id) == ("usr_1", "why", "req_1", "in_1")


def test_news_is_what_it_is_interpreted_as_or_none() -> None:
    opened = MACHINE.after(built(), news(Kind.PUSHED), 2)
    assert MACHINE.after(opened, news(Kind.PUSHED, -1, "in_2"), 3).stage is Stage.SHUT
    assert MACHINE.after(opened, news(Kind.PULLED, 0, "in_2"), 3) is opened


def test_what_the_table_does_not_have_changes_nothing() -> None:
    door = built()
    assert MACHINE.after(door, news(Kind.PULLED), 2) is door


def test_what_was_seen_before_changes_nothing() -> None:
    opened = MACHINE.after(built(), news(Kind.PUSHED), 2)
    shut = MACHINE.after(opened, news(Kind.PULLED, input_id="in_2"), 3)
    assert MACHINE.after(shut, news(Kind.PUSHED), 4) is shut


def test_a_timer_ends_with_the_stages_that_wait_for_it() -> None:
    opened = MACHINE.after(built(), news(Kind.PUSHED), 2)
    assert Todo.SHUT_AGAIN in wanted(opened)
    assert Todo.SHUT_AGAIN not in wanted(MACHINE.after(opened, news(Kind.PULLED, input_id="in_2"), 3))


def test_a_row_that_is_not_told_leaves_only_its_effects() -> None:
    opened = MACHINE.after(built(), news(Kind.PUSHED), 2)
    looked_at = MACHINE.after(opened, news(Kind.LOOKED_AT, 2, "in_2"), 3)
    assert (looked_at.audit, looked_at.pushes, looked_at.updated_at) == (opened.audit, 1, 2)
    assert len(looked_at.effects) == len(opened.effects) + 1


def test_nothing_is_planned_but_what_the_row_says() -> None:
    with pytest.raises(AssertionError, match="door_1: light was planned for shut_again"):
        with_todos(built(), (Todo.SHUT_AGAIN,), lambda door, _: planned(door, Todo.LIGHT, 2))


def test_what_does_not_hold_in_a_document_is_named() -> None:
    assert MACHINE.broken(built()) == set()
    assert MACHINE.broken(MACHINE.after(built(), news(Kind.PUSHED, 10), 2)) == {"no door bears more than nine"}
