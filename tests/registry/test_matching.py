"""Who is meant by a call's patient: few strong reasons, and whatever is less makes a record of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.registry.rules.identity import Birth, Described, Held, Phone, birth_of, of_patient
from services.registry.rules.matching import Candidate, Method, Verdict, decide
from shared.events.intake import Caller, Patient
from shared.thai.identifiers import Identifier
from shared.thai.names import name_key

A, B = UUID(int=1), UUID(int=2)
TODAY = date(2026, 11, 22)
SOMSRI = "นางสมศรี ใจดี"
DAY = Birth(1950, date(1950, 2, 3))


def known(person_id: UUID = A, name: str = SOMSRI, **changes: Any) -> Candidate:
    return Candidate(person_id, name_key(name), **{"birth": DAY, "sex": "female", **changes})


def told(name: str | None = "น.ส.สมศรี  ใจดี", **changes: Any) -> Described:
    return Described(name=name, **changes)


REASONS = {
    "the desk chose": (told(None), known(chosen=True), Method.DESK),
    "the number": (told(None), known(same_identifier=True), Method.IDENTIFIER),
    "the number, though the family name changed": (
        told("สมศรี ดีใจ"), known(same_identifier=True), Method.IDENTIFIER),
    "name, year and phone": (
        told(birth=Birth(1950)), known(same_phone=True), Method.NAME_BIRTH_PHONE),
    "name, an estimated year and phone": (
        told(birth=Birth(1951, estimated=True)), known(same_phone=True), Method.NAME_BIRTH_PHONE),
    "name and full date": (told(birth=DAY), known(), Method.NAME_BIRTH),
    "name and phone": (told(), known(same_phone=True, birth=None), Method.NAME_PHONE),
    "a name alone": (told(), known(), None),
    "a given name and phone": (told("สมศรี"), known(same_phone=True), None),
    "name and year": (told(birth=Birth(1950)), known(), None),
    "a phone alone": (told(None), known(same_phone=True), None),
    "name and phone, another birth": (told(birth=Birth(1980)), known(same_phone=True), None),
    "name and phone, another sex": (told(sex="male"), known(same_phone=True), None),
    "name and date, but another number": (told(birth=DAY), known(other_identifier=True), None),
    "twins": (told("สมศักดิ์ ใจดี", birth=DAY), known(same_phone=True), None),
    "a name and a year two apart": (
        told(birth=Birth(1952, estimated=True)), known(same_phone=True), None),
}  # fmt: skip


@pytest.mark.parametrize(("described", "candidate", "method"), REASONS.values(), ids=REASONS)
def test_reasons(described: Described, candidate: Candidate, method: Method | None) -> None:
    verdict = decide(described, [candidate])
    found = Verdict(A, method, presumed=method is not Method.DESK) if method else Verdict()
    assert verdict == replace(found, number_known=candidate.same_identifier)


SEEN = {"same_identifier": True, "document_seen": True}
ELSES = Verdict(doubt=True, disputed=True, number_known=True, owner=A)


def test_only_a_number_whose_document_was_seen_settles_who_it_is() -> None:
    assert decide(told(None), [known(**SEEN)]) == Verdict(A, Method.IDENTIFIER, number_known=True)


def test_a_seen_number_with_another_given_name_is_doubted() -> None:
    verdict = decide(told("มานี ใจดี"), [known(**SEEN)])
    assert verdict == Verdict(A, Method.IDENTIFIER, doubt=True, number_known=True)


@pytest.mark.parametrize("against", [{"sex": "male"}, {"birth": Birth(1990)}])
def test_a_number_against_which_all_else_speaks_is_somebody_elses(against: dict[str, Any]) -> None:
    assert decide(told("มานะ ใจดี", **against), [known(**SEEN)]) == ELSES


UNSEEN_AGAINST = {
    "another name": told("มานะ ใจดี"),
    "another birth": told(birth=Birth(1990)),
    "another birth without a name": told(None, birth=Birth(1990, date(1990, 1, 2))),
    "an age far off": told(birth=Birth(1990, estimated=True)),
    "nearly the name and another sex": told("สมสรี ใจดี", sex="male"),
}
UNSEEN_WITH = {
    "a misspelt name": told("สมสรี ใจดี"),
    "a title before the name": told("ยายสมศรี ใจดี"),
    "an age that was guessed": told(birth=Birth(1957, estimated=True)),
    "another sex alone": told(sex="male"),
}


@pytest.mark.parametrize("described", UNSEEN_AGAINST.values(), ids=UNSEEN_AGAINST)
def test_a_number_that_nobody_has_seen_joins_nobody_of_another_name_or_birth(described: Described) -> None:
    assert decide(described, [known(same_identifier=True)]) == ELSES


@pytest.mark.parametrize("described", UNSEEN_WITH.values(), ids=UNSEEN_WITH)
def test_a_number_that_nobody_has_seen_outlives_a_slip(described: Described) -> None:
    verdict = decide(described, [known(same_identifier=True)])
    assert (verdict.person_id, verdict.method, verdict.presumed) == (A, Method.IDENTIFIER, True)


def test_two_equally_good_candidates_make_a_new_record_with_doubt() -> None:
    verdict = decide(told(birth=DAY), [known(A), known(B)])
    assert verdict == Verdict(doubt=True)


def test_a_number_outweighs_names() -> None:
    verdict = decide(told(birth=DAY), [known(A), known(B, same_identifier=True)])
    assert (verdict.person_id, verdict.method) == (B, Method.IDENTIFIER)


def test_who_the_desk_chose_does_not_get_anothers_number() -> None:
    verdict = decide(told(), [known(A, chosen=True), known(B, same_identifier=True)])
    assert verdict == Verdict(A, Method.DESK, doubt=True, number_known=True)


def test_a_birth_survives_packing() -> None:
    for birth in (DAY, Birth(1950), Birth(1950, estimated=True)):
        assert Birth.unpacked(birth.packed()) == birth


def test_the_impossible_counts_as_unknown() -> None:
    assert birth_of(date(2027, 1, 1), None, None, TODAY) is None
    assert birth_of(None, 1800, None, TODAY) is None
    assert birth_of(None, None, 80, TODAY) == Birth(1946, estimated=True)


def test_a_patient_of_a_caller_who_is_somebody_else() -> None:
    caller = Caller(name="มานี ใจดี", phone="+66812345678", relation="child", line_user_id="U1")
    patient = Patient(patient_id=A, name=SOMSRI, national_id="1100800000011", age=76)
    described = of_patient(patient, caller, TODAY, ("self", "child"))
    assert described.phones == (Phone("+66812345678", "child", "มานี ใจดี"),)
    assert described.line_user_id is None, "the caller's, not the patient's"
    assert described.birth == Birth(1950, estimated=True)


def test_a_caller_who_calls_for_themselves() -> None:
    caller = Caller(name=SOMSRI, phone="+66812345678", relation="self", line_user_id="U1")
    described = of_patient(Patient(patient_id=A), caller, TODAY, ("self",))
    assert (described.name, described.line_user_id) == (SOMSRI, "U1")
    assert described.phones == (Phone("+66812345678"),)


def test_of_several_patients_the_caller_is_the_first() -> None:
    caller = Caller(name=SOMSRI, phone="+66812345678", relation="self")
    second = of_patient(Patient(patient_id=B), caller, TODAY, ("self",), first=False)
    assert not second.tells_something
    assert second.phones == (Phone("+66812345678", "other", SOMSRI),)


@pytest.mark.parametrize("number", ["1234567890123", "ไม่มี", "?", "-", None])
def test_a_number_that_is_none_is_no_hindrance(number: str | None) -> None:
    described = of_patient(Patient(patient_id=A, name="มา", national_id=number), Caller(), TODAY, ())
    assert described.held == ()
    assert described.tells_something


def test_one_more_person_of_whom_nothing_is_known_makes_no_record() -> None:
    assert not of_patient(Patient(patient_id=A), Caller(name="x", phone="1669"), TODAY, ()).tells_something


def test_passports_of_two_countries_are_two() -> None:
    number = Identifier("passport", "AB12345")
    assert Held(number, "MM").key != Held(number, "LA").key
