"""One more rider for a tour that has begun: what it may cost those whom it carries, and those whom it is to fetch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.dispatch.day.model import Rider, Told, Van
from services.dispatch.day.underway import Detour, Going, Seat, detour
from services.dispatch.rules.ranking import GreatCircle
from shared.geo import Point

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
A_MINUTE_A_KM = GreatCircle(0.999, 1000 / 60, 1000 / 60)
RIDES = "unit"


def km(north: float) -> Point:
    return Point(103.5, 16.4 + north / 111.195)


def after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def rider(name: str, door: float, drop: float, told: float | None = None, **more: object) -> Rider:
    at = after(told or 0)
    promise = Told(RIDES, "run", f"{name}-held", at, at, None) if told is not None else None
    made = Rider(name, km(door), km(drop), (at, after(60)), None, "walking", {"seat": 1.0}, frozenset(), told=promise)
    return replace(made, **more)  # type: ignore[arg-type]


def seat(who: Rider, status: str = "accepted", *, since: float = 0, fetched: float = 0, brought: float = 30) -> Seat:
    return Seat(who, status, after(since), after(fetched), after(brought))


def going(*seats: Seat, here: float = 0, seats_free: int = 3, until: float = 600) -> Going:
    van = Van(RIDES, "หน่วยทดสอบ", km(0), {"seat": seats_free}, frozenset(), (NOW, after(until)))
    return Going("run", van, seats, km(here))


def tried(tour: Going, new: Rider) -> Detour | None:
    return detour(tour, new, NOW, A_MINUTE_A_KM)


CARRIED = seat(rider("carried", 0, 20, told=-10), "left_scene", since=-5, brought=20)


def stops(found: Detour | None) -> list[tuple[str, bool, float]]:
    assert found is not None
    return [(h.rider.id, h.pickup, (h.at - NOW).total_seconds() / 60) for h in found.halts]


def test_a_door_by_the_way_is_passed_before_the_one_who_is_on_board_is_brought() -> None:
    found = tried(going(CARRIED), rider("new", 10, 25))
    assert stops(found) == [("new", True, 10), ("carried", False, 25), ("new", False, 35)]
    assert found is not None
    assert (found.pickup_at, found.dropoff_at, found.sets_out) == (after(10), after(35), NOW)


def test_nobody_rides_longer_than_they_may() -> None:
    """Straight it is 20 minutes and may be 35; 5 are over. Past a door 8 km back it would be 5 + 8 + 5 + 28."""
    found = tried(going(CARRIED), rider("new", -8, 20))
    assert stops(found)[0][0] == "carried", "the new rider's turn comes after"
    assert tried(going(CARRIED), rider("new", -8, 20, window=(NOW, after(30)))) is None


def test_who_is_to_be_fetched_is_fetched_as_told() -> None:
    """Ten minutes beyond what was told, and no more."""
    coming = seat(rider("coming", 10, 20, told=10), fetched=10, brought=25)
    assert tried(going(CARRIED, coming), rider("new", 5, 20, window=(NOW, after(8)))) is not None
    aside = Rider(
        "new", Point(103.5 + 5 / 106.6, 16.4), km(20), (NOW, after(8)), None, "walking", {"seat": 1.0}, frozenset()
    )
    assert tried(going(CARRIED, coming), aside) is None


def test_who_must_be_there_in_time_is() -> None:
    on_time = replace(CARRIED, rider=replace(CARRIED.rider, by_at=after(24)))
    assert tried(going(CARRIED), rider("new", 10, 20, window=(NOW, after(12)))) is not None
    assert tried(going(on_time), rider("new", 10, 20, window=(NOW, after(12)))) is None


def test_whom_the_van_drives_to_is_fetched_next() -> None:
    next_on = seat(rider("next", 10, 20, told=10), "en_route", fetched=10, brought=25)
    found = tried(going(next_on), rider("new", 5, 20))
    assert ("new", True) not in [(who, pickup) for who, pickup, at in stops(found) if at < 15]


def test_who_is_late_already_gets_no_later() -> None:
    late = seat(rider("late", 10, 20, told=-30), fetched=-30, brought=-10)
    found = tried(going(late), rider("new", 5, 20))
    assert stops(found)[0] == ("late", True, 10)


def test_there_is_a_place_or_nobody_is_taken() -> None:
    assert tried(going(CARRIED, seats_free=1), rider("new", 10, 20, window=(NOW, after(30)))) is None
    assert tried(going(CARRIED), rider("new", 10, 20, alone=True)) is None
    ill = replace(CARRIED, rider=replace(CARRIED.rider, alone=True))
    assert tried(going(ill), rider("new", 10, 20)) is None


def test_the_van_is_home_when_it_must_be() -> None:
    assert tried(going(CARRIED, until=60), rider("new", 10, 20)) is not None
    assert tried(going(CARRIED, until=50), rider("new", 10, 20)) is None


def test_who_is_put_down_at_the_clinic_holds_the_van_until_then() -> None:
    there = seat(rider("there", 0, 20, told=-30), "at_destination", since=-1)
    assert stops(tried(going(there, here=20), rider("new", 20, 0)))[0] == ("new", True, 4)
