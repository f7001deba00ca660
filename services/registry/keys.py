"""The keys of this process, set once before it is ready. Handlers have only a transaction, so they ask here.

Two keys may bear the same number: a key file of another installation, or one that was made anew. Under it new people
would be sealed beside the old ones, whom nobody could read any more. So a word is sealed under every key, and whoever
cannot open it ends before it serves anybody.
"""

from __future__ import annotations

from uuid import UUID

import structlog

from services.registry.store import sealing
from shared.crypto import CannotOpen, Keyring
from shared.database import AWAY, Connection, Pool
from shared.service import Runtime
from shared.work import now_utc

log = structlog.get_logger()

WORD = "karuna"
_RINGS: list[Keyring] = []


class WrongKey(RuntimeError):
    """A key has the number of another one, under which this database is sealed."""

    def __init__(self, numbers: list[int]) -> None:
        listed = ", ".join(map(str, numbers))
        super().__init__(
            f"กุญแจ {listed} ใน field.key เปิดข้อมูลที่ปิดผนึกไว้ไม่ได้ ให้นำกุญแจเดิมกลับมา "
            f"(key {listed} in field.key does not open what is sealed: bring the former key back)"
        )


async def prepare(runtime: Runtime) -> None:
    """Read the setting; a wrong one ends the process here, before anything is written.

    Raises:
        BadKey: the setting holds no keys.
        WrongKey: they are not the ones of this database.

    """
    ring = Keyring.of(runtime.settings.field_key.get_secret_value())
    try:
        await prove(runtime.pool, ring)
    except AWAY as problem:  # as soon as it is there, see ``rotation.tell_keys``
        log.warning("keys.unproved", reason=type(problem).__name__)
    use(ring)


async def prove(db: Connection | Pool, ring: Keyring) -> None:
    """Open the word of every key, and leave one under each that has none yet.

    Raises:
        WrongKey: a key does not open what is sealed under its number.

    """
    wrong = await unopened(db, ring)
    if not wrong:
        known = await sealing.words(db, ring.ids)
        for alone in _each(ring):
            if alone.current not in known:
                await sealing.write_word(db, alone.current, alone.seal(WORD, *_place(alone.current)), now_utc())
        wrong = await unopened(db, ring)  # two that start together with different keys: the second one is wrong
    if wrong:
        log.critical("keys.wrong", keys=wrong)
        raise WrongKey(wrong)


async def unopened(db: Connection | Pool, ring: Keyring) -> list[int]:
    """Which keys do not open what is sealed under their number. Only looks."""
    known = await sealing.words(db, ring.ids)
    return [alone.current for alone in _each(ring) if not await _opens(db, alone, known.get(alone.current))]


async def _opens(db: Connection | Pool, alone: Keyring, word: bytes | None) -> bool:
    try:
        if word is not None:
            alone.open(word, *_place(alone.current))
        elif (row := await sealing.somebody(db, alone.current_head)) is not None:
            alone.open(row["name"], "person", row["id"], "name")
    except CannotOpen:
        return False
    return True


def _each(ring: Keyring) -> list[Keyring]:
    return [Keyring((key,)) for key in ring.keys]


def _place(number: int) -> tuple[str, UUID, str]:
    return "key_word", UUID(int=number), "word"


def use(ring: Keyring) -> None:
    _RINGS[:] = [ring]


def ring() -> Keyring:
    return _RINGS[0]
