"""A real PMTiles file of a few tiles, all of them water: enough to see whether a base map is drawn.

Tiles are Mapbox Vector Tiles 2.1 (github.com/mapbox/vector-tile-spec), with one layer as protomaps' base maps name it.
"""

from __future__ import annotations

import gzip
from math import asinh, pi, radians, tan
from pathlib import Path

from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

EXTENT = 4096
ZOOMS = range(9, 15)


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])


def _field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return _varint(number << 3) + _varint(content)
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def water() -> bytes:
    """One tile, filled with one polygon of the layer ``water``."""
    move, line, close = 1 | 1 << 3, 2 | 3 << 3, 7 | 1 << 3
    steps = [move, 0, 0, line, *map(_zigzag, (EXTENT, 0, 0, EXTENT, -EXTENT, 0)), close]
    polygon = _field(3, 3) + _field(4, b"".join(map(_varint, steps)))
    layer = _field(15, 2) + _field(1, b"water") + _field(2, polygon) + _field(5, EXTENT)
    return gzip.compress(_field(3, layer))


def write_tiles(file: Path, lat: float, lon: float) -> None:
    """The tiles around a place, at the zooms a town is looked at."""
    with file.open("wb") as out:
        writer = Writer(out)
        found = set()
        for zoom in ZOOMS:
            wide = 1 << zoom
            x, y = int((lon + 180) / 360 * wide), int((1 - asinh(tan(radians(lat))) / pi) / 2 * wide)
            found |= {zxy_to_tileid(zoom, x + dx, y + dy) for dx in range(-2, 3) for dy in range(-2, 3)}
        for tile in sorted(found):
            writer.write_tile(tile, water())
        degrees = 10_000_000
        writer.finalize(
            {
                "tile_type": TileType.MVT, "tile_compression": Compression.GZIP, "min_zoom": ZOOMS[0],
                "max_zoom": ZOOMS[-1], "min_lon_e7": int((lon - 1) * degrees), "max_lon_e7": int((lon + 1) * degrees),
                "min_lat_e7": int((lat - 1) * degrees), "max_lat_e7": int((lat + 1) * degrees), "center_zoom": 12,
                "center_lon_e7": int(lon * degrees), "center_lat_e7": int(lat * degrees),
            },
            {"vector_layers": [{"id": "water", "fields": {}}]},
        )  # fmt: skip
