"""Rows as people read them: labels in both languages, numbers masked for those who need not see them whole."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from math import isfinite
from uuid import UUID

from services.registry import records
from services.registry.answers import (
    AddressShown,
    Age,
    BarrierShown,
    CaseShown,
    CodeShown,
    ContactShown,
    EndedContact,
    Figure,
    HistoryLine,
    HouseholdGroup,
    HouseholdShown,
    IdentifierShown,
    Label,
    MembershipShown,
    MemberShown,
    PersonHit,
)
from services.registry.keys import ring
from services.registry.records import Person
from services.registry.rules.areas import whole_name
from services.registry.rules.figures import Cell
from services.registry.rules.identity import Birth
from services.registry.rules.lines import codes_of, labelled, name_of
from services.registry.store.people import Row
from shared.codes.codes import code_list
from shared.events.base import TYPES
from shared.thai.dates import local_day
from shared.thai.identifiers import mask_cid
from shared.work import now_utc

SHOWN_END = 3
CID_KINDS = frozenset({"cid", "cid-0"})


def label(list_id: str, code: str) -> Label:
    """A code with its labels."""
    codes = code_list(list_id)
    return Label(code=code, th=codes.label(code), en=codes.label(code, "en"))


def age_of(birth: Birth | None, today: date) -> Age | None:
    found = birth.age(today) if birth else None
    return Age(years=found.years, estimated=found.estimated or bool(birth and birth.estimated)) if found else None


def hit(row: Row, today: date) -> PersonHit:
    person = records.opened(row, ring())
    return PersonHit(
        id=person.id,
        area=person.area,
        name=person.name,
        age=age_of(person.birth, today),
        sex=person.sex,
        mobility=person.mobility,
        needs=list(person.needs),
        open_case_id=row["open_case_id"],
        exercise=person.exercise,
    )


def identifier(row: Row, *, whole: bool) -> IdentifierShown:
    value = records.opened_value(row, ring(), "identifier")
    if value is not None and not whole:
        value = mask_cid(value) if row["kind"] in CID_KINDS else f"…{value[-SHOWN_END:]}"
    same = {name: row[name] for name in ("id", "kind", "issuer", "verified", "since_on", "until_on")}
    same |= {name: row[name] for name in ("end_reason", "withdrawn_at")}
    return IdentifierShown(value=value, **same)


def contact(row: Row) -> ContactShown:
    return ContactShown(
        id=row["id"],
        phone=records.opened_value(row, ring(), "contact") or "",
        relation=row["relation"],
        name=records.opened_value(row, ring(), "contact", "name"),
        since_at=row["since_at"],
        shared=row["shared"],
    )


def ended_contact(row: Row) -> EndedContact:
    same = ("id", "relation", "since_at", "until_on", "end_reason", "withdrawn_at")
    return EndedContact(
        phone=records.opened_value(row, ring(), "contact"),
        name=records.opened_value(row, ring(), "contact", "name"),
        **{name: row[name] for name in same},
    )


def membership(row: Row) -> MembershipShown:
    return MembershipShown(
        group=label("group", row["group_code"]), source=row["source"], from_on=row["from_on"], until_on=row["until_on"],
        id=row["id"], evidence=row["evidence"],
    )  # fmt: skip


def address(row: Row) -> AddressShown:
    """With the whole name of its area, where a code is known."""
    code = row["area_code"]
    return AddressShown(
        kind=row["kind"],
        area_code=code,
        **area_names(row),
        detail=records.opened_value(row, ring(), "address", "detail"),
        since_on=row["since_on"],
    )


def area_names(row: Row) -> dict[str, str | None]:
    """The whole name of ``area_code``; ``th`` and ``en`` are its own row's, where it is none of the official ones."""
    code = row["area_code"]
    named = {code: (row["th"], row["en"])} if code and row["th"] else {}
    return {f"area_{lang}": whole_name(code, named, lang) if code else None for lang in ("th", "en")}


def household(row: Row, members: Sequence[Row], people: Mapping[UUID, Row], groups: Sequence[Row]) -> HouseholdShown:
    """A household with the people in it who may be shown."""
    today = local_day(now_utc())
    hits = {one: hit(person, today) for one, person in people.items()}
    code = row["area_code"]
    days = ("from_on", "until_on")
    return HouseholdShown(
        id=row["id"],
        area=row["area"],
        area_code=code,
        **area_names(row),
        detail=records.opened_value(row, ring(), "household", "detail"),
        members=[
            MemberShown(
                person_id=one["person_id"],
                name=hits[one["person_id"]].name,
                age=hits[one["person_id"]].age,
                role=label("household_role", one["role"]),
                head=one["head"],
                **{name: one[name] for name in days},
            )
            for one in members
        ],
        groups=[
            HouseholdGroup(
                group=label("group", one["group_code"]), **{name: one[name] for name in ("id", "evidence", *days)}
            )
            for one in groups
        ],
    )


