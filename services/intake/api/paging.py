"""Cursors: where the last page ended, opaque to the caller."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from services.intake.state import Row
from shared.errors import Refused

BAD_CURSOR = (422, "bad_cursor", "ตัวชี้หน้าไม่ถูกต้อง ให้ใช้ค่า next จากหน้าก่อน", "not a cursor: use next of the page before")


def after(rows: Sequence[Row], limit: int) -> str | None:
    """The cursor behind the last of these rows; None where the page is not full."""
    if len(rows) < limit:
        return None
    last = rows[-1]
    text = f"{last['received_at'].isoformat()} {last['id']}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def read(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Where to go on.

    Raises:
        Refused: 422, not a cursor of ours.

    """
    if cursor is None:
        return None
    try:
        at, _, call_id = base64.urlsafe_b64decode(cursor).decode().partition(" ")
        return datetime.fromisoformat(at).astimezone(UTC), UUID(call_id)
    except (ValueError, OverflowError, binascii.Error):
        raise Refused(*BAD_CURSOR, field="after") from None
