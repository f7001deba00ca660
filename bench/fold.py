"""``python -m bench fold``: histories and cases from a backlog of everything the other services said about calls.

The events lie in the streams before one registry process starts; the clock runs from the first message it takes to the
last one it acknowledges. Every call brings a patient who is somebody new, so people are matched, sealed and registered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import psutil

from bench.figures import Cost, cost
from bench.folk import Town
from bench.ground import Ground
from bench.report import GOALS, Table, met
from karuna.platform.provision import call
from shared.events import dispatch, intake, notify
from shared.events.base import Event, Origin
from shared.events.envelope import encode, subject_of
from shared.work import new_id, now_utc

AREA: Final = "kalasin"
CALLS: Final = 600
GOAL_PER_S, MEMORY_MB = 1000.0, 150
STREAMS: Final = ("INTAKE", "DISPATCH", "NOTIFY")
STEPS: Final = (
    dispatch.AssignmentOrdered, dispatch.AssignmentAccepted, dispatch.AssignmentEnRoute, dispatch.AssignmentAtScene,
    dispatch.AssignmentLeftScene, dispatch.AssignmentAtDestination, dispatch.AssignmentCleared,
    dispatch.AssignmentAtBase,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Folded:
    """``lines``: of histories, as they stand at the end."""

    events: int
    seconds: float
    cpu_s: float
    people: int
    lines: int
    memory: Cost


async def measure(ground: Ground) -> Folded:
    for name in list(ground.local.processes):
        await ground.local.stop_service(name)
    await ground.fresh_streams()
    client = await ground.connect()
    jetstream = client.jetstream(publish_async_max_pending=512)
    events = 0
    try:
        for subject, body, message_id in _told():
            await jetstream.publish_async(subject, body, headers={"Nats-Msg-Id": message_id})
            events += 1
        await jetstream.publish_async_completed()
        ground.local.start_service("registry", port=0)
        [process] = ground.local.processes["registry"]
        begun, cpu = await _begun(client, events), _cpu(process.pid)
        while await _left(client):
            await asyncio.sleep(0.02)
        seconds, cpu = time.monotonic() - begun, _cpu(process.pid) - cpu
        admin = await ground.admin("registry")
        people = await admin.fetchval("select count(*) from person where source = 'call'")
        lines = await admin.fetchval("select count(*) from history")
        await admin.close()
        return Folded(events, seconds, cpu, people, lines, cost([process.pid]))
    finally:
        await ground.local.stop_service("registry")
        await client.close()


def _cpu(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


async def _left(client: Any) -> int:
    """Messages that the registry has not acknowledged."""
    left = 0
    for stream in STREAMS:
        info = await call(client, f"$JS.API.CONSUMER.INFO.{stream}.registry")
        left += info["num_pending"] + info["num_ack_pending"]
    return left


async def _begun(client: Any, events: int) -> float:
    """When the first message was taken."""
    while await _left(client) == events:
        await asyncio.sleep(0.005)
    return time.monotonic()


def _told() -> Iterator[tuple[str, bytes, str]]:
    """Subject, body and message id of everything that is said around each call."""
    folk = Town(CALLS, 0, 11)
    for number in range(CALLS):
        numbers: dict[UUID, int] = {}
        call_id, patient_id, trip_id, unit_id = new_id(), new_id(), new_id(), new_id()
        origin, at = Origin(AREA, call_id), now_utc() - timedelta(days=1)
        for subject_id, event in _story(call_id, patient_id, trip_id, unit_id, _patient(folk, number), at):
            numbers[subject_id] = numbers.get(subject_id, 0) + 1
            yield (
                subject_of("internal", AREA, event.short_type(), subject_id),
                encode(
                    id=(event_id := new_id()), short_type=event.short_type(), aggregate_id=subject_id,
                    aggregateseq=numbers[subject_id], time=at, origin=origin, causation_id=None, traceparent=None,
                    data=event.full(), internal=True,
                ),
                f"{event_id}:i",
            )  # fmt: skip


def _patient(folk: Town, number: int) -> dict[str, Any]:
    one = folk.people[number]
    return {"name": one.name, "birth_year": one.born.year, "sex": one.sex}


def _story(
    call_id: UUID, patient_id: UUID, trip_id: UUID, unit_id: UUID, patient: dict[str, Any], at: Any
) -> Iterator[tuple[UUID, Event]]:
    state = {
        "number": "KLS-6908-0001", "kind": "medical", "lane": "emergency", "severity": "yellow",
        "severity_scheme": "cbd", "channel": "phone", "received_at": at, "patient_count": 1,
    }  # fmt: skip
    private = {"caller": {}, "patients": [{"patient_id": patient_id, **patient}], "complaint": "หายใจไม่ออก"}
    yield call_id, intake.CallReceived(**state, private=intake.CallReceived.Private.model_validate(private))
    about = {
        "call_id": call_id, "patient_id": patient_id, "lane": "emergency", "severity": "yellow",
        "severity_scheme": "cbd",
    }  # fmt: skip
    yield trip_id, dispatch.TripRequested(**about, kind="medical", leg="outbound", at=at)
    assignment_id, message_id = new_id(), new_id()
    for minutes, step in enumerate(STEPS):
        more: dict[str, Any] = {"leg": "outbound"} if issubclass(step, dispatch.Asked) else {}
        yield assignment_id, step(
            **about, trip_id=trip_id, unit_id=unit_id, role="primary", by="person",
            at=at + timedelta(minutes=minutes), **more,
        )  # fmt: skip
    done = dispatch.TripCompleted.Private(outcome="transported")
    yield trip_id, dispatch.TripCompleted(call_id=call_id, patient_id=patient_id, leg="outbound", at=at, private=done)
    yield message_id, notify.MessagePlanned(
        call_id=call_id, recipient_kind="caller", message_class="emergency", at=at, channel="sms", send_at=at,
        private=notify.MessagePlanned.Private(template="received"),
    )  # fmt: skip


def table(it: Folded) -> Table:
    rate = it.events / it.seconds
    rows = [
        ("**events folded into people, cases and histories, per second**", f"{rate:,.0f}", f"≥ {GOAL_PER_S:,.0f}",
         met(rate, GOAL_PER_S, at_least=True)),
        ("CPU of the registry per event, ms", f"{1000 * it.cpu_s / it.events:.2f}", "", ""),
        ("registry, resident, MB", f"{it.memory.rss_mb:.0f}", f"≤ {MEMORY_MB}", met(it.memory.rss_mb, MEMORY_MB)),
    ]  # fmt: skip
    note = (
        f"{it.events:,} events of {CALLS:,} calls, one new person each, in {it.seconds:.1f} s; {it.people:,} people "
        f"registered, {it.lines:,} lines of history."
    )
    return Table("ประวัติจากเหตุการณ์ที่ค้าง · Histories from a backlog", GOALS, rows, note)
