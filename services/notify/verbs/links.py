"""Binding a LINE account to a person: by a one-time code the desk gives, never by a typed id."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from services.notify.rules.chat import CODE_LENGTH, CODE_LETTERS
from services.notify.store import recipients
from shared.work import Work

GOOD_FOR = timedelta(hours=24)


async def make_code(work: Work, area: str, kind: str, recipient_id: UUID) -> str:
    """A new code, told once and kept as a hash. 31^8 codes: guessing is hopeless, and LINE says who guesses."""
    code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    expires_at = work.now + GOOD_FOR
    await recipients.put_link_code(work.db, _hash(area, code), area, kind, recipient_id, work.now, expires_at)
    return code


async def use_code(work: Work, area: str, code: str, line_user_id: str) -> bool:
    """Bind the account to whom the code was made for; False where it is unknown, used or too old."""
    row = await recipients.use_link_code(work.db, _hash(area, code), area, work.now)
    if row is None:
        return False
    await recipients.link(work.db, row["recipient_kind"], row["recipient_id"], line_user_id)
    return True


def _hash(area: str, code: str) -> bytes:
    return hashlib.sha256(f"{area}:{code}".encode()).digest()
