"""Building histories, trips and barriers anew: empty them and their cursors, then let the streams be heard again.

What the registry itself decided (people, matches, cases, groups) stays: those are its own facts, not a fold of
others'. Each call remembers how far its patients were taken over, so a replay matches and says nothing twice.
"""

from __future__ import annotations

from services.registry import store
from shared.work import Work


async def forget(work: Work) -> None:
    """Forget what a replay fills again. The durables are then reset to their first message."""
    await store.calls.forgetting(work.db)
    await store.history.forget_projection(work.db)
