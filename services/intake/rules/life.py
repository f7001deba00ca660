"""The life of a call and of a barrier as tables with one function that refuses, and how far a call is.

The same law stands in the database: CHECKs and unique indexes of ``0001_calls.sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from shared.codes.codes import code_list
from shared.refusal import Refusal


class Row(Protocol):
    def __getitem__(self, column: str, /) -> Any: ...


Table = Mapping[str, Mapping[str, str]]
"""status → what may happen → next status."""

CALL: Table = {
    "open": {
        "change": "open", "triage": "open", "link": "open", "unlink": "open", "tell": "open",
        "hand_over": "handed_over", "withdraw": "withdrawn", "close": "closed",
    },
    "handed_over": {"change": "handed_over", "tell": "handed_over", "close": "closed", "erase": "handed_over"},
    "withdrawn": {"erase": "withdrawn"},
    # Dispatch may come to know of another trip after the last known one was done.
    "closed": {"erase": "closed", "reopen": "open"},
}  # fmt: skip

BARRIER: Table = {"asked": {"meet": "met", "miss": "unmet"}, "met": {}, "unmet": {}}

TABLES: Mapping[str, Table] = {"call": CALL, "barrier": BARRIER}
ERASED = "erased"
"""Stands for the status of an erased call, whatever it was: nothing can happen to it any more."""
STATUS_TH = {
    "open": "เปิดอยู่", "handed_over": "ส่งต่อแล้ว", "withdrawn": "ยกเลิกแล้ว", "closed": "ปิดแล้ว", ERASED: "ลบข้อมูลแล้ว",
}  # fmt: skip

# The state of an assignment that is at work → how far the call is, in the order of progress.
STAGE_OF_ASSIGNMENT = {
    "accepted": "assigned",
    "en_route": "on_the_way",
    "at_scene": "at_scene",
    "left_scene": "to_destination",
    "at_destination": "at_destination",
}
PROGRESS = ("received", "queued", "assigned", "on_the_way", "at_scene", "to_destination", "at_destination")
TRIP_ENDED = {"completed", "cancelled"}
NO_SHOW = "no_show"
"""The crew was at the door, and the passenger was not: an outcome, and the alarm of it."""
OVER = {"cleared", "released", "declined", "expired"}
GOING = {*STAGE_OF_ASSIGNMENT, "cleared"}
"""States of an assignment in which its crew goes, or went."""


def advance(noun: str, status: str, act: str) -> str:
    """The status after ``act``.

    Raises:
        Refusal: this cannot happen now; says in which status the thing is.

    """
    try:
        return TABLES[noun][status][act]
    except KeyError:
        pass
    if noun == "barrier":
        label = code_list("barrier_state")
        th, en = label.label(status), label.label(status, "en")
        raise Refusal("barrier_ended", "state", f"อุปสรรคนี้สิ้นสุดแล้ว: {th}", f"this barrier has ended: {en}")
    raise Refusal(
        "call_" + status, "status", f"ทำรายการนี้ไม่ได้ สายนี้{STATUS_TH[status]}",
        f"not possible: this call is {status.replace('_', ' ')}",
    )  # fmt: skip


def stage_of(trips: Iterable[Row], assignments: Iterable[Row]) -> str:
    """How far an open call is: the furthest its trips under way have come."""
    ended = {trip["id"] for trip in trips if trip["state"] in TRIP_ENDED}
    stages = ["received"]
    if any(trip["state"] == "queued" for trip in trips):
        stages.append("queued")
    stages += [
        STAGE_OF_ASSIGNMENT[each["state"]]
        for each in assignments
        if each["state"] in STAGE_OF_ASSIGNMENT and each["trip_id"] not in ended
    ]
    return max(stages, key=PROGRESS.index)


def on_the_way(assignments: Iterable[Row]) -> bool:
    """Whether a crew has set out, and not only accepted."""
    return any(each["state"] in STAGE_OF_ASSIGNMENT and each["state"] != "accepted" for each in assignments)


def lacks_somebody(trips: Iterable[Row], assignments: Iterable[Row]) -> bool:
    """Whether a trip stands in the queue to which nobody goes. The way home may wait there."""
    served = {each["trip_id"] for each in assignments if each["state"] in GOING}
    return any(trip["state"] == "queued" and trip["leg"] != "return" and trip["id"] not in served for trip in trips)


def outcome_of(trips: Iterable[Row]) -> tuple[str, str | None] | None:
    """Outcome and reason when all trips have ended; None while one has not, or while none is known."""
    states = list(trips)
    if not states or any(trip["state"] not in TRIP_ENDED for trip in states):
        return None
    if any(trip["state"] == "completed" and trip["outcome"] != NO_SHOW for trip in states):
        return "done", None
    return "unmet", next((trip["outcome"] for trip in states if trip["outcome"]), None)


def wanted_code(list_id: str, code: str | None, text: str | None, field: str) -> str:
    """A code of that list, with its sentence where the code asks for one.

    Raises:
        Refusal: no such code, or the sentence is missing.

    """
    item = code_list(list_id).item(code or "", field)
    if item.needs_text and not text:
        raise Refusal(
            "needs_text", "text", f"เหตุผล “{item.th}” ต้องมีคำอธิบาย", f"the reason “{item.en}” needs a sentence"
        )
    return item.code
