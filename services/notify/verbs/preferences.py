"""What somebody wants to be told, and when."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.notify.store import messages, recipients
from services.notify.verbs.ends import cancel
from shared.work import Work


async def prefer(work: Work, kind: str, recipient_id: UUID, values: dict[str, Any]) -> None:
    """Keep it; routine messages that wait are dropped where none are wanted any more."""
    await recipients.set_preferences(work.db, kind, recipient_id, values)
    if not values["wants_routine"]:
        waiting = [
            row
            for row in await messages.open_of_recipients(work.db, [(kind, recipient_id)])
            if row["class"] == "routine" and row["status"] == "planned"
        ]
        await cancel(work, waiting, "opted_out")
