"""What an account may be made to be, and by whom: pure rules, so that nobody gives more than they have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from shared.auth import Role

LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
AREA = re.compile(r"\*|[a-z][a-z0-9-]{1,30}")
LONGEST_NAME = 100
NEED_CREW = frozenset({Role.CREW, Role.VOLUNTEER})
"""They see their own unit and trips: the account must say whose."""
PERSONS = tuple(role for role in Role if role is not Role.PARTNER)
"""Roles that sign in here; a partner's system has a token of its own."""

HELD = frozenset({Role.CASE_MANAGER, Role.REGISTRY_OFFICER, Role.VOLUNTEER, Role.CREW})
"""Who may be held to places. All others answer calls, send units, watch or set up: for the whole municipality."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An account as a form asks for it, tidied. ``agency``: the id of another agency whose it is; empty: our own.

    ``places``: codes of the area tree to which it is held; none is the whole municipality.
    """

    login: str
    name: str
    roles: tuple[str, ...]
    areas: tuple[str, ...]
    crew: str
    agency: str = ""
    places: tuple[str, ...] = ()

    @property
    def crew_id(self) -> UUID | None:
        """The member of a crew behind it; None where none is named, or it is no id."""
        return _id(self.crew)

    @property
    def agency_id(self) -> UUID | None:
        return _id(self.agency)


class Rights(Protocol):
    """What an account may do, and where."""

    @property
    def roles(self) -> Sequence[str]: ...
    @property
    def areas(self) -> Sequence[str]: ...
    @property
    def agency_id(self) -> UUID | None: ...
    @property
    def places(self) -> Sequence[str]: ...


def noted(account: Rights) -> dict[str, Any]:
    """What an audit keeps of an account that is made or changed: its rights, never a name or login."""
    detail: dict[str, Any] = {"roles": list(account.roles), "areas": list(account.areas)}
    if account.agency_id is not None:
        detail["agency_id"] = str(account.agency_id)
    return detail | ({"places": list(account.places)} if account.places else {})


def area_of(account: Rights) -> str | None:
    """The municipality under which such a row stands: the first that is not ``*``."""
    return next((each for each in account.areas if each != "*"), None)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def wanted(
    login: str, name: str, roles: Iterable[str], areas: Iterable[str], crew: str, agency: str = "",
    places: Iterable[str] = (),
) -> Wanted:  # fmt: skip
    kept = tuple(role.value for role in PERSONS if role.value in set(roles))
    return Wanted(
        login.strip().lower(), " ".join(name.split()), kept, tuple(dict.fromkeys(filter(None, areas))), crew.strip(),
        agency.strip(), tuple(dict.fromkeys(filter(None, places))),
    )  # fmt: skip


def may_manage(own: Iterable[str], areas: Iterable[str]) -> bool:
    """An administrator of some municipalities manages accounts that reach no further."""
    return "*" in own or set(areas) <= set(own)


def faults(
    asked: Wanted, own_areas: Iterable[str], agencies: Mapping[str, Iterable[str]], places: Iterable[str] = ()
) -> dict[str, str]:
    """Field → the text ``admin.fault_<code>`` that says what is wrong with it; empty where all is well.

    ``agencies``: those whose the account may be, by id, with the municipalities they work with. ``places``: codes to
    which it may be held.
    """
    found: dict[str, str] = {}
    if not LOGIN.fullmatch(asked.login):
        found["login"] = "login"
    if not 0 < len(asked.name) <= LONGEST_NAME:
        found["name"] = "name"
    if not asked.roles:
        found["roles"] = "roles"
    if not asked.areas or not all(AREA.fullmatch(area) for area in asked.areas):
        found["areas"] = "areas"
    elif not may_manage(own_areas, asked.areas):
        found["areas"] = "areas_not_yours"
    needs_crew = any(role in asked.roles for role in NEED_CREW)
    if (asked.crew or needs_crew) and asked.crew_id is None:
        found["crew"] = "crew"
    if asked.agency and asked.agency not in agencies:
        found["agency"] = "agency"
    elif asked.agency and not set(asked.areas) <= set(agencies[asked.agency]):
        found.setdefault("areas", "agency_areas")
    return found | _faults_of_places(asked, places)


def _faults_of_places(asked: Wanted, places: Iterable[str]) -> dict[str, str]:
    if not set(asked.places) <= set(places):
        return {"places": "places"}
    return {"places": "places_roles"} if asked.places and not set(asked.roles) <= HELD else {}
