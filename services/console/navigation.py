"""Which screens there are, and whose they are: one table for the menu, the gates and the test of roles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from shared.auth import Role

DESK = frozenset({Role.CALL_TAKER, Role.DISPATCHER, Role.SUPERVISOR})
"""Who sees names, numbers and places of open calls."""

KEEPERS = frozenset({Role.DISPATCHER, Role.SUPERVISOR, Role.ADMIN})
"""Who keeps the fleet: rosters, beds, waste, equipment."""

READERS = frozenset({Role.CALL_TAKER, Role.DISPATCHER, Role.SUPERVISOR, Role.CASE_MANAGER, Role.REGISTRY_OFFICER})
"""Who may search for a person."""

REGISTRARS = frozenset({Role.CALL_TAKER, Role.SUPERVISOR, Role.CASE_MANAGER, Role.REGISTRY_OFFICER})
"""Who writes somebody down who is not in the register."""

GOERS = frozenset({Role.CREW, Role.VOLUNTEER})
"""Who is sent: with a vehicle, or to somebody's home."""

CARERS = frozenset({Role.SUPERVISOR, Role.CASE_MANAGER, Role.REGISTRY_OFFICER})
"""Who cares for people over time: cases, visits, links, what agencies may see."""

REGISTER = frozenset({Role.SUPERVISOR, Role.REGISTRY_OFFICER})
"""Who keeps the register itself: which records are one person's."""

SETS_UP = frozenset({Role.SUPERVISOR, Role.ADMIN})
"""Who makes agencies and agreements."""

SHARERS = CARERS | {Role.ADMIN, Role.AUDITOR}
"""Who sees what other agencies may see."""

LEARNERS = frozenset(Role) - {Role.PARTNER}
"""Who reads lessons: everybody of the municipality."""

RESCUERS = CARERS | {Role.DISPATCHER}
"""Who asks which people live near something, to bring them out."""

COUNTERS = CARERS | {Role.AUDITOR, Role.ADMIN}
"""Who sees how many people lack what; who they are is for carers."""


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the menu; its name is the text ``base.go_<key>``."""

    key: str
    path: str
    roles: frozenset[Role]
    agencies: bool = False
    """Whether people of other agencies have it as well."""
    whole: bool = False
    """The work of the whole municipality: not of an account that is held to places."""

    def is_for(self, role: Role, agency_id: UUID | None, *, held: bool) -> bool:
        return role in self.roles and (self.agencies or agency_id is None) and not (held and self.whole)


PLACES = (
    Place("desk", "/desk", DESK),
    Place("board", "/board", DESK | {Role.AUDITOR}),
    Place("rides", "/rides", DESK),
    Place("fleet", "/fleet", DESK | {Role.ADMIN}),
    Place("crew", "/crew", GOERS),
    Place("visits", "/visits", GOERS),
    Place("people", "/people", READERS, agencies=True),
    Place("cases", "/cases", CARERS, agencies=True),
    Place("messages", "/messages", DESK | {Role.CASE_MANAGER, Role.AUDITOR}, whole=True),
    Place("reports", "/reports", DESK | {Role.CASE_MANAGER, Role.AUDITOR, Role.ADMIN}),
    Place("admin", "/admin", frozenset({Role.ADMIN, Role.SUPERVISOR, Role.AUDITOR})),
)  # fmt: skip


SECTIONS = {
    "people": (
        Place("search", "/people", READERS, agencies=True),
        Place("duplicates", "/people/duplicates", REGISTER),
        Place("imports", "/people/imports", REGISTER, whole=True),
        Place("visits", "/people/visits", CARERS),
        Place("gaps", "/people/gaps", COUNTERS),
        Place("near", "/people/near", RESCUERS),
        Place("community", "/people/community", READERS),
        Place("proposals", "/people/proposals", CARERS),
        Place("withdrawals", "/people/withdrawals", CARERS, agencies=True),
        Place("glass", "/people/glass", frozenset({Role.SUPERVISOR})),
        Place("sharing", "/sharing", SHARERS, agencies=True),
    ),
    "cases": (
        Place("list", "/cases", CARERS),
        Place("tasks", "/cases/tasks", CARERS, agencies=True),
        Place("groups", "/cases/groups", CARERS),
        Place("reviews", "/cases/reviews", CARERS),
        Place("lessons", "/cases/lessons", LEARNERS),
    ),
}
"""Screens beside each other under one entry of the menu, as tabs; a tab's name is the text ``<entry>.go_<key>``."""


def sections(entry: str, role: Role, agency_id: UUID | None = None, *, held: bool = False) -> list[Place]:
    """The tabs of an entry of the menu that a role has, in their order."""
    return [place for place in SECTIONS[entry] if place.is_for(role, agency_id, held=held)]


def stands_under(entry: Place, path: str) -> bool:
    """Whether a page belongs to an entry of the menu: below its own address, or below a tab's."""
    homes = (entry.path, *(tab.path for tab in SECTIONS.get(entry.key, ())))
    return any(path == home or path.startswith(f"{home}/") for home in homes)


def navigation(role: Role, agency_id: UUID | None = None, *, held: bool = False) -> list[Place]:
    """The menu of a role, in its order; an entry leads to the first of its tabs that they have."""
    own = [place for place in PLACES if place.is_for(role, agency_id, held=held)]
    tabs = {place.key: sections(place.key, role, agency_id, held=held) for place in own if place.key in SECTIONS}
    return [replace(place, path=tabs[place.key][0].path) if tabs.get(place.key) else place for place in own]


def roles_of(key: str) -> frozenset[Role]:
    """Whose a screen is.

    Raises:
        KeyError: there is no such screen.

    """
    return {place.key: place.roles for place in PLACES}[key]
