"""Messages: what was sent, why told or not, send again, an answer heard by phone, simulated inboxes."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import aiohttp
from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from services.console.backend import BackendAway, BackendRefused
from services.console.labels import answer_label, labeller, options, phone_shown, said
from services.console.navigation import CARERS, DESK, roles_of
from services.console.people import Person
from services.console.texts import teller
from services.console.web import backend, go, page, runtime, settings, signed_in, trouble
from shared.auth import Role
from shared.codes.codes import code_list

router = APIRouter(prefix="/messages", include_in_schema=False)

Reader = Annotated[Person, Depends(signed_in(*roles_of("messages")))]
AtDesk = Annotated[Person, Depends(signed_in(*DESK))]
Short = Annotated[str, Form(max_length=200)]
RESENDABLE = frozenset({"accepted", "delivered", "unknown", "failed", "expired"})
ANSWERABLE = frozenset({"planned", *RESENDABLE})
READS_CALLS = DESK | {Role.CASE_MANAGER}
NEEDS = "needs_somebody"
"""Beside the statuses: what did not arrive, so that somebody rings or goes there."""
SHOWN = 50
INBOX_SHOWN = 60


@router.get("")
async def recent(
    request: Request, person: Reader, status: Annotated[str, Query(max_length=20)] = "", after: UUID | None = None
) -> Response:
    """The newest messages, those of one status where asked for."""
    wanted = status if status in (NEEDS, *code_list("message_status").codes) else ""
    params: dict[str, str | int] = {"newest": "true", "limit": SHOWN}
    params |= {NEEDS: "true"} if wanted == NEEDS else {"status": wanted} if wanted else {}
    params |= {"after": str(after)} if after else {}
    found = await backend(request).get(person, "notify", "/v1/messages", params=params, purpose="care")
    needs = (NEEDS, teller(person.lang)("messages.needs_somebody"))
    return page(
        request, "messages/recent.html", found=found, chosen=wanted,
        status_options=[needs, *options("message_status", person.lang)],
        older=after is not None, back="/messages",
        **_shared(request, person),
    )  # fmt: skip


def _shared(request: Request, person: Person) -> dict[str, Any]:
    """What every page of messages needs."""
    return {
        "acts": person.role in DESK, "resendable": RESENDABLE, "answerable": ANSWERABLE, "code": labeller(person.lang),
        "rule": lambda rule: said("messages", "rule", rule, person.lang),
        "answer_label": lambda answer: answer_label(answer, person.lang),
        "heard_options": lambda asks: [(one, answer_label(one, person.lang)) for one in [*asks, "seen"]],
        "simulated": settings(request).simulators_url is not None and person.role in DESK,
        "letters": person.role in roles_of("admin"), "finds": person.role in READS_CALLS,
    }  # fmt: skip


@router.post("/find")
async def find(request: Request, person: Reader, number: Short = "") -> Response:
    """From a case number to what was told about that call."""
    if person.role not in READS_CALLS or not number.strip():
        return trouble(request, 422, teller(person.lang)("messages.no_number"), "no_number")
    body = {"number": number.strip(), "limit": 1}
    found = await backend(request).post(person, "intake", "/v1/calls/search", body, purpose="care")
    if not found["items"]:
        return trouble(request, 404, teller(person.lang)("messages.no_call"), "not_found")
    return go(f"/messages/calls/{found['items'][0]['id']}")


@router.get("/calls/{call_id}")
async def of_call(request: Request, person: Reader, call_id: UUID) -> Response:
    """The story of a call: who was told what by which way, who was not and why, and what they answered."""
    params = {"call_id": str(call_id)}
    story = await backend(request).get(person, "notify", "/v1/messages/why", params=params, purpose="care")
    replies = await backend(request).get(
        person, "notify", "/v1/replies", params={**params, "limit": 200}, purpose="care"
    )
    names, number = await _names(request, person, call_id, story["items"])
    told = [
        {"kind": key[0], "id": key[1], "name": names.get(key[1]), "messages": list(of_one)}
        for key, of_one in groupby(
            sorted(story["items"], key=lambda each: (each["recipient_kind"], each["recipient_id"])),
            key=lambda each: (each["recipient_kind"], each["recipient_id"]),
        )
    ]
    return page(
        request, "messages/call.html", told=told, replies=replies["items"], number=number,
        back=f"/messages/calls/{call_id}", call_id=call_id, reviews=person.role in CARERS, **_shared(request, person),
    )  # fmt: skip


async def _names(
    request: Request, person: Person, call_id: UUID, messages: list[dict[str, Any]]
) -> tuple[dict[str, str], str | None]:
    """Names by recipient, and the case number, as far as this role may know them. What is away is left out."""
    names: dict[str, str] = {}
    number = None
    if person.role in READS_CALLS:
        call = await _or_none(request, person, "intake", f"/v1/calls/{call_id}", {})
        if call:
            number = call["number"]
            caller = call.get("caller") or {}
            names |= {str(call_id): caller["name"]} if caller.get("name") else {}
            names |= {each["id"]: each["name"] for each in call.get("patients", ()) if each.get("name")}
    if person.role in DESK and any(each["recipient_kind"] == "crew" for each in messages):
        crew = await _or_none(request, person, "dispatch", "/v1/crew", {"limit": 500})
        names |= {each["id"]: each["name"] for each in (crew or {"items": []})["items"]}
    return names, number


async def _or_none(request: Request, person: Person, service: str, path: str, params: dict[str, str | int]) -> Any:
    try:
        return await backend(request).get(person, service, path, params=params, purpose="care")
    except (BackendAway, BackendRefused):
        return None


@router.post("/{message_id}/resend")
async def resend(
    request: Request, person: AtDesk, message_id: UUID, back: Short = "/messages", key: Short = ""
) -> Response:
    """The same words once more, to the recipient's present address."""
    await backend(request).post(person, "notify", f"/v1/messages/{message_id}/resend", key=key or None, purpose="care")
    return go(_own(back))


