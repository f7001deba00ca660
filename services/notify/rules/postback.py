"""What stands behind a button: an opaque message id and a code. LINE signs what comes back; who pressed is checked."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from uuid import UUID

from shared.events.words import Answer

FORMAT = re.compile(r"k1\.([A-Za-z0-9_-]{22})\.([a-z_]{2,20}|star-[1-5])")


@dataclass(frozen=True, slots=True)
class Pressed:
    """``answer`` or ``score``: exactly one of them."""

    message_id: UUID
    answer: Answer | None = None
    score: int | None = None


def data_of(message_id: UUID, answer: Answer | int) -> str:
    """At most 50 characters."""
    packed = base64.urlsafe_b64encode(message_id.bytes).rstrip(b"=").decode()
    return f"k1.{packed}.{f'star-{answer}' if isinstance(answer, int) else answer.value}"


def read(data: str) -> Pressed | None:
    """None for what is not ours, or of a version we do not know."""
    match = FORMAT.fullmatch(data)
    if match is None:
        return None
    try:
        message_id = UUID(bytes=base64.urlsafe_b64decode(match[1] + "=="))
        if match[2].startswith("star-"):
            return Pressed(message_id, score=int(match[2][5:]))
        return Pressed(message_id, Answer(match[2]))
    except (ValueError, binascii.Error):
        return None
