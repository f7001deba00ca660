"""What one asker may see of one person, by the decision function; and what is withheld, with its reason.

The municipality itself is decided upon without a look at any table: nothing that is missing can stop it. Of an agency's
asker three things are looked up: the agreements to which it is a party, the person's consents, and glass it has broken.
A person whom the asker may not know of is answered like one who is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.registry import records, store
from services.registry.answers import Missing, Withheld
from services.registry.api.gate import areas_of, person_for
from services.registry.api.reach import lives_of
from services.registry.keys import ring
from services.registry.records import Person
from services.registry.rules.decide import MISSING, Asked, Decision, decide, lacks_to_propose
from services.registry.rules.fields import KINDS, PUBLIC, SECRET, Kind, cut, kind_of
from services.registry.rules.grounds import NOWHERE, Agreement, BreakGlass, Consent, Lives, party, reaches
from services.registry.store.people import Row
from shared.audit import audit
from shared.auth import Caller
from shared.database import Pool
from shared.errors import Refused, refuse
from shared.service import Runtime
from shared.work import now_utc

NO_GROUND = (403, "no_ground", "หน่วยงานของท่านยังดูข้อมูลนี้ไม่ได้: {}", "your agency may not see this: {}")


@dataclass(frozen=True, slots=True)
class Access:
    """``caller``: with what the decision stands on, for the audit."""

    caller: Caller
    decisions: Mapping[Kind, Decision]

    @property
    def allowed(self) -> frozenset[Kind]:
        return frozenset(kind for kind, decision in self.decisions.items() if decision.allowed)

    def may(self, kind: Kind) -> bool:
        return kind in self.allowed

    def shows(self, set_: str, field: str) -> bool:
        """Whether this asker may hear of a field at all."""
        return self.caller.agency_id is None or self.may(kind_of(set_, field))

    def cut(self, set_: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """The document as this asker sees it. The municipality's own roles are told of nothing that is withheld."""
        if self.caller.agency_id is None:
            return dict(document)
        kept, withheld = cut(set_, document, self.allowed)
        return {**kept, "withheld": list(self._told(withheld))}

    def _told(self, withheld: Mapping[str, Kind]) -> Iterable[Withheld]:
        for kind in KINDS:
            names = sorted(name for name, each in withheld.items() if each == kind)
            if names:
                yield Withheld(fields=names, field_class=kind.field_class, sensitive=kind.sensitive,
                               missing=told(self.decisions[kind].missing))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grounds:
    """What an asker brings: read once, good for any number of people."""

    caller: Caller
    agreements: Sequence[Agreement]
    now: datetime
    writes: str | None = None
    """What the asker wants to write down: only an agreement that entrusts the agency with it counts."""

    def decide(
        self,
        kind: Kind,
        owner: str,
        areas: frozenset[str],
        consents: Sequence[Consent],
        glass: Sequence[BreakGlass] = (),
        lives: Lives = NOWHERE,
    ) -> Decision:
        caller = self.caller
        asked = Asked(
            caller.role, caller.agency_id, caller.actor, owner, areas, caller.purpose or "", kind,
            places=caller.places, lives=lives, writes=self.writes,
        )  # fmt: skip
        return decide(asked, self.agreements, consents, glass, self.now)

    def blind(self) -> Decision:
        """What could be seen at best, of anybody: asked before anyone is looked for, so that a refusal tells nobody."""
        everywhere = frozenset(code for each in self.agreements for code in each.areas)
        given = [Consent(self.caller.purpose or "", None, self.now)]
        owners = [name for each in self.agreements for name in each.parties if name.startswith("area:")]
        mine = [name.removeprefix("area:") for name in owners if self.caller.may_see(name.removeprefix("area:"))]
        here = Lives(given=True)
        found = [self.decide(PUBLIC, owner, everywhere, given, lives=here) for owner in sorted(set(mine))]
        nobody = Decision(allowed=False, missing=("no_agreement",))
        return min(found, key=lambda each: (not each.allowed, len(each.missing)), default=nobody)


async def grounds_of(runtime: Runtime, caller: Caller, writes: str | None = None) -> Grounds:
    """Of the municipality itself nothing is read."""
    if caller.agency_id is None:
        return Grounds(caller, (), now_utc())
    agreements = await store.agreements.between(runtime.pool, [party(agency=caller.agency_id)])
    return Grounds(caller, agreements, now_utc(), writes)


