"""Published cases, as they are published, from a folder of one's own: ``python -m bench.published FOLDER``.

None of them is kept here, and nothing is tuned to them; they are for judging what was developed on drawn ones. Two
formats are told apart by their first line: dial-a-ride cases as Cordeau's (vehicles, requests, longest route, places,
longest ride) and pickups and deliveries as Li and Lim's (vehicles, places, speed). ``best.csv`` beside them says
``name,vehicles,cost`` of the best that is known; vehicles may be left out where only the cost counts.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.engine import problem_of
from services.dispatch.engine.pool import Engine
from services.dispatch.planning.checker import Verdict, check

Case = dict[str, Any]
Rows = list[list[float]]
CORDEAU, LI_LIM = 5, 3
"""Numbers in the first line."""
SEED = 1


@dataclass(frozen=True, slots=True)
class Best:
    """``vehicles`` None: only the cost counts."""

    vehicles: int | None
    cost: float

    def words(self, found: Verdict) -> str:
        """What was found beside it: per cent above, and vehicles more."""
        if found.unserved or not found.feasible:
            return f"{len(found.unserved)} left" if found.feasible else "not feasible"
        more = self.more(found)
        return f"{self.gap(found):.2f} %" + (f" {more:+d} veh." if more else "")

    def gap(self, found: Verdict) -> float:
        return 100.0 * (found.cost / self.cost - 1.0)

    def more(self, found: Verdict) -> int:
        return 0 if self.vehicles is None else found.vehicles_used - self.vehicles


def case_of(text: str) -> Case:
    """The request that asks for such a case."""
    head, *rows = [[float(word) for word in line.split()] for line in text.splitlines() if line.strip()]
    readers = {CORDEAU: _dial_a_ride, LI_LIM: _goods}
    if len(head) not in readers:
        raise ValueError(f"neither format has {len(head)} numbers in its first line")
    return readers[len(head)](head, rows)


def _dial_a_ride(head: list[float], rows: Rows) -> Case:
    """Pickups, then drop-offs in the same order; a depot before them, and often once more behind."""
    count, _, longest_s, places, ride_s = head
    trips = (len(rows) - 1) // 2
    home = rows[0]
    asked = [
        {
            "id": f"t{number}", "pickup": _stop(pickup, pickup[3], pickup[5:7]),
            "dropoff": _stop(dropoff, dropoff[3], dropoff[5:7]), "load": {"seat": int(pickup[4])}, "max_ride_s": ride_s,
        }
        for number, (pickup, dropoff) in enumerate(zip(rows[1 : trips + 1], rows[trips + 1 :], strict=False))
    ]  # fmt: skip
    fleet = [_vehicle(number, home, places, home[5:7]) | {"max_duration_s": longest_s} for number in range(int(count))]
    return {"metric": "euclidean", "objective": "distance", "vehicles": fleet, "trips": asked}


def _goods(head: list[float], rows: Rows) -> Case:
    """Each task names its partner: no pickup (0) makes it one."""
    count, places, _ = head
    tasks = {int(row[0]): row for row in rows}
    asked = []
    for number, row in tasks.items():
        if row[3] > 0:
            other = tasks[int(row[8])]
            pickup, dropoff = (_stop(each, each[6], each[4:6]) for each in (row, other))
            asked.append({"id": f"t{number}", "pickup": pickup, "dropoff": dropoff, "load": {"seat": int(row[3])}})
    fleet = [_vehicle(number, rows[0], places, rows[0][4:6]) for number in range(int(count))]
    return {"metric": "euclidean", "objective": "vehicles_then_distance", "vehicles": fleet, "trips": asked}


def _stop(row: list[float], service_s: float, window: list[float]) -> Case:
    return {"x": row[1], "y": row[2], "window": list(window), "service_s": service_s}


def _vehicle(number: int, home: list[float], places: float, shift: list[float]) -> Case:
    at = {"x": home[1], "y": home[2]}
    return {"id": f"v{number}", "start": at, "end": at, "capacity": {"seat": int(places)}, "shift": list(shift)}


def best_of(folder: Path) -> dict[str, Best]:
    with (folder / "best.csv").open() as lines:
        return {
            row["name"]: Best(int(row["vehicles"]) if row["vehicles"] else None, float(row["cost"]))
            for row in csv.DictReader(lines)
        }


def summary(found: list[tuple[Best, Verdict]]) -> str:
    """Mean and worst of those that kept the vehicles and left nobody; how many did."""
    kept = [(best, each) for best, each in found if each.feasible and not each.unserved and best.more(each) <= 0]
    gaps = [best.gap(each) for best, each in kept if best.more(each) == 0]
    span = f"mean {fmean(gaps):.2f} %, worst {max(gaps):.2f} %" if gaps else "none"
    return f"{span}; {len(kept)} of {len(found)} served all with the fewest vehicles known"


async def measure(folder: Path, budgets_s: list[float]) -> None:
    """Every case of the folder that has a best, in each of the budgets; printed as it is found."""
    best = best_of(folder)
    engine = Engine()
    task = asyncio.create_task(engine.run())
    found: dict[float, list[tuple[Best, Verdict]]] = {budget_s: [] for budget_s in budgets_s}
    try:
        while not engine.ready:
            await asyncio.sleep(0.05)
        for name in sorted(best):
            problem = problem_of(case_of((folder / f"{name}.txt").read_text()))
            for budget_s, row in found.items():
                row.append((best[name], check(problem, await engine.plan(problem, budget_s, SEED))))
            print(name, *(best[name].words(row[-1][1]) for row in found.values()), sep=" | ")
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    for budget_s, row in found.items():
        print(f"{budget_s:g} s: {summary(row)}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.published", description=__doc__)
    parser.add_argument("folder", type=Path, help="files NAME.txt and best.csv")
    parser.add_argument("--seconds", type=float, nargs="+", default=[5.0, 30.0], help="budgets (5 30)")
    said = parser.parse_args()
    asyncio.run(measure(said.folder, said.seconds))


if __name__ == "__main__":
    main()
