"""The volunteers' page: whom to visit, opened without signal; what was found goes off once, when there is one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from services.console.backend import BackendAway, BackendRefused
from services.console.labels import label, options, phone_shown
from services.console.navigation import roles_of
from services.console.pages.cases import OUTCOMES
from services.console.people import Person
from services.console.texts import some, teller
from services.console.tokens import token
from services.console.web import as_json, asset, backend, lang_of, masked, page, signed_in
from shared.thai.dates import local_day, show_day
from shared.work import now_utc

router = APIRouter(prefix="/visits", include_in_schema=False)

Goer = Annotated[Person, Depends(signed_in(*roles_of("visits")))]
Key = Annotated[str, Header(alias="Idempotency-Key", pattern=r"^[0-9a-f-]{36}$")]
Content = Annotated[bytes, Body(media_type="application/octet-stream")]
PURPOSE = "care"
MODULES = {
    "queue": "js/visits-queue.js",
    "sheet": "js/visits-sheet.js",
    "picture": "js/visits-picture.js",
    "view": "js/crew-view.js",
}
NOT_MET = ("not_home", "moved", "declined")
"""Results after which nobody could be asked anything."""
MOST_PICTURES = 6
"""Of one visit; the registry refuses more."""
PICTURE_S = 60.0
STATES = ("planned", "begun", "waiting", "refused", "sent")
ANSWERS = ("yes", "no", "unknown")
SOURCES = ("health_volunteer", "gis_volunteer", "womens_group", "community_committee", "elders_club", "other")
"""What a volunteer may say to be; the registry refuses the others."""
Words = Callable[..., str]


@router.get("")
async def phone(request: Request, person: Goer) -> Response:
    """The shell: words, code lists, the modules' addresses. Nobody who is to be visited is in it."""
    lang = lang_of(request)
    t = teller(lang)
    checks = options("visit_check", lang)
    tables = {
        "account": str(person.account_id), "icons": asset("icons.svg"),
        "most_pictures": MOST_PICTURES, "modules": {name: asset(path) for name, path in MODULES.items()},
        "results": options("visit_result", lang), "not_met": NOT_MET, "checks": checks,
        "answers": [(answer, t(f"visits.{answer}")) for answer in ANSWERS],
        "needs": options("life_need", lang), "need_names": dict(options("life_need", lang)),
        "urgencies": options("need_urgency", lang), "urgency_names": dict(options("need_urgency", lang)),
        "outcomes": options("task_outcome", lang, OUTCOMES),
        "sources": options("observer_kind", lang, SOURCES),
        "fields": {"result": t("visits.result"), "note": t("visits.note"),
                   **{f"check.{code}": name for code, name in checks}},
        "tones": {
            **{state: _tone("visit_on_phone", state, lang) for state in STATES},
            **{state: _tone("task_state", state, lang) for state in ("open", "overdue")},
        },
    }  # fmt: skip
    return page(request, "visits/phone.html", tables=as_json(tables), script_words=as_json(some("visits", lang)))


def _tone(kind: str, state: str, lang: str) -> dict[str, str]:
    of = token(kind, state)
    icon = f"{asset('icons.svg')}#{of.icon}"
    return {"tone": of.tone, "icon": icon, "letter": of.letter.say(lang), "label": of.label.say(lang)}  # type: ignore[arg-type]


@router.get("/state")
async def state(request: Request, person: Goer) -> Response:
    """Whom a volunteer is to visit in two weeks, their tasks, the questionnaires: kept on the phone until sign-out."""
    asking, lang = backend(request), lang_of(request)
    given = await asking.get(person, "registry", "/v1/planned-visits/mine", purpose=PURPOSE)
    tasks = await _tasks(request, person)
    forms = await asking.get(person, "registry", "/v1/questionnaires")
    today = local_day(now_utc())
    return JSONResponse({
        "account": str(person.account_id), "csrf": masked(person.csrf), "now": now_utc().isoformat(),
        "visits": [_visit(each, lang, today) for each in given["items"]],
        "tasks": None if tasks is None else [_task(each, lang) for each in tasks],
        "forms": [_form(each, lang) for each in forms["items"]],
    }, headers={"cache-control": "no-store"})  # fmt: skip


async def _tasks(request: Request, person: Person) -> list[dict[str, Any]] | None:
    """Tasks of cases given to this volunteer; None: not known (an older registry), and visits are shown."""
    try:
        found = await backend(request).get(person, "registry", "/v1/tasks/mine", purpose=PURPOSE)
    except (BackendAway, BackendRefused):
        return None
    items: list[dict[str, Any]] = found["items"]
    return items


def _visit(given: dict[str, Any], lang: str, today: date) -> dict[str, Any]:
    due = date.fromisoformat(given["due_on"])
    own = {name: {"version": field["version"], "value": field["value"]} for name, field in given["own"].items()}
    return {
        "id": given["id"], "kind": given["kind"]["code"], "kind_label": given["kind"][lang], "what": given["what"],
        "forms": given["forms"], "due": show_day(due, "en" if lang == "en" else "th", "short"), "late": due < today,
        "done_at": given["done_at"], "pictures": given.get("pictures", 0),
        "own": own, "disputed": given["disputed"], "person": whom_shown(given["person"], lang),
    }  # fmt: skip


