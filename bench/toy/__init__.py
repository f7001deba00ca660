"""Two services with nothing in them but the core: what one says takes effect in the other, and both keep the time."""

from __future__ import annotations

from time import monotonic_ns
from typing import Any

from shared.events.base import Event, Origin, Part
from shared.heard import Hears, Message
from shared.service import Service
from shared.settings import Settings
from shared.work import Work, new_id

TEXT = "ผู้ป่วยหายใจลำบาก อยู่บ้านสวนหลังตลาดเก่า ใกล้ศาลาประชาคม มีลูกสาวรอหน้าบ้าน"


class Benched(Event, type="intake.call.benched.v1"):
    """About as large as a real call: 800 to 900 bytes on the wire."""

    value: int

    class Private(Part):
        text: str

    private: Private


WRITE_STATE = "insert into state (id, value, body) values ($1, $2, $3)"
WRITE_EFFECTS = "insert into effect (id, value) select * from unnest($1::uuid[], $2::bigint[])"

took_effect: list[tuple[int, int]] = []
"""Value and time, kept by the hearer as soon as the effect is committed."""


async def change_and_say(work: Work, value: int) -> None:
    """One change of state and its event."""
    aggregate_id = new_id()
    await work.db.execute(WRITE_STATE, aggregate_id, value, TEXT)
    work.say(aggregate_id, Benched(value=value, private=Benched.Private(text=TEXT)), Origin("bench", aggregate_id))


async def take_effect(work: Work, message: Message) -> None:
    """As the registry keeps histories: what many messages of a group add is written together."""
    value = message.event.value
    work.gather(_write_effects, (message.id, value))
    work.then(lambda: took_effect.append((value, monotonic_ns())))


async def _write_effects(work: Work, rows: list[Any]) -> None:
    await work.db.execute(WRITE_EFFECTS, *map(list, zip(*rows, strict=True)))


SPEAKER = Service(name="intake", settings=Settings, routers=[], hears=[])
HEARER = Service(name="registry", settings=Settings, routers=[], hears=[Hears(Benched, take_effect)])
