"""What the registry needs beside what every service needs."""

from __future__ import annotations

from pydantic import Field, SecretStr

from shared.settings import Settings


class RegistrySettings(Settings):
    """``field_key`` seals what identifies people; without it the registry does not start.

    Base64 of 32 random bytes, or ``2:<base64>,1:<base64>`` while keys are being changed, the newest first. Losing it
    loses every name and number, so two people keep a copy (``docs/privacy.md``).
    """

    http_port: int = 8103
    field_key: SecretStr
    locations_agree_m: float = Field(default=50, gt=0, le=1000)
    """How near two sources must be to verify where somebody lives, their accuracies counted."""
    locations_agree_days: int = Field(default=365, gt=0)
    """How far apart in time the two may be."""
    retain_people_days: int = Field(default=0, ge=0)
    """Whoever is in no group, has nothing open, and was not heard of for so many days is erased; 0: never."""
