"""The decision function: closed by default, opened by what holds today, and never more open for having less."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.registry.answers import CaseShown, PersonHit, PersonShown
from services.registry.rules.access import CARE, DESK, PURPOSES
from services.registry.rules.decide import GLASS, MISSING, OWN, Asked, decide
from services.registry.rules.fields import FIELDS, HEALTH, KINDS, PUBLIC, RESTRICTED, SECRET, SHARED, FieldClass, cut
from services.registry.rules.grounds import (
    BASES,
    Agreement,
    BreakGlass,
    Consent,
    Lives,
    common,
    lies_in,
    party,
    reaches,
)
from shared.auth import Role
from shared.codes.codes import code_list

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
HOSPITAL, FUND = UUID(int=1), UUID(int=2)
BOTH = frozenset({party(agency=HOSPITAL), party(area="kalasin")})
AGREEMENT = Agreement(
    UUID(int=10), BOTH, BOTH, frozenset({"kalasin"}), frozenset({"care"}), FieldClass.RESTRICTED,
    frozenset({"s24_4", "s26_5a"}), date(2026, 1, 1), date(2026, 12, 31),
)  # fmt: skip
ASKED = Asked(
    Role.CASE_MANAGER, HOSPITAL, "person:nurse", "kalasin", frozenset({"kalasin", "460101"}), "care", RESTRICTED
)
ON_CONSENT = replace(AGREEMENT, bases=frozenset({"consent"}))
GIVEN = Consent("care", HOSPITAL, NOW - timedelta(days=9))
OPEN = BreakGlass("person:nurse", HOSPITAL, NOW - timedelta(hours=1), NOW + timedelta(hours=2))


def asked(**changes: Any) -> Asked:
    return replace(ASKED, **changes)


def agreed(**changes: Any) -> list[Agreement]:
    return [replace(AGREEMENT, **changes)]


# What is asked, on what, and what is missing (nothing: it is allowed).
TABLE: dict[str, tuple[Asked, list[Agreement], list[Consent], tuple[str, ...]]] = {
    "nothing at all": (ASKED, [], [], ("no_agreement",)),
    "all is well": (ASKED, agreed(), [], ()),
    "health too": (asked(kind=HEALTH), agreed(), [], ()),
    "another agency's agreement": (asked(agency=FUND), agreed(), [], ("no_agreement",)),
    "another municipality's data": (asked(owner="trat"), agreed(), [], ("no_agreement",)),
    "only we signed": (ASKED, agreed(signed=frozenset({party(area="kalasin")})), [], ("not_signed",)),
    "only they signed": (ASKED, agreed(signed=frozenset({party(agency=HOSPITAL)})), [], ("not_signed",)),
    "a third party has not signed": (ASKED, agreed(parties=BOTH | {party(agency=FUND)}), [], ()),
    "from tomorrow": (ASKED, agreed(from_on=TODAY + timedelta(days=1)), [], ("not_yet",)),
    "its last day": (ASKED, agreed(until_on=TODAY), [], ()),
    "the day after": (ASKED, agreed(until_on=TODAY - timedelta(days=1)), [], ("expired",)),
    "without an end": (ASKED, agreed(until_on=None), [], ()),
    "ended today": (ASKED, agreed(ended_on=TODAY), [], ("expired",)),
    "the province's": (ASKED, agreed(areas=frozenset({"46"})), [], ()),
    "another tambon's": (ASKED, agreed(areas=frozenset({"460102"})), [], ("other_area",)),
    "agreed, and held to where the person lives": (
        asked(places=frozenset({"4601"}), lives=Lives("460101")), agreed(), [], (),
    ),
    "agreed, and held to another place": (
        asked(places=frozenset({"kalasin:rimpao"}), lives=Lives("460101")), agreed(), [], ("other_place",),
    ),
    "a purpose not agreed": (asked(purpose="case_work"), agreed(), [], ("purpose",)),
    "a class not agreed": (ASKED, agreed(field_class=FieldClass.SHARED), [], ("field_class",)),
    "a lower class": (asked(kind=PUBLIC), agreed(field_class=FieldClass.SHARED), [], ()),
    "entrusted with writing it down": (asked(writes="visit"), agreed(writes=frozenset({"visit"})), [], ()),
    "entrusted with something else": (asked(writes="visit"), agreed(writes=frozenset({"location"})), [], ("writes",)),
    "looking is not writing": (asked(writes="visit"), agreed(), [], ("writes",)),
    "health without its basis": (asked(kind=HEALTH), agreed(bases=frozenset({"s24_4"})), [], ("basis",)),
    "an emergency's basis for care": (ASKED, agreed(bases=frozenset({"s24_2", "s26_1"})), [], ("basis",)),
    "a basis insisted upon": (asked(basis="consent"), agreed(), [], ("basis",)),
    "no consent": (ASKED, [ON_CONSENT], [], ("consent",)),
    "consent": (ASKED, [ON_CONSENT], [GIVEN], ()),
    "consent to everybody": (ASKED, [ON_CONSENT], [replace(GIVEN, agency=None)], ()),
    "consent to somebody else": (ASKED, [ON_CONSENT], [replace(GIVEN, agency=FUND)], ("consent",)),
    "consent to something else": (ASKED, [ON_CONSENT], [replace(GIVEN, purpose="case_work")], ("consent",)),
    "consent until yesterday": (
        ASKED, [ON_CONSENT], [replace(GIVEN, until_on=TODAY - timedelta(days=1))], ("consent_expired",),
    ),
    "consent withdrawn": (ASKED, [ON_CONSENT], [replace(GIVEN, withdrawn_at=NOW)], ("consent_withdrawn",)),
    "withdrawn, and given again": (
        ASKED, [ON_CONSENT], [replace(GIVEN, withdrawn_at=NOW - timedelta(days=5)), replace(GIVEN, given_at=NOW)], (),
    ),
    "withdrawn after a wider consent": (
        ASKED, [ON_CONSENT], [replace(GIVEN, withdrawn_at=NOW), replace(GIVEN, agency=None)], ("consent_withdrawn",),
    ),
    "a volunteer": (asked(role=Role.VOLUNTEER), agreed(), [], ("role",)),
    "secret, agreed": (asked(kind=SECRET), agreed(field_class=FieldClass.SECRET), [], ()),
    "secret, not agreed": (asked(kind=SECRET), agreed(), [], ("field_class",)),
    "secret for a call taker": (
        asked(kind=SECRET, role=Role.CALL_TAKER), agreed(field_class=FieldClass.SECRET), [], ("role",),
    ),
    "several things at once": (
        asked(purpose="case_work", kind=SECRET), agreed(until_on=TODAY - timedelta(days=1)), [],
        ("expired", "purpose", "field_class"),
    ),
    "the nearest of two is told": (
        ASKED, [*agreed(purposes=frozenset(), areas=frozenset()), replace(AGREEMENT, id=UUID(int=11), purposes=frozenset())],
        [], ("purpose",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_what_is_missing_is_told(name: str) -> None:
    ask, agreements, consents, missing = TABLE[name]
    found = decide(ask, agreements, consents, [], NOW)
    assert (found.allowed, found.missing) == (not missing, missing)
    if found.allowed:
        assert found.basis is not None
        assert found.agreement in {each.id for each in agreements}


def test_every_reason_is_in_the_table_and_speaks_both_languages() -> None:
    told = {code for *_, missing in TABLE.values() for code in missing}
    assert told == set(MISSING)
    for th, en, helps_th, helps_en in MISSING.values():
        assert all(re.search("[ก-๙]", text) for text in (th, helps_th))
        assert all(text.isascii() for text in (en, helps_en))
    assert {basis.code for basis in BASES} == set(code_list("legal_basis").codes)
    assert [each.value for each in FieldClass] == list(code_list("field_class").codes)


@pytest.mark.parametrize(("role", "kind", "purpose"), [*itertools.product(Role, KINDS, PURPOSES)])
def test_the_municipality_sees_what_its_roles_always_saw(role: Role, kind: Any, purpose: str) -> None:
    """Without any agreement or consent: an emergency is not stopped by what is missing, and neither is the day's work."""
    found = decide(asked(role=role, kind=kind, purpose=purpose, agency=None), [], [], [], NOW)
    assert found.allowed == (role in (CARE if kind is SECRET else DESK))
    if found.allowed:
        assert (found.way, found.basis) == (OWN, {
            (True, True): "s26_1", (True, False): "s24_2", (False, True): "s26_5a", (False, False): "s24_4",
        }[purpose == "emergency", kind.sensitive])  # fmt: skip