def barrier(row: Row) -> BarrierShown:
    same = {name: row[name] for name in ("action", "outcome", "call_id", "from_at", "until_at")}
    return BarrierShown(barrier=label("barrier", row["barrier"]), state=label("barrier_state", row["state"]), **same)


def case(row: Row) -> CaseShown:
    """``call_ids`` are those the reader may see; that another one opened the case is not told either."""
    same = ("id", "person_id", "area", "protected", "exercise", "opened_at", "closed_at", "call_ids")
    opened_by = row["opened_call_id"] if row["opened_call_id"] in row["call_ids"] else None
    return CaseShown(
        status=label("case_status", "open" if row["closed_at"] is None else "closed"),
        outcome=label("case_outcome", row["outcome"]) if row["outcome"] else None,
        opened_call_id=opened_by,
        **{name: row[name] for name in same},
    )


def history_line(row: Row, shows: Callable[[str], bool] = lambda _: True) -> HistoryLine:
    """A line heard, or one of our own events read from the archive.

    ``shows``: whether the reader may hear that this field of a person was changed.
    """
    source, noun, _, _ = row["type"].split(".")
    codes, own = row["codes"], None
    if codes is None:
        own = TYPES[row["type"]].read(row["data"]) if row["data"] else None
        codes = codes_of(own) if own else {}
    name = name_of(row["type"])
    return HistoryLine(
        event_id=row["event_id"],
        at=row["occurred_at"],
        source=source,
        type=row["type"],
        noun=noun,
        subject_id=row["subject_id"],
        call_id=row["call_id"],
        number=row.get("number"),
        th=name.th,
        en=name.en,
        codes=[
            CodeShown(field=one.field, code=one.code, th=one.th, en=one.en)
            for one in labelled(codes)
            if one.field != "written" or shows(one.code)
        ],
        agency_id=getattr(getattr(own, "private", None), "agency_id", None),
    )


def figure(cell: Cell, list_id: str | None) -> Figure:
    """``list_id`` None is the total."""
    if list_id is None:
        return Figure(code=cell.code, th="ทั้งหมด", en="all", persons=cell.persons, trips=cell.trips)
    return Figure(**label(list_id, cell.code).model_dump(), persons=cell.persons, trips=cell.trips)


# --- cursors -----------------------------------------------------------------------------------------------------


def cursor_after(rows: Sequence[Row], limit: int) -> str | None:
    """Where the next page begins; None on the last one."""
    if len(rows) < limit:
        return None
    text = f"{rows[-1]['occurred_at'].astimezone(UTC).isoformat()}|{rows[-1]['event_id']}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[datetime, UUID] | None:
    """The cursor's moment and event; None when it is not one of ours."""
    try:
        moment, bar, event_id = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition("|")
        at = datetime.fromisoformat(moment)
        return (at, UUID(event_id)) if bar and at.tzinfo else None
    except (ValueError, binascii.Error, UnicodeDecodeError):
        return None


def pair_cursor(row: Row) -> str:
    """Where the next page of pairs begins."""
    return f"{row['score']}_{row['id']}"


def withdrawal_cursor(row: Row) -> str:
    """Where the next page of withdrawals begins: one consent may have many that hear of it."""
    return f"{row['consent_id']}_{row['agency_id']}"


def read_withdrawal_cursor(text: str) -> tuple[UUID, UUID] | None:
    """The cursor's consent and agency; None when it is not one of ours."""
    consent_id, _, agency_id = text.partition("_")
    try:
        return UUID(consent_id), UUID(agency_id)
    except ValueError:
        return None


def read_pair_cursor(text: str) -> tuple[float, UUID] | None:
    """The cursor's score and pair; None when it is not one of ours."""
    score, bar, pair_id = text.partition("_")
    try:
        return (float(score), UUID(pair_id)) if bar and isfinite(float(score)) else None
    except ValueError:
        return None


def open_person(person: Person, today: date) -> dict[str, object]:
    """The fields of a person that need no other table."""
    birth = person.birth
    same = ("id", "area", "name", "alias", "usual_place", "sex", "language", "mobility", "may_be_texted", "disclosure",
            "exercise", "registered_at")  # fmt: skip
    return {
        **{name: getattr(person, name) for name in same},
        "needs": list(person.needs),
        "birth_on": birth.on if birth else None,
        "birth_year": birth.year if birth else None,
        "birth_estimated": bool(birth and birth.estimated),
        "age": age_of(birth, today),
    }
