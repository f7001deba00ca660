"""Is this the same person? One function with few, strong reasons; whatever is less than that makes a new record.

Two records of one person can be linked later. One record of two people gives each the other's history until an officer
takes them apart. So a common name is never enough, a number alone is doubted where all else speaks against it (people
do give their own number for somebody else), and only a number whose document was seen settles it: everything else is
*presumed*, shown so, and waits for an officer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from uuid import UUID

from services.registry.rules.identity import Birth, Described
from services.registry.rules.sounds import near, variants
from shared.thai.names import NameKey

YEARS_APART = 1
"""An age told before or after the birthday moves the estimated year by one."""
AGE_GUESSED_OFF = 10
"""Somebody with the same number whose age was guessed so wrongly is somebody else, where no document was seen."""


class Method(IntEnum):
    """Why they are one, strongest first. The names are codes of the list ``match_method``."""

    DESK = 1
    IDENTIFIER = 2
    NAME_BIRTH_PHONE = 3
    NAME_BIRTH = 4
    NAME_PHONE = 5

    @property
    def code(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A known person who may be meant, and what they share with the description."""

    person_id: UUID
    name: NameKey
    birth: Birth | None
    sex: str | None
    same_identifier: bool = False
    document_seen: bool = False
    """The equal number was compared with its document when it was written down (``identifier.verified``)."""
    other_identifier: bool = False
    """Holds another number of a kind that the description names too."""
    same_phone: bool = False
    chosen: bool = False
    """Somebody at the desk chose this person."""
    survivor_id: UUID | None = None
    """The record that stands for this one's person, where it is linked to another."""

    @property
    def root(self) -> UUID:
        return self.survivor_id or self.person_id


@dataclass(frozen=True, slots=True)
class Verdict:
    """``person_id`` None: a new record. ``doubt``: an officer should look. ``disputed``: the number is another's.

    ``number_known``: somebody holds the number already, so it is not to be written for anybody. ``presumed``: they are
    held for this person until an officer says so. ``owner``: whose the disputed number is.
    """

    person_id: UUID | None = None
    method: Method | None = None
    doubt: bool = False
    disputed: bool = False
    number_known: bool = False
    presumed: bool = False
    owner: UUID | None = None

    @property
    def to_check(self) -> bool:
        return self.presumed or self.doubt


def decide(described: Described, candidates: Iterable[Candidate]) -> Verdict:
    """Who is described: the one candidate for whom the strongest reason speaks."""
    reasons = [(reason(described, candidate), candidate) for candidate in candidates]
    # Of a person's records the one that stands for them comes first; which it is changes nothing for whoever reads.
    found = sorted(
        (method, candidate.person_id != candidate.root, candidate.person_id, candidate.root)
        for method, candidate in reasons
        if method is not None
    )
    owners = [candidate for _, candidate in reasons if candidate.same_identifier]
    theirs = sorted(owner.root for owner in owners if _another_person(described, owner))
    disputed = bool(theirs)
    nobody = Verdict(doubt=disputed, disputed=disputed, number_known=bool(owners), owner=theirs[0] if theirs else None)
    if not found:
        return nobody
    method, _, person_id, root = found[0]
    alike = {other_root for other, _, _, other_root in found if other is method}
    if len(alike) > 1 and method > Method.IDENTIFIER:
        return replace(nobody, doubt=True)
    doubt = disputed or any(owner.root != root or _names_differ(described.key, owner.name) for owner in owners)
    seen = any(owner.document_seen and owner.root == root for owner in owners)
    presumed = method is not Method.DESK and not (method is Method.IDENTIFIER and seen)
    return replace(nobody, person_id=person_id, method=method, doubt=doubt, presumed=presumed)


def reason(described: Described, candidate: Candidate) -> Method | None:
    """The strongest reason to hold them for one, or None."""
    if candidate.chosen:
        return Method.DESK
    if candidate.same_identifier:
        return None if _another_person(described, candidate) else Method.IDENTIFIER
    if candidate.other_identifier or described.full_name is None or described.full_name != candidate.name.text:
        return None
    if _births_contradict(described.birth, candidate.birth) or _sexes_contradict(described.sex, candidate.sex):
        return None
    return _by_name(described.birth, candidate)


def _by_name(birth: Birth | None, candidate: Candidate) -> Method | None:
    both_known = birth is not None and candidate.birth is not None
    if both_known and candidate.same_phone:
        return Method.NAME_BIRTH_PHONE
    if both_known and birth is not None and birth.on is not None and candidate.birth == birth:
        return Method.NAME_BIRTH
    return Method.NAME_PHONE if candidate.same_phone else None


def _another_person(described: Described, candidate: Candidate) -> bool:
    """The number is equal, but all else speaks against it: name, and birth or sex. Where nobody has seen the number's

    document, another name (a misspelt one aside) or another birth is enough.
    """
    if candidate.chosen:
        return False
    differ = _names_differ(described.key, candidate.name)
    sexes = _sexes_contradict(described.sex, candidate.sex)
    if candidate.document_seen:
        return differ and (sexes or _births_contradict(described.birth, candidate.birth))
    births = _births_contradict(described.birth, candidate.birth, AGE_GUESSED_OFF)
    return births or (differ and (sexes or not _sound_alike(described.key.given, candidate.name.given)))


def _sound_alike(one: str, other: str) -> bool:
    keys = [{key for word in variants(given) for key in near(word)} for given in (one, other)]
    return not keys[0].isdisjoint(keys[1])


def _names_differ(one: NameKey, other: NameKey) -> bool:
    """Given names differ. A family name may change by marriage, so it says nothing here."""
    return bool(one.given and other.given) and one.given != other.given


def _births_contradict(one: Birth | None, other: Birth | None, guessed_off: int = YEARS_APART) -> bool:
    if one is None or other is None:
        return False
    if one.on is not None and other.on is not None:
        return one.on != other.on
    return abs(one.year - other.year) > (guessed_off if one.estimated or other.estimated else 0)


def _sexes_contradict(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other
