"""Fixtures every test may ask for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.platform_fixtures"]

# A busy machine is slow, not wrong: no example fails for the time it took.
settings.register_profile("karuna", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("karuna")

# Brokers and databases of a run are thrown away with it, and there are hundreds: where memory is plenty they stay in it.
# Making a database costs there a fifth of what it costs on a disk, and everything else of it is the same.
MEMORY, ENOUGH = Path("/dev/shm"), 4 << 30  # noqa: S108
if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ENOUGH:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
