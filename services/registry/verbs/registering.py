"""A person registered by somebody at a desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.registry import records, store
from services.registry.bodies import PersonBody
from services.registry.keys import ring
from services.registry.records import Person, Source
from services.registry.rules.identity import Described, Held
from services.registry.rules.matching import Method
from services.registry.store.people import Row
from services.registry.verbs import matching, people
from services.registry.verbs.areas import must_exist
from shared.errors import Refused
from shared.work import Work, new_id

EXISTS = (409, "person_exists", "มีบุคคลที่ใช้เลขประจำตัวนี้อยู่แล้ว", "somebody with this number is registered already")


class PersonExists(Refused):
    """409. ``holders``: id and municipality of whose number it is, for the audit and not for the answer."""

    def __init__(self, holders: Sequence[tuple[UUID, str]], shown: UUID | None) -> None:
        facts: dict[str, Any] = {} if shown is None else {"person_id": str(shown)}
        super().__init__(*EXISTS, **facts)
        self.holders, self.shown = holders, shown

    def hide(self) -> None:
        """Say no more whose the number is: they are not for this caller to know of."""
        self.facts.pop("person_id", None)


async def register(work: Work, body: PersonBody, area: str, areas: Sequence[str] | None, by: str) -> Person:
    """Write a new person down, unless one of their numbers is somebody's already. ``areas``: the caller's, None is all.

    ``by``: the caller, who goes on seeing whom they wrote down.

    Raises:
        PersonExists: 409 with ``person_id`` where the caller may find that person, and one same answer where not: it
            tells nobody who is secret.

    """
    told = body.described()
    await must_exist(work.db, [one.area_code for one in told.addresses if one.area_code], "addresses")
    source = Source(work.now, exercise=body.exercise)
    wanted = replace(told, held=_current(told, body))
    verdict = await matching.find(work, wanted, [], exercise=body.exercise)
    if verdict.disputed or verdict.method is Method.IDENTIFIER:
        raise await _exists(work, wanted, areas, exercise=body.exercise)
    person_id = new_id()
    listed = {one.held().key for one in body.identifiers}
    identifiers = [
        records.identifier_row(
            ring(), person_id, one.held(), source, verified=one.verified, since_on=one.since_on, until_on=one.until_on
        )
        for one in body.identifiers
    ]
    told = replace(told, held=tuple(held for held in told.held if held.key not in listed))
    return await people.register(
        work, told, area, source, person_id=person_id, identifiers=identifiers, registered_by=by, **_more(body, told)
    )


def _current(told: Described, body: PersonBody) -> tuple[Held, ...]:
    """The numbers that are the person's now, each once."""
    listed = [one.held() for one in body.identifiers if one.until_on is None]
    return tuple({held.key: held for held in (*told.held, *listed) if held.identifier.value}.values())


def _more(body: PersonBody, told: Described) -> dict[str, Any]:
    """A member of a secret group stays secret, whatever was ticked."""
    more: dict[str, Any] = {
        "may_be_texted": body.may_be_texted,
        "quiet_from": body.quiet_from,
        "quiet_until": body.quiet_until,
    }
    if body.disclosure is not None and records.disclosure_of(told.groups) != "secret":
        more["disclosure"] = body.disclosure.value
    return more


async def _exists(work: Work, wanted: Described, areas: Sequence[str] | None, *, exercise: bool) -> PersonExists:
    return exists(
        await store.people.holders(work.db, records.number_marks(ring(), wanted.held, exercise=exercise), areas)
    )


def exists(rows: Sequence[Row]) -> PersonExists:
    """Whom the number belongs to, for the caller to go on with; nothing where they are not for the caller to find.

    ``rows``: of ``holders``.
    """
    return PersonExists(
        [(row["id"], row["area"]) for row in rows], next((row["id"] for row in rows if row["shown"]), None)
    )
