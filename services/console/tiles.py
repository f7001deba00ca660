"""Whether a PMTiles file can be drawn: its directory is read, and a tile of it opened.

The header of version 3 (github.com/protomaps/PMTiles, spec/v3): seven letters, the version, four spans (root directory,
metadata, leaf directories, tiles) as little-endian 64-bit offset and length, and from byte 97 the compression of
directories, that of tiles, and what the tiles are. A directory is varints: how many entries, then of all of them the
steps between their tiles, how many tiles each stands for (0: a leaf directory), lengths, and offsets plus one (0: where
the one before ends).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

MAGIC, VERSION, HEADER_BYTES = b"PMTiles", 3, 127
COMPRESSION_AT, VECTOR = 97, 1
NONE, GZIP = 1, 2
"""What browsers open; the format knows others."""
MOST_OPENED = 20_000_000
DEEPEST = 3
MORE = 0x80
"""The bit of a varint that says that another byte follows."""
LONGEST_BITS = 70


class Span(NamedTuple):
    offset: int
    length: int

    @property
    def end(self) -> int:
        return self.offset + self.length


class Entry(NamedTuple):
    runs: int
    span: Span


def check(content: bytes) -> None:
    """That the last tile can be reached and opened: a file that ends too early, or is empty, has none.

    Raises:
        ValueError: it cannot be drawn.

    """
    if len(content) < HEADER_BYTES or content[len(MAGIC)] != VERSION:
        raise ValueError("no header of version 3")
    numbers = struct.unpack_from("<8Q", content, 8)
    root, metadata, leaves, tiles = (Span(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True))
    if any(each.end > len(content) for each in (root, metadata, leaves, tiles)):
        raise ValueError("a part of the file is missing")
    of_directories, of_tiles, what = content[COMPRESSION_AT : COMPRESSION_AT + 3]
    if what != VECTOR:
        raise ValueError("no vector tiles")
    span = root
    for _ in range(DEEPEST):
        last = max(_entries(_opened(content, span, of_directories)), key=lambda each: each.span.end)
        within = tiles if last.runs else leaves
        span = Span(within.offset + last.span.offset, last.span.length)
        if last.span.end > within.length:
            raise ValueError("a part of the file is missing")
        if last.runs:
            _opened(content, span, of_tiles)
            return
    raise ValueError("no tile at all")


def _opened(content: bytes, span: Span, compression: int) -> bytes:
    part = content[span.offset : span.end]
    if compression == NONE:
        return part
    if compression != GZIP:
        raise ValueError("compressed as browsers cannot open")
    gzip = zlib.decompressobj(wbits=31)
    try:
        opened = gzip.decompress(part, MOST_OPENED)
    except zlib.error as wrong:
        raise ValueError("broken") from wrong
    if not gzip.eof:
        raise ValueError("ends too early, or is far too large")
    return opened


def _entries(directory: bytes) -> list[Entry]:
    """At least one.

    Raises:
        ValueError: no directory.

    """
    numbers = _varints(directory)
    count = next(numbers, 0)
    columns = list(islice(numbers, 4 * count)) if count <= len(directory) else []
    if not count or len(columns) < 4 * count:
        raise ValueError("no directory")
    runs, lengths, offsets = (columns[count * n : count * (n + 1)] for n in (1, 2, 3))
    found: list[Entry] = []
    for run, length, offset in zip(runs, lengths, offsets, strict=True):
        at = offset - 1 if offset else found[-1].span.end if found else 0
        found.append(Entry(run, Span(at, length)))
    return found


def _varints(content: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in content:
        number |= (byte & ~MORE) << shift
        shift += 7
        if shift > LONGEST_BITS:
            raise ValueError("no number")
        if not byte & MORE:
            yield number
            number = shift = 0
