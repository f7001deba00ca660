"""What the registry answers, as OpenAPI describes it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Label(Answer):
    """A code with its labels."""

    code: str
    th: str
    en: str


class PersonCreated(Answer):
    id: UUID
    area: str


class Age(Answer):
    years: int
    estimated: bool


class Missing(Answer):
    """What a decision lacks, and what would help."""

    code: str
    th: str
    en: str
    help_th: str
    help_en: str


class Withheld(Answer):
    """Fields that are not shown, whatever is in them; ``sensitive``: PDPA s. 26 speaks of them."""

    fields: list[str]
    field_class: str
    sensitive: bool
    missing: list[Missing]


class PersonHit(Answer):
    """Enough to tell the person on the telephone from their neighbour, no more."""

    id: UUID
    area: str
    name: str | None
    age: Age | None
    sex: str | None
    mobility: str | None
    needs: list[str]
    open_case_id: UUID | None
    exercise: bool
    withheld: list[Withheld] = []


class PairShown(Answer):
    """Two records that may be one person's. ``reasons``: what speaks for and against it, the weightiest first."""

    id: UUID
    area: str
    score: float
    reasons: list[Label]
    found_at: datetime
    one: PersonHit
    other: PersonHit


class Pairs(Answer):
    items: list[PairShown]
    next: str | None


class Reviewed(Answer):
    """``survivor_id``: the record that stands for both, where they were linked."""

    id: UUID
    decision: str
    survivor_id: UUID | None


class Linked(Answer):
    """``survivor_id`` stands for the person of ``records``."""

    survivor_id: UUID
    records: list[UUID]


class LinkShown(Answer):
    """A record that is linked to another: ``one`` is now read as part of ``survivor``'s person."""

    id: UUID
    area: str
    linked_at: datetime
    one: PersonHit
    survivor: PersonHit


class LinkPage(Answer):
    items: list[LinkShown]
    next: UUID | None


class Unlinked(Answer):
    """Two people again, each by the record that stands for them."""

    id: UUID
    other_id: UUID


class PersonHits(Answer):
    """``more``: there are others; ask more exactly."""

    items: list[PersonHit]
    more: bool


class IdentifierShown(Answer):
    """``value`` is shown in full to registry officers, else its end alone; None where it was entered in error.

    ``until_on``: it is theirs no more, for ``end_reason`` (a code of ``number_end``) or because it was withdrawn.
    """

    id: UUID
    kind: str
    issuer: str
    value: str | None
    verified: bool
    since_on: date
    until_on: date | None
    end_reason: str | None
    withdrawn_at: datetime | None


class ContactShown(Answer):
    id: UUID
    phone: str
    relation: str
    name: str | None
    since_at: datetime
    shared: bool
    """Somebody else is reached by it, too: nothing that only this person may know is sent there."""


class EndedContact(Answer):
    """A telephone by which somebody is reached no more; ``phone`` is None where it was entered in error."""

    id: UUID
    phone: str | None
    relation: str
    name: str | None
    since_at: datetime
    until_on: date
    end_reason: str | None
    withdrawn_at: datetime | None


class AddressShown(Answer):
    """``kind``: registered or current. ``area_code``: the smallest area that is known, with its name."""

    kind: str
    area_code: str | None
    area_th: str | None
    area_en: str | None
    detail: str | None
    since_on: date


class HouseholdOf(Answer):
    """Which household somebody lives in, and as what."""

    id: UUID
    role: Label
    head: bool


class AreaFound(Answer):
    """``whole``: with all that it lies in; ``likeness``: of the name that was asked for, 0 to 1."""

    code: str
    kind: str
    th: str
    en: str
    whole: str | None = None
    likeness: float | None = None

    @classmethod
    def of(cls, row: Any) -> AreaFound:
        return cls(code=row["code"], kind=row["kind"], th=row["th"], en=row["en"])


class AreasFound(Answer):
    items: list[AreaFound]


class AreaShown(Answer):
    """``area``: the municipality whose row it is, None for official ones; ``children``: what lies right in it."""

    code: str
    kind: str
    th: str
    en: str
    whole: str | None
    area: str | None
    parents: list[str]
    children: list[AreaFound]
    boundary: dict[str, Any] | None


class AreaVerdict(Answer):
    """``verdict``: written, would_be_written, or why not, with its field and texts."""

    row: int
    code: str
    verdict: str
    field: str | None
    th: str | None
    en: str | None


class AreaVerdicts(Answer):
    items: list[AreaVerdict]


