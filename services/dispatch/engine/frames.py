"""What dispatch and its engine say to each other: pickled tuples, each after its length, over the engine's own pipes.

Nobody else can write into them, so pickle is safe here, and it carries matrices as they lie in memory.
"""

from __future__ import annotations

import io
import pickle
from typing import Any, BinaryIO

LENGTH = 8
READY, PLAN, CANCEL, FOUND, FAILED = "ready", "plan", "cancel", "found", "failed"


def packed(message: tuple[Any, ...]) -> memoryview:
    made = io.BytesIO()
    made.write(bytes(LENGTH))
    pickle.dump(message, made, protocol=pickle.HIGHEST_PROTOCOL)
    frame = made.getbuffer()  # put together in one place: large matrices are not copied once more
    frame[:LENGTH] = (len(frame) - LENGTH).to_bytes(LENGTH, "big")
    return frame


def unpacked(body: bytes) -> tuple[Any, ...]:
    message: tuple[Any, ...] = pickle.loads(body)  # noqa: S301 see above
    return message


def read(pipe: BinaryIO) -> tuple[Any, ...] | None:
    """The next message, or None when the other side is gone."""
    head = pipe.read(LENGTH)
    if len(head) < LENGTH:
        return None
    size = int.from_bytes(head, "big")
    body = pipe.read(size)
    return unpacked(body) if len(body) == size else None
