"""Triage: what was not answered counts like a yes, and nothing makes a call lighter but a no."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.rules import triage as rules
from services.intake.rules.triage import PatientFacts, answers_giving, questions_for, trees, triage
from shared.codes.codes import severity_list
from shared.refusal import Refusal

GROUPS = [None, *(group for group in range(1, 26) if group != 11)]
KINDS = ["medical", "transfer", "welfare", "device", "hazard", "other"]
LANES = [None, "emergency", "booked"]
rank = severity_list("cbd").rank


def all_no(group, kind="medical"):
    return {question.id: "no" for question in questions_for(group, kind)}


@st.composite
def calls(draw):
    group, kind = draw(st.sampled_from(GROUPS)), draw(st.sampled_from(KINDS))
    ids = [question.id for question in questions_for(group, kind)]
    answers = draw(st.dictionaries(st.sampled_from(ids), st.sampled_from(["yes", "no", "unknown", True, False, None])))
    lane = draw(st.sampled_from(LANES))
    patients = draw(st.lists(st.builds(PatientFacts, st.none() | st.integers(0, 100)), max_size=4))
    return group, answers, kind, patients, lane


@given(calls(), st.data())
def test_removing_an_answer_never_lowers_the_severity(call, data):
    group, answers, kind, patients, lane = call
    full = triage(group, answers, kind, patients, lane)
    if answers:
        gone = data.draw(st.sampled_from(sorted(answers)))
        less = triage(group, {name: value for name, value in answers.items() if name != gone}, kind, patients, lane)
        assert rank(less.severity) <= rank(full.severity)
        assert gone in {question.id for question in less.missing}


@given(calls())
def test_every_result_is_whole(call):
    group, answers, kind, patients, lane = call
    found = triage(group, answers, kind, patients, lane)
    assert found.severity_scheme == "cbd"
    assert found.lane in {"emergency", "booked"}
    assert found.reasons
    assert found.advice
    assert found.mark.th == "ตัวอย่าง ยังไม่รับรองโดยแพทย์"
    assert found.approved_by is None
    assert (found.idc is None) == (group is None)
    if found.idc:
        assert re.fullmatch(r"\d{1,2} (แดง|เหลือง|เขียว|ขาว) \d", found.idc)
        assert rules.COLOURS_TH[found.severity] in found.idc
    if found.red_flags:
        assert found.severity == "red"
        assert found.lane == "emergency"


def test_an_emergency_with_only_a_phone_and_a_landmark_is_red():
    found = triage(None, None)
    assert (found.severity, found.lane, found.hand_over_1669) == ("red", "emergency", True)
    assert len(found.missing) == len(questions_for(None))


def test_a_heart_that_stopped():
    found = triage(6, {"not_breathing": "yes"})
    assert (found.severity, found.idc, found.hand_over_1669) == ("red", "6 แดง 1", True)
    assert [flag.id for flag in found.red_flags] == ["not_breathing"]
    assert any("100" in text.en for text in found.advice)


def test_all_no_is_light():
    found = triage(17, all_no(17))
    assert (found.severity, found.idc, found.lane, found.hand_over_1669) == ("white", "17 ขาว 1", "booked", False)
    assert found.missing == ()


def test_one_missing_answer_to_a_red_flag_raises_the_severity_and_is_named():
    answers = all_no(17)
    del answers["unresponsive"]
    found = triage(17, answers)
    assert (found.severity, found.idc) == ("red", "17 แดง 1")
    assert [question.id for question in found.missing] == ["unresponsive"]
    assert any("not answered" in reason.en for reason in found.reasons)


def test_group_10_uses_the_tree_of_17():
    assert questions_for(10) == questions_for(17)
    assert triage(10, all_no(10)).idc == "17 ขาว 1"


@pytest.mark.parametrize("group", [0, 11, 26, -1])
def test_a_group_that_does_not_exist_is_refused(group):
    with pytest.raises(Refusal) as refused:
        triage(group, {})
    assert refused.value.field == "triage.criteria_group"


@pytest.mark.parametrize("value", ["maybe", 1, [], {}, "ใช่ค่ะ"])
def test_an_answer_that_is_none_names_its_question(value):
    with pytest.raises(Refusal) as refused:
        triage(6, {"not_breathing": value})
    assert refused.value.field == "triage.answers.not_breathing"


def test_answers_to_another_tree_change_nothing_and_are_named():
    found = triage(17, {**all_no(17), "baby_coming": "yes"})
    assert found.severity == "white"
    assert found.unknown_answers == ("baby_coming",)


@pytest.mark.parametrize("kind", ["transfer", "welfare", "device"])
def test_a_ride_nobody_asked_about_is_booked_and_white(kind):
    found = triage(None, None, kind)
    assert (found.severity, found.lane, found.hand_over_1669) == ("white", "booked", False)
    assert found.missing


def test_an_appointment_without_answers_is_booked_and_a_group_gives_its_lightest():
    assert triage(None, None, "medical", appointment=True).lane == "booked"
    found = triage(17, None, "transfer", lane="booked")
    assert (found.severity, found.idc, found.lane) == ("white", "17 ขาว 1", "booked")


def test_a_red_flag_makes_an_emergency_of_a_booking():
    found = triage(17, {**all_no(17), "unresponsive": "yes"}, "transfer", lane="booked")
    assert (found.lane, found.severity, found.hand_over_1669) == ("emergency", "red", True)


def test_many_patients_and_infants_raise_the_severity():
    assert triage(24, all_no(24), patient_count=3).severity == "red"
    assert triage(20, all_no(20), patients=[PatientFacts(0)]).severity == "yellow"
    assert triage(20, all_no(20), patients=[PatientFacts(8)]).severity == "green"


def test_a_hazard_has_the_severity_of_its_kind_until_somebody_asks():
    unasked = triage(None, None, "hazard", floor="yellow")
    assert (unasked.severity, unasked.lane, unasked.hand_over_1669) == ("yellow", "emergency", False)
    hurt = triage(None, {**all_no(None, "hazard"), "someone_hurt": "yes"}, "hazard", floor="yellow")
    assert (hurt.severity, hurt.hand_over_1669) == ("red", True)
    fire = triage(None, {**all_no(None, "hazard"), "spreading": "yes"}, "hazard")
    assert (fire.severity, fire.hand_over_1669) == ("red", False)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("severity", ["red", "yellow", "green", "white"])
def test_a_simulation_can_ask_for_answers_that_give_a_severity(group, severity):
    answers = answers_giving(severity, group)
    if answers is not None:
        assert triage(group, answers).severity == severity
    elif severity in {"red", "yellow"}:
        assert group in {4, 6, 19}, "trees without a yellow answer are known"


def test_every_group_but_the_blank_one_has_a_tree_and_texts_in_both_languages():
    assert sorted(group.code for group in trees().group) == [n for n in range(1, 26) if n != 11]
    thai = re.compile("[\u0e01-\u0e5b]")
    for group in GROUPS:
        tree = questions_for(group)
        assert 2 <= len(tree) <= 9
        assert any(question.red_flag for question in tree)
        for text in (*tree, *triage(group, {}).advice):
            assert thai.search(text.th)
            assert not thai.search(text.en)