def access(
    grounds: Grounds,
    person: Person,
    consents: Sequence[Consent] = (),
    glass: Sequence[BreakGlass] = (),
    codes: frozenset[str] = frozenset(),
    lives: Lives = NOWHERE,
) -> Access:
    """The decision for every kind of field. Of a secret person every field is of the secret kind.

    ``codes``: of where the person is registered and lives; beside them the record lies in its municipality. ``lives``:
    of whoever is held to places, for this asker.
    """
    areas = codes | {person.area}
    decisions = {kind: grounds.decide(kind, person.area, areas, consents, glass, lives) for kind in KINDS}
    if person.secret and grounds.caller.agency_id is not None:
        decisions = dict.fromkeys(KINDS, decisions[KINDS[-1]])
    return Access(standing(grounds.caller, decisions.values()), decisions)


def standing(caller: Caller, decisions: Iterable[Decision]) -> Caller:
    """The caller with basis, way and agreement of all that is allowed, as the audit keeps them."""
    open_ = [each for each in decisions if each.allowed]
    said = {
        "basis": ",".join(sorted({each.basis for each in open_ if each.basis})),
        "way": ",".join(sorted({each.way for each in open_ if each.way})),
        "agreement_id": ",".join(sorted({str(each.agreement) for each in open_ if each.agreement})),
    }
    return replace(caller, standing=caller.standing + tuple((name, value) for name, value in said.items() if value))


def classes(allowed: Iterable[Kind]) -> list[str]:
    """For the audit: of which classes something was answered."""
    return [kind.name for kind in KINDS if kind in set(allowed)]


async def open_person(
    runtime: Runtime, caller: Caller, person_id: UUID, kind: Kind = PUBLIC, writes: str | None = None
) -> tuple[Person, Access]:
    """The person, if there is one for this caller, and what they may see; ``kind`` is the least they must.

    ``writes``: what an agency is going to write down of them.

    Raises:
        Refused: 404 none, erased, of another municipality or place, or secret; 403 there is no ground, saying what is
            missing.

    """
    if caller.agency_id is None:
        person = await person_for(runtime, caller, person_id)
        known = await lives_of(runtime.pool, caller, [person.id])
        return person, access(await grounds_of(runtime, caller), person, lives=known.get(person.id, NOWHERE))
    found, seen = await weigh(runtime, caller, person_id, writes=writes)
    if found is None or not seen.may(kind):
        await _refuse(runtime, caller, person_id, seen.decisions[kind], found.area if found else None)
        raise no_ground(seen.decisions[kind])
    return found, seen


async def must_propose(
    runtime: Runtime, caller: Caller, person_id: UUID, kinds: Iterable[Kind], writes: str | None = None
) -> Access:
    """What an agency may see of the person, where it may also propose something of these kinds.

    ``writes``: what is not proposed but written down as the agency's own, where an agreement says so.

    Raises:
        Refused: 404 as :func:`open_person`; 403 there is no ground, saying what is missing.

    """
    person, seen = await open_person(runtime, caller, person_id, writes=writes)
    lacks = lacks_to_propose(caller.purpose or "", (seen.decisions[kind] for kind in KINDS if kind in set(kinds)))
    if lacks is not None:
        await _refuse(runtime, caller, person_id, lacks, person.area)
    return seen


async def as_writer(
    runtime: Runtime,
    caller: Caller,
    person_id: UUID,
    kind: Kind,
    case_id: UUID | None = None,
    writes: str | None = None,
) -> Caller:
    """Whoever writes something of this kind of somebody; of an agency who may, with what they stand on.

    Raises:
        Refused: 403, 404 as :func:`must_propose`; 404 a case that is not there for the agency.

    """
    if caller.agency_id is None:
        return caller
    seen = await must_propose(runtime, caller, person_id, [kind], writes)
    if case_id is not None and not seen.may(SECRET) and await store.calls.protected_cases(runtime.pool, [case_id]):
        raise refuse("not_found", field="case_id")
    return standing(caller, [seen.decisions[kind]])


async def not_protected(db: Pool, seen: Access, rows: Sequence[Row]) -> list[Row]:
    """Without the rows of protected cases (violence, psychiatric), where the asker may not see those."""
    if seen.may(SECRET):
        return list(rows)
    ids = {row["case_id"] for row in rows if row["case_id"] is not None}
    hidden = await store.calls.protected_cases(db, sorted(ids)) if ids else frozenset()
    return [row for row in rows if row["case_id"] not in hidden]


