"""Run cards of a settings pack: which units go together, by severity, criteria group and what is known of the call."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.codes.codes import code_list
from shared.thai.text import Text

FLAG_LISTS = ("kind", "hazard", "need", "group", "skill", "equipment")
"""What a flag may be: the kind of call, its hazard, a patient's need or group, or what the desk asked for."""
BLANK_GROUP = 11


def _known(list_ids: tuple[str, ...]) -> AfterValidator:
    def known(code: str) -> str:
        if not any(code in code_list(list_id) for list_id in list_ids):
            raise ValueError(f"no such code: {code}")
        return code

    return AfterValidator(known)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(_Part):
    """``count`` units, each at least of this ``level``, of one of these ``kinds``, with all skills and equipment."""

    count: int = Field(default=1, ge=1, le=10)
    level: Annotated[str, _known(("unit_level",))] | None = None
    kinds: frozenset[Annotated[str, _known(("vehicle_kind",))]] = frozenset()
    skills: frozenset[Annotated[str, _known(("skill",))]] = frozenset()
    equipment: frozenset[Annotated[str, _known(("equipment",))]] = frozenset()


class RunCard(_Part):
    """The first card that fits a call counts. What is left empty fits everything; of ``flags`` one must be there.

    The first of ``units`` is the call's own and is preferred, not demanded: somebody goes in any case. All others
    come in support, and only who fits.
    """

    code: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    name: Text
    severity: frozenset[Annotated[str, _known(("severity_ed5", "severity_cbd"))]] = frozenset()
    groups: frozenset[Annotated[int, Field(ge=1, le=25)]] = frozenset()
    flags: frozenset[Annotated[str, _known(FLAG_LISTS)]] = frozenset()
    units: tuple[Asked, ...] = Field(min_length=1, max_length=10)
    approved_by: str | None = None

    @model_validator(mode="after")
    def _blank_group_is_blank(self) -> Self:
        if BLANK_GROUP in self.groups:
            raise ValueError("group 11 is left blank")
        return self
