"""Settings of notify: those of every service, and the channels of each area."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from services.notify.channels.line import LineSettings
from services.notify.channels.smpp_session import SmppSettings
from services.notify.channels.sms_gateway import PRESETS
from services.notify.channels.sms_http import SmsHttpSettings
from shared.settings import Settings

PROVIDER = r"^[a-z0-9][a-z0-9_-]{0,39}$"


class LineOfArea(LineSettings):
    """A LINE Official Account: what we send with, and the secrets by which its webhooks are known."""

    channel_secrets: tuple[SecretStr, ...] = Field(min_length=1)
    """Several, so that one can be exchanged for another without losing an event."""
    quota_reserve: int = Field(default=30, ge=0)
    """So many messages of the month are kept for emergencies."""


class SmppOfArea(SmppSettings):
    """An SMPP account. ``provider`` names it in receipts."""

    kind: Literal["smpp"]
    provider: str = Field(pattern=PROVIDER)


class SmsHttpOfArea(SmsHttpSettings):
    """An account at an HTTP gateway; ``gateway`` is the name of a preset, or all of a gateway's description."""

    kind: Literal["http"]
    provider: str = Field(pattern=PROVIDER)
    per_s: float | None = Field(default=None, gt=0)

    @field_validator("gateway", mode="before")
    @classmethod
    def _preset(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value not in PRESETS:
                raise ValueError(f"known gateways: {', '.join(sorted(PRESETS))}")
            return PRESETS[value]
        return value


Sms = Annotated[SmppOfArea | SmsHttpOfArea, Field(discriminator="kind")]


class Ways(BaseModel):
    """What one area has; a way that is absent fails over to the other at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    line: LineOfArea | None = None
    sms: Sms | None = None


class WaysOfArea(Ways):
    exercise: Ways = Ways()
    """For exercises only; without them nothing leaves this process."""


class ChannelsConfig(BaseModel):
    """``KARUNA_CHANNELS_FILE`` or, as text, ``KARUNA_CHANNELS``."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    areas: dict[str, WaysOfArea] = {}
    receipt_secrets: dict[str, SecretStr] = {}
    """Provider → the token it shows, where its gateway says, when it brings receipts over HTTP."""


class NotifySettings(Settings):
    """Beyond :class:`Settings`."""

    channels_file: Path | None = None
    channels: SecretStr | None = None
    line_parallel: int = Field(default=48, ge=2, le=500)
    """Pushes under way at once in one process; a quarter of them is kept for emergencies."""
    sms_parallel: int = Field(default=24, ge=2, le=500)

    def channels_config(self) -> ChannelsConfig:
        """The channels; none where neither file nor text is given.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is not as it should be; the text never quotes a secret.

        """
        text = self.channels.get_secret_value() if self.channels else None
        if text is None and self.channels_file is not None:
            text = self.channels_file.read_text("utf-8")
        content: Any = json.loads(text or "{}")
        return ChannelsConfig.model_validate(content)
