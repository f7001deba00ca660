"""Requirements, eligibility and ranking: who may go, why, and what is missing."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.rules.eligibility import CrewFacts, UnitFacts, eligible, shortfalls
from services.dispatch.rules.ranking import GreatCircle, Travel, rank
from services.dispatch.rules.requirements import Asked, requirements, table
from shared.codes.codes import code_list
from shared.geo import Point

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
TOWN = Point(103.506, 16.434)


def member(*skills, until=None):
    return CrewFacts("-".join(skills) or "helper", dict.fromkeys(skills, until))


def unit(name="k1", **more):
    facts = {
        "vehicle_kind": "ambulance", "level": "bls", "duty": "on_duty",
        "crew": (member("emt_b", "lifting", "driving"), member("first_aid")),
        "places": {"stretcher": 1, "seat": 3},
        "equipment": frozenset({"oxygen_set", "aed", "ppe_set"}),
        "position": TOWN, "position_at": NOW,
    }  # fmt: skip
    return UnitFacts(name, **{**facts, **more})


def missing(a_unit, **asked):
    return [(short.code, short.what) for short in shortfalls(a_unit, requirements(Asked(**asked)), NOW) if short.hard]


def test_a_full_unit_lacks_nothing_for_a_bedridden_ride():
    assert (
        shortfalls(unit(), requirements(Asked(lane="booked", mobility="stretcher", groups=("bedridden",))), NOW) == ()
    )


@pytest.mark.parametrize(
    ("changed", "asked", "code", "what"),
    [
        ({"duty": "off_duty"}, {}, "duty", "off_duty"),
        ({"duty": "out_of_service"}, {}, "duty", "out_of_service"),
        ({"clean": False}, {}, "contaminated", "clean"),
        ({"busy": True}, {}, "busy", "open_run"),
        ({"exercise": True}, {}, "exercise", "exercise"),
        ({}, {"exercise": True}, "exercise", "exercise"),
        ({"places": {"seat": 4}}, {"lane": "booked", "mobility": "stretcher"}, "place", "stretcher"),
        ({}, {"lane": "booked", "mobility": "wheelchair"}, "place", "wheelchair"),
        ({}, {"lane": "booked", "companions": 3}, "place", "seat"),
        ({}, {"lane": "booked", "needs": ("suction",)}, "equipment", "suction_unit"),
        ({}, {"lane": "booked", "needs": ("suction",)}, "skill", "suction"),
        ({}, {"lane": "booked", "needs": ("bariatric",)}, "crew", "4"),
        ({}, {"lane": "booked", "groups": ("psychiatric",)}, "skill", "mental_health"),
        ({}, {"hazard": "snake"}, "skill", "snake_handling"),
        ({}, {"hazard": "fallen_tree"}, "equipment", "chainsaw"),
        ({"level": None, "crew": ()}, {"severity": "green"}, "level", "fr"),
        ({"crew": (member("driving"),)}, {"severity": "red"}, "skill", "first_aid"),
    ],
)
def test_what_is_missing_is_named_by_code_in_both_languages(changed, asked, code, what):
    a_unit = unit(**changed)
    assert (code, what) in missing(a_unit, **asked)
    found = next(s for s in shortfalls(a_unit, requirements(Asked(**asked)), NOW) if (s.code, s.what) == (code, what))
    assert found.text.th
    assert found.text.en
    assert not eligible(a_unit, requirements(Asked(**asked)), NOW)


def test_an_expired_certificate_is_no_skill_from_the_day_after():
    crew = (member("emt_b", "driving", until=date(2026, 11, 21)), member("lifting"))
    assert ("skill", "driving") in missing(unit(crew=crew), lane="booked")
    crew = (member("emt_b", "driving", until=date(2026, 11, 22)), member("lifting"))
    assert missing(unit(crew=crew), lane="booked") == []


def test_a_vehicle_is_of_a_level_only_while_somebody_on_board_may_work_at_it():
    als_without_paramedic = unit(level="als")
    assert als_without_paramedic.working_level(NOW) == "bls"
    assert unit(level="als", crew=(member("paramedic"),)).working_level(NOW) == "als"
    assert unit(level="fr", crew=(member("paramedic"),)).working_level(NOW) == "fr"
    assert unit(crew=()).working_level(NOW) is None


def test_in_an_urgent_emergency_a_first_responder_goes_though_things_are_missing():
    first = unit(level="fr", crew=(member("first_aid"),), places={}, equipment=frozenset())
    wanted = requirements(Asked(severity="red", mobility="stretcher", needs=("oxygen",)))
    assert eligible(first, wanted, NOW)
    soft = {(short.code, short.what) for short in shortfalls(first, wanted, NOW)}
    assert {("level", "als"), ("place", "stretcher"), ("equipment", "oxygen_set"), ("crew", "2")} <= soft


def test_infection_is_a_must_even_then_and_contaminates():
    wanted = requirements(Asked(severity="red", needs=("infection_precaution",)))
    assert wanted.contaminates
    assert not eligible(unit(equipment=frozenset()), wanted, NOW)


def test_in_an_emergency_a_wheelchair_user_lies_on_the_stretcher():
    """A green one asked for first aid and a place for the chair, which no vehicle has together: nobody could go."""
    ambulance = unit(places={"stretcher": 1, "seat": 3}, crew=(member("emt_b", "lifting"), member("driving")))
    assert eligible(ambulance, requirements(Asked(severity="green", mobility="wheelchair")), NOW)
    ride = requirements(Asked(lane="booked", mobility="wheelchair"))
    assert ride.must.places == {"wheelchair": 1}
    assert not eligible(ambulance, ride, NOW)


def test_every_code_a_call_may_carry_has_requirements():
    for severity in {*code_list("severity_cbd").codes, *code_list("severity_ed5").codes}:
        requirements(Asked(severity=severity))
    assert set(table().mobility) == set(code_list("mobility").codes)
    assert set(table().need) == set(code_list("need").codes)
    assert set(table().hazard) == set(code_list("hazard").codes)
    assert set(table().group) <= set(code_list("group").codes)


ASKED = st.builds(
    Asked,
    severity=st.sampled_from(code_list("severity_ed5").codes),
    lane=st.sampled_from(code_list("lane").codes),
    mobility=st.none() | st.sampled_from(code_list("mobility").codes),
    needs=st.lists(st.sampled_from(code_list("need").codes), unique=True, max_size=3).map(tuple),
    groups=st.lists(st.sampled_from(code_list("group").codes), unique=True, max_size=2).map(tuple),
    companions=st.integers(0, 2),
    hazard=st.none() | st.sampled_from(code_list("hazard").codes),
)
UNITS = st.builds(
    unit,
    level=st.none() | st.sampled_from(code_list("unit_level").codes),
    duty=st.sampled_from(code_list("duty").codes),
    crew=st.lists(
        st.lists(st.sampled_from(code_list("skill").codes), max_size=5).map(lambda skills: member(*skills)), max_size=4
    ).map(tuple),
    places=st.dictionaries(st.sampled_from(code_list("place_kind").codes), st.integers(0, 3)),
    equipment=st.frozensets(st.sampled_from(code_list("equipment").codes)),
)


@given(UNITS, ASKED)
def test_taking_anything_away_from_a_unit_never_makes_it_fitter(a_unit, asked):
    wanted = requirements(asked)
    before = {(short.code, short.what) for short in shortfalls(a_unit, wanted, NOW)}
    for less in (
        replace(a_unit, equipment=frozenset()),
        replace(a_unit, places={}),
        replace(a_unit, crew=a_unit.crew[1:]),
        replace(a_unit, clean=False),
    ):
        after = shortfalls(less, wanted, NOW)
        assert before <= {(short.code, short.what) for short in after}
        assert eligible(a_unit, wanted, NOW) or not eligible(less, wanted, NOW)


@given(UNITS, ASKED)
def test_a_unit_that_may_go_has_every_skill_the_task_asks_for(a_unit, asked):
    wanted = requirements(asked)
    if eligible(a_unit, wanted, NOW):
        assert wanted.must.skills <= a_unit.skills(NOW)
        assert len(a_unit.crew) >= wanted.must.crew
        assert a_unit.duty == "on_duty"


def test_the_nearest_that_may_go_comes_first_and_the_others_say_why_not():
    near_but_off = unit("near", duty="off_duty")
    far = unit("far", position=Point(103.6, 16.434))
    middle = unit("middle", position=Point(103.53, 16.434))
    ranked = rank([near_but_off, far, middle], requirements(Asked(severity="green")), TOWN, NOW, GreatCircle())
    assert [found.unit_id for found in ranked] == ["middle", "far", "near"]
    assert [found.eligible for found in ranked] == [True, True, False]
    assert ranked[-1].shortfalls[0].code == "duty"
    assert any("straight-line" in reason.en for reason in ranked[0].reasons)


def test_how_far_it_is_comes_first_and_nobody_is_there_in_no_minutes():
    [here] = rank([unit("here", position=TOWN)], requirements(Asked()), TOWN, NOW, GreatCircle())
    assert here.reasons[0].th == "ถึงใน 1 นาที ระยะทาง 0.0 กม."


def test_old_positions_stations_and_unknown_places_are_marked():
    old = unit("old", position_at=NOW - timedelta(minutes=10))
    based = unit("based", position=None, position_at=None, station=TOWN)
    lost = unit("lost", position=None, position_at=None)
    found = {each.unit_id: each for each in rank([old, based, lost], requirements(Asked()), TOWN, NOW, GreatCircle())}
    assert found["old"].stale
    assert "10 minutes old" in " ".join(reason.en for reason in found["old"].reasons)
    assert "station" in " ".join(reason.en for reason in found["based"].reasons)
    assert found["lost"].duration_s is None
    nowhere = rank([old], requirements(Asked()), None, NOW, GreatCircle())[0]
    assert nowhere.eligible
    assert nowhere.duration_s is None


def test_a_missing_level_weighs_less_than_a_long_way():
    crew = (member("paramedic", "driving"), member("emt_b"))
    als = unit("als", level="als", crew=crew, position=Point(103.75, 16.434))
    bls = unit("bls")
    als_near = replace(als, position=Point(103.512, 16.434))
    wanted = requirements(Asked(severity="red"))
    assert rank([als, bls], wanted, TOWN, NOW, GreatCircle())[0].unit_id == "bls"
    assert rank([als_near, bls], wanted, TOWN, NOW, GreatCircle())[0].unit_id == "als"


def test_travel_times_come_through_the_port():
    class Matrix:
        def to(self, origins, destination, *, urgent):
            return [Travel(60.0 * (place + 1), 500.0, "matrix") for place, _ in enumerate(origins)]

    best = rank([unit("a"), unit("b")], requirements(Asked()), TOWN, NOW, Matrix())[0]
    assert (best.unit_id, best.duration_s) == ("a", 60.0)
    assert not any("straight-line" in reason.en for reason in best.reasons)


def test_lights_are_faster_than_ordinary_driving():
    far = [Point(103.6, 16.434)]
    fast, slow = (GreatCircle().to(far, TOWN, urgent=urgent)[0] for urgent in (True, False))
    assert fast.duration_s < slow.duration_s
    assert fast.distance_m == slow.distance_m == pytest.approx(10025 * 1.4, rel=0.01)
