"""What journeys of booked rides have in common: people who are known, appointments, bookings, and the next morning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from karuna.seed import seed_id
from shared.thai.dates import BANGKOK
from shared.thai.identifiers import check_digit
from tests.journeys.town import AREA, Town, eventually

HOME = {"landmark": "ตลาดเก่า", "lat": 16.4349, "lon": 103.5062}
HOSPITAL = str(seed_id(AREA, "facility", "hosp_province"))
Doc = dict[str, Any]


def cid(number: int) -> str:
    """A made-up 13-digit number with a right check digit."""
    twelve = f"1{number:011d}"
    return f"{twelve}{check_digit(twelve)}"


def next_monday(hour: int = 9) -> datetime:
    """A Monday at least three days from now, at that hour in Thailand: its eve is still to come, whatever day it is."""
    day = datetime.now(BANGKOK).replace(hour=hour, minute=0, second=0, microsecond=0) + timedelta(days=3)
    return day + timedelta(days=(7 - day.weekday()) % 7)


async def known_person(town: Town, number: int, name: str, **more: Any) -> Doc:
    """Somebody the registry knows, with a telephone of their own; gives what a booking says of them."""
    body = {"area": AREA, "name": name, "national_id": cid(number), "birth_year": 1944, "sex": "female", **more}
    made = await town.ask("registry", "POST", "/v1/persons", role="registry_officer", body=body)
    return {"id": made["id"], "patient": {"name": name, "national_id": cid(number), "birth_year": 1944}}


async def book(town: Town, patient: Doc, at: datetime, **more: Any) -> Doc:
    """A ride to the provincial hospital and home again, booked at the desk."""
    body = {
        "lane": "booked", "kind": "transfer", "caller": {"name": "ลูกสาว", "phone": "0845550100"}, "patient": patient,
        "location": HOME, "destination": {"facility_id": HOSPITAL}, "complaint": "ฟอกไต",
        "appointment": {"at": at.isoformat(), "clinic": "ไตเทียม", "duration_min": 240, "return_trip": True,
                        **more.pop("appointment", {})},
        **more,
    }  # fmt: skip
    taken = await town.take(body)
    assert taken["lane"] == "booked"
    await recognised(town, taken["id"])
    return taken


async def recognised(town: Town, call_id: str) -> None:
    """Waits until notify knows who the patient is and how they want to be told: no ride goes within a second of its call.

    Who they are comes by the registry's stream, the ride by that of dispatch; until then their caller is told for them.
    """
    known = "select exists (select from recipient r join person p on p.id = r.person_id where r.call_id = $1) as known"

    async def it_is_known() -> bool:
        return bool((await town.sql("notify", known, UUID(call_id)))[0]["known"])

    await eventually(it_is_known)


async def leg(town: Town, call_id: str, which: str = "outbound", status: str | None = None) -> Doc:
    """One leg of the call's ride, as soon as it is there (and has that status)."""

    async def found() -> Doc | None:
        legs = (trip for trip in await town.trips(call_id) if trip["leg"] == which)
        return next((trip for trip in legs if status in {None, trip["status"]}), None)

    trip: Doc = await eventually(found)
    return trip


async def assign(town: Town, trip: Doc, unit: str, *, status: int = 201, **more: Any) -> Doc:
    """A dispatcher books this unit for the trip."""
    body = {"unit_id": town.unit(unit), **more}
    path = f"/v1/trips/{trip['id']}/assign"
    made: Doc = await town.ask("dispatch", "POST", path, role="dispatcher", body=body, status=status)
    return made


async def withdraw(town: Town, call_id: str, **more: Any) -> None:
    """The ride is not wanted any more; waits until dispatch has called everybody back."""
    await town.ask("intake", "POST", f"/v1/calls/{call_id}/withdraw", role="call_taker", body=more)

    async def called_back() -> bool:
        return all(trip["ended_at"] for trip in await town.trips(call_id))

    await eventually(called_back)


async def morning_comes(town: Town, call_id: str) -> None:
    """Whatever waits for the end of the quiet hours goes out: these journeys run at any hour of the day."""
    sooner = (
        "update attempt set due_at = clock_timestamp() where state = 'ready' and due_at > clock_timestamp() "
        "and message_id in (select id from message where call_id = $1)"
    )
    await town.sql("notify", sooner, UUID(call_id))


async def told(town: Town, call_id: str, to: str, *words: str, via: str = "sms") -> Doc:
    """The message on that telephone that says all ``words``, as soon as it came. ``to``: the end of its address."""

    async def came() -> Doc | None:
        await morning_comes(town, call_id)
        mine = (entry for entry in await town.inbox(via) if entry["to"].endswith(to))
        return next((entry for entry in mine if all(word in entry["text"] for word in words)), None)

    entry: Doc = await eventually(came)
    return entry


async def history(
    town: Town, person_id: str, call_id: str, wanted: Mapping[str, int], sources: frozenset[str] = frozenset()
) -> list[Doc]:
    """The person's history, oldest first, as soon as the call has so many events of each ``wanted`` kind in it.

    And something of each of ``sources``. Each service's story comes by a stream of its own: the end of one says nothing of the end of another.
    """

    async def whole() -> list[Doc]:
        path = f"/v1/persons/{person_id}/history?limit=200"
        page = await town.ask("registry", "GET", path, role="case_manager")
        lines: list[Doc] = page["items"]
        mine = [line for line in lines if line["call_id"] == call_id]
        found = Counter(line["type"] for line in mine)
        heard = sources <= {line["source"] for line in mine}
        return lines if heard and all(found[kind] >= count for kind, count in wanted.items()) else []

    return list(reversed(await eventually(whole)))


def code_of(line: Doc, field: str) -> str | None:
    """What a line of history says in that field."""
    return next((code["code"] for code in line["codes"] if code["field"] == field), None)
