"""What a visit may say, and how what two phones said of it is brought together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from shared.codes.codes import code_list
from shared.refusal import Refusal

CHECK: Final = "check."
ANSWERS: Final = frozenset({"yes", "no", "unknown"})
LONGEST: Final = 2000
REFERENCE: Final = 200

Outcome = Literal["stands", "same", "disputed"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in a field: its version (0: nothing yet) and value."""

    version: int = 0
    value: str | None = None


def bring_together(standing: Standing, base: int, value: str) -> Outcome:
    """What becomes of a value that was written on a phone which had seen version ``base`` of the field.

    Whoever saw what stands now replaces it; who says the same adds nothing; who wrote without having seen it stands
    beside it, for a person to decide. Nothing is lost either way. ``value`` is empty where a text was taken out.
    """
    if value == (standing.value or ""):
        return "same"
    return "stands" if base == standing.version else "disputed"


def _one_of(codes: frozenset[str] | tuple[str, ...]) -> Callable[[str], bool]:
    return lambda value: value in codes


FIELDS: Final[Mapping[str, Callable[[str], bool]]] = {
    "result": _one_of(code_list("visit_result").codes),
    "note": lambda value: len(value) <= LONGEST,
    "photo": lambda value: len(value) <= REFERENCE,
    **{f"{CHECK}{code}": _one_of(ANSWERS) for code in code_list("visit_check").codes},
}
"""Field → whether a value may stand in it."""


def checked(field: str, value: str) -> str:
    """The value, if the field is one and may hold it.

    Raises:
        Refusal: names the field.

    """
    allowed = FIELDS.get(field)
    place = f"fields.{field}"
    if allowed is None:
        raise Refusal("unknown_field", place, "การเยี่ยมไม่มีช่องนี้ ดู /v1/codes", "a visit has no such field; see /v1/codes")
    if not allowed(value):
        raise Refusal("bad_value", place, "ค่านี้ใช้ในช่องนี้ไม่ได้", "this value does not fit the field")
    return value
