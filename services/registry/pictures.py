"""A picture from a phone, made anew: small, upright, and with nothing in it but what is seen.

A file that claims to be a picture may carry where and by which telephone it was taken, or anything else; so nothing of
it is kept but its points, drawn again as JPEG. Pillow is loaded when somebody sends one, not before.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final

from shared.refusal import Refusal

MOST_POINTS: Final = {"JPEG": 16_000_000, "PNG": 4_000_000, "WEBP": 4_000_000}
"""Format → points of the largest that is unpacked. A JPEG, a camera's own, is made smaller while it is unpacked; the

others stand in memory whole.
"""
LONGEST: Final = 1280
KINDS: Final = ((LONGEST, 82), (LONGEST, 60), (960, 50))
"""Longest side and quality, the best first. The last takes any picture below :data:`LARGEST`."""
LARGEST: Final = 1024 * 1024 - 64
"""The room of a row, less what sealing adds."""
PAPER: Final = (255, 255, 255)
"""What is seen through."""

NO_PICTURE = Refusal(
    "not_a_picture", "body", "ไฟล์นี้ไม่ใช่ภาพ JPEG, PNG หรือ WebP ที่อ่านได้", "this is no JPEG, PNG or WebP that can be read"
)
TOO_MANY_POINTS = Refusal(
    "too_many_points", "body", "ภาพนี้มีจุดภาพมากเกินไป ให้ย่อก่อนส่ง", "the picture has too many points: make it smaller first"
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A JPEG."""

    content: bytes
    width: int
    height: int


def drawn_anew(content: bytes) -> Drawn:
    """The picture in these bytes, at most 1,280 points long.

    Raises:
        Refusal: no picture, a broken one, or one that would be too large unpacked.

    """
    from PIL import Image, ImageOps  # noqa: PLC0415 see above

    Image.MAX_IMAGE_PIXELS = None  # this module says itself what is too large, before anything is unpacked
    try:
        with Image.open(io.BytesIO(content), formats=tuple(MOST_POINTS)) as sent:
            _not_too_large(sent)
            sent.draft("RGB", (LONGEST, LONGEST))
            sent.thumbnail((LONGEST, LONGEST))
            upright = ImageOps.exif_transpose(sent).convert("RGBA")
    except Refusal:
        raise
    except Exception:  # noqa: BLE001 a file that is broken breaks whoever reads it in any way
        raise NO_PICTURE from None
    seen = Image.new("RGB", upright.size, PAPER)
    seen.paste(upright, mask=upright.getchannel("A"))
    return _small(seen)


def _not_too_large(sent: Any) -> None:
    if sent.width * sent.height > MOST_POINTS.get(sent.format, min(MOST_POINTS.values())):
        raise TOO_MANY_POINTS


def _small(seen: Any) -> Drawn:
    for side, quality in KINDS:
        seen.thumbnail((side, side))
        out = io.BytesIO()
        seen.save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= LARGEST:
            break
    return Drawn(out.getvalue(), seen.width, seen.height)