class Changed(Answer):
    """Which fields of the person were written."""

    id: UUID
    fields: list[str]


class Joined(Answer):
    id: UUID


class Asked(Answer):
    id: UUID


class AskedFor(Answer):
    """A request that waits: what is wanted for whom, and why."""

    id: UUID
    person_id: UUID
    wanted: Label
    reason: Label
    asked_at: datetime


class Disclosures(Answer):
    items: list[AskedFor]


class MemberShown(Answer):
    """``name`` and ``age`` as a search shows them."""

    person_id: UUID
    name: str | None
    age: Age | None
    role: Label
    head: bool
    from_on: date
    until_on: date | None


class HouseholdGroup(Answer):
    id: UUID
    group: Label
    evidence: str | None
    from_on: date
    until_on: date | None


class HouseholdShown(Answer):
    """Who lives there, then who lived there; groups with their days."""

    id: UUID
    area: str
    area_code: str | None
    area_th: str | None
    area_en: str | None
    detail: str | None
    members: list[MemberShown]
    groups: list[HouseholdGroup]


class MembershipShown(Answer):
    id: UUID
    group: Label
    source: str
    evidence: str | None
    from_on: date
    until_on: date | None


class BarrierShown(Answer):
    """One of the six barriers, from when until when, and what came of it."""

    barrier: Label
    state: Label
    action: str | None
    outcome: str | None
    call_id: UUID
    from_at: datetime
    until_at: datetime | None


class PersonShown(Answer):
    """What an agency may not see is empty, and stands in ``withheld``; the municipality itself sees everything."""

    id: UUID
    area: str
    name: str | None
    alias: str | None
    usual_place: str | None
    addresses: list[AddressShown]
    household: HouseholdOf | None
    birth_on: date | None
    birth_year: int | None
    birth_estimated: bool | None
    age: Age | None
    sex: str | None
    language: str | None
    mobility: str | None
    needs: list[str]
    may_be_texted: bool | None
    disclosure: str | None
    exercise: bool
    registered_at: datetime | None
    records: list[UUID]
    """All records of this person, the one that stands for them first."""
    to_check: int = 0
    """How many calls and rows of files are presumed to be theirs, and nobody has said so."""
    identifiers: list[IdentifierShown]
    contacts: list[ContactShown]
    ended_contacts: list[EndedContact]
    groups: list[MembershipShown]
    barriers: list[BarrierShown]
    open_case_ids: list[UUID]
    withheld: list[Withheld] = []


class CodeShown(Label):
    field: str


class HistoryLine(Answer):
    """One event: ``th``/``en`` what happened, ``codes`` how; ``subject_id`` the trip, assignment, message …

    ``number``: its call's, as people say it.
    ``agency_id``: which agency wrote it down, where it was not the municipality.
    """

    event_id: UUID
    at: datetime
    source: str
    type: str
    noun: str
    subject_id: UUID
    call_id: UUID | None
    number: str | None = None
    th: str
    en: str
    codes: list[CodeShown]
    agency_id: UUID | None = None


class HistoryPage(Answer):
    items: list[HistoryLine]
    next: str | None


class CaseShown(Answer):
    id: UUID
    person_id: UUID
    area: str
    status: Label
    protected: bool
    exercise: bool
    opened_at: datetime
    opened_call_id: UUID | None
    closed_at: datetime | None
    outcome: Label | None
    call_ids: list[UUID]


class TasksOf(Answer):
    """Of one case: ``open`` tasks, how many of them are ``overdue``, and the nearest last day."""

    open: int
    overdue: int
    next_due_on: date | None


class CaseListed(CaseShown):
    """``who`` and ``tasks`` stand in the list of an area alone."""

    who: PersonHit | None = None
    tasks: TasksOf | None = None


class CasePage(Answer):
    items: list[CaseListed]
    next: UUID | None


class Erased(Answer):
    id: UUID
    erased_at: datetime


class CodeLists(Answer):
    """Every list with version, source, and items in Thai and English."""

    items: list[dict[str, Any]]


class Figure(Answer):
    """``persons`` and ``trips`` are None where so few are kept back that they would point at people."""

    code: str
    th: str
    en: str
    persons: int | None
    trips: int | None


class Served(Answer):
    """Persons and trips served by lane, barrier and group."""

    kpi: str
    area: str
    from_on: date
    to_on: date
    total: Figure
    by_lane: list[Figure]
    by_barrier: list[Figure]
    by_group: list[Figure]