BREAKING: dict[str, tuple[Asked, list[BreakGlass], bool]] = {
    "open": (asked(purpose="emergency"), [OPEN], True),
    "health too": (asked(purpose="emergency", kind=HEALTH), [OPEN], True),
    "for another purpose": (ASKED, [OPEN], False),
    "somebody else's": (asked(purpose="emergency"), [replace(OPEN, caller="person:other")], False),
    "of another agency": (asked(purpose="emergency"), [replace(OPEN, agency=FUND)], False),
    "over": (asked(purpose="emergency"), [replace(OPEN, until_at=NOW)], False),
    "not begun": (asked(purpose="emergency"), [replace(OPEN, from_at=NOW + timedelta(seconds=1))], False),
    "a secret": (asked(purpose="emergency", kind=SECRET), [OPEN], False),
    "a role that sees nobody": (asked(purpose="emergency", role=Role.CREW), [OPEN], False),
}


@pytest.mark.parametrize("name", BREAKING)
def test_broken_glass_opens_one_person_for_an_emergency_and_no_secret(name: str) -> None:
    ask, glass, allowed = BREAKING[name]
    found = decide(ask, [], [], glass, NOW)
    assert found.allowed == allowed
    assert found.way == (GLASS if allowed else None)


# Who lives how (place, given), for an account held to one community and one tambon: is there for it, or is not.
HELD = frozenset({"kalasin:rimpao", "460101"})
LIVING = {
    "in the community": (Lives("kalasin:rimpao"), True),
    "in the tambon": (Lives("460101"), True),
    "in a village of the tambon": (Lives("46010103"), True),
    "in another community": (Lives("kalasin:donklang"), False),
    "in the municipality, it is not known where": (Lives("kalasin"), False),
    "in the district, it is not known where": (Lives("4601"), False),
    "nowhere that is known": (Lives(), False),
    "nowhere that is known, and written down by themselves": (Lives(given=True), True),
    "elsewhere, and they are sent there": (Lives("460102", given=True), True),
}


