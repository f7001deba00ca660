"""``karuna keys``: the key is changed by commands, each refused while somebody or something is not ready for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from karuna import keys as command
from karuna.main import app
from services.registry import keys
from services.registry.rotation import seal_again, tell_keys
from shared.crypto import Keyring
from tests.harness import Running
from tests.patience import PATIENCE_S
from tests.registry.conftest import Call, add, cid, read, search

OLD = "a2FydW5hLXRlc3Qta2V5LTMyLWJ5dGVzLWxvbmchISE="


@pytest.fixture(autouse=True)
def _the_old_key_afterwards() -> Iterator[None]:
    yield
    keys.use(Keyring.of(OLD))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "field.key"
    path.write_text(OLD)
    return path


def ring_in(file: Path) -> Keyring:
    return Keyring.of(file.read_text())


async def how(registry: Running, file: Path) -> command.Standing:
    return await command.standing(registry.runtime.settings.database_url.get_secret_value(), command.known(file))


@asynccontextmanager
async def process(registry: Running, file: Path) -> AsyncIterator[None]:
    """A process that was started now: it knows the keys which the file has now."""
    keys.use(ring_in(file))
    before = len((await how(registry, file)).processes)
    told = asyncio.create_task(tell_keys(registry.runtime))
    async with asyncio.timeout(PATIENCE_S):
        while len((await how(registry, file)).processes) == before:
            await asyncio.sleep(0)
    yield
    told.cancel()
    with suppress(asyncio.CancelledError):
        await told
    async with asyncio.timeout(PATIENCE_S):
        while len((await how(registry, file)).processes) > before:
            await asyncio.sleep(0)


async def test_a_key_is_changed_by_commands(registry: Running, file: Path, tmp_path: Path) -> None:
    person_id = await add(registry, name="นางสมศรี ใจดี", national_id=cid(1), phone="0812345678", birth_year=1950)
    await Call(registry).received()
    was = await read(registry, f"/v1/persons/{person_id}")
    async with process(registry, file):
        assert command.rotate(file, await how(registry, file)) == (command.Step.BEHIND, 2)
        assert ring_in(file).ids == (1, 2)
        with pytest.raises(command.TooEarly, match="1 registry processes do not know key 2"):
            command.rotate(file, await how(registry, file))
    async with process(registry, file):
        assert command.rotate(file, await how(registry, file)) == (command.Step.FRONT, 2)
        assert ring_in(file).ids == (2, 1)
        with pytest.raises(command.TooEarly, match="still seals with key 1"):
            command.retire(file, await how(registry, file), 1, tmp_path / "old.key")
    async with process(registry, file):
        now = await how(registry, file)
        assert [(sorted(each.knows), each.seals) for each in now.processes] == [([1, 2], 2)]
        assert now.rows_of(1) > 3
        assert now.rows_of(2) == 0
        with pytest.raises(command.TooEarly, match=f"{now.rows_of(1)} rows are still under key 1"):
            command.retire(file, now, 1, tmp_path / "old.key")
        await seal_again(registry.runtime.pool, keys.ring(), pause_s=0)
        sealed = await how(registry, file)
        assert sealed.rows_of(1) == 0
        assert sealed.rows[2] == now.rows[1], "the same rows, table by table"
        with pytest.raises(command.TooEarly, match="key 2 is the one that seals"):
            command.retire(file, sealed, 2, tmp_path / "old.key")
        with pytest.raises(command.TooEarly, match="retire the older key first"):
            command.rotate(file, sealed)
        command.retire(file, sealed, 1, tmp_path / "old.key")
    assert ring_in(file).ids == (2,)
    assert ring_in(tmp_path / "old.key").ids == (1,), "backups made before need it"
    async with process(registry, file):
        assert [one["id"] for one in await search(registry, national_id=cid(1))] == [str(person_id)]
        assert await read(registry, f"/v1/persons/{person_id}") == was


async def test_every_sealed_column_is_counted(registry: Running, file: Path) -> None:
    await add(registry, name="มานี", alias="ป้าแดง", addresses={"current": {"detail": "12 หมู่ 3"}})
    rows = (await how(registry, file)).rows[1]
    assert rows["person"] == 2, "a name and an alias"
    assert rows["address"] == 1
    await registry.sql("update address set key_id = 7")
    assert (await how(registry, file)).rows[7] == {"address": 1}


def test_the_commands_say_what_to_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def found(_: str, ids: tuple[int, ...]) -> command.Standing:
        return command.Standing(ids, {1: {"person": 3}}, ())

    monkeypatch.setattr(command, "standing", found)
    home = tmp_path / "home"
    (home / "keys").mkdir(parents=True)
    (home / "keys" / "field.key").write_text(OLD)
    run = CliRunner().invoke
    assert "3 person" in run(app, ["keys", "status", "--home", str(home)]).output
    for said in ("stands behind", "stands in front"):
        result = run(app, ["keys", "rotate", "--home", str(home)])
        assert result.exit_code == 0, result.output
        assert said in result.output
        assert "restart every registry process" in result.output
        assert OLD not in result.output, "no key is ever printed"
    result = run(app, ["keys", "retire", "1", "--keep", str(tmp_path / "old.key"), "--home", str(home)])
    assert isinstance(result.exception, command.TooEarly)
