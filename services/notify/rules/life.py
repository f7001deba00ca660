"""The life of a message, as data. The same table stands in the database (``message_step``)."""

from __future__ import annotations

STEPS: dict[str, frozenset[str]] = {
    "planned": frozenset({"accepted", "delivered", "acknowledged", "unknown", "failed", "expired", "cancelled"}),
    "accepted": frozenset({"delivered", "acknowledged", "failed", "expired", "cancelled"}),
    "delivered": frozenset({"acknowledged", "expired", "cancelled"}),
    # What a provider did with a lost answer may show later, in a receipt.
    "unknown": frozenset({"accepted", "delivered", "acknowledged", "failed", "cancelled"}),
    # The desk may reach by phone whom no channel reached, and a provider may have taken it after all.
    "failed": frozenset({"accepted", "delivered", "acknowledged"}),
    "expired": frozenset({"acknowledged"}),
    "acknowledged": frozenset(),
    "cancelled": frozenset(),
    "suppressed": frozenset(),
}

STATUSES = tuple(STEPS)


def before(status: str) -> list[str]:
    """From which statuses a message may come to ``status``."""
    return [earlier for earlier, later in STEPS.items() if status in later]
