"""A key that bears the number of another one is found before it seals anybody: at the start, and by the doctor."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from karuna import keys as command
from services.registry import keys
from services.registry.rotation import tell_keys
from shared.crypto import Keyring
from tests.harness import Running
from tests.patience import PATIENCE_S
from tests.registry.conftest import add

OURS = "a2FydW5hLXRlc3Qta2V5LTMyLWJ5dGVzLWxvbmchISE="
ANOTHER = "YW5vdGhlci10ZXN0LWtleS0zMi1ieXRlcy1sb25nISE="


@pytest.fixture(autouse=True)
def _our_key_afterwards() -> Iterator[None]:
    yield
    keys.use(Keyring.of(OURS))


def restarted_with(registry: Running, setting: str) -> None:
    settings = registry.runtime.settings
    registry.runtime.settings = settings.model_copy(update={"field_key": SecretStr(setting)})


async def found(registry: Running, setting: str) -> list[int]:
    """What the doctor sees."""
    return await command.unopened(registry.runtime.settings.database_url.get_secret_value(), setting)


@pytest.mark.parametrize("older", [False, True], ids=["a word", "a database of before, with people"])
async def test_another_key_under_the_same_number_does_not_start(registry: Running, older: bool) -> None:
    if older:
        await add(registry, name="นางสมศรี ใจดี")
        await registry.sql("delete from key_word")
    assert await found(registry, OURS) == []
    assert await found(registry, f"2:{ANOTHER},1:{OURS}") == []
    assert await found(registry, f"2:{OURS},1:{ANOTHER}") == [1]
    assert await found(registry, ANOTHER) == [1]
    restarted_with(registry, ANOTHER)
    with pytest.raises(keys.WrongKey) as refused:
        await keys.prepare(registry.runtime)
    thai, english = str(refused.value).split(" (", 1)
    assert re.search("[ก-๙]", thai)
    assert not re.search("[ก-๙]", english)
    assert ANOTHER not in str(refused.value)
    assert keys.ring().ids == Keyring.of(OURS).ids
    assert await add(registry, name="นายดี มีสุข"), "who runs with the right key goes on"
    restarted_with(registry, OURS)
    await keys.prepare(registry.runtime)


async def test_a_new_key_leaves_its_word_and_keeps_it(registry: Running) -> None:
    restarted_with(registry, f"2:{ANOTHER},1:{OURS}")
    await keys.prepare(registry.runtime)
    assert [row["number"] for row in await registry.sql("select number from key_word order by number")] == [1, 2]
    restarted_with(registry, f"2:{OURS}")
    with pytest.raises(keys.WrongKey, match=re.escape("(key 2 in field.key does not open")):
        await keys.prepare(registry.runtime)
    standing = await command.standing(registry.runtime.settings.database_url.get_secret_value(), (2, 1))
    assert standing.rows_of(1) == 0, "a word keeps no key from being retired"


class Server:
    should_exit = False


async def test_who_started_while_the_database_was_away_ends_as_soon_as_it_is_there(registry: Running) -> None:
    server = registry.runtime.server = Server()  # type: ignore[assignment]
    keys.use(Keyring.of(ANOTHER))
    with pytest.raises(keys.WrongKey):
        async with asyncio.timeout(PATIENCE_S):
            await tell_keys(registry.runtime)
    assert server is not None
    assert server.should_exit
