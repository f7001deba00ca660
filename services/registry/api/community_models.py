"""Bodies and answers of community cards."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from services.registry.answers import Answer, Label
from services.registry.api.locations_models import PointBody
from services.registry.values import Area, AreaCode, Code, Line, PhoneNumber, Short, Word, coded
from shared.errors import TwoTongued
from shared.http import Body

MOST_FOUND = 200


class EntryBody(Body):
    """Something a community can rely on. Who it is: a person of the register, or a name and a phone.

    ``community``: a code or a name; kept by its code in the area tree where it has one. ``point``: where it is
    kept, or who has it lives.
    """

    area: Area | None = None
    community: Short
    kind: Annotated[Code, coded("community_kind")]
    what: Line = None
    count: Annotated[int, Field(ge=1, le=10_000)] = 1
    person_id: UUID | None = None
    name: Line = None
    phone: PhoneNumber = None
    point: PointBody | None = None


class EntrySearch(Body):
    """Who has it: by ``kind``, by ``words`` of what is written (a skill), near a ``point``; one of them at least.

    ``area_code``: on the cards of what lies below it alone.
    """

    area: Area | None = None
    area_code: AreaCode | None = None
    kind: Annotated[Code | None, coded("community_kind")] = None
    words: Word = None
    point: PointBody | None = None
    within_m: Annotated[int, Field(ge=0, le=100_000)] | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_FOUND)] = 50

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.kind is None and self.words is None and self.point is None:
            raise TwoTongued("ระบุชนิด คำค้น หรือจุด", "say a kind, words or a point", "nothing_asked")
        if self.within_m is not None and self.point is None:
            raise TwoTongued("ระยะต้องมีจุด", "a distance needs a point", "no_point")
        return self


class PlaceShown(Answer):
    lon: float
    lat: float


class EntryShown(Answer):
    id: UUID
    area: str
    community: str
    kind: Label
    what: str | None
    count: int
    person_id: UUID | None
    name: str | None
    phone: str | None
    point: PlaceShown | None
    checked_at: datetime


class EntryFound(EntryShown):
    """``distance_m``: from the point that was asked about; null where it is not known where the thing is."""

    distance_m: int | None


class CommunityCard(Answer):
    items: list[EntryShown]
    next: UUID | None


class EntriesFound(Answer):
    """The nearest first; ``more``: not all were answered."""

    items: list[EntryFound]
    more: bool


class OnCard(Answer):
    """Of one kind: how many entries, and how many things those are together."""

    kind: Label
    entries: int
    things: int


class CardShown(Answer):
    """``checked_at``: when the entry was checked that was checked longest ago."""

    area: str
    community: str
    kinds: list[OnCard]
    checked_at: datetime


class Cards(Answer):
    items: list[CardShown]
