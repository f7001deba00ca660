"""Backup of a town that goes on, restore into an empty place, and life there: calls, partners, and the erased stay so."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from karuna.accounts import add, lines
from karuna.backup import FILLED
from karuna.up import installation as started
from tests.journeys import looking
from tests.journeys.canary import Canary
from tests.journeys.terminal import command, karuna, listening
from tests.journeys.test_canary import settled
from tests.journeys.test_first_call import CALL
from tests.journeys.town import AREA, SERVICES, Town, eventually, free_home, town_of
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")
BIRD = Canary()
ELSEWHERE: dict[str, Any] = {**CALL, "location": {"lat": 16.6, "lon": 103.8}}


SIGNED_IN = """
insert into session (id, account_id, cookie_hash, csrf, role, device, started_at, seen_at, expires_at)
select gen_random_uuid(), id, '\\x01', 'x', 'dispatcher', 'x', now(), now(), now() + interval '1 day'
from account where login = 'kept-login' returning id
"""


async def test_a_restored_town_goes_on_and_the_erased_stay_erased(town: Town, tmp_path: Path) -> None:
    backup, place = tmp_path / "backup", tmp_path / "place"
    await looking.make_unknown(town.local, BIRD)
    before, bird = await town.take(CALL), await town.take(BIRD.body)
    for call in (before, bird):  # an order left open would be given on, to a crew that this test erases
        await town.drive((await town.trip(call["id"], lambda trip: bool(trip["assignments"])))["assignments"][0]["id"])
    code, said = await karuna(town, "subscriber", "add", "neighbour", "--allow", "karuna.kalasin.dispatch.trip.>")
    assert code == 0, said
    await add(town.local, "kept-login", "คนที่อยู่ต่อ", ["dispatcher"], [AREA], None)
    await town.sql("console", SIGNED_IN)
    async with calls_all_the_time(town):
        code, said = await karuna(town, "backup", str(backup))
        assert code == 0, said
    assert {path.stat().st_mode & 0o777 for path in backup.glob("*.dump")} == {0o600}
    await _what_cannot_be_restored_leaves_nothing(town, backup, tmp_path)
    ledger = await _erased_since(town, tmp_path / "erasures.jsonl")

    async with restored(town, backup, place) as there:
        await settled(there)
        assert await _heard_of_what_was_never_said(there) == []
        assert await _missing_in_streams(there) == {}
        assert any("kept-login" in line for line in await lines(there.local))
        assert await town.sql("console", "select * from session")
        assert await there.sql("console", "select * from session") == [], "everybody signs in again"
        assert await _person(there), "who was erased since is back, until the ledger is applied"
        code, said = await karuna(there, "erasures", "--apply", str(ledger))
        assert (code, "'unknown': 0" in said) == (0, True), said
        await settled(there)
        assert await _person(there) is None
        assert await _left(there) == {}
        await _a_call_past_its_time_leaves_its_people(there, before["id"], ledger)
        await _a_new_call_reaches_a_crew(there, {before["number"], bird["number"]}, ledger)
        await _the_neighbour_hears_until_it_is_removed(there)
        code, said = await karuna(there, "doctor")
        assert code == 0, said

    code, said = await karuna(town, "restore", str(backup), "--home", str(place))
    assert code == 1
    assert "not empty" in said
    await karuna(town, "subscriber", "remove", "neighbour")


async def _what_cannot_be_restored_leaves_nothing(town: Town, backup: Path, folder: Path) -> None:
    """One byte is refused at once; a backup of before, without digests, is warned of, and undone where it breaks."""
    old, home = folder / "old", free_home(folder / "half")
    await asyncio.to_thread(shutil.copytree, backup, old)
    flipped = bytearray((old / "registry.dump").read_bytes())
    flipped[len(flipped) // 2] ^= 0xFF
    (old / "registry.dump").write_bytes(flipped)
    code, said = await command(town, "-m", "karuna", "restore", str(old), "--home", str(home.path))
    assert (code, "registry.dump: เนื้อหาไม่ตรง (other contents)" in said) == (1, True), said
    (old / "manifest.json").unlink()
    figures = json.loads((old / "figures.json").read_text("utf-8"))
    (old / "figures.json").write_text(json.dumps({"tables": figures["tables"]}))
    (old / "registry.dump").write_bytes(flipped[: len(flipped) // 3])
    code, said = await command(town, "-m", "karuna", "restore", str(old), "--home", str(home.path))
    assert code == 1
    assert "before there was a manifest" in said
    assert f"what was restored is removed): {home.path}" in said
    assert [name for name in FILLED if (home.path / name).exists()] == []


@asynccontextmanager
async def calls_all_the_time(town: Town) -> AsyncIterator[None]:
    """Calls that are another's to answer: taken, handed over, heard by every service, and nobody is ordered."""
    taken = 0

    async def go_on() -> None:
        nonlocal taken
        while True:
            await town.take(ELSEWHERE)
            taken += 1

    task = asyncio.create_task(go_on())

    async def begun() -> bool:
        return taken > 0

    try:
        await eventually(begun)
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert taken > 1


