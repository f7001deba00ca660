"""Pictures as telephones send them: with the place and the telephone written into them."""

from __future__ import annotations

import io
import random

from PIL import Image

HIDDEN = "x-hidden-canary-x"
ORIENTATION, DESCRIPTION, GPS = 0x0112, 0x010E, 0x8825


def photo(
    width: int = 64, height: int = 48, kind: str = "JPEG", *, orientation: int = 1, noise: int | None = None
) -> bytes:
    """A picture whose left half is red; ``noise``: the seed of one that cannot be pressed together."""
    image = Image.new("RGB", (width, height), (0, 0, 200))
    image.paste((200, 0, 0), (0, 0, width // 2, height))
    if noise is not None:
        image = Image.frombytes("RGB", (width, height), random.Random(noise).randbytes(width * height * 3))
    exif = Image.Exif()
    exif[ORIENTATION], exif[DESCRIPTION] = orientation, HIDDEN
    exif[GPS] = {1: "N", 2: (16.0, 25.0, 48.0), 3: "E", 4: (103.0, 30.0, 0.0)}
    out = io.BytesIO()
    image.save(out, kind, exif=exif, **({"comment": HIDDEN.encode()} if kind == "JPEG" else {}))
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image
