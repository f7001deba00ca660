"""The command line of desk and board: order, open and search without a mouse, also while a call is open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from services.console.backend import BackendRefused
from services.console.pages.desk import AtDesk, Body
from services.console.pages.desk_find import options
from services.console.people import Person
from services.console.rules.command import LONGEST, Command, NotUnderstood, is_meant, read_command
from services.console.texts import teller
from services.console.web import backend

router = APIRouter(prefix="/desk", include_in_schema=False)
Doc = dict[str, Any]
MOST_READ = 200
NEEDS_UNIT = ("requested", "queued", "unassigned", "planned", "under_way")


class CommandBody(Body):
    text: Annotated[str, Field(max_length=LONGEST)]


@dataclass(frozen=True, slots=True)
class CannotDo(Exception):
    """``text`` of the desk's texts, with its facts."""

    text: str
    number: str = ""
    unit: str = ""


@router.post("/command")
async def command(request: Request, person: AtDesk, body: CommandBody) -> JSONResponse:
    """Do it: ``{tone, text, call_id?, html?, act?}``. What cannot be done says why; nothing is half done."""
    t, meant = teller(person.lang), None
    try:
        meant = read_command(body.text)
        return JSONResponse(await DOES[meant.verb](request, person, meant))
    except NotUnderstood as problem:
        return JSONResponse({"tone": "bad", "text": t(f"desk.command_{problem.code}")}, 422)
    except CannotDo as problem:
        text = t(f"desk.command_{problem.text}", number=problem.number, unit=problem.unit)
        return JSONResponse({"tone": "bad", "text": text}, 409)
    except BackendRefused as problem:
        text = refusal_text(problem, person.lang)
        if meant is not None and problem.code == "has_unit":
            text += " · " + t("desk.command_support", number=meant.number, unit=meant.unit)
        return JSONResponse({"tone": "bad", "text": text}, problem.status)


def refusal_text(problem: BackendRefused, lang: str) -> str:
    """The sentence, what is missing, and what stands in the way."""
    facts = [*problem.problem.get("shortfalls", []), *problem.problem.get("conflicts", [])]
    told = [str(each.get(lang) or each.get("what") or each.get("code")) for each in facts]
    hint = teller(lang)("desk.command_override") if problem.problem.get("overridable") else ""
    return " · ".join(filter(None, (problem.sentence(lang), *dict.fromkeys(told), hint)))


async def call_with(request: Request, person: Person, number: str, *, over: bool = False) -> Doc:
    """The open call with that number; with ``over``, where none is open, the newest that is over.

    Raises:
        CannotDo: there is none, or several end like that.

    """
    meant = await _ending_in(request, person, number, status="open")
    if not meant and over:
        meant = (await _ending_in(request, person, number))[:1]
    if len(meant) == 1:
        return meant[0]
    if not meant and "-" in number:
        found = await backend(request).post(
            person, "intake", "/v1/calls/search", {"number": number}, purpose="emergency"
        )
        meant = found["items"]
    if not meant:
        raise CannotDo("no_call_at_all" if over else "no_call", number)
    if len(meant) > 1:
        raise CannotDo("several_calls", ", ".join(call["number"] for call in meant[:4]))
    return meant[0]


async def _ending_in(request: Request, person: Person, number: str, **which: str) -> list[Doc]:
    """Of the newest calls those that are meant, the newest first."""
    params: dict[str, str | int] = {"limit": MOST_READ, **which}
    calls = await backend(request).get(person, "intake", "/v1/calls", params=params, purpose="emergency")
    return [call for call in calls["items"] if is_meant(call["number"], number)]


async def _dispatch(request: Request, person: Person, meant: Command) -> Doc:
    call = await call_with(request, person, meant.number)
    unit = await _unit(request, person, meant.unit)
    trips = await backend(request).get(person, "dispatch", "/v1/trips", params={"call_id": call["id"]})
    waiting = sorted(
        (trip for trip in trips["items"] if trip["status"] in NEEDS_UNIT),
        key=lambda trip: NEEDS_UNIT.index(trip["status"]),
    )
    if not waiting:
        raise CannotDo("no_trip", call["number"])
    wanted = {"unit_id": unit["id"], **({"override_reason": meant.reason} if meant.reason else {})}
    wanted |= {"role": "support"} if meant.verb == "support" else {}
    made = await backend(request).post(person, "dispatch", f"/v1/trips/{waiting[0]['id']}/assign", wanted)
    done = "command_offered" if made["status"] == "offered" else "command_ordered"
    text = teller(person.lang)(f"desk.{done}", unit=unit["call_sign"], number=call["number"])
    return {"tone": "good", "text": text, "call_id": call["id"]}


async def _unit(request: Request, person: Person, call_sign: str) -> Doc:
    units = await backend(request).get(person, "dispatch", "/v1/units", params={"limit": 500})
    for unit in units["items"]:
        if unit["call_sign"].upper() == call_sign:
            found: Doc = unit
            return found
    raise CannotDo("no_unit", unit=call_sign)


async def _open(request: Request, person: Person, meant: Command) -> Doc:
    call = await call_with(request, person, meant.number, over=True)
    return {"tone": "", "text": call["number"], "call_id": call["id"], "act": "open"}


async def _search(request: Request, person: Person, meant: Command) -> Doc:
    return {"tone": "", "text": "", "act": "found", "html": await options(request, person, meant.text)}


async def _new(_: Request, __: Person, ___: Command) -> Doc:
    return {"tone": "", "text": "", "act": "new"}


async def _keys(_: Request, __: Person, ___: Command) -> Doc:
    return {"tone": "", "text": "", "act": "keys"}


DOES = {"dispatch": _dispatch, "support": _dispatch, "open": _open, "search": _search, "new": _new, "keys": _keys}
