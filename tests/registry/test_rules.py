"""Access, lines of a history, and figures: the pure rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.registry.rules.access import PURPOSES, ROUTES, Rule, purpose_fault
from services.registry.rules.figures import Cell, publishable
from services.registry.rules.lines import CODES, codes_of, happened_at, labelled, name_of
from shared.auth import Role
from shared.codes.codes import all_lists, code_list
from shared.events import notify, registry
from shared.events.base import TYPES
from shared.events.dispatch import AssignmentAtScene
from shared.events.intake import CallReceived
from shared.streams import HEARS

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
ID = UUID(int=7)


def a_stamp() -> AssignmentAtScene:
    return AssignmentAtScene(
        call_id=ID, trip_id=ID, unit_id=ID, role="primary", lane="emergency", severity="pink", severity_scheme="ed5",
        at=NOW, by="person", private=AssignmentAtScene.Private(odometer_km=12.5, rc="red"),
    )  # fmt: skip


def test_every_purpose_has_labels_and_every_label_a_rule() -> None:
    assert set(code_list("purpose").codes) == set(PURPOSES)


@pytest.mark.parametrize(
    ("role", "purpose", "fault"),
    [
        (Role.CALL_TAKER, None, "purpose_missing"),
        (Role.CALL_TAKER, "", "purpose_missing"),
        (Role.CALL_TAKER, "curiosity", "purpose_unknown"),
        (Role.CALL_TAKER, "case_work", "purpose_not_yours"),
        (Role.CALL_TAKER, "emergency", None),
        (Role.CASE_MANAGER, "case_work", None),
        (Role.SUPERVISOR, "audit", None),
    ],
)
def test_a_reader_says_why(role: Role, purpose: str | None, fault: str | None) -> None:
    assert purpose_fault(Rule(frozenset(Role), reads=True), role, purpose) == fault


def test_every_role_that_may_read_has_a_purpose_to_name() -> None:
    for route, rule in ROUTES.items():
        if rule.reads:
            for role in rule.roles:
                assert any(role in roles for roles in PURPOSES.values()), (route, role)


def test_every_event_of_a_history_has_a_name_in_both_languages() -> None:
    heard = {(speaker, noun) for speaker, nouns in HEARS["registry"].items() for noun in nouns}
    heard |= {("registry", "person"), ("registry", "case"), ("registry", "group")}
    ours = {short: kind for short, kind in TYPES.items() if kind.__module__.startswith("shared.")}
    types = [short for short, kind in ours.items() if (kind.SERVICE, kind.NOUN) in heard]
    assert notify.ReplyReceived.short_type() in types
    assert registry.CaseClosed.short_type() in types
    for short in types:
        name = name_of(short)
        assert name.th != short, short
        assert name.en != name.th, short


def test_a_stamp_keeps_its_codes_with_the_labels_of_its_scheme() -> None:
    codes = codes_of(a_stamp())
    assert "odometer_km" not in codes
    shown = {line.field: line for line in labelled(codes)}
    assert shown["severity"].th == code_list("severity_ed5").label("pink")
    assert (shown["rc"].code, shown["role"].en) == ("red", code_list("assignment_role").label("primary", "en"))


def test_an_assessment_is_told_by_the_names_of_its_form_and_band() -> None:
    told = {one.field: one for one in labelled({"instrument": "barthel_adl", "band": "bed_bound", "score": 3})}
    assert (told["instrument"].en, told["score"].th) == ("Barthel index of daily living (0–20)", "3")
    assert told["band"].th.startswith("ติดเตียง")
    dropped = {one.field: one.th for one in labelled({"instrument": "barthel_adl", "band": "gone"})}
    assert dropped["band"] == "gone", "what a later version dropped is shown as it is"


def test_no_reason_of_a_line_is_a_code() -> None:
    def words(field: str, code: str, **codes: Any) -> tuple[str, str]:
        (one,) = (each for each in labelled({field: code, **codes}) if each.field == field)
        return one.th, one.en

    for code in code_list("message_reason").codes:
        wanted = code_list("message_reason").item(code)
        assert words("reason", code, recipient_kind="crew") == (wanted.th, wanted.en), "not another list's word for it"
    for code in code_list("distinct_reason").codes:
        assert code not in words("reason", code)
    assert words("reasons", "nobody_willing") == (
        "หน่วยที่ว่างปฏิเสธหรือไม่ตอบ", "those who are free declined or did not answer",
    )  # fmt: skip
    assert words("reasons", "no_oxygen")[0] == "ขาด: ให้ออกซิเจน"


def test_no_code_holds_what_a_person_wrote() -> None:
    private = {"name", "phone", "complaint", "notes", "address", "landmark", "national_id", "line_user_id"}
    assert not private & CODES.keys()
    assert not CODES.keys() & set(CallReceived.Private.model_fields) - {"hazard", "criteria_group"}


def test_code_lists_named_for_a_field_exist_or_are_announced() -> None:
    announced = {"barrier_action", "barrier_owner", "template"}
    assert {name for names in CODES.values() for name in names} - announced <= set(all_lists())


def test_a_late_stamp_keeps_its_own_time() -> None:
    assert happened_at(a_stamp(), NOW + timedelta(hours=1)) == NOW


@pytest.mark.parametrize(
    ("persons", "shown"),
    [
        ([], []),
        ([10, 20], [10, 20]),
        ([0, 20], [0, 20]),
        ([4, 20, 30], [None, None, 30]),
        ([4, 3, 30], [None, None, 30]),
        ([1], [None]),
        ([1, 0], [None, 0]),
    ],
)
def test_small_figures_are_kept_back_and_cannot_be_worked_out(persons: list[int], shown: list[int | None]) -> None:
    cells = [Cell(str(n), figure, figure * 10) for n, figure in enumerate(persons)]
    assert [cell.persons for cell in publishable(cells)] == shown
    assert all((cell.trips is None) == (cell.persons is None) for cell in publishable(cells))


def test_few_trips_of_many_people_are_kept_back_too() -> None:
    assert publishable([Cell("a", 9, 3), Cell("b", 50, 50), Cell("c", 60, 60)])[0].kept_back
