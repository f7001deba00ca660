"""Ten municipalities side by side, of three sizes, each a copy of one pack on its own ground."""

from __future__ import annotations

from collections.abc import Sequence

from karuna.simulate.year.region import Place
from shared.geo import Point
from shared.pack_parts import Pack

STEP_DEG = 0.09
"""About ten kilometres from centre to centre."""
COLUMNS = 5
WHOLE, MIDDLE, SMALL = None, ("K2", "K3", "K5", "K6", "K7", "K9", "K10"), ("K2", "K4", "K7")
SIZES: Sequence[tuple[int, Sequence[str] | None, float]] = ((2, WHOLE, 1.0), (3, MIDDLE, 0.6), (5, SMALL, 0.3))
"""How many, which of the pack's vehicles, and what share of its people. Invented: small ones have one ambulance."""


def ten(pack: Pack) -> list[Place]:
    """Copies of the pack, moved."""
    places: list[Place] = []
    for count, units, share in SIZES:
        for _ in range(count):
            number = len(places)
            row, column = divmod(number, COLUMNS)
            places.append(Place(_moved(pack, number, column * STEP_DEG, row * STEP_DEG), units, share))
    return places


def _moved(pack: Pack, number: int, east: float, north: float) -> Pack:
    def shifted(each: dict[str, object]) -> dict[str, object]:
        return {"lon": float(str(each["lon"])) + east, "lat": float(str(each["lat"])) + north}

    slug = f"{pack.area.slug}{number}"
    communities = tuple(each.model_copy(update=shifted(each.model_dump())) for each in pack.area.community)
    centre = pack.area.centre.model_copy(update=shifted(pack.area.centre.model_dump()))
    area = pack.area.model_copy(update={"slug": slug, "community": communities, "centre": centre})
    boundary = tuple(
        tuple(tuple(Point(point.lon + east, point.lat + north) for point in ring) for ring in rings)
        for rings in pack.boundary
    )
    return pack.model_copy(update={
        "area": area, "boundary": boundary, "bounded": (),
        "station": tuple(each.model_copy(update=shifted(each.model_dump())) for each in pack.station),
        "facility": tuple(each.model_copy(update=shifted(each.model_dump())) for each in pack.facility),
    })  # fmt: skip
