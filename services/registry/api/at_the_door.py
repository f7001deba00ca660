"""Of somebody to whom a volunteer or a crew is sent: what is needed at the door, and no more."""

from __future__ import annotations

from uuid import UUID

from services.registry import records, views
from services.registry.api.plans_models import HomeShown, WhomToVisit
from services.registry.keys import ring
from services.registry.store.people import Row
from services.registry.store.plans import AtTheDoor
from services.registry.verbs.locations import point_of
from shared.thai.dates import local_day
from shared.work import now_utc


def whom(person_id: UUID, known: AtTheDoor) -> WhomToVisit:
    """Enough to find the door and the right person: what a visit and a task need."""
    person = records.merged([records.opened(row, ring()) for row in known.records])
    return WhomToVisit(
        id=person_id, name=person.name, alias=person.alias, age=views.age_of(person.birth, local_day(now_utc())),
        sex=person.sex, mobility=person.mobility, needs=list(person.needs), usual_place=person.usual_place,
        addresses=[views.address(row) for row in known.addresses],
        contacts=[views.contact(row) for row in known.contacts], home=_home(known.homes),
    )  # fmt: skip


def _home(homes: list[Row]) -> HomeShown | None:
    if not homes:
        return None
    point = point_of(homes[0])
    return HomeShown(lon=point.lon, lat=point.lat, verified=homes[0]["verified"])
