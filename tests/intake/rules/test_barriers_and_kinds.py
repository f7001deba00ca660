"""The six barriers, kinds of hazard, refusals and services."""

from dataclasses import fields
from pathlib import Path

import pytest

from services.intake.rules import barriers, kinds, refusals, services, undertriage
from shared.codes.codes import code_list
from shared.packs import load
from shared.refusal import Refusal

KALASIN = load(Path(__file__).parents[3] / "deploy" / "areas" / "kalasin")


def test_ticking_a_barrier_opens_its_action_with_an_owner_once():
    opened = barriers.actions(["money", "time", "money"])
    assert [action.code for action in opened] == ["money", "time"]
    assert all(action.owner and action.action.th and action.action.en and action.met for action in opened)
    assert {action.code for action in barriers.table().barrier} == set(code_list("barrier").codes)


def test_an_unknown_barrier_is_named_by_its_place():
    with pytest.raises(Refusal) as refused:
        barriers.actions(["money", "luck"])
    assert refused.value.field == "barriers.1"


def test_a_barrier_ends_by_an_outcome_of_its_own():
    assert barriers.settle("money", "met", "fund_paid").en
    assert barriers.settle("money", "unmet", "no_funds").th
    for state, outcome, field in [("met", "item_lent", "outcome"), ("unmet", "fund_paid", "reason")]:
        with pytest.raises(Refusal) as refused:
            barriers.settle("money", state, outcome)
        assert refused.value.field == field


def test_asked_met_and_unmet_are_counted_with_zeros():
    counts = barriers.count([("money", "met"), ("money", "asked"), ("time", "unmet")])
    assert (counts["money"].asked, counts["money"].met, counts["money"].open) == (2, 1, 1)
    assert counts["time"].unmet == 1
    assert counts["vehicle"].asked == 0


@pytest.mark.parametrize(
    ("said", "code", "team"),
    [
        ("งูเห่าเข้าบ้านค่ะ", "snake", "rescue"),
        ("There is a SNAKE in the kitchen", "snake", "rescue"),
        ("ไฟไหม้บ้านข้างวัด", "fire", "fire"),
        ("ต้นไม้ล้มขวางถนน", "fallen_tree", "rescue"),
        ("ต้นไม้ล้มทับสายไฟ", "fallen_tree", "rescue"),
        ("แก๊สรั่ว", "gas_leak", "fire"),
        ("มีเรื่องแปลก ๆ", "other_hazard", "rescue"),
        ("", "other_hazard", "rescue"),
        (None, "other_hazard", "rescue"),
    ],
)
def test_a_hazard_is_recognised_and_routed_to_a_team(said, code, team):
    found = kinds.recognise(said)
    assert (found.code, found.team) == (code, team)
    assert found.skills
    assert found.advice.th


def test_every_hazard_has_its_row_and_an_unknown_one_is_refused():
    for code in code_list("hazard").codes:
        assert kinds.hazard(code).code == code
    with pytest.raises(Refusal):
        kinds.hazard("dragon")


def test_every_refusal_has_a_legal_basis_and_those_not_final_somebody_who_takes_over():
    for item in code_list("reason_refusal").items:
        made = refusals.refuse(item.code, "รายละเอียด", KALASIN, "460102")
        assert made.legal_basis.th
        assert bool(made.partners) == item.hand_over
    assert refusals.refuse("needs_1669", None, KALASIN).partners[0].phone == "1669"


@pytest.mark.parametrize(
    ("code", "text", "field"), [("poor", None, "reason"), ("no_id", None, "reason"), ("false_call", " ", "text")]
)
def test_there_is_no_refusal_without_a_coded_reason(code, text, field):
    with pytest.raises(Refusal) as refused:
        refusals.refuse(code, text, KALASIN)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("kind", "lane", "service"),
    [
        ("medical", "emergency", "emergency_ambulance"),
        ("transfer", "booked", "patient_transport"),
        ("hazard", "emergency", "rescue"),
        ("welfare", "booked", "welfare_help"),
        ("device", "booked", "device_loan"),
        ("device", "emergency", "coordination"),
        ("other", "booked", "coordination"),
    ],
)
def test_every_kind_of_call_has_a_service_with_a_legal_basis(kind, lane, service):
    offered = services.service_for(KALASIN, services.Asked(kind, lane))
    assert offered.service.code == service
    assert offered.service.legal_basis
    assert not offered.needs_confirmation


def test_beyond_a_limit_a_person_decides_and_nothing_is_dropped():
    offered = services.service_for(KALASIN, services.Asked("transfer", "booked", 250, 2, 4))
    assert offered.service.code == "patient_transport"
    assert len(offered.beyond) == 3


def test_wealth_and_papers_are_not_even_looked_at():
    assert {field.name for field in fields(services.Asked)} == {"kind", "lane", "distance_km", "notice_h", "companions"}


def test_over_and_under_triage():
    assert undertriage.severity_of("6 แดง 1") == "red"
    assert undertriage.severity_of("6 แดง") is None
    assert undertriage.severity_of("6 ฟ้า 1") is None
    assert undertriage.compare("red", "green") == "over"
    assert undertriage.compare("green", "red") == "under"
    assert undertriage.compare("pink", "pink", "ed5") == "right"
    with pytest.raises(Refusal):
        undertriage.compare("pink", "red", "cbd")
    tally = undertriage.tally([("red", "red"), ("red", "yellow"), ("green", "yellow"), ("red", None)])
    assert (tally.over, tally.under, tally.right, tally.uncompared) == (1, 1, 1, 1)
    assert tally.share("over") == pytest.approx(1 / 3)
    assert undertriage.tally([]).share("over") is None