@pytest.mark.parametrize("name", LIVING)
def test_who_is_held_to_places_sees_who_lives_there_and_whom_they_were_given(name: str) -> None:
    lives, there = LIVING[name]
    found = decide(asked(agency=None, places=HELD, lives=lives), [], [], [], NOW)
    assert (found.allowed, found.missing) == (there, () if there else ("other_place",))


def test_broken_glass_opens_beside_ones_own_places() -> None:
    ask = asked(purpose="emergency", places=HELD, lives=Lives("460102"))
    assert decide(ask, [], [], [OPEN], NOW).way == GLASS
    assert not decide(replace(ask, agency=None), [], [], [OPEN], NOW).allowed, "the municipality's own break none"


# --- properties ------------------------------------------------------------------------------------------------------

parties = st.sampled_from([party(agency=HOSPITAL), party(agency=FUND), party(area="kalasin"), party(area="trat")])
days = st.dates(TODAY - timedelta(days=3), TODAY + timedelta(days=3))
purposes = st.sampled_from(sorted(PURPOSES))
agencies = st.sampled_from([HOSPITAL, FUND])
moments = st.datetimes(datetime(2026, 11, 20), datetime(2026, 11, 26), timezones=st.just(UTC))  # noqa: DTZ001
places = st.frozensets(st.sampled_from(["kalasin", "trat", "46", "4601", "460101", "460102"]), min_size=1)
agreements = st.builds(
    Agreement, st.uuids(), st.frozensets(parties, min_size=2), st.frozensets(parties), places,
    st.frozensets(purposes, min_size=1), st.sampled_from(FieldClass),
    st.frozensets(st.sampled_from([each.code for each in BASES]), min_size=1), days, st.none() | days, st.none() | days,
)  # fmt: skip
consents = st.builds(Consent, purposes, st.none() | agencies, moments, st.none() | days, st.none() | moments)
glasses = st.builds(BreakGlass, st.sampled_from(["person:nurse", "person:other"]), agencies, moments, moments)
askings = st.builds(
    Asked, st.sampled_from(Role), agencies, st.just("person:nurse"), st.sampled_from(["kalasin", "trat"]), places, purposes,
    st.sampled_from(KINDS),
)  # fmt: skip
nodes = st.sampled_from(
    ["46", "4601", "460101", "46010103", "4602", "460102", "kalasin", "kalasin:rimpao", "kalasin:donklang"]
)
held = st.frozensets(nodes, max_size=4)
living = st.builds(Lives, st.none() | nodes, st.booleans())
QUICK = settings(max_examples=300, deadline=None, derandomize=True)


