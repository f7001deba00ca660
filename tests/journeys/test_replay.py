"""Real calls run through the whole system: crews answer, nothing is lost, and the report says so."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from rich.console import Console

from karuna.local import Local
from karuna.simulate.doors import Doors
from karuna.simulate.lookup import look_up
from karuna.simulate.pace import Pace
from karuna.simulate.playing import Ledger, Taken
from karuna.simulate.replay import played, replay
from karuna.simulate.report import show
from karuna.simulate.stage import StageTaken, stage, stage_is_free
from karuna.simulate.town import simulated
from tests.harness import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLS = ROOT / "examples" / "sf-fire-calls.csv"
MAPPING = ROOT / "examples" / "sf-fire-calls.toml"
FAST = 20_000.0
"""A drive takes some hundredths of a second: what remains is the system's own time."""


def quiet() -> Console:
    return Console(file=io.StringIO(), width=2000)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def with_its_own_units(folder: Path) -> Path:
    """The example's mapping, its units brought along: other journeys may have left the municipality's at work."""
    path = folder / "map.toml"
    path.write_text(MAPPING.read_text("utf-8").replace("bring = false", "bring = true"), "utf-8")
    return path


@pytest.mark.timeout(600)  # longer than a replay waits for what hangs: its report says what that is
async def test_thirty_real_calls_are_answered_and_none_is_lost(installation: Local, tmp_path: Path) -> None:
    mapping, pace = with_its_own_units(tmp_path), Pace(FAST, FAST, seed=7, sleepers=False)
    report = await played(installation, CALLS, mapping, speed=FAST, limit=30, out=quiet(), pace=pace)

    assert (report.made, report.taken, report.refused.total()) == (30, 30, 0)
    assert not report.lost.any
    assert report.lost.looked_up == 30
    assert report.lost.histories > 0
    assert report.assigned == 30
    assert (report.trips, report.completed, report.waiting, report.under_way) == (30, 30, 0, 0)
    assert report.ok
    for severity in ("yellow", "green"):
        assert set(report.response[severity]) == {"order", "accept", "at_scene"}
    assert report.messages["line", "accepted"] > 100
    assert report.people["missions"] >= 30
    assert report.positions > 30
    shown = quiet()
    show(shown, report)
    assert "nothing lost" in printed(shown)

    again = await played(installation, CALLS, mapping, speed=FAST, limit=30, out=quiet(), pace=pace)
    assert (again.taken, again.known, again.trips) == (30, 30, 30)  # a file that is played again makes nothing new


@pytest.mark.timeout(600)
async def test_a_day_of_the_municipality_passes(installation: Local) -> None:
    report = await simulated(installation, "kalasin", days=1, speed=FAST, seed=4, a_day=8, out=quiet())
    assert report.taken == report.made > 3
    assert report.refused.total() == 0
    assert not report.lost.any


async def test_a_call_nobody_knows_is_reported_as_lost(installation: Local) -> None:
    gone = Taken("x/1", str(uuid4()), "KLS-0000-0000", "red", "emergency", served=True, named=False, back_then=False)
    ledger = Ledger(datetime.now(UTC), making=1, sent=1, taken=[gone])
    async with Doors(installation, "kalasin") as doors:
        lost = await look_up(installation, doors, ledger)
    assert (lost.intake, lost.dispatch) == ([gone.number], [gone.number])
    assert lost.any


async def test_what_cannot_be_played_is_said_with_its_line(installation: Local, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(MAPPING.read_text("utf-8").replace('call = "CallNumber"', 'call = "Number"'), "utf-8")
    out = quiet()
    assert await replay(installation, CALLS, wrong, speed=FAST, limit=5, out=out) == 2
    assert "sf-fire-calls.csv:1: ไม่มีคอลัมน์ Number" in printed(out)
    assert "no column Number (call)" in printed(out)


async def test_only_one_plays_the_people(installation: Local) -> None:
    assert stage_is_free(installation.home)
    with stage(installation.home):
        assert not stage_is_free(installation.home)
        with pytest.raises(StageTaken), stage(installation.home):
            pass
        assert await replay(installation, CALLS, MAPPING, speed=FAST, limit=1, out=quiet()) == 2
    assert stage_is_free(installation.home)