@router.post("/{message_id}/heard")
async def heard(
    request: Request, person: AtDesk, message_id: UUID, answer: Short = "", back: Short = "/messages", key: Short = ""
) -> Response:
    """The recipient was reached by phone; the answer counts like a pressed button."""
    body = {"answer": answer} if answer else {}
    await backend(request).post(
        person, "notify", f"/v1/messages/{message_id}/acknowledge", body, key=key or None, purpose="care"
    )
    return go(_own(back))


def _own(back: str) -> str:
    return back if back.startswith("/messages") else "/messages"


# --- the simulated LINE and SMS of the local default ----------------------------------------------------------------


@router.get("/simulated")
async def simulated(request: Request, person: AtDesk) -> Response:
    """What the invented people received, newest first, and the buttons they can press."""
    entries = await _inbox(request)
    names = await _crew_by_address(request, person) if entries else {}
    template = "messages/inbox.html" if request.headers.get("hx-request") else "messages/simulated.html"
    return page(request, template, entries=entries, names=names, back="/messages/simulated", **_shared(request, person))


async def _crew_by_address(request: Request, person: Person) -> dict[str, list[str]]:
    """LINE id, and number as people write it → the crew members who have it. Empty where dispatch is away."""
    crew = await _or_none(request, person, "dispatch", "/v1/crew", {"limit": 500}) or {"items": []}
    names: dict[str, list[str]] = {}
    for each in crew["items"]:
        for to in filter(None, (each["line_user_id"], phone_shown(each["phone"] or ""))):
            names.setdefault(to, []).append(each["name"])
    return names


async def _inbox(request: Request) -> list[dict[str, Any]] | None:
    """None: the simulators do not answer, or there are none."""
    base = settings(request).simulators_url
    if base is None:
        return None
    client = runtime(request).parts["backend"].client
    try:
        async with client.get(f"{base}/inbox.json", params={"all": INBOX_SHOWN}) as answer:
            items = (await answer.json())["items"]
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError):
        return None
    newest: list[dict[str, Any]] = sorted(items, key=lambda each: each["at"], reverse=True)[:INBOX_SHOWN]
    return newest


@router.post("/simulated/press")
async def press(request: Request, person: AtDesk, to: Short, data: Annotated[str, Form(max_length=300)]) -> Response:
    """An invented person presses a button of a LINE message."""
    base = settings(request).simulators_url
    if base is None:
        return trouble(request, 404, teller(person.lang)("messages.no_simulators"), "not_found")
    client = runtime(request).parts["backend"].client
    try:
        url = f"{base}/_control/users/{quote(to, safe='')}/postback"
        async with client.post(url, json={"data": data}) as answer:
            answer.raise_for_status()
    except (aiohttp.ClientError, TimeoutError, OSError):
        return trouble(request, 503, teller(person.lang)("messages.no_simulators"), "service_away")
    return go("/messages/simulated")
