"""Changing the key: everything sealed under an older one is sealed again, a few rows at a time, while work goes on.

How: put the new key *behind* the old one in the setting and restart every process (``1:…,2:…``: all can read both);
then put it in front (``2:…,1:…``) and restart again. This job walks over the rows; when the figure
``karuna_registry_rows_under_old_keys`` is 0, the old key is taken out of the setting and destroyed. Backups made
before need it, so it is kept with them. ``karuna keys`` does these steps and refuses one that is too early: each
process says in the database which keys it knows (:func:`tell_keys`).
Whoever is marked by an older way of marking names is marked anew, too.
"""

from __future__ import annotations

import asyncio

import asyncpg
import structlog
from prometheus_client import Gauge

from services.registry import records
from services.registry.keys import WrongKey, prove, ring
from services.registry.rules.identity import Birth, Held
from services.registry.rules.locations import cell_of, unpacked
from services.registry.store import known, locations, pictures, sealing, told
from services.registry.store.people import Doc, Row, hexed
from shared.crypto import Keyring
from shared.database import AWAY, Connection, Pool, connect
from shared.leader import LockConnection
from shared.service import Runtime
from shared.thai.dates import local_day
from shared.thai.identifiers import Identifier

log = structlog.get_logger()

BATCH = 200
BATCH_OF_PICTURES = 10
"""A few megabytes."""
PAUSE_S = 0.05
"""Between batches: the desk comes first."""
LOOK_AGAIN_S = 3600.0
AWAY_S = 0.5
PERSON_FIELDS = ("name", "birth", "line_user_id", "alias", "usual_place")
OLD_ROWS = Gauge("karuna_registry_rows_under_old_keys", "Rows that are still sealed under an older key")


async def rotate(runtime: Runtime) -> None:
    """A job beside the service, one process at a time."""

    async def lead(connection: LockConnection) -> None:
        while not connection.is_closed():
            await seal_again(runtime.pool, ring())
            await asyncio.sleep(LOOK_AGAIN_S)

    await runtime.leadership.hold("rotate", lead)


async def tell_keys(runtime: Runtime) -> None:
    """A job in every process: as long as it lives, the database knows by a session's locks which keys it has."""
    while True:
        try:
            connection = await connect(runtime.settings.database_url.get_secret_value())
        except AWAY as problem:
            log.warning("keys.database_away", reason=type(problem).__name__)
            await asyncio.sleep(AWAY_S)
            continue
        gone = asyncio.Event()
        connection.add_termination_listener(lambda _, gone=gone: gone.set())
        try:
            await prove(connection, ring())
            await sealing.hold_keys(connection, ring().ids)
            await gone.wait()
        except WrongKey:  # the database was away when we started, or is another one now
            if runtime.server is not None:
                runtime.server.should_exit = True
            raise
        except AWAY as problem:
            log.warning("keys.untold", reason=type(problem).__name__)
            await asyncio.sleep(AWAY_S)
        finally:
            connection.terminate()


async def seal_again(pool: Pool, keys: Keyring, *, pause_s: float = PAUSE_S) -> int:
    """Seal everything under the current key; returns how many rows were changed."""
    done = 0
    async with pool.acquire() as db:
        left = await sealing.count_old(db, keys.current_head, keys.current, records.WAY)
        left += await locations.count_old(db, keys.current) + await told.count_old(db, keys.current)
        left += await known.count_old(db, keys.current) + await pictures.count_old(db, keys.current)
    OLD_ROWS.set(left)
    if left:
        log.info("rotation.begun", rows=left, key=keys.current)
    while left:
        async with pool.acquire() as db, db.transaction():
            changed = await _batch(db, keys)
        done += changed
        OLD_ROWS.set(max(0, left - done))
        if not changed:
            break
        await asyncio.sleep(pause_s)
    if done:
        log.info("rotation.done", rows=done, key=keys.current)
    return done


