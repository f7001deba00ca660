"""Cases for the engine in the shape of the published ones, drawn by a seed: none of the published is among them."""

from __future__ import annotations

import math
import random
from typing import Any

Request = dict[str, Any]
HORIZON = 1440.0


def dial_a_ride(seed: int, trips: int, vehicles: int, *, wheelchairs: bool = False) -> Request:
    """Half outbound (narrow window at the drop-off), half inbound (narrow at the pickup); ride limit 30 minutes.

    Points uniform in a square of side 20, one depot in its middle, vehicles on the road 8 hours at most. With
    ``wheelchairs`` a group of 1 to 6 takes as many places, and as many minutes to board.
    """
    draw = random.Random(seed)
    asked = []
    for number in range(trips):
        count = draw.randint(1, 6) if wheelchairs else 1
        service = float(count) if wheelchairs else 3.0
        opens = draw.randint(60, 480)
        narrow, wide = [float(opens), float(opens + 15)], [0.0, HORIZON]
        points = [[draw.uniform(-10, 10) for _ in "xy"] for _ in "pd"]
        outbound = number < trips // 2
        windows = (wide, narrow) if outbound else (narrow, wide)
        ends = [
            {"x": round(x, 3), "y": round(y, 3), "window": window, "service_s": service}
            for (x, y), window in zip(points, windows, strict=True)
        ]
        asked.append(
            {"id": f"t{number}", "pickup": ends[0], "dropoff": ends[1], "load": {"seat": count}, "max_ride_s": 30.0}
        )
    depot = {"x": 0.0, "y": 0.0}
    fleet = [
        {
            "id": f"v{number}", "start": depot, "end": depot, "capacity": {"seat": 6 if wheelchairs else 3},
            "shift": [0.0, HORIZON], "max_duration_s": 480.0,
        }
        for number in range(vehicles)
    ]  # fmt: skip
    return {"metric": "euclidean", "objective": "distance", "vehicles": fleet, "trips": asked}


def pickup_and_delivery(
    seed: int, trips: int, *, clustered: bool = False, wide: bool = False, vehicles: int = 25
) -> Request:
    """Goods from place to place with narrow or wide windows, no ride limit; as few vehicles as can be.

    Windows are drawn around a hidden plan, so that it is known to be possible.
    """
    draw = random.Random(seed)
    capacity, horizon, service = (1000, 1000.0, 10.0) if wide else (200, 230.0, 10.0)
    if clustered:
        horizon, service = (3390.0, 90.0) if wide else (1236.0, 90.0)
    centres = [(draw.uniform(10, 90), draw.uniform(10, 90)) for _ in range(8)]

    def point() -> tuple[float, float]:
        if not clustered:
            return float(draw.randint(2, 77)), float(draw.randint(2, 77))
        x, y = draw.choice(centres)
        return float(round(x + draw.gauss(0, 4))), float(round(y + draw.gauss(0, 4)))

    depot = (40.0, 50.0) if clustered else (35.0, 35.0)
    asked: list[dict[str, Any]] = []
    while len(asked) < trips:
        asked += _hidden_route(draw, point, depot, horizon, service, wide, len(asked), trips)
    home = {"x": depot[0], "y": depot[1]}
    fleet = [
        {"id": f"v{v}", "start": home, "end": home, "capacity": {"seat": capacity}, "shift": [0.0, horizon]}
        for v in range(vehicles)
    ]
    return {"metric": "euclidean", "objective": "vehicles_then_distance", "vehicles": fleet, "trips": asked}


def _hidden_route(
    draw: random.Random, point: Any, depot: tuple[float, float], horizon: float, service: float, wide: bool, first: int,
    trips: int,
) -> list[dict[str, Any]]:  # fmt: skip
    """One vehicle's trips, driven once, each time to the nearest of a handful; windows lie around that time."""
    now, here, made = 0.0, depot, []
    onboard: list[tuple[tuple[float, float], dict[str, Any]]] = []
    width = horizon * (0.25 if wide else 0.05)
    while first + len(made) < trips or onboard:
        pickup = not onboard or (first + len(made) < trips and len(onboard) < 3 and draw.random() < 0.5)
        place = min((point() for _ in range(6)), key=lambda p: math.dist(p, here)) if pickup else onboard[0][0]
        arrive = now + math.dist(here, place)
        rest = sum(2 * math.dist(place, end) + 2 * service for end, _ in onboard) + math.dist(place, depot)
        if pickup and arrive + 4 * service + 2 * rest + 60 > horizon:
            if not onboard:
                break
            place, pickup = onboard[0][0], False
            arrive = now + math.dist(here, place)
        half = draw.uniform(0.5, 1.5) * width
        closes = min(horizon - service - math.dist(place, depot), arrive + half)
        stop = {
            "x": place[0], "y": place[1], "window": [max(0.0, math.floor(arrive - half)), max(closes, arrive)],
            "service_s": service,
        }  # fmt: skip
        now, here = arrive + service, place
        if pickup:
            trip = {"id": f"t{first + len(made)}", "pickup": stop, "load": {"seat": draw.choice((10, 20, 30))}}
            made.append(trip)
            onboard.append((min((point() for _ in range(6)), key=lambda p: math.dist(p, here)), trip))
            draw.shuffle(onboard)
        else:
            onboard.pop(0)[1]["dropoff"] = stop
    return made


def town(seed: int, trips: int, vehicles: int) -> Request:
    """A day of booked rides to three clinics, seats and wheelchairs, several stations; times in seconds."""
    draw = random.Random(seed)
    clinics = [(draw.uniform(4000, 16000), draw.uniform(4000, 16000)) for _ in range(3)]
    speed = 10.0  # euclidean: distance and duration are one, so places are written in seconds at this speed
    asked = []
    for number in range(trips):
        home = (draw.uniform(0, 20000), draw.uniform(0, 20000))
        clinic = draw.choice(clinics)
        at = draw.uniform(7 * 3600, 15 * 3600)
        out = draw.random() < 0.55
        ends = (home, clinic) if out else (clinic, home)
        windows = ([0.0, 86400.0], [at - 1800, at]) if out else ([at, at + 1800], [0.0, 86400.0])
        pickup, dropoff = (
            {"x": x / speed, "y": y / speed, "window": window, "service_s": 180.0}
            for (x, y), window in zip(ends, windows, strict=True)
        )
        load = {"wheelchair": 1} if draw.random() < 0.25 else {"seat": draw.choice((1, 1, 1, 2))}
        asked.append({"id": f"t{number}", "pickup": pickup, "dropoff": dropoff, "load": load, "max_ride_s": 3600.0})
    fleet = []
    for number in range(vehicles):
        x, y = draw.uniform(0, 20000) / speed, draw.uniform(0, 20000) / speed
        start = 5.5 * 3600 if number % 2 else 7 * 3600
        fleet.append(
            {
                "id": f"v{number}", "start": {"x": x, "y": y}, "end": {"x": x, "y": y},
                "capacity": {"seat": 3, "wheelchair": 1}, "shift": [start, start + 10 * 3600],
            }
        )  # fmt: skip
    return {"metric": "euclidean", "objective": "distance", "vehicles": fleet, "trips": asked}
