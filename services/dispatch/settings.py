"""Settings of dispatch: the common ones, and its port."""

from __future__ import annotations

from pydantic import Field

from shared.settings import Settings


class DispatchSettings(Settings):
    """``positions_fresh_s``: after this a position is shown as stale and trusted less."""

    http_port: int = 8102
    positions_fresh_s: float = Field(default=300, gt=0)
