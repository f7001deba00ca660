"""The life tables: no step out of order is ever accepted, and every refusal names the field."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.rules.life import STATUS_LISTS, TABLES, Actor, Happening, Life, advance, possible
from shared.codes.codes import code_list
from shared.refusal import Refusal

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
CREW = Actor("person", "crew-7")
FULL_MISSION = ["accept", "en_route", "at_scene", "left_scene", "at_destination", "clear", "at_base"]


def happens(what, minute=0, **more):
    at = START + timedelta(minutes=minute)
    more.setdefault(
        "reason", {"release": "closer_unit", "cancel": "caller_withdrew", "out_of_service": "repair"}.get(what)
    )
    more.setdefault("outcome", {"complete": "transported"}.get(what))
    return Happening(what, **{"at": at, "recorded_at": at, "by": CREW, **more})


def ordered(**more):
    return Life("assignment", "ordered", stamps={"order": START}, **more)


def walk(state, *steps):
    for minute, step in enumerate(steps, start=1):
        state = advance(state, happens(step, minute))
        assert isinstance(state, Life), state
    return state


def test_a_mission_runs_through_its_stamps_and_remembers_the_status_before():
    state = walk(ordered(), *FULL_MISSION)
    assert state.status == "cleared"
    assert list(state.stamps) == ["order", *FULL_MISSION]
    assert state.previous == "cleared"
    assert state.by == CREW
    assert walk(ordered(), "accept", "en_route").previous == "accepted"


def test_the_base_is_stamped_once():
    again = advance(walk(ordered(), *FULL_MISSION), happens("at_base", 30))
    assert isinstance(again, Refusal)
    assert again.code == "already_done"


@pytest.mark.parametrize("of", TABLES)
def test_every_status_and_every_label_is_in_the_code_lists(of):
    table = TABLES[of]
    assert set(table) == set(code_list(STATUS_LISTS[of]).codes)
    assert {after for row in table.values() for after in row.values()} <= set(table)


@pytest.mark.parametrize("of", TABLES)
@given(data=st.data())
@settings(max_examples=150)
def test_whatever_is_said_only_steps_of_the_table_are_taken(of, data):
    every_event = sorted({what for row in TABLES[of].values() for what in row} | {"nonsense"})
    state = Life(of, data.draw(st.sampled_from(sorted(TABLES[of]))), transport=False)
    for minute in range(data.draw(st.integers(1, 12))):
        what = data.draw(st.sampled_from(every_event))
        before, allowed = replace(state), possible(state)
        after = advance(state, happens(what, minute))
        assert state == before
        if what in allowed:
            assert isinstance(after, Life)
            assert after.status == TABLES[of][state.status][what]
            state = after
        else:
            assert isinstance(after, Refusal)
            assert after.field in {"step", "status", "duty", "cleanliness"}
            assert after.th
            assert after.en


@given(st.permutations(FULL_MISSION))
def test_a_mission_in_any_other_order_is_stopped(steps):
    state, taken = ordered(), []
    for minute, step in enumerate(steps):
        after = advance(state, happens(step, minute, outcome="not_found"))
        if isinstance(after, Life):
            state, taken = after, [*taken, step]
    legal = [FULL_MISSION[:n] for n in range(8)] + [["accept", "en_route", "at_scene", "clear"]]
    assert taken in [*legal, ["accept", "en_route", "at_scene", "clear", "at_base"]]


def test_a_hazard_ends_at_the_scene_and_a_patient_only_with_an_outcome():
    at_scene = walk(ordered(), "accept", "en_route", "at_scene")
    refused = advance(at_scene, happens("clear", 9))
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field) == ("outcome_missing", "outcome")
    assert isinstance(advance(at_scene, happens("clear", 9, outcome="transported")), Refusal)
    assert advance(at_scene, happens("clear", 9, outcome="refused_treatment")).outcome == "refused_treatment"
    hazard = walk(ordered(transport=False), "accept", "en_route", "at_scene", "clear")
    assert hazard.status == "cleared"


@pytest.mark.parametrize(
    ("state", "event", "field"),
    [
        (ordered(), happens("release", reason=None), "reason"),
        (ordered(), happens("release", reason="because"), "reason"),
        (ordered(), happens("decline", reason="because"), "reason"),
        (Life("trip", "planned"), happens("cancel", reason=None), "reason"),
        (Life("trip", "under_way"), happens("complete", outcome=None), "outcome"),
        (Life("trip", "under_way"), happens("complete", outcome="fine"), "outcome"),
        (Life("run", "open"), happens("close", unfinished=1), "status"),
        (Life("duty", "on_duty"), happens("off_duty", unfinished=1), "duty"),
        (Life("duty", "on_duty"), happens("out_of_service", reason=None), "reason"),
        (ordered(), happens("en_route"), "step"),
        (ordered(), happens("accept", -10), "at"),
        (ordered(), happens("accept", 10, recorded_at=START), "at"),
        (ordered(), happens("accept", at=datetime(2026, 11, 22, 8, 0)), "at"),  # noqa: DTZ001
        (ordered(), happens("correct", correction_of="en_route", reason="pressed_late"), "correction_of"),
    ],
)
def test_every_refusal_names_the_field(state, event, field):
    refused = advance(state, event)
    assert isinstance(refused, Refusal)
    assert refused.field == field


def test_a_phone_a_little_wrong_is_moved_to_the_nearest_possible_time():
    early = advance(ordered(), happens("accept", -1, recorded_at=START + timedelta(seconds=5)))
    assert early.stamps["accept"] == START
    late = advance(ordered(), happens("accept", 1, recorded_at=START + timedelta(seconds=5)))
    assert late.stamps["accept"] == START + timedelta(seconds=5)


def test_a_correction_needs_a_reason_stays_between_its_neighbours_and_keeps_what_was():
    state = walk(ordered(), "accept", "en_route", "at_scene", "left_scene")
    fix = happens(
        "correct", 2.5, correction_of="at_scene", reason="pressed_late", recorded_at=START + timedelta(hours=1)
    )
    fixed = advance(state, fix)
    assert fixed.status == "left_scene"
    assert fixed.stamps["at_scene"] == START + timedelta(minutes=2, seconds=30)
    assert [(c.stamp, c.was, c.reason, c.by) for c in fixed.corrections] == [
        ("at_scene", START + timedelta(minutes=3), "pressed_late", CREW)
    ]
    for wrong, field in [
        (replace(fix, reason=None), "reason"),
        (replace(fix, at=START - timedelta(hours=1)), "at"),
        (replace(fix, at=START + timedelta(minutes=5)), "at"),
        (replace(fix, correction_of=None), "correction_of"),
    ]:
        refused = advance(state, wrong)
        assert isinstance(refused, Refusal)
        assert refused.field == field


def test_a_return_leg_waits_until_the_person_is_ready():
    leg = advance(Life("trip", "awaiting_ready"), happens("ready"))
    assert leg.status == "requested"
    assert walk(leg, "plan", "start", "complete").status == "completed"


def test_a_unit_taken_away_sends_the_trip_back_to_be_planned():
    assert walk(Life("trip", "planned"), "unassign", "plan").status == "planned"