async def _batch(db: Connection, keys: Keyring) -> int:
    await sealing.begin(db)
    persons = await sealing.old_persons(db, keys.current_head, keys.current, records.WAY, BATCH)
    if persons:
        await _seal_persons(db, keys, persons)
    identifiers = await sealing.old_identifiers(db, keys.current, BATCH)
    if identifiers:
        await sealing.seal_identifiers(db, [_identifier(keys, row) for row in identifiers])
    contacts = await sealing.old_contacts(db, keys.current, BATCH)
    if contacts:
        await sealing.seal_contacts(db, [_contact(keys, row) for row in contacts])
    seen = await locations.old_locations(db, keys.current, BATCH)
    if seen:
        again = [_location(keys, row) for row in seen]
        await locations.seal_locations(db, [row for row, _ in again], [cell for _, cell in again])
    texts = await told.old(db, keys.current, BATCH)
    await told.put(db, [_text(keys, row) for row in texts])
    versions = await known.old(db, keys.current, BATCH)
    await known.seal(db, [_version(keys, row) for row in versions])
    drawn = await pictures.old(db, keys.current, BATCH_OF_PICTURES)
    for row in drawn:
        place = ("picture", row["id"], "image")
        sealed_anew = keys.seal_bytes(keys.open_bytes(row["image"], *place), *place)
        await pictures.seal(db, row["id"], sealed_anew, keys.current)
    places = 0
    for table in sealing.OLD_PLACES:
        rows = await sealing.old_places(db, table, keys.current, BATCH)
        if rows:
            sealed = [
                {**_again(keys, row, table, ("detail",)), "id": str(row["id"]), "key_id": keys.current} for row in rows
            ]
            await sealing.seal_places(db, table, sealed)
        places += len(rows)
    done = (persons, identifiers, contacts, seen, texts, versions, drawn)
    return sum(map(len, done)) + places


async def _seal_persons(db: Connection, keys: Keyring, rows: list[asyncpg.Record]) -> None:
    docs, names, marks = [], [], []
    for row in rows:
        name = records.opened_value(row, keys, "person", "name")
        birth = records.opened_value(row, keys, "person", "birth")
        docs.append({"id": str(row["id"]), **_again(keys, row, "person", PERSON_FIELDS)})
        alias = records.opened_value(row, keys, "person", "alias")
        names += records.key_rows(keys, row["id"], name, alias, exercise=row["exercise"])
        known = Birth.unpacked(birth) if birth else None
        marks.append(records.mark_row(keys, row["id"], name, alias, known, exercise=row["exercise"]))
    await sealing.seal_persons(db, docs, names, marks)


def _identifier(keys: Keyring, row: Row) -> Doc:
    value = records.opened_value(row, keys, "identifier") or ""
    held = Held(Identifier(row["kind"], value), row["issuer"])
    blind = keys.mark(records.kind_of("number", exercise=row["exercise"]), held.key)
    return {
        "id": str(row["id"]),
        **_again(keys, row, "identifier", ("value",)),
        "blind": hexed(blind),
        "key_id": keys.current,
    }


def _contact(keys: Keyring, row: Row) -> Doc:
    phone = records.opened_value(row, keys, "contact") or ""
    blind = keys.mark(records.kind_of("phone", exercise=row["exercise"]), phone)
    return {
        "id": str(row["id"]),
        **_again(keys, row, "contact", ("value", "name")),
        "blind": None if row["blind"] is None else hexed(blind),
        "key_id": keys.current,
    }


def _location(keys: Keyring, row: Row) -> tuple[Doc, Doc]:
    """The observation, and the cell of whoever's whereabouts it is."""
    packed = records.opened_value(row, keys, "location", "point") or ""
    day = local_day(row["observed_at"]).isoformat()
    once = f"{row['person_id']}|{row['use']}|{row['source']}|{row['seen_by']}|{packed}|{day}"
    cell = keys.mark(records.kind_of("cell", exercise=row["exercise"]), cell_of(unpacked(packed)))
    sealed = {
        "id": str(row["id"]),
        **_again(keys, row, "location", ("point", "photo")),
        "once": hexed(keys.mark("location", once)),
        "key_id": keys.current,
    }
    standing = {"location_id": str(row["id"]), "point": sealed["point"], "cell": hexed(cell), "key_id": keys.current}
    return sealed, standing


def _text(keys: Keyring, row: Row) -> Doc:
    place = ("told", row["owner_id"], row["field"])
    value = keys.seal(keys.open(row["value"], *place), *place)
    return {**dict(row), "value": hexed(value), "key_id": keys.current}


def _version(keys: Keyring, row: Row) -> Doc:
    """A version of a row as it was known, its sealed fields under the current key."""
    doc = dict(row["doc"])
    for field in known.SEALED[row["kind"]]:
        if doc[field] is not None:
            place = (row["kind"], row["row_id"], field)
            doc[field] = hexed(keys.seal(keys.open(bytes.fromhex(doc[field][2:]), *place), *place))
    return {**dict(row), "doc": doc, "key_id": keys.current}


def _again(keys: Keyring, row: Row, table: str, fields: tuple[str, ...]) -> Doc:
    """These columns, opened and sealed under the current key."""
    opened = {field: records.opened_value(row, keys, table, field) for field in fields}
    return {
        field: None if value is None else hexed(keys.seal(value, table, row["id"], field))
        for field, value in opened.items()
    }