async def weigh(
    runtime: Runtime, asker: Caller, person_id: UUID, *, known: bool = False, writes: str | None = None
) -> tuple[Person | None, Access]:
    """Every decision about one person for somebody of an agency.

    An agency that could see nobody is told so whether or not there is such a person (None): nobody is looked for.
    ``known``: who asks on the agency's behalf knows of the person, so nothing has to be hidden from them.
    ``writes``: as :func:`must_propose`.

    Raises:
        Refused: 404 none, erased, of another municipality, or secret.

    """
    grounds = await grounds_of(runtime, asker, writes)
    glass = await store.consents.read_glass(runtime.pool, person_id, asker.actor, grounds.now)
    at_best = grounds.blind()
    if not (at_best.allowed or glass or known):
        return None, Access(asker, dict.fromkeys(KINDS, at_best))
    row = await store.people.read_person(runtime.pool, person_id, areas_of(asker))
    if row is None or row["erased_at"] is not None:
        raise refuse("not_found")
    person = await _whole(runtime, records.opened(row, ring()))
    opened = [store.consents.glass_as_rule(each) for each in glass]
    consents, codes = await _looked_up(runtime, person_id)
    lives = (await lives_of(runtime.pool, asker, [person.id])).get(person.id, NOWHERE)
    found = access(grounds, person, consents, opened, codes, lives)
    hidden = person.secret or not reaches(asker.places, lives)
    if hidden and not found.may(PUBLIC) and not known:
        raise refuse("not_found")
    return person, found


async def may_look(runtime: Runtime, caller: Caller) -> Grounds:
    """What the asker brings to a search.

    Raises:
        Refused: 403 an agency that could see nobody.

    """
    grounds = await grounds_of(runtime, caller)
    if caller.agency_id is not None and not (at_best := grounds.blind()).allowed:
        await _refuse(runtime, caller, None, at_best, None)
        raise no_ground(at_best)
    return grounds


async def cut_hits(runtime: Runtime, grounds: Grounds, rows: Sequence[Row]) -> list[tuple[Row, Access]]:
    """Those of the found whom this asker may know of, each with what may be seen."""
    people = [records.opened(row, ring()) for row in rows]
    ids = [person.id for person in people]
    lives = await lives_of(runtime.pool, grounds.caller, ids)
    if grounds.caller.agency_id is None:
        own = [access(grounds, person, lives=lives.get(person.id, NOWHERE)) for person in people]
        return [(row, each) for row, each in zip(rows, own, strict=True) if each.may(PUBLIC)]
    given: dict[UUID, list[Consent]] = {}
    for row in await store.consents.read_consents(runtime.pool, ids):
        given.setdefault(row["person_id"], []).append(store.consents.consent_as_rule(row))
    codes = await store.consents.read_areas(runtime.pool, ids)
    found = [
        access(grounds, one, given.get(one.id, ()), (), codes.get(one.id, frozenset()), lives.get(one.id, NOWHERE))
        for one in people
    ]
    return [(row, each) for row, each in zip(rows, found, strict=True) if each.may(PUBLIC)]


async def _whole(runtime: Runtime, person: Person) -> Person:
    """The record, secret where any record of the same person is."""
    every = [records.opened(row, ring()) for row in await store.links.records(runtime.pool, person.id)]
    secret = next((one.disclosure for one in every if one.secret), person.disclosure)
    return replace(person, disclosure=secret)


async def _looked_up(runtime: Runtime, person_id: UUID) -> tuple[list[Consent], frozenset[str]]:
    """Consents and area codes of every record of the same person."""
    ids = [row["id"] for row in await store.links.records(runtime.pool, person_id)] or [person_id]
    given = await store.consents.read_consents(runtime.pool, ids)
    codes = await store.consents.read_areas(runtime.pool, ids)
    return [store.consents.consent_as_rule(row) for row in given], frozenset().union(*codes.values())


async def _refuse(
    runtime: Runtime, caller: Caller, person_id: UUID | None, decision: Decision, area: str | None
) -> None:
    """Write the refusal down."""
    await audit(
        runtime.pool, caller, "read_refused", "person", person_id, {"missing": list(decision.missing)}, area=area
    )
    raise no_ground(decision)


def no_ground(decision: Decision) -> Refused:
    status, code, th, en = NO_GROUND
    missing = told(decision.missing)
    all_th, all_en = "; ".join(each.th for each in missing), "; ".join(each.en for each in missing)
    return Refused(
        status, code, th.format(all_th), en.format(all_en), missing=[each.model_dump() for each in missing],
        agreement_id=str(decision.agreement) if decision.agreement else None,
    )  # fmt: skip


def told(missing: Iterable[str]) -> list[Missing]:
    """What is missing, and what would help, in both languages."""
    return [
        Missing(code=code, th=th, en=en, help_th=helps_th, help_en=helps_en)
        for code in missing
        for th, en, helps_th, helps_en in (MISSING[code],)
    ]
