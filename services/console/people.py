"""Who is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from shared.auth import Caller, Role


@dataclass(frozen=True, slots=True)
class Person:
    """The person behind a request: one role at a time, in the language they read.

    ``agency_id``: of which agency they are; None is the municipality itself. ``places``: codes of the area tree to
    which the account is held; none is the whole municipality.
    """

    account_id: UUID
    session_id: UUID
    login: str
    name: str
    role: Role
    roles: tuple[Role, ...]
    areas: tuple[str, ...]
    crew_id: UUID | None
    csrf: str
    lang: str
    must_change: bool = False
    agency_id: UUID | None = None
    places: tuple[str, ...] = ()

    @property
    def area(self) -> str | None:
        """The municipality they work in: the first that is not ``*``."""
        return next((area for area in self.areas if area != "*"), None)

    def sees(self, area: str) -> bool:
        return "*" in self.areas or area in self.areas


def caller_of(person: Person, purpose: str | None = None) -> Caller:
    """Who acts or looks, for the console's own audit."""
    return Caller(person.login, person.role, frozenset(person.areas), purpose=purpose)
