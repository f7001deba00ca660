"""A provider's rate, with a share that only emergencies may use."""

from __future__ import annotations

from dataclasses import dataclass, field

ROUTINE_SHARE = 0.8


@dataclass(slots=True)
class Bucket:
    """``rate_per_s`` None: no limit. Times are those of a monotonic clock. Emergencies never wait, and may overdraw."""

    rate_per_s: float | None
    tokens: float = field(init=False)
    filled_s: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.tokens = self._size

    @property
    def _size(self) -> float:
        return max(1.0, self.rate_per_s or 1.0)

    def take(self, now_s: float, *, emergency: bool) -> float:
        """Seconds to wait before sending: 0 for emergencies."""
        if self.rate_per_s is None:
            return 0.0
        self.tokens = min(self._size, self.tokens + (now_s - self.filled_s) * self.rate_per_s * ROUTINE_SHARE)
        self.filled_s = now_s
        if emergency or self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / (self.rate_per_s * ROUTINE_SHARE)
