"""Between sealed rows and what is known of a person: the only place where names and numbers are opened or closed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.registry.rules.duplicates import Known, found_by, pairs_by
from services.registry.rules.finding import readings
from services.registry.rules.identity import SECRET_GROUPS, SELF, Address, Birth, Described, Held
from services.registry.rules.matching import Candidate
from services.registry.store.people import Doc, Row, Writing, day, hexed
from shared.crypto import Keyring
from shared.thai.dates import local_day
from shared.thai.names import NameKey, name_key
from shared.work import new_id

ONE_AT_A_TIME = frozenset({"cid", "cid-0", "g-code"})
"""Kinds of which a person has a single one: another value speaks against being the same person."""
SENSITIVE_GROUPS = frozenset({"psychiatric"}) | SECRET_GROUPS
"""Groups that are protected wherever they are written."""


WAY = 3
"""Of marking names, see :func:`key_rows` and :func:`mark_row`: a change of what they make is a new number."""
NO_NAME = NameKey("", "", "")
NONE_MADE: Mapping[tuple[str, str], int] = {}


@dataclass(frozen=True, slots=True)
class Source:
    """Who says so: a call, or (``call_id`` None) somebody at a desk, or a file."""

    at: datetime
    call_id: UUID | None = None
    exercise: bool = False
    protected: bool = False
    by_file: bool = False

    @property
    def code(self) -> str:
        if self.call_id is not None:
            return "call"
        return "file" if self.by_file else "desk"

    @property
    def on(self) -> date:
        return local_day(self.at)


@dataclass(frozen=True, slots=True)
class Person:
    """An opened row of ``person``."""

    id: UUID
    area: str
    name: str | None
    birth: Birth | None
    line_user_id: str | None
    sex: str | None
    language: str
    mobility: str | None
    needs: tuple[str, ...]
    may_be_texted: bool
    quiet_from: str | None
    quiet_until: str | None
    disclosure: str
    exercise: bool
    registered_at: datetime
    erased_at: datetime | None
    alias: str | None = None
    usual_place: str | None = None

    @property
    def secret(self) -> bool:
        return self.disclosure == "secret"


def opened(row: Row | Mapping[str, Any], ring: Keyring) -> Person:
    """A row as a person. Raises ``CannotOpen`` when the key is not known here."""

    def plain(field: str) -> str | None:
        blob = row[field]
        return None if blob is None else ring.open(blob, "person", row["id"], field)

    birth = plain("birth")
    same = ("id", "area", "sex", "language", "mobility", "may_be_texted", "quiet_from", "quiet_until", "disclosure",
            "exercise", "registered_at", "erased_at")  # fmt: skip
    return Person(
        name=plain("name"),
        alias=plain("alias"),
        usual_place=plain("usual_place"),
        birth=Birth.unpacked(birth) if birth else None,
        line_user_id=plain("line_user_id"),
        needs=tuple(row["needs"]),
        **{field: row[field] for field in same},
    )


def opened_value(row: Row | Mapping[str, Any], ring: Keyring, table: str, field: str = "value") -> str | None:
    """One sealed column of ``identifier`` or ``contact``."""
    return None if row[field] is None else ring.open(row[field], table, row["id"], field)


def candidate(row: Row | Mapping[str, Any], ring: Keyring) -> Candidate:
    """A row of ``FIND_CANDIDATES`` as the rules see it."""
    person = opened(row, ring)
    return Candidate(
        person.id,
        name_key(person.name or ""),
        person.birth,
        person.sex,
        same_identifier=row["same_identifier"],
        document_seen=row["document_seen"],
        other_identifier=row["other_identifier"],
        same_phone=row["same_phone"],
        chosen=row["chosen"],
        survivor_id=row["survivor_id"],
    )


def known(row: Row, ring: Keyring) -> Known:
    """A row of ``ALIKE`` as it is compared; numbers and telephones by their marks."""
    return replace(known_but_name(row, ring), name=name_key(opened_value(row, ring, "person", "name") or ""))


def known_but_name(row: Row, ring: Keyring) -> Known:
    """The same before the name is opened."""
    birth = opened_value(row, ring, "person", "birth")
    phones = [text.split(" ") for text in row["phones"]]
    numbers = [text.split(" ") for text in row["numbers"]]
    return Known(
        NO_NAME,
        Birth.unpacked(birth) if birth else None,
        row["sex"],
        tuple((mark, relation == SELF) for relation, mark in phones),
        tuple((kind, mark) for kind, mark in numbers),
    )


def known_of(ring: Keyring, told: Described, numbers: Mapping[bytes, Held], *, exercise: bool) -> Known:
    """Somebody described, as the stored ones are compared. ``numbers``: mark → number."""
    kind = kind_of("phone", exercise=exercise)
    return Known(
        told.key, told.birth, told.sex,
        tuple((ring.mark(kind, one.e164).hex(), one.relation == SELF) for one in told.phones),
        tuple((one.identifier.kind, mark.hex()) for mark, one in numbers.items()
              if one.identifier.kind in ONE_AT_A_TIME),
    )  # fmt: skip


# --- marks ------------------------------------------------------------------------------------------------------


def kind_of(kind: str, *, exercise: bool) -> str:
    """People of exercises have marks of their own, so that nobody real is ever taken for one of them."""
    return f"exercise.{kind}" if exercise else kind


def number_marks(ring: Keyring, held: Iterable[Held], *, exercise: bool) -> list[bytes]:
    kind = kind_of("number", exercise=exercise)
    return [mark for one in held if one.identifier.value for mark in ring.marks(kind, one.key)]


def phone_marks(ring: Keyring, phones: Iterable[str], *, exercise: bool) -> list[bytes]:
    return [mark for phone in phones for mark in ring.marks(kind_of("phone", exercise=exercise), phone)]


def word_marks(ring: Keyring, words: Iterable[str], *, exercise: bool) -> list[bytes]:
    return [mark for word in words for mark in ring.marks(kind_of("word", exercise=exercise), word)]


def name_marks(ring: Keyring, name: str | None, *, exercise: bool) -> list[bytes]:
    return list(ring.marks(kind_of("name", exercise=exercise), name)) if name else []


def marks_sought(ring: Keyring, kind: str, values: Iterable[str], *, exercise: bool) -> list[int]:
    """The short marks under which these keys stand in ``person_mark``, under every key of the ring."""
    named = kind_of(kind, exercise=exercise)
    return sorted({_short(mark) for value in values for mark in ring.marks(named, value)})


def short_marks(ring: Keyring, kind: str, values: Collection[str], *, exercise: bool) -> dict[str, int]:
    """Value → the short mark under the current key."""
    marks = ring.marks_of(kind_of(kind, exercise=exercise), values)
    return dict(zip(values, map(_short, marks), strict=True))


def _short(mark: bytes) -> int:
    """Eight bytes of a blind index, as PostgreSQL keeps them: enough to find candidates, which are opened then."""
    return int.from_bytes(mark[:8], "big", signed=True)


def locks(ring: Keyring, described: Described, *, exercise: bool) -> list[int]:
    """What two descriptions of one person have in common: whoever holds these locks decides alone who it is."""
    numbers = [ring.lock(kind_of("number", exercise=exercise), one.key) for one in described.held]
    name = described.full_name
    return numbers + ([ring.lock(kind_of("name", exercise=exercise), name)] if name else [])


def words_of(key: NameKey) -> list[str]:
    """The words by which a name is found."""
    return sorted({word for word in (key.given, key.family) if word})


# --- rows -------------------------------------------------------------------------------------------------------


def person_row(ring: Keyring, person_id: UUID, area: str, told: Described, source: Source, **more: Any) -> Doc:
    """A new row of ``person``. ``more``: disclosure, may_be_texted and the like."""
    return {
        "id": str(person_id),
        "area": area,
        "source": source.code,
        "source_call_id": source.call_id,
        **sealed_fields(ring, person_id, told),
        "sex": told.sex,
        "language": told.language or "th",
        "mobility": told.mobility,
        "needs": list(told.needs),
        "may_be_texted": True,
        "disclosure": disclosure_of(told.groups),
        "exercise": source.exercise,
        "registered_at": source.at,
        "changed_at": source.at,
        **more,
    }


def sealed_fields(ring: Keyring, person_id: UUID, told: Described) -> Doc:
    plain = {
        "name": told.name, "birth": told.birth.packed() if told.birth else None, "line_user_id": told.line_user_id,
        "alias": told.alias, "usual_place": told.usual_place,
    }  # fmt: skip
    return {
        field: hexed(ring.seal(value, "person", person_id, field)) if value else None for field, value in plain.items()
    }


def key_rows(
    ring: Keyring, person_id: UUID, name: str | None, alias: str | None = None, *, exercise: bool
) -> list[Doc]:
    """The marks by which a name is found: each word, and the whole where given and family name are known.

    What stands in brackets after a name (``(แดง)``) need not be typed to find it.
    """
    key = name_key(name or "")
    words = {word for one in (*readings(name), *readings(alias)) for word in words_of(one)}
    marks = [("word", word) for word in sorted(words)]
    if key.given and key.family:
        marks.append(("name", key.text))
    return [
        {
            "person_id": str(person_id),
            "kind": kind,
            "blind": hexed(ring.mark(kind_of(kind, exercise=exercise), value)),
            "key_id": ring.current,
        }
        for kind, value in marks
    ]


def mark_row(
    ring: Keyring, person_id: UUID, name: str | None, alias: str | None, birth: Birth | None, *, exercise: bool,
    made: Mapping[tuple[str, str], int] = NONE_MADE,
) -> Doc:  # fmt: skip
    """The short marks by which a person is found by names spelt otherwise, and compared with others.

    ``made``: ``(kind, value)`` → mark, of those that were made already.
    """
    key = name_key(name or "")
    near = set[str]().union(*map(found_by, (*readings(name), *readings(alias))))
    values = {"near": near, "pair": pairs_by(key, birth)}
    marks: set[int] = set()
    for kind, of_kind in values.items():
        marks.update(made[kind, value] for value in of_kind if (kind, value) in made)
        fresh = [value for value in of_kind if (kind, value) not in made]
        marks.update(short_marks(ring, kind, fresh, exercise=exercise).values())
    return {"person_id": str(person_id), "marks": sorted(marks), "key_id": ring.current, "way": WAY}


def merged(people: Sequence[Person]) -> Person:
    """Several records as the one person they are: the survivor's, its gaps filled from those changed last.

    ``people``: the survivor first. Whoever must not be texted in one of them, must not be; needs add up.
    """
    first = people[0]
    known: dict[str, Any] = {
        field: next((getattr(one, field) for one in people if getattr(one, field) is not None), None)
        for field in ("name", "alias", "usual_place", "line_user_id", "sex", "mobility", "quiet_from", "quiet_until")
    }
    births = [one.birth for one in people if one.birth is not None]
    return replace(
        first,
        birth=max(births, key=lambda birth: birth.exactness) if births else None,
        needs=tuple(sorted({need for one in people for need in one.needs})),
        may_be_texted=all(one.may_be_texted for one in people),
        **known,
    )


def address_rows(ring: Keyring, person_id: UUID, told: Iterable[Address], on: date) -> list[Doc]:
    rows: list[Doc] = []
    for address in told:
        row_id = new_id()
        detail = hexed(ring.seal(address.detail, "address", row_id, "detail")) if address.detail else None
        rows.append({
            "id": str(row_id),
            "person_id": str(person_id),
            "kind": address.kind,
            "area_code": address.area_code,
            "detail": detail,
            "key_id": ring.current if detail else None,
            "since_on": day(on),
        })  # fmt: skip
    return rows


def identifier_row(
    ring: Keyring,
    person_id: UUID,
    held: Held,
    source: Source,
    *,
    verified: bool = False,
    since_on: date | None = None,
    until_on: date | None = None,
) -> Doc:
    row_id, value = new_id(), held.identifier.value
    kind = kind_of("number", exercise=source.exercise)
    return {
        "id": str(row_id),
        "person_id": str(person_id),
        "kind": held.identifier.kind,
        "issuer": held.issuer,
        "value": hexed(ring.seal(value, "identifier", row_id, "value")) if value else None,
        "blind": hexed(ring.mark(kind, held.key)) if value else None,
        "key_id": ring.current if value else None,
        "verified": verified,
        "source": source.code,
        "source_call_id": source.call_id,
        "since_on": day(since_on or source.on),
        "until_on": day(until_on),
    }


def contact_rows(ring: Keyring, person_id: UUID, told: Described, source: Source) -> list[Doc]:
    kind = kind_of("phone", exercise=source.exercise)
    rows: list[Doc] = []
    for phone in told.phones:
        row_id = new_id()
        rows.append({
            "id": str(row_id),
            "person_id": str(person_id),
            "relation": phone.relation,
            "value": hexed(ring.seal(phone.e164, "contact", row_id, "value")),
            "name": hexed(ring.seal(phone.name, "contact", row_id, "name")) if phone.name else None,
            "blind": hexed(ring.mark(kind, phone.e164)),
            "key_id": ring.current,
            "source_call_id": source.call_id,
            "since_at": source.at,
        })  # fmt: skip
    return rows


def membership_rows(person_id: UUID, groups: Iterable[str], source: Source) -> list[Doc]:
    return [
        {
            "id": str(new_id()),
            "person_id": str(person_id),
            "group_code": group,
            "source": source.code,
            "source_call_id": source.call_id,
            "protected": source.protected or group in SENSITIVE_GROUPS,
            "from_on": day(source.on),
        }
        for group in sorted(set(groups))
    ]


def disclosure_of(groups: Iterable[str]) -> str:
    """Members of a secret group are secret from the first moment."""
    return "restricted" if SECRET_GROUPS.isdisjoint(groups) else "secret"


def new_person(
    ring: Keyring, person_id: UUID, area: str, told: Described, source: Source, *, number: bool = True,
    made: Mapping[tuple[str, str], int] = NONE_MADE, **more: Any,
) -> Writing:  # fmt: skip
    """Everything to be written of a new person; their numbers only where those are nobody else's.

    ``made``: marks made already, see :func:`mark_row`.
    """
    return Writing(
        person=[person_row(ring, person_id, area, told, source, **more)],
        keys=key_rows(ring, person_id, told.name, told.alias, exercise=source.exercise),
        identifiers=[identifier_row(ring, person_id, held, source) for held in told.held] if number else [],
        contacts=contact_rows(ring, person_id, told, source),
        memberships=membership_rows(person_id, told.groups, source),
        marks=[mark_row(ring, person_id, told.name, told.alias, told.birth, exercise=source.exercise, made=made)],
        addresses=address_rows(ring, person_id, told.addresses, source.on),
    )


def own_phone(told: Described) -> str | None:
    return next((phone.e164 for phone in told.phones if phone.relation == SELF), None)
