"""Who could go to a call, as a dispatcher reads it: what holds for everybody is said once. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Doc = Mapping[str, Any]


def with_answers(units: Sequence[Doc], assignments: Sequence[Doc]) -> list[dict[str, Any]]:
    """The units, each with its last ``answer``: ``declined``, ``expired`` (it was silent) or None.

    Only a unit that dispatch counts as having said no has one: whom nobody asked did not refuse.
    """
    asked = sorted(assignments, key=lambda each: str(each["asked_at"]))
    last = {each["unit_id"]: each["status"] for each in asked if each["status"] in {"declined", "expired"}}
    return [{**unit, "answer": last.get(unit["unit_id"]) if unit["said_no"] else None} for unit in units]


def said_once(units: Sequence[Doc]) -> tuple[list[dict[str, Any]], list[Doc]]:
    """The units with the reasons of their own, and those that hold for all of several.

    The first reason of each is how far it is; that stays with its unit.
    """
    if not units[1:]:
        return [dict(unit) for unit in units], []
    of_all = [reason for reason in units[0]["reasons"][1:] if all(reason in unit["reasons"][1:] for unit in units)]
    return [
        {**unit, "reasons": [reason for reason in unit["reasons"] if reason not in of_all]} for unit in units
    ], of_all
