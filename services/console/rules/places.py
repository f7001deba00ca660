"""A place as somebody types or pastes it: a point, a plus code, a link of a map. Pure; nothing is looked up.

Short links (``maps.app.goo.gl/…``) hold no point: whoever sent one is asked for the long link or a landmark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from openlocationcode import openlocationcode

from shared.geo import Point
from shared.thai.text import arabic_digits

NUMBER = r"[-+]?\d{1,3}(?:\.\d+)?"
PAIR = re.compile(rf"\(?\s*({NUMBER})\s*°?\s*[nN]?\s*[,;\s]\s*({NUMBER})\s*°?\s*[eE]?\s*\)?")
AT = re.compile(rf"@({NUMBER}),({NUMBER})")
PIN = re.compile(rf"!3d({NUMBER})!4d({NUMBER})")
OSM_HASH = re.compile(rf"map=[\d.]+/({NUMBER})/({NUMBER})")
GEO = re.compile(rf"geo:({NUMBER}),({NUMBER})")
PLUS_CODE = re.compile(
    r"(?:^|[\s,/=])([23456789CFGHJMPQRVWX]{2,8}\+[23456789CFGHJMPQRVWX]{2,7})(?=$|[\s,&?/])", re.IGNORECASE
)
PAIR_KEYS = ("q", "query", "ll", "coordinate", "center", "daddr", "destination", "sll", "address", "pin")
SHORT_LINKS = ("maps.app.goo.gl", "goo.gl", "g.co", "maps.apple", "osm.org/go")
LONGEST = 2000
FEWEST_LETTERS = 4
KINDS_OF_PLACE = ("ชุมชน", "หมู่บ้าน", "บ้าน", "community", "village")
MOST_LAT, MOST_LON = 90, 180


@dataclass(frozen=True, slots=True)
class Found:
    """A point, and what it was read from: ``point``, ``plus_code``, ``link``."""

    point: Point
    source: str


def read_place(typed: str, near: Point) -> Found | None:
    """The point in a text; None where there is none. Short plus codes are completed by the nearest to ``near``."""
    text = arabic_digits(typed.strip()[:LONGEST])
    if "://" in text or text.startswith("geo:"):
        return _of_link(text, near)
    if found := PAIR.fullmatch(text):
        return _found(found[1], found[2], "point")
    return _of_plus_code(text, near)


def named_place(typed: str, known: Mapping[str, Point]) -> tuple[str, Point] | None:
    """The one known place whose name holds what was typed, or is held by it; None where there is none or several."""
    words = _bare(typed)
    if len(words) < FEWEST_LETTERS:
        return None
    found = [(name, at) for name, at in known.items() if words in (bare := _bare(name)) or (bare and bare in words)]
    exact = [each for each in found if _bare(each[0]) == words]
    return (exact or found)[0] if len(exact or found) == 1 else None


def _bare(name: str) -> str:
    text = "".join(name.casefold().split())
    for kind in KINDS_OF_PLACE:
        text = text.removeprefix(kind)
    return text


def is_short_link(typed: str) -> bool:
    """Whether it is a link that leads to a place without saying where."""
    return "://" in typed and any(host in typed for host in SHORT_LINKS)


def _of_link(text: str, near: Point) -> Found | None:
    decoded = unquote(text)
    for pattern in (GEO, PIN):  # the pin before the window: people look around before they share
        if found := pattern.search(decoded):
            return _found(found[1], found[2], "link")
    for lat, lon in _named(text):
        if point := _found(lat, lon, "link"):
            return point
    for pattern in (AT, OSM_HASH):
        if found := pattern.search(decoded):
            return _found(found[1], found[2], "link")
    return _of_plus_code(decoded, near, "link")


def _named(link: str) -> Iterator[tuple[str, str]]:
    """Pairs in the link's parameters: ``q=16.43,103.5``, ``mlat=…&mlon=…``."""
    try:
        values = dict(parse_qsl(urlsplit(link).query))
    except ValueError:
        return
    if "mlat" in values and "mlon" in values:
        yield values["mlat"], values["mlon"]
    for key in PAIR_KEYS:
        if key in values and (found := PAIR.fullmatch(values[key].removeprefix("loc:"))):
            yield found[1], found[2]


def _of_plus_code(text: str, near: Point, source: str = "plus_code") -> Found | None:
    found = PLUS_CODE.search(text)
    code = found[1].upper() if found else ""
    if not openlocationcode.isValid(code):
        return None
    whole = code if openlocationcode.isFull(code) else openlocationcode.recoverNearest(code, near.lat, near.lon)
    area = openlocationcode.decode(whole)
    return Found(Point(round(area.longitudeCenter, 6), round(area.latitudeCenter, 6)), source)


def _found(lat: str, lon: str, source: str) -> Found | None:
    try:
        point = Point(float(lon), float(lat))
    except ValueError:
        return None
    return Found(point, source) if abs(point.lat) <= MOST_LAT and abs(point.lon) <= MOST_LON else None
