"""How somebody is told: ways, times, and reasons why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from services.notify.rules.plan import Occasion, Recipient, plan, urgency_of
from services.notify.rules.policy import Policy
from services.notify.rules.postback import data_of, read
from services.notify.rules.quiet import evening_before
from services.notify.rules.table import rule
from services.notify.rules.words import Facts
from shared.events.words import Answer
from shared.thai.dates import BANGKOK, show_moment
from shared.thai.quiet import is_quiet, next_allowed
from shared.work import new_id

POLICY = Policy()
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=BANGKOK).astimezone(UTC)
NIGHT = datetime(2026, 11, 22, 23, 0, tzinfo=BANGKOK).astimezone(UTC)
MORNING = datetime(2026, 11, 23, 7, 0, tzinfo=BANGKOK)
CREW = Recipient("crew", new_id(), line_user_id="U1", phone="+66812345678")
CALLER = Recipient("caller", new_id(), line_user_id="U2", phone="+66812345679")
OCCASION = Occasion(Facts("KLS-1", first_name="สมศรี", severity="red"))


def planned(rule_id, to, occasion=OCCASION, now=NOON):
    return plan(rule(rule_id), to, occasion, POLICY, new_id(), now)


def test_an_order_goes_by_line_now_and_by_sms_after_the_areas_wait() -> None:
    made = planned("crew_ordered", CREW)
    assert [(step.channel, step.due_at) for step in made.steps] == [
        ("line", NOON),
        ("sms", NOON + POLICY.emergency_wait),
    ]
    assert made.answer_by_at == NOON + POLICY.emergency_wait


def test_where_no_answer_is_awaited_the_other_way_waits_for_failure() -> None:
    assert [step.due_at for step in planned("caller_received", CALLER).steps] == [NOON, None]


def test_the_languages_of_both_are_spoken() -> None:
    english = planned("caller_received", replace(CALLER, language="en"))
    assert "Your call is taken" in english.steps[0].text


@pytest.mark.parametrize(
    ("to", "rule_id", "occasion", "expected"),
    [
        (CALLER, "caller_received", replace(OCCASION, protected=True), ("suppressed", "protected")),
        (replace(CALLER, may_be_texted=False), "caller_received", OCCASION, ("suppressed", "not_by_text")),
        (replace(CALLER, wants_routine=False), "ride_planned", OCCASION, ("suppressed", "opted_out")),
        (replace(CALLER, wants_routine=False), "caller_received", OCCASION, ("planned", None)),
        (replace(CREW, wants_routine=False, on_duty=True), "crew_offered", OCCASION, ("planned", None)),
        (replace(CREW, active=False), "crew_ordered", OCCASION, ("failed", "inactive")),
        (replace(CREW, line_user_id=None, phone=None), "crew_ordered", OCCASION, ("failed", "no_address")),
    ],
)
def test_who_is_not_told_and_why(to, rule_id, occasion, expected) -> None:
    made = planned(rule_id, to, occasion)
    assert (made.status, made.reason) == expected
    assert bool(made.steps) == (made.status == "planned")


def test_a_protected_call_tells_its_crew_a_reference_and_nothing_of_the_person() -> None:
    made = planned("crew_ordered", CREW, replace(OCCASION, protected=True))
    assert "KLS-1" in made.steps[0].text
    assert "สมศรี" not in made.steps[0].text + made.steps[1].text


def test_routine_messages_to_the_public_wait_for_the_morning() -> None:
    assert planned("ride_planned", CALLER, now=NIGHT).steps[0].due_at == MORNING
    assert planned("ride_planned", CALLER, now=NIGHT).expires_at > MORNING
    assert planned("caller_received", CALLER, now=NIGHT).steps[0].due_at == NIGHT


def test_duty_overrides_quiet_hours_and_so_does_a_ride_before_their_end() -> None:
    assert planned("crew_offered", replace(CREW, on_duty=True), now=NIGHT).steps[0].due_at == NIGHT
    assert planned("crew_offered", CREW, now=NIGHT).steps[0].due_at == MORNING
    soon = replace(OCCASION, deadline_at=NIGHT + timedelta(hours=7))
    assert planned("crew_offered", CREW, soon, now=NIGHT).steps[0].due_at == NIGHT


def test_whose_own_morning_is_too_late_is_asked_in_the_municipalitys_and_not_by_night() -> None:
    sleeper = replace(CREW, quiet_from=time(21), quiet_until=time(10))
    by_nine = replace(OCCASION, deadline_at=MORNING + timedelta(hours=2))
    assert planned("crew_offered", sleeper, by_nine, now=NIGHT).steps[0].due_at == MORNING


def test_a_persons_own_hours_count_before_the_areas() -> None:
    late = replace(CALLER, quiet_from=time(23, 30), quiet_until=time(9, 0))
    assert planned("ride_planned", late, now=NIGHT).steps[0].due_at == NIGHT
    assert planned("ride_planned", late, now=NIGHT + timedelta(hours=1)).steps[0].due_at == MORNING.replace(hour=9)


def test_quiet_hours_cross_midnight_and_equal_ends_mean_none() -> None:
    assert is_quiet(NIGHT, time(21), time(7))
    assert not is_quiet(NOON, time(21), time(7))
    assert is_quiet(MORNING - timedelta(seconds=1), time(21), time(7))
    assert not is_quiet(MORNING, time(21), time(7))
    assert not is_quiet(NIGHT, time(7), time(7))
    assert next_allowed(MORNING - timedelta(hours=1), time(21), time(7)) == MORNING


def test_the_evening_before_is_the_thai_calendars() -> None:
    dawn = datetime(2026, 11, 23, 0, 30, tzinfo=BANGKOK)
    assert evening_before(dawn, time(18)) == datetime(2026, 11, 22, 18, 0, tzinfo=BANGKOK)


def test_red_goes_first_and_routine_last() -> None:
    order = ["red", "pink", "yellow", "green", "white"]
    urgencies = [urgency_of(rule("crew_ordered"), severity) for severity in order]
    assert urgencies == sorted(set(urgencies))
    assert urgency_of(rule("ride_planned"), "red") > urgencies[-1]


def test_a_button_carries_an_opaque_id_and_comes_back_as_it_was() -> None:
    message_id = new_id()
    data = data_of(message_id, Answer.EN_ROUTE)
    assert len(data) <= 50
    pressed = read(data)
    assert pressed is not None
    assert (pressed.message_id, pressed.answer) == (message_id, Answer.EN_ROUTE)
    starred = read(data_of(message_id, 4))
    assert starred is not None
    assert starred.score == 4
    for wrong in ("", "k2." + data[3:], data + "x", "k1.xx.accept", data.replace("en_route", "star-6"), "action=buy"):
        assert read(wrong) is None


def test_whoever_is_asked_hears_the_day_and_the_tambon_and_no_name() -> None:
    ride = replace(OCCASION, facts=replace(OCCASION.facts, pickup_at=NOON, tambon="460102"))
    there, back = (
        planned("crew_offered", CREW, ride),
        planned("crew_offered", CREW, replace(ride, facts=replace(ride.facts, homeward=True))),
    )
    for step in there.steps:
        assert show_moment(NOON) in step.text
        assert "ต.เหนือ" in step.text
        assert "สมศรี" not in step.text
    assert "จุดรับ ต." in there.steps[0].text
    assert "ส่งกลับ ต." in back.steps[0].text
    assert "Tambon" in planned("crew_offered", replace(CREW, language="en"), ride).steps[0].text
    assert "ต.เหนือ" in planned("crew_asked", CREW, ride).steps[0].text
    assert "ต.เหนือ" not in planned("crew_offered", CREW, replace(ride, protected=True)).steps[0].text
    unknown = replace(ride, facts=replace(ride.facts, tambon="999999"))
    assert "ต." not in planned("crew_offered", CREW, unknown).steps[0].text, "no order is held up for want of a name"
