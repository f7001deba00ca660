"""A week of the simulated year: the same for the same seed, all of it possible, and an audit that sees what is not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from rich.console import Console

from karuna.simulate.year.audit import audit, counted
from karuna.simulate.year.guesses import SYSTEM_S, TYPING
from karuna.simulate.year.journal import Asked, Ended, Entry, Journal, Placed, Promise, Seen, Step, Tour
from karuna.simulate.year.measures import journeys, measures, quantile
from karuna.simulate.year.people import Trip
from karuna.simulate.year.region import Place, Region
from karuna.simulate.year.report import read, rows, show, write
from karuna.simulate.year.ten import ten
from services.dispatch.rules.requirements import Asked as AskedOf
from shared.geo import Point
from tests.simulate.test_mix import PACK

DAYS = 7


@cache
def week(seed: int = 1) -> Journal:
    return Region([Place(PACK)], seed, DAYS).run()


def with_more(journal: Journal, *more: Entry, without: Entry | None = None) -> Journal:
    """The same week with something in it that was not so, at its time."""
    entries = [entry for entry in journal.entries if entry is not without]
    for entry in more:
        place = next((at for at, each in enumerate(entries) if each.at > entry.at), len(entries))
        entries.insert(place, entry)
    return Journal(entries, journal.places, journal.waits, journal.by_hand)


def first(journal: Journal, kind: type[Entry], **fields: object) -> Entry:
    return next(
        entry for entry in journal.entries
        if isinstance(entry, kind) and all(getattr(entry, name) == value for name, value in fields.items())
    )  # fmt: skip


def test_a_week_is_possible_and_everybody_has_an_end() -> None:
    journal = week()
    assert audit(journal) == []
    asked = Counter(entry.leg for entry in journal.entries if isinstance(entry, Asked))
    ended = Counter(entry.how for entry in journal.entries if isinstance(entry, Ended))
    assert asked.total() == ended.total() > 60
    assert ended["done"] > 0.8 * ended.total()


def ready_at(hour: int) -> tuple[Region, Trip]:
    """Somebody in a wheelchair is ready to go home, in a town whose only van has a crew from six to eighteen."""
    region = Region([Place(PACK, ("K7",))], 1, 0)
    [town] = region.towns.values()
    region.clock.now += timedelta(hours=hour)
    clinic, house = region.hospitals[0], town.own()[0].station
    asked = AskedOf(severity="green", lane="booked", mobility="wheelchair")
    now = region.clock.now
    trip = Trip(f"{town.slug}/0/home", "booked", "green", "return", now, clinic, clinic, house, asked, now_at=now)
    town.desk.find_unit(trip)
    return region, trip


def test_who_is_ready_at_night_waits_for_a_crew_rung_at_home_and_nobody_is_rung_by_day() -> None:
    region, trip = ready_at(21)
    begun = region.clock.now
    region.clock.run()
    assert trip.ended
    assert trip.id in region.journal.rung
    assert region.clock.now - begun < timedelta(hours=9), "it was not the morning's crew"
    region, trip = ready_at(10)
    region.clock.run()
    assert trip.ended
    assert not region.journal.rung


def test_between_the_desk_and_the_crews_telephone_the_systems_second_is_counted_once() -> None:
    """A call is there when it is typed; the second until the telephone rings comes after the order."""
    region = Region([Place(PACK)], 1, 2)
    [town] = region.towns.values()
    calls = [each for each in journeys(region.run()) if each.asked.lane == "emergency" and each.ordered_s]
    for each in calls:
        typing = TYPING.get(each.asked.severity, TYPING["others"])
        typed_s = town.fate.lasts(typing, "types", each.asked.trip.rpartition("/")[0]).total_seconds()
        assert each.ordered_s == pytest.approx(typed_s), each.asked.trip
        assert each.accepted_s is None or each.accepted_s > typed_s + SYSTEM_S
    assert calls


def test_the_same_seed_gives_the_same_week() -> None:
    assert Region([Place(PACK)], 1, DAYS).run().entries == week().entries
    assert week(2).entries != week().entries


def test_a_unit_booked_twice_at_once_is_seen() -> None:
    journal = week()
    opened = first(journal, Tour, opens=True)
    again = replace(opened, run=10_000, at=opened.at + timedelta(seconds=30))
    assert "two_runs" in counted(audit(with_more(journal, again)))


def test_a_unit_that_was_also_elsewhere_is_seen() -> None:
    journal = week()
    there = first(journal, Seen)
    assert isinstance(there, Seen)
    away = replace(there, at=there.at + timedelta(minutes=1), point=Point(there.point.lon + 0.1, there.point.lat))
    assert "two_places" in counted(audit(with_more(journal, away)))


def test_two_units_at_one_patient_are_seen() -> None:
    journal = week()
    gone = first(journal, Step, what="en_route", support=False)
    other = replace(gone, unit="kalasin/K12" if gone.unit != "kalasin/K12" else "kalasin/K1", what="at_scene")  # type: ignore[union-attr]
    found = counted(audit(with_more(journal, other)))
    assert {"two_units", "elsewhere"} <= found.keys()


def test_a_promise_moved_without_a_word_is_seen() -> None:
    journal = week()
    placed = first(journal, Placed)
    assert isinstance(placed, Placed)
    kept = replace(placed, pickup_at=placed.pickup_at + timedelta(minutes=10))
    assert counted(audit(with_more(journal, kept))) == {}, "a promise is a window of ten minutes"
    moved = replace(placed, pickup_at=placed.pickup_at + timedelta(minutes=11))
    assert counted(audit(with_more(journal, moved))) == {"promise_moved": 1}
    assert counted(audit(with_more(journal, replace(placed, unit="kalasin/K99")))) == {"promise_moved": 1}


def test_who_was_fetched_without_a_promise_is_seen() -> None:
    journal = week()
    fetched = {entry.trip for entry in journal.entries if isinstance(entry, Step) and entry.what == "at_scene"}
    told = next(entry for entry in journal.entries if isinstance(entry, Promise) and entry.trip in fetched)
    assert "not_told" in counted(audit(with_more(journal, without=told)))


def test_who_is_forgotten_is_seen_and_a_refusal_needs_its_reason() -> None:
    journal = week()
    home = next(
        entry for entry in journal.entries
        if isinstance(entry, Ended) and entry.trip.endswith("/home") and entry.how == "done"
    )  # fmt: skip
    assert counted(audit(with_more(journal, without=home))) == {"left_behind": 1}
    there = next(entry for entry in journal.entries if isinstance(entry, Ended) and not entry.trip.endswith("/home"))
    assert counted(audit(with_more(journal, without=there))) == {"no_end": 1}
    silent = replace(there, how="refused", code="")
    assert counted(audit(with_more(journal, silent, without=there))) == {"no_reason": 1}


def test_more_riders_than_places_are_seen() -> None:
    journal = week()
    full = Journal(journal.entries, {unit: {} for unit in journal.places}, journal.waits, journal.by_hand)
    assert "too_full" in counted(audit(full))


def test_figures_are_those_of_the_journal() -> None:
    them = journeys(week())
    red = [each for each in them if each.asked.severity == "red" and each.accepted_s is not None]
    assert all(0 < (each.accepted_s or 0) < (each.scene_s or 1e9) for each in red)
    assert quantile([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0], 0.9) == 9.0
    found = {each.key: each for each in measures(week(), them)}
    assert found["two_places"].met
    assert found["promise"].met
    assert found["no_reason"].met


def test_the_table_and_the_plot_are_written(tmp_path: Path) -> None:
    year = read("กาฬสินธุ์", week())
    table, plot = write([year, year], "เจ็ดวัน", tmp_path)
    assert table.read_text(encoding="utf-8").count("\n") == 1 + len(rows([year]))
    assert plot.read_text(encoding="utf-8").startswith("<svg")
    screen = Console(record=True, width=160)
    show([year], "เจ็ดวัน", screen)
    assert "✓" in screen.export_text()


@pytest.mark.parametrize("sharing", [False, True])
def test_ten_municipalities_never_send_one_unit_to_two_places(sharing: bool) -> None:
    journal = Region(ten(PACK), 1, 2, sharing=sharing).run()
    assert audit(journal) == []
    assert len({entry.area for entry in journal.entries if isinstance(entry, Asked)}) == 10
