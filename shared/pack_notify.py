"""What messages need to know of a municipality, apart from all else in its settings pack.

A service that only writes messages reads two small files of each pack and is spared the gazetteer, boundary, vehicles
and crews: a tenth of its memory. The whole pack is checked by those who need it, and by ``karuna doctor``.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from shared.thai.text import Text


class NotifyPolicies(BaseModel):
    """How messages go out. Times of day are those of Asia/Bangkok; ``brand`` stands in every text, so keep it short."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    brand: Text = Text(th="ชุมชนกรุณา", en="Karuna")
    quiet_from: time = time(21, 0)
    """From here until ``quiet_until`` routine messages to the public wait."""
    quiet_until: time = time(7, 0)
    remind_at: time = time(18, 0)
    """On the day before a ride."""
    emergency_wait_s: float = Field(default=15, gt=0)
    """LINE not answered for so long: SMS as well."""
    booked_wait_s: float = Field(default=600, gt=0)


@dataclass(frozen=True, slots=True)
class Voice:
    """In whose name, and how, an area writes."""

    short_number: str
    policies: NotifyPolicies


def voices(folder: Path) -> dict[str, Voice]:
    """Every area of a folder of packs, by slug.

    Raises:
        ValueError: a file is not as it should be.
        KeyError: an area names no slug or short number.

    """
    found: dict[str, Voice] = {}
    for path in sorted(folder.glob("*/area.toml")):
        area = tomllib.loads(path.read_text("utf-8"))
        file = path.with_name("policies.toml")
        policies = tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
        found[area["slug"]] = Voice(
            str(area["short_number"]), NotifyPolicies.model_validate(policies.get("notify", {}))
        )
    return found