@QUICK
@given(askings, st.lists(agreements, max_size=4), st.lists(consents, max_size=3), st.lists(glasses, max_size=2))
def test_having_less_never_opens_more(
    ask: Asked, all_agreed: list[Agreement], all_given: list[Consent], broken: list[BreakGlass]
) -> None:
    whole = decide(ask, all_agreed, all_given, broken, NOW)
    standing = [one for one in all_given if one.withdrawn_at is None]
    fewer = [
        *((all_agreed[:n] + all_agreed[n + 1 :], all_given, broken) for n in range(len(all_agreed))),
        *((all_agreed, [each for each in all_given if each is not one], broken) for one in standing),
        *((all_agreed, [replace(one, withdrawn_at=NOW) if one is each else each for each in all_given], broken)
          for one in standing),
        (all_agreed, all_given, []),
        ([replace(each, ended_on=TODAY) for each in all_agreed], all_given, broken),
        ([replace(each, signed=frozenset[str]()) for each in all_agreed], all_given, broken),
    ]  # fmt: skip
    for less in fewer:
        found = decide(ask, *less, NOW)
        assert whole.allowed or not found.allowed
    assert not decide(ask, [], all_given, [], NOW).allowed, "closed by default"
    assert whole.allowed != bool(whole.missing)
    if whole.agreement is not None and whole.allowed:
        named = next(each for each in all_agreed if each.id == whole.agreement)
        assert {party(agency=ask.agency), party(area=ask.owner)} <= named.signed & named.parties
        assert named.from_on <= TODAY <= (named.until_on or TODAY)
        assert lies_in(ask.areas, named.areas)


@QUICK
@given(askings, st.lists(agreements, max_size=4), st.lists(consents, max_size=3))
def test_a_lower_class_is_never_harder_to_see(ask: Asked, all_agreed: list[Agreement], given_: list[Consent]) -> None:
    order = (PUBLIC, SHARED, RESTRICTED, HEALTH, SECRET)
    seen = [decide(replace(ask, kind=kind), all_agreed, given_, [], NOW).allowed for kind in order]
    assert seen[:3] == sorted(seen[:3], reverse=True)
    assert seen[4] <= seen[3]


@QUICK
@given(places, places)
def test_an_area_lies_in_itself_and_in_what_holds_it(codes: frozenset[str], wanted: frozenset[str]) -> None:
    assert lies_in(codes, codes)
    assert lies_in(frozenset({"460101"}), frozenset({"46"}))
    assert not lies_in(frozenset({"46"}), frozenset({"460101"})), "what holds a tambon is not in it"
    assert lies_in(codes, wanted | codes)


@QUICK
@given(askings, living, held, st.lists(agreements, max_size=4), st.lists(consents, max_size=3), st.booleans())
def test_being_held_never_opens_more_and_leaves_those_alone_who_are_not(
    ask: Asked, lives: Lives, to: frozenset[str], all_agreed: list[Agreement], given_: list[Consent], own: bool
) -> None:
    ask = replace(ask, agency=None) if own else ask
    free = decide(ask, all_agreed, given_, [], NOW)
    assert free == decide(replace(ask, lives=lives), all_agreed, given_, [], NOW), (
        "where somebody lives is nobody's matter"
    )
    found = decide(replace(ask, places=to, lives=lives), all_agreed, given_, [], NOW)
    assert found.allowed == (free.allowed and reaches(to, lives))
    assert found.allowed != bool(found.missing)


@QUICK
@given(held, held, living)
def test_being_held_to_more_hides_nobody(one: frozenset[str], other: frozenset[str], lives: Lives) -> None:
    assert not (one and reaches(one, lives)) or reaches(one | other, lives)
    assert reaches(frozenset(), lives)
    away = replace(lives, given=False)
    if one:
        assert reaches(one, away) == (away.place is not None and lies_in(frozenset({away.place}), one))


@QUICK
@given(held, held, nodes)
def test_what_lies_in_both_is_what_lies_in_their_common_part(
    one: frozenset[str], other: frozenset[str], place: str
) -> None:
    here = frozenset({place})
    assert lies_in(here, common(one, other)) == (lies_in(here, one) and lies_in(here, other))


# --- fields ----------------------------------------------------------------------------------------------------------


def test_every_field_that_is_answered_has_its_class() -> None:
    """One that is not in the table is secret, and somebody would miss it: so a new field is put there first."""
    for set_, models in {"person": (PersonShown, PersonHit), "case": (CaseShown,)}.items():
        named = {name for model in models for name in model.model_fields}
        assert named <= set(FIELDS[set_]), "which class is the new field of?"


def test_what_is_withheld_is_told_and_shown_to_nobody() -> None:
    document = {"id": "1", "name": "มานี", "needs": ["oxygen"], "groups": [], "contacts": ["0812345678"], "new": "x"}
    kept, withheld = cut("person", document, frozenset({PUBLIC, SHARED}))
    assert kept == {"id": "1", "name": "มานี", "needs": [], "groups": [], "contacts": [], "new": None}
    assert withheld == {"needs": HEALTH, "groups": HEALTH, "contacts": RESTRICTED, "new": SECRET}
