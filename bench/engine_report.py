"""The engine's tables of ``BENCH.md``."""

from __future__ import annotations

from bench.engine import BUDGETS_S, DIAL_A_RIDE, GOODS, LONG_S, LONG_SEEDS, Measured, Quality, mean_gap
from bench.report import GOALS, Table, met

GOAL_GAPS = {5.0: (0.5, 2.0), 30.0: (0.25, 1.0)}
OFFER_MS, FIRST_S, ENGINE_MB = 30.0, 1.0, 230.0
COLUMNS = ("", *(f"{budget_s:g} s" for budget_s in BUDGETS_S), "", "")


def quality(it: Measured) -> Table:
    rows = [_row(each) for each in it.qualities]
    rides = [each for each in it.qualities if each.name in DIAL_A_RIDE]
    for budget_s, (mean, worst) in GOAL_GAPS.items():
        found, most = mean_gap(rides, budget_s), max(each.gap(budget_s) for each in rides)
        rows.append(
            (f"**dial-a-ride in {budget_s:g} s: mean, worst**", f"{found:.2f} %", f"{most:.2f} %", "",
             f"≤ {mean} %, ≤ {worst} %", met(max(found / mean, most / worst), 1.0))
        )  # fmt: skip
    goods = [each for each in it.qualities if each.name in GOODS]
    kept = sum(each.vehicles[5.0] == each.fewest for each in goods)
    rows.append(("**goods in 5 s: fewest vehicles kept**", f"{kept} of {len(goods)}", "", "", "all", ""))
    note = (
        f"Per cent above the best of all runs, {len(LONG_SEEDS)} of {LONG_S:g} s among them; all cores. Cases drawn "
        "in the shape of the published ones (goods: + vehicles more than the fewest). Every plan passed the checker; "
        f"trips left out: {sum(each.left for each in it.qualities)}."
    )
    return Table("แผนรถรับส่ง · Plans of booked rides", COLUMNS, rows, note)


def _row(each: Quality) -> tuple[str, ...]:
    def cell(budget_s: float) -> str:
        more = each.vehicles[budget_s] - each.fewest
        return f"{each.gap(budget_s):.2f} %" + (f" +{more}" if more and each.name in GOODS else "")

    return (each.name, *(cell(budget_s) for budget_s in BUDGETS_S), "", "")


def speed(it: Measured) -> Table:
    p50, p99 = it.offer_ms[len(it.offer_ms) // 2], it.offer_ms[int(len(it.offer_ms) * 0.99) - 1]
    rows = [
        ("one more trip into 50 routes, ms p50", f"{p50:.1f}", "", ""),
        ("**one more trip into 50 routes, ms p99**", f"{p99:.1f}", f"≤ {OFFER_MS:g}", met(p99, OFFER_MS)),
        ("**500 trips, 50 vehicles: first full plan, s**", f"{it.first_plan_s:.2f}", f"≤ {FIRST_S:g}",
         met(it.first_plan_s, FIRST_S)),
        ("trips it leaves out", str(it.first_plan_left), "", ""),
        ("**the engine, resident, MB**", f"{it.engine_mb:.0f}", f"≤ {ENGINE_MB:g}", met(it.engine_mb, ENGINE_MB)),
        ("engine started → warm, s", f"{it.warm_s:.1f}", "", ""),
    ]  # fmt: skip
    note = (
        "With dispatch itself at 120 MB the two stay within 350 MB. The very first start of a version compiles longer."
    )
    return Table("ตัววางแผน · The planner", GOALS, rows, note)
