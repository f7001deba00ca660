"""What the console needs beside what every service needs."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from shared.settings import Settings


class ConsoleSettings(Settings):
    """``issuer_key_file`` signs the tokens of whoever is signed in; the services read the public half beside it.

    ``demo`` offers the invented accounts on the sign-in page without a password: for the local default alone, and
    refused on any address but loopback.
    """

    http_port: int = 8100
    max_body_bytes: int = Field(default=6 * 1024 * 1024, ge=1024)
    """A municipality's map as GeoJSON; larger ones are brought by ``karuna map import``."""
    issuer_key_file: Path = Path("var/keys/issuer.pem")
    intake_url: str = "http://127.0.0.1:8101"
    dispatch_url: str = "http://127.0.0.1:8102"
    registry_url: str = "http://127.0.0.1:8103"
    notify_url: str = "http://127.0.0.1:8104"
    simulators_url: str | None = None
    """Where the simulated LINE and SMS stand, under ``make run`` alone."""
    secure_cookies: bool = True
    """Off only where people reach the console by plain HTTP on loopback."""
    demo: bool = False
    home_area: str = "kalasin"
    """The municipality whose public pages are shown where none is named."""
    map_dir: Path = Path("var/map")
    subscribers_dir: Path | None = None
    """Where the operator's list of subscribers lies, if this process may read it."""
    backend_timeout_s: float = Field(default=8.0, gt=0)

    @field_validator("simulators_url")
    @classmethod
    def _empty_is_none(cls, value: str | None) -> str | None:
        """A variable that is set to nothing: there are none."""
        return value or None
