"""Agencies, and agreements with them: made, signed by each side, ended; never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.registry import store
from services.registry.agreement_bodies import AgencyBody, AgreementBody, CoordinatorBody
from services.registry.rules.decide import MISSING, Asked, Decision, decide
from services.registry.rules.fields import FIELDS, KINDS, PUBLIC, Kind
from services.registry.rules.grounds import CONSENT, Agreement, Consent, party
from services.registry.store.agreements import Row, as_rule
from shared.auth import Role
from shared.erasure import erase
from shared.errors import Refused
from shared.events.base import Origin
from shared.events.registry import AgreementChanged, CoordinatorChanged, CoordinatorErased
from shared.thai.dates import day_bounds, local_day
from shared.work import Work, new_id

NO_AGENCY = (422, "unknown_agency", "ไม่รู้จักหน่วยงานนี้", "no such agency")
ENDED = (409, "agreement_ended", "ข้อตกลงนี้สิ้นสุดแล้ว", "this agreement has ended")
NOT_A_PARTY = (409, "not_a_party", "ไม่ใช่คู่สัญญาของข้อตกลงนี้", "not a party of this agreement")
OTHER_AGENCY = (409, "other_agency", "ผู้ประสานงานคนนี้เป็นของหน่วยงานอื่น", "a coordinator of another agency")
TAKEN = (409, "municipality_taken", "เทศบาลนี้มีอยู่แล้ว", "this municipality is an agency already")
ROLES = (Role.CALL_TAKER, Role.DISPATCHER, Role.CASE_MANAGER, Role.REGISTRY_OFFICER, Role.SUPERVISOR)
TODAY_LACKS = ("not_signed", "not_yet", "expired")


async def put_agency(work: Work, agency_id: UUID, body: AgencyBody) -> None:
    await store.agencies.put_agency(work.db, agency_id, (
        body.kind, body.name_th, body.name_en, sorted(set(body.areas)), body.municipality, body.from_on, body.until_on,
        work.now,
    ))  # fmt: skip


async def put_coordinator(work: Work, agency: Row, coordinator_id: UUID, body: CoordinatorBody) -> None:
    """Whom to ring there; who tells them of what their agency is given hears how, and forgets who has left.

    Raises:
        Refused: 409 this is somebody of another agency.

    """
    before = await store.agencies.read_coordinator(work.db, coordinator_id)
    values = (body.name, body.e164, body.duty, body.crew_id, body.from_on, body.until_on, work.now)
    if not await store.agencies.put_coordinator(work.db, coordinator_id, agency["id"], values):
        raise Refused(*OTHER_AGENCY)
    origin = Origin(agency["areas"][0], coordinator_id)
    left = body.until_on is not None and body.until_on < local_day(work.now)
    if body.duty == "coordinator" and body.crew_id is None and not left:
        private = CoordinatorChanged.Private(phone=body.e164)
        work.say(coordinator_id, CoordinatorChanged(agency_id=agency["id"], at=work.now, private=private), origin)
    elif before is not None:
        await erase(work, "coordinator", coordinator_id)
        work.say(coordinator_id, CoordinatorErased(at=work.now), origin)


async def make(work: Work, body: AgreementBody, by: str) -> UUID:
    """A new agreement, signed by nobody yet.

    Raises:
        Refused: 422 an agency that is not known.

    """
    known = await store.agencies.read_agencies(work.db, body.agency_ids)
    if len(known) != len(set(body.agency_ids)):
        raise Refused(*NO_AGENCY, field="agency_ids")
    parties = {party(area=body.area), *(party(area=each) for each in body.municipalities)}
    parties |= {party(agency=each) for each in body.agency_ids}
    agreement_id = new_id()
    await store.agreements.write_agreement(work.db, agreement_id, (
        body.area, body.title_th, body.title_en, sorted(parties), sorted(set(body.areas)), sorted(set(body.purposes)),
        body.field_class.value, sorted(set(body.bases)), body.from_on, body.until_on, sorted(set(body.writes)), by,
        work.now,
    ))  # fmt: skip
    await say_changed(work, agreement_id)
    return agreement_id


async def sign(work: Work, agreement_id: UUID, as_party: str, by: str, paper: str | None) -> None:
    """One party signs. Twice is once.

    Raises:
        Refused: 409 not a party, or it has ended.

    """
    await store.agreements.lock_agreement(work.db, agreement_id)
    row = await store.agreements.read_agreement(work.db, agreement_id)
    if row is None or as_party not in row["parties"]:
        raise Refused(*NOT_A_PARTY)
    if row["ended_on"] is not None:
        raise Refused(*ENDED)
    await store.agreements.sign(work.db, agreement_id, as_party, by, paper, work.now)
    await say_changed(work, agreement_id)


async def end(work: Work, agreement_id: UUID, by: str, reason: str) -> None:
    """It does not hold any more, from today.

    Raises:
        Refused: 409 it has ended before.

    """
    if not await store.agreements.end_agreement(work.db, agreement_id, local_day(work.now), by, reason):
        raise Refused(*ENDED)
    await say_changed(work, agreement_id)


async def say_changed(work: Work, agreement_id: UUID) -> None:
    row = await store.agreements.read_agreement(work.db, agreement_id)
    if row is None:  # pragma: no cover - it was written in this transaction
        return
    lacking = lacks_now(as_rule(row), work.now)
    changed = AgreementChanged(
        status=lacking[0] if lacking else "in_force", agency_ids=agencies_of(row["parties"]), at=work.now,
        valid_from_on=row["from_on"], valid_until_on=row["ended_on"] or row["until_on"],
    )  # fmt: skip
    work.say(agreement_id, changed, Origin(row["area"], agreement_id))


# --- what it does ---------------------------------------------------------------------------------------------------


def agencies_of(parties: Sequence[str]) -> tuple[UUID, ...]:
    return tuple(UUID(each) for each in parties if not each.startswith("area:"))


def municipalities_of(parties: Sequence[str]) -> list[str]:
    return [each.removeprefix("area:") for each in parties if each.startswith("area:")]


def lacks_now(agreement: Agreement, now: datetime) -> list[str]:
    """Why it opens nothing now, between any two of its parties; empty where it does between some."""
    owners = [each for each in agreement.parties if each.startswith("area:")]
    found = [
        _decide(agreement, owner.removeprefix("area:"), agency, Role.SUPERVISOR, purpose, PUBLIC, now)
        for owner in sorted(owners) for agency in agencies_of(sorted(agreement.parties))
        for purpose in sorted(agreement.purposes)
    ]  # fmt: skip
    if any(each.allowed for each in found):
        return []
    lacking = {code for each in found for code in each.missing}
    return [code for code in MISSING if code in lacking and code in TODAY_LACKS] or ["not_signed"]


def _decide(
    agreement: Agreement, owner: str, agency: UUID, role: Role, purpose: str, kind: Kind, now: datetime
) -> Decision:
    """As if the person had consented and lay in its area, and somebody of the agency asked."""
    asked = Asked(role, agency, "", owner, agreement.areas, purpose, kind)
    return decide(asked, [agreement], [Consent(purpose, None, now)], [], now)


@dataclass(frozen=True, slots=True)
class Sight:
    """``roles`` of ``agency`` see fields of ``kind`` for ``purpose``, on ``basis``."""

    agency: UUID
    purpose: str
    kind: Kind
    basis: str
    roles: tuple[Role, ...]

    @property
    def needs_consent(self) -> bool:
        return self.basis == CONSENT


def effect(agreement: Agreement, now: datetime) -> list[Sight]:
    """Who would see what, once all have signed, on its first day or today; by the decision function itself."""
    whole = replace(agreement, signed=agreement.parties, ended_on=None)
    at = max(now, day_bounds(agreement.from_on)[0])
    if agreement.until_on is not None:
        at = min(at, day_bounds(agreement.until_on)[0])
    sights = []
    owners = municipalities_of(sorted(agreement.parties))
    for agency in agencies_of(sorted(agreement.parties)):
        for purpose in sorted(agreement.purposes):
            for kind in KINDS:
                seen = {role: _decide(whole, owners[0], agency, role, purpose, kind, at) for role in ROLES}
                roles = tuple(role for role in ROLES if seen[role].allowed)
                if roles:
                    sights.append(Sight(agency, purpose, kind, seen[roles[0]].basis or "", roles))
    return sights


def fields_of(kind: Kind) -> list[str]:
    """Names of the fields of this kind, ``set.field``."""
    return [f"{set_}.{name}" for set_, fields in FIELDS.items() for name, each in fields.items() if each == kind]


def described(row: Row) -> dict[str, Any]:
    """What the list and the page of an agreement have in common."""
    return {name: row[name] for name in ("id", "area", "title_th", "title_en", "from_on", "until_on", "ended_on")}