def _task(given: dict[str, Any], lang: str) -> dict[str, Any]:
    """A task of a case, in the shape of a visit; ``person`` None: the centre tells for whom it is."""
    due = date.fromisoformat(given["due_on"])
    return {
        "id": given["id"], "task": True, "kind_label": given["kind"][lang], "what": given["what"],
        "due": show_day(due, "en" if lang == "en" else "th", "short"), "late": given["overdue"], "done_at": None,
        "forms": [], "own": {}, "disputed": [], "pictures": 0,
        "person": given["whom"] and whom_shown(given["whom"], lang),
    }  # fmt: skip


def whom_shown(known: dict[str, Any], lang: str) -> dict[str, Any]:
    t, age, alias = teller(lang), known["age"], known["alias"]
    line = [
        alias and f"({alias})",
        age and t("visits.years_about" if age["estimated"] else "visits.years", n=age["years"]),
        known["sex"] and label("sex", known["sex"], lang),
        known["mobility"] and label("mobility", known["mobility"], lang),
        *(label("need", need, lang) for need in known["needs"]),
    ]
    ordered = sorted(known["addresses"], key=lambda each: each["kind"] != "current")
    places = [" ".join(part for part in (each["detail"], each[f"area_{lang}"]) if part) for each in ordered]
    return {
        "id": known["id"], "name": known["name"], "line": " · ".join(each for each in line if each),
        "places": list(dict.fromkeys(each for each in (*places, known["usual_place"]) if each)),
        "contacts": [
            {"phone": each["phone"], "shown": phone_shown(each["phone"]),
             "who": each["name"] or label("relation", each["relation"], lang)}
            for each in known["contacts"]
        ],
        "home": known["home"],
    }  # fmt: skip


def _form(form: dict[str, Any], lang: str) -> dict[str, Any]:
    """A questionnaire in one language, as small as the phone needs it."""
    return {
        "id": form["id"], "name": form[lang], "counts": form["counts"],
        "mark": form["mark"][lang] if form["mark"] and not form["approved_by"] else None,
        "items": [
            {"id": item["id"], "text": item[lang], "dimension": item["dimension"],
             "choices": [{"points": one["points"], "text": one[lang]} for one in item["choices"]]}
            for item in form["item"]
        ],
        "bands": [{"from": band["from"], "text": band[lang]} for band in form["band"]],
    }  # fmt: skip


class Act(BaseModel):
    """What a volunteer sends off. ``id`` is the phone's own; ``body`` is the registry's to judge."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["visit", "assessment", "need", "place", "task"]
    id: UUID
    person_id: UUID | None = None
    body: dict[str, Any] = Field(max_length=12)


WHERE = {"assessment": "assessments", "need": "needs", "place": "locations"}


@router.post("/act")
async def act(request: Request, person: Goer, told: Act, key: Key) -> Response:
    """Pass on what was written; by its ids the same is done once, however often it comes."""
    asking, whose = backend(request), str(told.person_id)
    if told.kind == "visit":
        body = {**told.body, "person_id": whose}
        kept = await asking.put(person, "registry", f"/v1/visits/{told.id}", body, purpose=PURPOSE)
        return JSONResponse(_receipt(kept))
    if told.kind == "task":
        await asking.post(person, "registry", f"/v1/tasks/{told.id}/done", told.body, key=key, purpose=PURPOSE)
        return JSONResponse({"done": True})
    body = {**told.body, "id": str(told.id)}
    path = f"/v1/persons/{whose}/{WHERE[told.kind]}"
    kept = await asking.post(person, "registry", path, body, key=key, purpose=PURPOSE)
    return JSONResponse(
        {"done": True, "band": kept["band"][lang_of(request)]} if told.kind == "assessment" else {"done": True}
    )


def _receipt(kept: dict[str, Any]) -> dict[str, Any]:
    """The versions on which the next change is based, and which fields two wrote otherwise."""
    own = {
        field["field"]: {"version": field["version"], "value": field["stands"]["value"]}
        for field in kept["fields"] if field["stands"]
    }  # fmt: skip
    return {"done": True, "own": own, "disputed": [field["field"] for field in kept["fields"] if field["others"]]}


@router.post("/pictures/{picture_id}")
async def picture(request: Request, person: Goer, picture_id: UUID, visit_id: UUID, content: Content) -> Response:
    """Pass on a picture of a visit that has arrived; by its own id it is kept once."""
    path, params = f"/v1/pictures/{picture_id}", {"visit_id": str(visit_id)}
    try:
        await backend(request).send(
            person, "registry", path, content, params=params, purpose=PURPOSE, within_s=PICTURE_S
        )
    except BackendRefused as refused:
        if refused.code != "picture_gone":  # then nothing is left to send, and what comes after it may go on
            raise
    return JSONResponse({"done": True})
