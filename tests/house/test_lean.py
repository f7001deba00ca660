"""A service holds in memory what it uses: what libraries load by the way stays out."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shared.streams import SERVICES

UNUSED = {"aiohttp", "rich", "httpx", "scipy"}
USED = {"notify": {"aiohttp"}}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_does_not_load_what_it_never_uses(service: str) -> None:
    code = f"import services.{service}.__main__, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not (UNUSED - USED.get(service, set())) & set(loaded)
    assert "nats.aio.transport" in loaded
