"""พร้อมกลับ: whoever says that they may be fetched hears what came of it, and nothing that is not certain."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from services.notify.store import views
from services.notify.store.replies import ReplyRow
from shared.events.base import Origin
from shared.work import Work

UNHEARD = "ready_unheard"
ANSWER_WITHIN = timedelta(seconds=20)
"""So long dispatch may take to agree; then they are told to ring. It takes a fraction of a second."""


async def expect(work: Work, reply: ReplyRow, patient_id: UUID | None, origin: Origin) -> str | None:
    """What the chat says at once, as a template: what is certain already. None: dispatch answers, or else the clock."""
    if reply.call_id is None or reply.recipient_id is None:
        return None
    legs = await views.ways_back(work.db, reply.call_id, patient_id)
    still_open = [leg for leg in legs if leg["status"] == "open"]
    if legs and not still_open:
        return "chat_no_way_back"
    if still_open and not any(leg["waits_for_ready"] for leg in still_open):
        return "chat_ready"
    data = {
        "call_id": str(reply.call_id), "patient_id": str(patient_id) if patient_id else None,
        "kind": reply.recipient_kind, "id": str(reply.recipient_id),
    }  # fmt: skip
    await work.later(UNHEARD, reply.id, work.now + ANSWER_WITHIN, origin, data=data)
    return None
