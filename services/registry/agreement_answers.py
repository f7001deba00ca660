"""What is answered about agencies, agreements, consents and emergencies."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from services.registry.answers import Answer, Label, Missing


class CoordinatorShown(Answer):
    id: UUID
    name: str
    phone: str
    duty: str
    crew_id: UUID | None
    from_on: date
    until_on: date | None


class AgencyShown(Answer):
    """An agency with those whom to ring there, who have not left."""

    id: UUID
    kind: Label
    name_th: str
    name_en: str | None
    areas: list[str]
    municipality: str | None
    from_on: date
    until_on: date | None
    coordinators: list[CoordinatorShown]


class AgencyPage(Answer):
    items: list[AgencyShown]
    next: UUID | None


class PartyShown(Answer):
    """An agency or a municipality, and when it signed."""

    agency_id: UUID | None
    municipality: str | None
    name_th: str
    name_en: str | None
    signed_at: datetime | None
    paper: str | None


class AgreementShown(Answer):
    """``works``: it holds today between the parties that have signed it; ``lacking``: why not, as codes.

    ``writes``: what its agencies are entrusted with writing down.
    """

    id: UUID
    area: str
    title_th: str
    title_en: str | None
    parties: list[PartyShown]
    areas: list[str]
    purposes: list[Label]
    field_class: Label
    bases: list[Label]
    writes: list[Label]
    from_on: date
    until_on: date | None
    ended_on: date | None
    works: bool
    lacking: list[str]


class AgreementListed(Answer):
    id: UUID
    area: str
    title_th: str
    title_en: str | None
    agency_ids: list[UUID]
    municipalities: list[str]
    signed: int
    from_on: date
    until_on: date | None
    ended_on: date | None
    works: bool


class AgreementPage(Answer):
    items: list[AgreementListed]
    next: UUID | None


class Sight(Answer):
    """Somebody of this agency in these roles would see these fields for this purpose."""

    agency_id: UUID
    agency_th: str
    agency_en: str | None
    purpose: Label
    roles: list[str]
    field_class: Label
    sensitive: bool
    fields: list[str]
    basis: Label
    needs_consent: bool


class Effect(Answer):
    """Who would see what once every party has signed, on a day on which it holds."""

    agreement_id: UUID
    areas: list[str]
    works: bool
    lacking: list[str]
    sights: list[Sight]


class Verdict(Answer):
    """Of one class: whether it may be seen, on what, or what is missing."""

    field_class: Label
    sensitive: bool
    fields: list[str]
    allowed: bool
    way: str | None
    basis: Label | None
    agreement_id: UUID | None
    missing: list[Missing]


class WhyNot(Answer):
    person_id: UUID
    agency_id: UUID | None
    role: str
    purpose: str
    verdicts: list[Verdict]


class HeardShown(Answer):
    """An agency that must stop since a consent was withdrawn, and when it said that it did."""

    agency_id: UUID
    due_at: datetime
    overdue: bool
    acknowledged_at: datetime | None


class StillOpen(Answer):
    """An agency that sees something of the person without the consent, and by which agreement."""

    agency_id: UUID
    agreement_id: UUID


class ConsentShown(Answer):
    """``status``: given, expired or withdrawn; ``heard``: who must hear of the withdrawal, and has.

    ``still``: of a withdrawn one, to whom agreements open the person for this purpose all the same.
    """

    id: UUID
    person_id: UUID
    purpose: Label
    agency_id: UUID | None
    given_by: str
    paper: str | None
    given_at: datetime
    until_on: date | None
    withdrawn_at: datetime | None
    status: str
    heard: list[HeardShown]
    still: list[StillOpen]


class Consents(Answer):
    items: list[ConsentShown]


class WithdrawalShown(Answer):
    """What an agency must stop, and until when it has to say that it did; ``still``: what opens it without consent."""

    consent_id: UUID
    agency_id: UUID
    person_id: UUID
    area: str
    purpose: Label
    withdrawn_at: datetime
    due_at: datetime
    overdue: bool
    acknowledged_at: datetime | None
    still: list[StillOpen]


class Withdrawals(Answer):
    items: list[WithdrawalShown]
    next: str | None


class Acknowledged(Answer):
    consent_ids: list[UUID]


class GlassShown(Answer):
    """Who opened whose record in an emergency, why, until when, and what the review found, with its note."""

    id: UUID
    person_id: UUID
    area: str
    agency_id: UUID
    caller: str
    role: str
    reason: str
    from_at: datetime
    until_at: datetime
    reviewed_at: datetime | None
    reviewed_by: str | None
    finding: str | None
    note: str | None = None


class GlassPage(Answer):
    items: list[GlassShown]
    next: UUID | None


class GlassOpened(Answer):
    id: UUID
    person_id: UUID
    until_at: datetime
