"""Every form of the console, filled in with one person's particulars: whatever a field is called, it may hold them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin
from uuid import UUID, uuid4

from fastapi import APIRouter, UploadFile
from fastapi.params import Form
from fastapi.routing import APIRoute
from pydantic import BaseModel

from services.console.app import SERVICE
from shared.thai.dates import local_day
from shared.work import now_utc
from tests.journeys.canary import Canary
from tests.journeys.eyes import Eyes, Seen, filled
from tests.journeys.town import AREA

LEFT_OUT = (
    "/account/",
    "/role",
    "/sign-out",
    "/admin/accounts/{account_id}/",
    "/admin/map",
    "/people/{person_id}/erase",
)
"""They would end somebody's session, or what is looked at; erasing has its own place in the story."""
FIRST = ("supervisor", "registry_officer", "case_manager", "admin", "volunteer", "auditor")
"""Who presses: the first of these for whom the form is."""
SHEET = ("", "caller.", "patients.0.", "location.")
CODES = {
    "by": "name", "purpose": "case_work", "aim": "care", "group": "bedridden", "need": "carer", "relation": "child", "area": AREA,
    "town": AREA, "method": "visit", "use": "home", "given_by": "self", "role": "member", "kind": "bring", "outcome": "done",
    "decision": "accepted", "wanted": "secret", "finding": "justified", "way": "in", "said": "accepted", "reason": "threat",
    "root_cause": "training", "receiver": "centre_1669", "link": "related", "format": "karuna", "act": "try", "alike": "queue",
    "back": "/messages", "next": "/", "urgency": "5", "score": "1", "tab": "home"
}  # fmt: skip
"""Fields that take a code: with another word nothing behind the form would be reached."""


NOBODYS = {("/people/community/card", "name"), ("/people/community/card/{entry_id}/end", "name")}
"""What no particular stands in: a community's own name."""


def forms() -> Iterator[APIRoute]:
    for router in SERVICE.routers:
        yield from _posts(router)


def _posts(router: APIRouter) -> Iterator[APIRoute]:
    for route in router.routes:
        if not isinstance(route, APIRoute):
            yield from _posts(route.original_router)  # type: ignore[attr-defined]
        elif "POST" in (route.methods or ()) and not route.path.startswith(LEFT_OUT):
            yield route


async def pressed(route: APIRoute, eyes: Mapping[str, Eyes], bird: Canary, ids: Mapping[str, str]) -> Seen:
    """The form as the first gets it who may; the last answer where nobody may."""
    path = filled(route.path, ids)
    for who in FIRST:
        seen = await _press(route, path, eyes[who], bird, ids)
        if seen.status != 403:
            return seen
    return seen


async def _press(route: APIRoute, path: str, eyes: Eyes, bird: Canary, ids: Mapping[str, str]) -> Seen:
    asked = [each for each in route.dependant.body_params if (route.path, each.alias) not in NOBODYS]
    if len(asked) == 1 and not isinstance(asked[0].field_info, Form):
        model = asked[0].field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            return await eyes.say(
                path, {name: _said(name, each.annotation, bird, ids) for name, each in model.model_fields.items()}
            )
    fields = {each.alias: _said(each.alias, each.field_info.annotation, bird, ids) for each in asked}
    files = {name: fields.pop(name) for name, said in list(fields.items()) if isinstance(said, tuple)}
    # What a form reads by itself stands in no signature.
    read = {f"{part}{name}": said for part in SHEET for name, said in _sheet(bird).items()}
    return await eyes.post(path, fields or read, **({"files": files} if files else {}))


def _sheet(bird: Canary) -> dict[str, str]:
    return {
        "name": bird.name, "phone": bird.phone, "national_id": bird.national_id, "complaint": bird.complaint, "detail": bird.address,
        "landmark": bird.landmark, "point": f"{bird.lat}, {bird.lon}", "born": bird.born, "alias": bird.caller,
        "notes": bird.notes, "why_1": bird.said, "gen_place": bird.wrong,
    }  # fmt: skip


def _said(name: str, kind: Any, bird: Canary, ids: Mapping[str, str]) -> Any:
    """What somebody writes into this field."""
    inner, origin = [one for one in get_args(kind) if one is not type(None)], get_origin(kind)
    if origin is Literal:
        return inner[0]
    if origin is dict or kind is dict:
        return {**_sheet(bird), "caller.phone": bird.phone}
    if inner:
        said = _said(name, inner[0], bird, ids)
        return [said] if origin in {list, tuple} else said
    return _plain(name, kind, bird, ids)


def _plain(name: str, kind: Any, bird: Canary, ids: Mapping[str, str]) -> Any:
    if kind is UploadFile:
        return (f"{bird.name}.csv", f"name,phone\n{bird.name},{bird.phone}\n".encode(), "text/csv")
    if kind is UUID or name.endswith("_id"):
        return ids.get(name, str(uuid4()))
    if kind in {int, float}:
        return {"lat": bird.lat, "lon": bird.lon}.get(name, 1)
    if name.endswith("_on") or name in {"on", "due", "day"}:
        return str(local_day(now_utc()))
    return {**_sheet(bird), **CODES, "phone_last4": bird.phone[-4:]}.get(name, bird.notes)
