"""What is known of a person, brought to one form: names, numbers, birth. Pure: no database, no clock.

Nothing here is required of anybody. A person without number, name or date of birth is a person all the same, and
has a record that can be found by the calls made for them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from pydantic import TypeAdapter

from shared.codes.codes import code_list
from shared.events.intake import Caller, Patient
from shared.refusal import Refusal
from shared.thai.dates import Age, age, birth_year_of
from shared.thai.identifiers import Identifier, read_identifier
from shared.thai.names import NameKey, name_key
from shared.thai.text import tidy

SELF = "self"
SECRET_GROUPS = frozenset(item.code for item in code_list("group").items if item.secret)
"""Whose members are secret."""
PASSING_NEEDS = frozenset({"infection_precaution"})
"""Needs of one journey, which must not follow the person into the next."""


@dataclass(frozen=True, slots=True)
class Birth:
    """``on`` where the day is known, else the (Christian) ``year`` alone; ``estimated`` when it comes from an age."""

    year: int
    on: date | None = None
    estimated: bool = False

    def packed(self) -> str:
        """One sealed field: ``1950-02-03``, ``1950``, or ``~1950`` for an estimate."""
        if self.on is not None:
            return self.on.isoformat()
        return f"{'~' if self.estimated else ''}{self.year:04d}"

    @classmethod
    def unpacked(cls, text: str) -> Birth:
        if len(text) == len("1950-02-03"):
            on = date.fromisoformat(text)
            return cls(on.year, on)
        return cls(int(text.lstrip("~")), estimated=text.startswith("~"))

    def age(self, today: date) -> Age | None:
        """The age on a day; None where it would be impossible."""
        try:
            return age(today, birth_date=self.on, birth_year=None if self.on else self.year)
        except Refusal:
            return None

    def says_more_than(self, other: Birth | None) -> bool:
        """A day says more than a year, a year more than an estimate."""
        return other is None or self.exactness > other.exactness

    @property
    def exactness(self) -> int:
        return 2 if self.on is not None else int(not self.estimated)


@dataclass(frozen=True, slots=True)
class Held:
    """An identifier with who gave it out; ``issuer`` matters for passports and is part of what makes two equal."""

    identifier: Identifier
    issuer: str = ""

    @property
    def key(self) -> str:
        return f"{self.identifier.kind}|{self.issuer}|{self.identifier.value}"


@dataclass(frozen=True, slots=True)
class Phone:
    """A number by which the person can be reached: ``relation`` says whose it is."""

    e164: str
    relation: str = SELF
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """``kind``: ``registered`` or ``current``; the smallest area that is known, and the rest as people write it."""

    kind: str
    area_code: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """A person as somebody described them."""

    name: str | None = None
    alias: str | None = None
    held: tuple[Held, ...] = ()
    birth: Birth | None = None
    sex: str | None = None
    phones: tuple[Phone, ...] = ()
    line_user_id: str | None = None
    language: str | None = None
    mobility: str | None = None
    needs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    usual_place: str | None = None
    """Where whoever has no home is mostly found."""
    addresses: tuple[Address, ...] = ()

    @property
    def key(self) -> NameKey:
        return name_key(self.name or "")

    @property
    def full_name(self) -> str | None:
        """The key of given and family name; a given name alone tells too little to recognise anybody by."""
        key = self.key
        return key.text if key.given and key.family else None

    @property
    def tells_something(self) -> bool:
        """Whether anything at all is known: an entry that only says "one more person" makes no record."""
        own_phone = any(phone.relation == SELF for phone in self.phones)
        facts = (
            self.name,
            self.alias,
            self.held,
            self.birth,
            self.sex,
            self.mobility,
            self.needs,
            self.groups,
            own_phone,
        )
        return any(facts)


_DESCRIBED = TypeAdapter(Described)


def packed(told: Described) -> str:
    """What was told, as one text to be sealed."""
    return _DESCRIBED.dump_json(told, exclude_defaults=True).decode()


def unpacked(text: str) -> Described:
    return _DESCRIBED.validate_json(text)


def birth_of(
    on: date | None, year: int | None, age_years: int | None, told_on: date, *, estimated: bool = False
) -> Birth | None:
    """The most exact that is known. What is impossible counts as unknown, for nobody is refused for it."""
    try:
        if on is not None:
            return Birth(on.year, on) if age(told_on, birth_date=on) else None
        if year is not None:
            return Birth(year, estimated=estimated) if age(told_on, birth_year=year) else None
        if age_years is not None:
            return Birth(birth_year_of(age_years, told_on), estimated=True)
    except Refusal:
        pass
    return None


def of_patient(
    patient: Patient, caller: Caller, told_on: date, relations: Collection[str], *, first: bool = True
) -> Described:
    """What a call tells of one of its patients. ``relations`` are the codes by which a caller may be called.

    Whoever calls for themselves is the ``first`` patient of the call.
    """
    own = first and caller.relation == SELF
    name = tidy(patient.name or (caller.name if own else None) or "") or None
    return Described(
        name=name,
        held=_held(patient.national_id),
        birth=birth_of(patient.birth_on, patient.birth_year, patient.age, told_on),
        sex=patient.sex,
        phones=_phones(caller, relations, own=own),
        line_user_id=caller.line_user_id if own else None,
        language=caller.language if own else None,
        mobility=patient.mobility,
        needs=tuple(need for need in patient.needs if need not in PASSING_NEEDS),
        groups=patient.groups,
    )


def _held(national_id: str | None) -> tuple[Held, ...]:
    try:
        identifier = read_identifier(national_id or "")
    except Refusal:
        return ()
    return (Held(identifier),) if identifier.value else ()


def _phones(caller: Caller, relations: Collection[str], *, own: bool) -> tuple[Phone, ...]:
    """The caller's number. A short code (1669, a ward's extension) belongs to nobody."""
    if caller.phone is None or not caller.phone.startswith("+"):
        return ()
    if own:
        return (Phone(caller.phone),)
    relation = caller.relation
    known = relation is not None and relation != SELF and relation in relations
    return (Phone(caller.phone, relation if known and relation else "other", caller.name),)
