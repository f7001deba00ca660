"""Settings of dispatch: the common ones, its port, where compiled kernels are kept."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from shared.settings import Settings


class DispatchSettings(Settings):
    """``positions_fresh_s``: after this a position is shown as stale and trusted less.

    ``engine_after_s``: the planner's engine starts so much later than the service, so that calls come first.
    ``osrm_url``: an OSRM server that knows these roads, e.g. ``http://127.0.0.1:5000``; left out, nobody is asked.
    ``tracker_secret``: from it the keys of trackers come; left out, no tracker is taken.
    ``engine_cache_dir`` left out: beside Python's own compiled files.
    """

    http_port: int = 8102
    positions_fresh_s: float = Field(default=300, gt=0)
    engine_after_s: float = Field(default=5, ge=0)
    osrm_url: str = Field(default="", pattern=r"^(https?://.+)?$")
    tracker_secret: SecretStr | None = None
    engine_cache_dir: Path | None = None