async def _erased_since(town: Town, ledger: Path) -> Path:
    """Erase the bird as soon as the call has come to the registry; what ``karuna erasures`` prints is kept."""
    person_id = await eventually(lambda: _person(town))
    await town.ask("registry", "POST", f"/v1/persons/{person_id}/erase", role="registry_officer", body={})
    await settled(town)
    code, said = await command(town, "-m", "karuna", "erasures")
    assert code == 0, said
    assert person_id in said
    await asyncio.to_thread(ledger.write_text, said)
    return ledger


@asynccontextmanager
async def restored(town: Town, folder: Path, place: Path) -> AsyncIterator[Town]:
    """``karuna restore`` into an empty home with ports of its own, and everything started on what it has made."""
    home = free_home(place)
    code, said = await command(town, "-m", "karuna", "restore", str(folder), "--home", str(place))
    assert code == 0, said
    assert "every table has as many rows as were saved" in said
    async with started(home) as local, town_of(local) as made:
        yield made


async def _heard_of_what_was_never_said(town: Town) -> list[Any]:
    """Cursors beyond what the owner has said: its next event would be taken for one that was heard."""
    said: dict[UUID, int] = {}
    for service in SERVICES:
        said |= {row["id"]: row["seq"] for row in await town.sql(service, "select id, seq from aggregate")}
    heard = [row for service in SERVICES for row in await town.sql(service, "select * from cursor")]
    return [row for row in heard if row["seq"] > said.get(row["aggregate_id"], 0)]


async def _missing_in_streams(town: Town) -> dict[str, int]:
    """How many messages each stream lacks of two an event."""
    missing = {}
    for service in SERVICES:
        [row] = await town.sql(service, "select 2 * count(*) as n from event_log")
        missing[service] = row["n"] - len([each async for each in looking.messages(town.local, of=service)])
    return {service: number for service, number in missing.items() if number}


async def _person(town: Town) -> str | None:
    found = await town.ask("registry", "POST", "/v1/persons/search", role="case_manager", body={"name": BIRD.name})
    return found["items"][0]["id"] if found["items"] else None


async def _left(town: Town) -> dict[str, list[str]]:
    """Where the bird still stands."""
    found: dict[str, list[str]] = {}
    async for name, text in looking.tables(town.local):
        found[name] = looking.traces_of(BIRD.needles, text)
    async for subject, text in looking.messages(town.local):
        found[subject] = looking.traces_of(BIRD.needles, text)
    for name, text in looking.logs(town.local).items():
        found[f"log {name}"] = looking.traces_of(BIRD.needles, text)
    return {place: what for place, what in found.items() if what}


async def _a_call_past_its_time_leaves_its_people(town: Town, call_id: str, ledger: Path) -> None:
    """Erased again as it was then, not as if somebody had asked for it."""
    known = [row["person_id"] for row in await town.sql("registry", MATCHED, UUID(call_id))]
    line = json.dumps({"noun": "call", "id": call_id, "erased_at": "2026-01-01T00:00:00+00:00", "by": "system"})
    await asyncio.to_thread(ledger.write_text, line)
    code, said = await karuna(town, "erasures", "--apply", str(ledger))
    assert (code, "'erased': 1" in said) == (0, True), said
    await settled(town)
    assert await town.sql("registry", MATCHED, UUID(call_id)) == [], "nothing of the call is left"
    assert known
    stay = await town.sql("registry", "select id from person where id = any($1) and erased_at is null", known)
    assert {row["id"] for row in stay} == set(known)
    code, said = await command(town, "-m", "karuna", "erasures")
    assert [one["by"] for one in map(json.loads, said.splitlines()) if one["id"] == call_id] == ["system"]


MATCHED = "select person_id from call_person where call_id = $1"


async def _a_new_call_reaches_a_crew(town: Town, taken_before: set[str], ledger: Path) -> None:
    taken = await town.take(CALL)
    assert taken["number"] not in taken_before
    trip = await town.trip(taken["id"], lambda trip: bool(trip["assignments"]))
    assignment = trip["assignments"][0]
    await town.drive(assignment["id"], ("accept", "en_route"))
    line = json.dumps({"noun": "crew", "id": assignment["crew_ids"][0], "erased_at": "2026-01-01T00:00:00+00:00"})
    await asyncio.to_thread(ledger.write_text, line)
    code, said = await karuna(town, "erasures", "--apply", str(ledger))
    assert (code, "'refused': 1" in said) == (1, True), "a crew on a run is erased when it is back"
    await town.drive(assignment["id"], ("at_scene", "left_scene", "at_destination", "clear", "at_base"))
    # It is over for the rider before the crew is back, and only then may the crew be erased.
    await town.trip(taken["id"], lambda trip: "at_base" in trip["assignments"][0]["stamps"])
    code, said = await karuna(town, "erasures", "--apply", str(ledger))
    assert (code, "'erased': 1" in said) == (0, True), said


async def _the_neighbour_hears_until_it_is_removed(town: Town) -> None:
    """A partner of before the backup: its durable is there again, from the beginning, and it can be removed."""
    async with listening(town, "neighbour") as neighbour:
        await neighbour.heard("trip.completed", 2)
        code, said = await karuna(town, "subscriber", "remove", "neighbour")
        assert code == 0, said
        async with asyncio.timeout(PATIENCE_S):
            assert await neighbour.process.wait() != 0
