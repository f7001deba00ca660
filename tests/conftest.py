"""Fixtures every test may ask for."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.platform_fixtures"]

# A busy machine is slow, not wrong: no example fails for the time it took.
settings.register_profile("karuna", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("karuna")
