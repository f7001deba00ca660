"""Streams and durables are as declared; provisioning again changes nothing, and drift is found and healed."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from karuna.platform.provision import ServerRefused, call, provision
from shared.streams import DURABLES, STREAMS, internal_subject
from tests.patience import PATIENCE_S
from tests.platform_fixtures import Broker


async def test_everything_declared_is_made_and_a_second_time_changes_nothing(streams: Broker) -> None:
    async with streams.connected("provisioner") as client:
        again = await provision(client)
    assert [finding.state for finding in again] == ["same"] * (len(STREAMS) + len(DURABLES))


async def test_streams_may_become_as_large_as_the_setting_says(
    streams: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KARUNA_STREAM_MAX_BYTES", str(3 << 30))
    async with streams.connected("provisioner") as client:
        await provision(client)
        config = (await call(client, "$JS.API.STREAM.INFO.INTAKE"))["config"]
    assert config["max_bytes"] == 3 << 30


async def test_the_server_syncs_before_it_answers(streams: Broker) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        varz = (await client.get(f"{streams.monitor_url}/varz")).json()
    assert varz["jetstream"]["config"]["sync_always"] is True
    assert varz["max_payload"] == 1 << 20


def kept_in(folder: Path) -> dict[Path, bytes]:
    """Every file below. The server still clears away the streams of earlier tests: what goes meanwhile is not kept."""
    held = {}
    for below, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                held[Path(below, name)] = Path(below, name).read_bytes()
    return held


async def test_what_lies_on_disk_is_encrypted(streams: Broker) -> None:
    subject = internal_subject("kalasin", "intake", "call", uuid4(), "received")
    async with streams.connected("intake") as client:
        await client.jetstream(timeout=PATIENCE_S).publish(subject, b"somchai-canary")
        stored = await client.jetstream(timeout=PATIENCE_S).get_msg("INTAKE", 1)
    assert stored.data == b"somchai-canary"
    held = kept_in(streams.data)
    assert any(file.suffix == ".blk" for file in held)
    assert not [file for file, content in held.items() if b"somchai-canary" in content]


async def test_drift_is_seen_by_the_doctor_and_healed_by_the_provisioner(streams: Broker) -> None:
    async with streams.connected("provisioner") as client:
        config = (await call(client, "$JS.API.STREAM.INFO.INTAKE"))["config"]
        body = json.dumps({**config, "discard": "old", "max_bytes": 1 << 20}).encode()
        await call(client, "$JS.API.STREAM.UPDATE.INTAKE", body)
        await call(client, "$JS.API.CONSUMER.DELETE.NOTIFY.intake")
        foreign = {"stream_name": "NOTIFY", "config": {"durable_name": "stranger", "ack_policy": "explicit"}}
        await call(client, "$JS.API.CONSUMER.CREATE.NOTIFY.stranger", json.dumps(foreign).encode())

        async with streams.connected("doctor") as doctor:
            seen = {f.what: f for f in await provision(doctor, apply=False) if f.drifted}
        assert seen["INTAKE"].state == "differs"
        assert seen["INTAKE"].differences["discard"] == ("old", "new")
        assert seen["NOTIFY/intake"].state == "missing"
        assert seen["NOTIFY/stranger"].state == "unknown"
        assert set(seen) == {"INTAKE", "NOTIFY/intake", "NOTIFY/stranger"}

        healed = {f.what: f.state for f in await provision(client) if f.state != "same"}
        assert healed == {"INTAKE": "updated", "NOTIFY/intake": "created", "NOTIFY/stranger": "unknown"}
        assert [f.what for f in await provision(client) if f.state != "same"] == ["NOTIFY/stranger"]


@pytest.mark.parametrize(
    ("extra", "healed"),
    [
        ({"no_ack": True}, "updated"),  # whoever publishes would never know
        ({"max_msg_size": 100}, "updated"),
        ({"max_consumers": 12}, "updated"),
        ({"republish": {"src": "internal.>", "dest": "told.>"}}, "updated"),
        ({"allow_msg_ttl": True}, "refuses"),
        ({"sealed": True}, "refuses"),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else given,
)
async def test_what_nobody_asked_a_stream_for_is_drift_by_its_name(
    streams: Broker, extra: dict[str, Any], healed: str
) -> None:
    """And one that cannot be healed keeps nobody from the rest: the services start."""
    async with streams.connected("provisioner") as client, streams.connected("doctor") as doctor:
        for name in ("INTAKE", "POSITIONS"):
            config = (await call(client, f"$JS.API.STREAM.INFO.{name}"))["config"]
            body = json.dumps({**config, **extra}).encode()
            with suppress(ServerRefused):  # a stream in memory takes not all of it
                await call(client, f"$JS.API.STREAM.UPDATE.{name}", body)
        await call(client, "$JS.API.CONSUMER.DELETE.NOTIFY.intake")
        seen = {f.what: f for f in await provision(doctor, apply=False) if f.drifted}
        assert set(extra) <= set(seen["INTAKE"].differences)
        assert next(iter(extra)) in seen["INTAKE"].line()
        done = {f.what: f.state for f in await provision(client)}
        assert (done["INTAKE"], done["NOTIFY/intake"]) == (healed, "created")
        assert done["POSITIONS"] in {"same", "updated"}, "nothing in it that is not said again"
        left = {f.what for f in await provision(doctor, apply=False) if f.drifted}
        assert left == ({"INTAKE"} if healed == "refuses" else set())


@pytest.mark.parametrize(
    "extra",
    [{"pause_until": "9999-01-01T00:00:00Z"}, {"headers_only": True}, {"max_batch": 1}, {"inactive_threshold": 10**12}],
    ids=lambda extra: next(iter(extra)),
)
async def test_what_nobody_asked_a_durable_for_is_drift_and_healed(streams: Broker, extra: dict[str, Any]) -> None:
    async with streams.connected("provisioner") as client, streams.connected("doctor") as doctor:
        config = (await call(client, "$JS.API.CONSUMER.INFO.INTAKE.dispatch"))["config"]
        await call(client, "$JS.API.CONSUMER.DELETE.INTAKE.dispatch")
        body = {"stream_name": "INTAKE", "config": {**config, **extra}, "action": "create"}
        await call(client, "$JS.API.CONSUMER.CREATE.INTAKE.dispatch", json.dumps(body).encode())
        seen = {f.what: set(f.differences) for f in await provision(doctor, apply=False) if f.drifted}
        assert seen == {"INTAKE/dispatch": set(extra)}
        assert {f.what: f.state for f in await provision(client) if f.drifted} == {"INTAKE/dispatch": "updated"}
        assert not [f for f in await provision(doctor, apply=False) if f.drifted]
