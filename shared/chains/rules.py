"""The audit's hash chains, read again from their beginning: what was changed, removed or put in by hand, and where.

A lane is a chain: ``hash = sha256(hash before || text of the row)``, and the text holds the row's own place. The
signed anchors say where the lanes stood at a moment; they find whoever recomputes a whole chain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

Heads = Mapping[int, tuple[int, bytes]]
"""Lane → the number and hash of its last row."""

KINDS: Final[dict[str, tuple[str, str]]] = {
    "changed": ("แถวนี้ถูกแก้ไขหรือย้ายที่", "this row was changed or moved"),
    "removed": ("มีแถวถูกลบก่อนแถวนี้", "rows were removed before this one"),
    "cut": ("แถวท้ายถูกลบหลังแถวนี้", "rows were removed after this one"),
    "inserted": ("แถวนี้ไม่ได้ถูกเขียนโดยระบบ", "this row was not written by the system"),
    "rewritten": ("ประวัติถูกเขียนใหม่หลังลงลายเซ็น", "the rows were written anew after they were signed"),
    "anchor": ("ลายเซ็นถูกแก้ไขหรือลบ", "a signed anchor was changed or removed"),
    "unsigned": ("ไม่มีลายเซ็นใหม่มานาน", "nothing was signed for too long"),
}


@dataclass(frozen=True, slots=True)
class Link:
    """A row as it stands: its place, the text that was hashed, the hash it carries."""

    lane: int
    seq: int
    row_id: int
    text: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """``row_id``: the audit row it is about, or next to; None for a whole lane or an anchor. ``count``: how many."""

    kind: str
    lane: int | None
    row_id: int | None
    count: int = 1


def hash_of(before: bytes, text: str) -> bytes:
    return hashlib.sha256(before + text.encode()).digest()


@dataclass(slots=True)
class Reader:
    """Reads links in the order of lane and number, in any portions, and yields what is wrong with them.

    ``signed``: (lane, number) → the hash an anchor vouches for. Ask :meth:`end` when nothing is left.
    """

    heads: Heads
    signed: Mapping[tuple[int, int], bytes]
    rows: int = 0
    _lane: int = -1
    _seq: int = 0
    _last: int | None = None
    _hashes: tuple[bytes, ...] = (b"",)
    """What the row before may have carried: its hash, and those of rows just found to be wrong."""
    _seen: int = 0
    """Lanes of which the end was looked at, below this one."""

    def read(self, links: Iterable[Link]) -> Iterator[Fault]:
        for link in links:
            self.rows += 1
            if link.lane != self._lane:
                yield from self._end_of_lane()
                yield from self._unwritten(link.lane)
                self._lane, self._seq, self._last, self._hashes = link.lane, 0, None, (b"",)
            yield from self._one(link)

    def end(self) -> Iterator[Fault]:
        yield from self._end_of_lane()
        yield from self._unwritten(1 + max(self.heads, default=-1))

    def _one(self, link: Link) -> Iterator[Fault]:
        hole = link.seq - self._seq - 1
        if hole:
            # What it stood upon is gone, so its own hash can be compared with nothing; the next one's can.
            yield Fault("removed", link.lane, link.row_id, hole)
        right = tuple(hash_of(before, link.text) for before in self._hashes)
        fine = bool(hole) or link.hash in right
        if not fine:
            yield Fault("changed", link.lane, link.row_id)
        if link.seq > self.heads.get(link.lane, (0, b""))[0]:
            yield Fault("inserted", link.lane, link.row_id)
        if self.signed.get((link.lane, link.seq), link.hash) != link.hash:
            yield Fault("rewritten", link.lane, link.row_id)
        self._hashes = (link.hash,) if fine else (link.hash, right[0], *self._hashes)[:8]
        self._seq, self._last = link.seq, link.row_id

    def _end_of_lane(self) -> Iterator[Fault]:
        if self._lane < 0:
            return
        seq, head = self.heads.get(self._lane, (0, b""))
        signed = max((number for lane, number in self.signed if lane == self._lane), default=0)
        last = max(seq, signed)
        if last > self._seq:
            yield Fault("cut", self._lane, self._last, last - self._seq)
        elif seq == self._seq and head not in self._hashes:
            yield Fault("changed", self._lane, self._last)

    def _unwritten(self, until: int) -> Iterator[Fault]:
        """Lanes without any row, below ``until``: nothing may ever have stood in them."""
        for lane in range(max(self._seen, self._lane + 1), until):
            signed = max((number for where, number in self.signed if where == lane), default=0)
            gone = max(self.heads.get(lane, (0, b""))[0], signed)
            if gone:
                yield Fault("cut", lane, None, gone)
        self._seen = until
