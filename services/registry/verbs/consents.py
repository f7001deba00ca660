"""Consents: given, withdrawn, and heard of by everybody who stood on them; and glass that is broken in an emergency."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.registry import records, store, told
from services.registry.agreement_bodies import BreakGlassBody, ConsentBody, WithdrawBody
from services.registry.keys import ring
from services.registry.records import Person
from services.registry.rules.decide import Asked, decide
from services.registry.rules.fields import KINDS, Kind
from services.registry.rules.grounds import CONSENT, Agreement, Consent, party
from services.registry.store.people import Row
from services.registry.verbs.agreements import NO_AGENCY, agencies_of
from services.registry.verbs.people import origin_of
from shared.auth import Caller, Role
from shared.database import Connection, Pool
from shared.errors import Refused
from shared.events.registry import ConsentGiven, ConsentWithdrawn, PersonUnlocked
from shared.thai.dates import day_bounds, local_day
from shared.work import Work, new_id

HEAR_WITHIN: Final = timedelta(hours=72)
"""By when an agency acknowledges that a consent was withdrawn; after that it stands in the list of the overdue."""
OPEN_FOR: Final = timedelta(hours=3)
"""How long broken glass stays open (as in DHIS2)."""
WITHDRAWN = (409, "consent_withdrawn", "ถอนความยินยอมนี้ไปแล้ว", "this consent was withdrawn before")
LATER = (422, "in_the_future", "เวลาต้องไม่อยู่ในอนาคต", "the time must not lie in the future")
OVER = (422, "days_reversed", "วันสิ้นสุดต้องไม่ก่อนวันให้ความยินยอม", "the last day lies before the consent")
REVIEWED = (409, "reviewed", "ทบทวนแล้ว", "reviewed already")
NOT_NEEDED = (
    409,
    "not_needed",
    "เทศบาลดูข้อมูลของตนได้อยู่แล้ว ไม่ต้องเปิดกรณีฉุกเฉิน",
    "the municipality sees its own data: nothing has to be broken open",
)
OWN_REVIEW = (403, "own_review", "ผู้เปิดดูทบทวนเองไม่ได้", "nobody reviews what they opened themselves")


async def give(work: Work, person: Person, body: ConsentBody, by: str) -> UUID:
    """Record what the person has agreed to.

    Raises:
        Refused: 422 an agency that is not known, a time to come, or an end before the beginning.

    """
    given_at = body.given_at or work.now
    if given_at > work.now:
        raise Refused(*LATER, field="given_at")
    if body.until_on is not None and body.until_on < local_day(given_at):
        raise Refused(*OVER, field="until_on")
    if body.agency_id is not None and await store.agencies.read_agency(work.db, body.agency_id) is None:
        raise Refused(*NO_AGENCY, field="agency_id")
    consent_id = new_id()
    await store.consents.write_consent(work.db, consent_id, (
        person.id, body.purpose, body.agency_id, body.given_by, body.paper, given_at, body.until_on, by, work.now,
    ))  # fmt: skip
    private = ConsentGiven.Private(purpose=body.purpose, agency_id=body.agency_id, until_on=body.until_on)
    work.say(consent_id, ConsentGiven(person_id=person.id, at=given_at, private=private), origin_of(person))
    return consent_id


async def withdraw(work: Work, person: Person, row: Row, body: WithdrawBody) -> None:
    """From now on nothing stands on it; everybody who might have has to say that they heard.

    Raises:
        Refused: 409 it was withdrawn before.

    """
    if row["withdrawn_at"] is not None:
        raise Refused(*WITHDRAWN)
    await store.consents.withdraw(work.db, row["id"], work.now, body.by, body.paper)
    hearers = await _who_stood_on_it(work, person, row)
    await store.consents.must_hear(work.db, row["id"], hearers, person.area, work.now + HEAR_WITHIN)
    private = ConsentWithdrawn.Private(purpose=row["purpose"], agency_id=row["agency_id"])
    work.say(row["id"], ConsentWithdrawn(person_id=person.id, at=work.now, private=private), origin_of(person))


async def _who_stood_on_it(work: Work, person: Person, row: Row) -> list[UUID]:
    """The agency it named; else all that saw the person by it on some day of an agreement, also of one that has ended.

    Whoever could never see the person is told of nobody.
    """
    if row["agency_id"] is not None:
        return [row["agency_id"]]
    _, areas, kinds = await _whole(work.db, person.id, person.area)
    stood = {
        agency
        for each in await store.agreements.between(work.db, [party(area=person.area)])
        for agency in agencies_of(sorted(each.signed))
        if _opened_by(each, agency, person.area, areas, kinds, row, work.now)
    }
    return await store.consents.known_agencies(work.db, sorted(stood))


async def _whole(
    db: Connection | Pool, person_id: UUID, owner: str
) -> tuple[list[UUID], frozenset[str], Sequence[Kind]]:
    """Ids of all records of the person, where they lie, and the kinds of field that there are of them."""
    every = [records.opened(each, ring()) for each in await store.links.records(db, person_id)]
    ids = [one.id for one in every]
    codes = await store.consents.read_areas(db, ids)
    return ids, frozenset({owner}).union(*codes.values()), KINDS[-1:] if any(one.secret for one in every) else KINDS


async def still_open(
    db: Connection | Pool, person_id: UUID, owner: str, purpose: str, agency_id: UUID | None, now: datetime
) -> list[tuple[UUID, UUID]]:
    """``(agency, agreement)`` of all to whom agreements open something of the person for this purpose today.

    What a withdrawn consent does not end: an agreement on another basis, or a consent that stands beside it.
    ``agency_id``: of this agency alone.
    """
    ids, areas, kinds = await _whole(db, person_id, owner)
    given = [store.consents.consent_as_rule(row) for row in await store.consents.read_consents(db, ids)]
    mine = [party(area=owner)] if agency_id is None else [party(area=owner), party(agency=agency_id)]
    return [
        (agency, each.id)
        for each in await store.agreements.between(db, mine)
        for agency in (agencies_of(sorted(each.signed)) if agency_id is None else [agency_id])
        if any(
            decide(Asked(Role.SUPERVISOR, agency, "", owner, areas, purpose, kind), [each], given, [], now).allowed
            for kind in kinds
        )
    ]


def _opened_by(
    agreement: Agreement,
    agency: UUID,
    owner: str,
    areas: frozenset[str],
    kinds: Sequence[Kind],
    row: Row,
    now: datetime,
) -> bool:
    """Whether a consent, as if it still stood, opened anything to this agency on the first day that both held."""
    at = max(row["given_at"], day_bounds(agreement.from_on)[0])
    consent = Consent(row["purpose"], None, row["given_at"], row["until_on"])
    decisions = (
        decide(Asked(Role.SUPERVISOR, agency, "", owner, areas, row["purpose"], kind), [agreement], [consent], [], at)
        for kind in kinds
    )
    return at <= now and any(each.basis == CONSENT for each in decisions)


async def break_glass(work: Work, caller: Caller, person: Person, body: BreakGlassBody) -> tuple[UUID, Row | None]:
    """Open one record for this caller for three hours, and tell the municipality's privacy officers.

    Raises:
        Refused: 409 somebody of the municipality itself.

    """
    glass_id, until_at = new_id(), work.now + OPEN_FOR
    agency_id = caller.agency_id
    if agency_id is None:
        raise Refused(*NOT_NEEDED)
    await store.consents.open_glass(work.db, glass_id, (
        person.id, person.area, agency_id, caller.actor, caller.role.value, body.reason, work.now, until_at,
    ))  # fmt: skip
    officers = await store.agencies.privacy_officers(work.db, person.area, local_day(work.now))
    private = PersonUnlocked.Private(
        break_glass_id=glass_id, agency_id=agency_id, until_at=until_at, officer_ids=tuple(officers)
    )
    work.say(person.id, PersonUnlocked(at=work.now, private=private), origin_of(person))
    return glass_id, await store.consents.lock_glass(work.db, glass_id)


async def review(work: Work, row: Row, by: str, finding: str, note: str | None = None) -> None:
    """Say whether it was right, and what was found out.

    Raises:
        Refused: 409 reviewed before; 403 by the one who opened it.

    """
    if row["reviewed_at"] is not None:
        raise Refused(*REVIEWED)
    if row["caller"] == by:
        raise Refused(*OWN_REVIEW)
    await store.consents.review_glass(work.db, row["id"], work.now, by, finding)
    await store.told.put(work.db, told.rows(row["id"], row["person_id"], {"note": note}))
