"""Agencies with whom to ring there, agreements as dated data, and who would see what by each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from services.console.area_tree import area_choices
from services.console.backend import BackendRefused
from services.console.colleagues import every_agency
from services.console.labels import labeller, options, phone_shown, said
from services.console.navigation import SETS_UP, SHARERS
from services.console.people import Person
from services.console.rules import days
from services.console.store import accounts
from services.console.texts import texts
from services.console.tokens import token
from services.console.towns import area_options, known_areas
from services.console.web import backend, page, runtime, saved, signed_in
from shared.auth import Role
from shared.codes.codes import code_list
from shared.refusal import Refusal
from shared.thai.areas import area
from shared.thai.dates import Years, local_day
from shared.work import new_id, now_utc

router = APIRouter(prefix="/sharing", include_in_schema=False)

Sharer = Annotated[Person, Depends(signed_in(*SHARERS, agencies=True))]
SetsUp = Annotated[Person, Depends(signed_in(*SETS_UP))]
Signer = Annotated[Person, Depends(signed_in(Role.SUPERVISOR, agencies=True))]
Short = Annotated[str, Form(max_length=200)]
Several = Annotated[list[str] | None, Form()]
PURPOSES = ("care", "case_work", "emergency", "registration")
"""For which other agencies may be let in."""
ENDED_FOR = ("replaced", "not_needed", "not_kept", "law", "other")
DUTIES = ("coordinator", "privacy_officer")
LEVELS = {2: "จ.", 4: "อ.", 6: "ต."}
"""What stands before the name of an official area, by the digits of its code."""
AGENCY_ROLES = 5
"""How many roles there are that somebody of an agency may have; the registry weighs each."""
AGREED_YEARS = 30


@dataclass(frozen=True, slots=True)
class SeenClass:
    """One class of fields: what is in it, and by agency for what, by whom and on which basis it would be seen."""

    field_class: Mapping[str, str]
    sensitive: bool
    fields: tuple[str, ...]
    by_agency: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)


def by_class(sights: Sequence[Mapping[str, Any]], lang: str) -> list[SeenClass]:
    """The effect of an agreement as rows of a table, from what everybody knows to what is guarded most."""
    rows: dict[tuple[str, bool], SeenClass] = {}
    for sight in sights:
        key = (sight["field_class"]["code"], sight["sensitive"])
        words = tuple(dict.fromkeys(field_words(name, lang) for name in sight["fields"]))
        row = rows.setdefault(key, SeenClass(sight["field_class"], sight["sensitive"], words))
        row.by_agency.setdefault(sight["agency_id"], []).append(sight)
    order = code_list("field_class").codes
    return sorted(rows.values(), key=lambda row: (order.index(row.field_class["code"]), row.sensitive))


def field_words(name: str, lang: str) -> str:
    """What people call a field ``set.field`` of the registry."""
    return said("sharing", "field", name.replace(".", "_"), lang)


def state_of(agreement: Mapping[str, Any], today: date) -> str:
    """``works``, or why not: ``expired``, ``not_yet``, ``not_signed``."""
    over = agreement["ended_on"] or agreement["until_on"]
    if agreement["works"]:
        return "works"
    if agreement["ended_on"] or (over and date.fromisoformat(over) < today):
        return "expired"
    return "not_yet" if date.fromisoformat(agreement["from_on"]) > today else "not_signed"


def place_name(code: str, lang: str) -> str:
    """A changwat, amphoe, tambon or village by its official code; another code as it is."""
    try:
        known = area(code)
    except (KeyError, Refusal):
        return code
    return known.en if lang == "en" else f"{LEVELS.get(len(code), '')}{known.th}"


def _day(typed: str, name: str, lang: str) -> tuple[str | None, str]:
    """``(ISO day or None where nothing was typed, what is wrong)``."""
    this = local_day(now_utc()).year
    day, wrong = days.read(typed, name, lang, Years(this - AGREED_YEARS, this + AGREED_YEARS))
    return day or None, wrong


def _today(lang: str) -> str:
    return days.written(local_day(now_utc()), lang)


async def _agencies(request: Request, person: Person) -> list[dict[str, Any]]:
    """The directory; auditors see agreements without it."""
    if person.role == Role.AUDITOR:
        return []
    return await every_agency(request, person)


def _named(each: Mapping[str, Any], lang: str, what: str = "name") -> str:
    return str((each[f"{what}_en"] if lang == "en" else None) or each[f"{what}_th"])


# --- everything at a glance --------------------------------------------------------------------------------------


@router.get("")
async def overview(request: Request, person: Sharer) -> Response:
    """Agreements and how they stand; agencies and whom to ring there."""
    agreements: list[dict[str, Any]] = []
    params: dict[str, str | int] = {"limit": 200}
    while True:
        found = await backend(request).get(person, "registry", "/v1/agreements", params=params)
        agreements += found["items"]
        if found["next"] is None:
            break
        params["cursor"] = found["next"]
    today = local_day(now_utc())
    agencies = await _agencies(request, person)
    return page(
        request, "sharing/overview.html", agreements=agreements, state=lambda each: state_of(each, today),
        agencies=agencies, names={each["id"]: _named(each, person.lang) for each in agencies},
        named=lambda each, what="name": _named(each, person.lang, what), phone=phone_shown,
        sets_up=person.role in SETS_UP and person.agency_id is None,
    )  # fmt: skip


# --- agreements --------------------------------------------------------------------------------------------------


@router.get("/agreements/new")
async def new_agreement(request: Request, person: SetsUp) -> Response:
    """An empty form."""
    return await _form(request, person, {"from_on": _today(person.lang), "purposes": ["care"], "key": str(new_id())})


async def _form(request: Request, person: Person, typed: Mapping[str, Any], problem: str = "") -> Response:
    own = area_options(request, person)
    choices = [each for each in await area_choices(request, person) if ":" not in each[0]]
    named = [(each["id"], _named(each, person.lang)) for each in await _agencies(request, person)]
    return page(
        request, "sharing/agreement_new.html", status=422 if problem else 200, problem=problem, typed=typed, own=own,
        areas=[*own, *choices], agencies=named, purposes=options("purpose", person.lang, PURPOSES),
        classes=options("field_class", person.lang), bases=options("legal_basis", person.lang),
        writes=options("agency_writes", person.lang),
        others=[each for each in known_areas(request) if each not in dict(own)],
    )  # fmt: skip


@router.post("/agreements")
async def make_agreement(
    request: Request, person: SetsUp, title_th: Short = "", title_en: Short = "",
    area_: Annotated[str, Form(alias="area")] = "",
    agency_ids: Several = None, municipalities: Several = None, areas: Several = None, purposes: Several = None,
    field_class: Short = "shared", bases: Several = None, writes: Several = None, from_on: Short = "",
    until_on: Short = "", key: Short = "",
) -> Response:  # fmt: skip
    """A new agreement: it opens nothing before the sides have signed, and its terms never change."""
    typed: dict[str, Any] = {
        "title_th": title_th.strip(), "title_en": title_en.strip(), "area": area_, "agency_ids": agency_ids or [],
        "municipalities": municipalities or [], "areas": areas or [], "purposes": purposes or [],
        "field_class": field_class, "bases": bases or [], "writes": writes or [], "from_on": from_on,
        "until_on": until_on, "key": key,
    }  # fmt: skip
    needed = ("title_th", "agency_ids", "areas", "purposes", "bases", "from_on")
    lacking = next((name for name in needed if not typed[name]), None)
    if lacking:
        return await _form(request, person, typed, texts()[f"sharing.need_{lacking}"].of(person.lang))
    first, wrong = _day(from_on, "from_on", person.lang)
    last, also = _day(until_on, "until_on", person.lang)
    if wrong or also:
        return await _form(request, person, typed, wrong or also)
    body = {name: value for name, value in typed.items() if name != "key"}
    body |= {"from_on": first, "until_on": last, "title_en": typed["title_en"] or None}
    try:
        made = await backend(request).post(person, "registry", "/v1/agreements", body, key=key or None)
    except BackendRefused as refused:
        return await _form(request, person, typed, refused.sentence(person.lang))
    return saved(f"/sharing/agreements/{made['id']}")


@router.get("/agreements/{agreement_id}")
async def agreement(request: Request, person: Sharer, agreement_id: UUID) -> Response:
    """One agreement: who has signed, whether it works today, and who would see what by it."""
    return await _agreement(request, person, agreement_id)


async def _agreement(request: Request, person: Person, agreement_id: UUID, problem: str = "") -> Response:
    ask = backend(request).get
    known = await ask(person, "registry", f"/v1/agreements/{agreement_id}")
    effect = await ask(person, "registry", f"/v1/agreements/{agreement_id}/effect")
    agencies = {each["agency_id"]: _named(each, person.lang) for each in known["parties"] if each["agency_id"]}
    return page(
        request, "sharing/agreement.html", status=409 if problem else 200, problem=problem, known=known,
        state=state_of(known, local_day(now_utc())), rows=by_class(effect["sights"], person.lang), agencies=agencies,
        named=lambda each, what="name": _named(each, person.lang, what), signs=person.role == Role.SUPERVISOR,
        every_role=AGENCY_ROLES, place=lambda code: place_name(code, person.lang), code=labeller(person.lang),
        reasons=[(code, texts()[f"sharing.end_{code}"].of(person.lang)) for code in ENDED_FOR],
        lacks=lambda code: said("sharing", "lack", code, person.lang),
    )  # fmt: skip


async def _do(request: Request, person: Person, agreement_id: UUID, verb: str, body: Any) -> Response:
    try:
        await backend(request).post(person, "registry", f"/v1/agreements/{agreement_id}/{verb}", body)
    except BackendRefused as refused:
        return await _agreement(request, person, agreement_id, refused.sentence(person.lang))
    return saved(f"/sharing/agreements/{agreement_id}")


@router.post("/agreements/{agreement_id}/sign")
async def sign(
    request: Request, person: Signer, agreement_id: UUID, municipality: Short = "", agency_id: Short = "",
    paper: Short = "",
) -> Response:  # fmt: skip
    """For one's own municipality or agency; for another side what it has signed on paper."""
    if person.agency_id is not None:
        return await _do(request, person, agreement_id, "sign", {})
    body = {"municipality": municipality or None, "agency_id": agency_id or None, "paper": paper.strip() or None}
    return await _do(request, person, agreement_id, "sign", body)


@router.post("/agreements/{agreement_id}/end")
async def end(request: Request, person: Signer, agreement_id: UUID, reason: Short = "other") -> Response:
    """From today it opens nothing."""
    return await _do(request, person, agreement_id, "end", {"reason": reason})


# --- agencies ----------------------------------------------------------------------------------------------------


@router.get("/agencies/new")
async def new_agency(request: Request, person: SetsUp) -> Response:
    """An empty form under an id of its own, so that sending twice makes one."""
    return await _agency(request, person, new_id(), {"from_on": _today(person.lang)})


@router.get("/agencies/{agency_id}")
async def agency(request: Request, person: SetsUp, agency_id: UUID) -> Response:
    """An agency as it is kept, with its coordinators."""
    return await _agency(request, person, agency_id)


async def _agency(
    request: Request, person: Person, agency_id: UUID, typed: Mapping[str, Any] | None = None, problem: str = ""
) -> Response:
    known = next((each for each in await _agencies(request, person) if each["id"] == str(agency_id)), None)
    kept: dict[str, Any] = {"kind": "hospital", "areas": [code for code, _ in area_options(request, person)][:1]}
    if known:
        kept = {**known, "kind": known["kind"]["code"]}
    everybody = await accounts.everybody(runtime(request).pool)
    crew = [
        (str(each.crew_id), each.name) for each in everybody
        if each.crew_id and any(person.sees(area) for area in each.areas)
    ]  # fmt: skip
    return page(
        request, "sharing/agency.html", status=422 if problem else 200, problem=problem, agency_id=str(agency_id),
        known=known, typed={**kept, **(typed or {})}, kinds=options("agency_kind", person.lang), crew=crew,
        areas=area_options(request, person), today=_today(person.lang), phone=phone_shown,
        duties=[(code, token("coordinator_duty", code).label) for code in DUTIES],
        named=lambda each, what="name": _named(each, person.lang, what),
    )  # fmt: skip


@router.post("/agencies/{agency_id}")
async def put_agency(
    request: Request, person: SetsUp, agency_id: UUID, kind: Short = "other", name_th: Short = "", name_en: Short = "",
    areas: Several = None, municipality: Short = "", from_on: Short = "", until_on: Short = "",
) -> Response:  # fmt: skip
    """The agency, whole."""
    typed = {
        "kind": kind, "name_th": name_th.strip(), "name_en": name_en.strip(), "areas": areas or [],
        "municipality": municipality, "from_on": from_on, "until_on": until_on,
    }  # fmt: skip
    first, wrong = _day(from_on, "from_on", person.lang)
    last, also = _day(until_on, "until_on", person.lang)
    if not name_th.strip() or not areas or not first:
        wrong = wrong or texts()["sharing.need_agency"].of(person.lang)
    if wrong or also:
        return await _agency(request, person, agency_id, typed, wrong or also)
    own = municipality or None if kind == "municipality" else None
    body = {**typed, "name_en": typed["name_en"] or None, "municipality": own, "from_on": first, "until_on": last}
    try:
        await backend(request).put(person, "registry", f"/v1/agencies/{agency_id}", body)
    except BackendRefused as refused:
        return await _agency(request, person, agency_id, typed, refused.sentence(person.lang))
    return saved(f"/sharing/agencies/{agency_id}")


@router.post("/agencies/{agency_id}/coordinators")
async def appoint(
    request: Request, person: SetsUp, agency_id: UUID, name: Short = "", phone: Short = "", duty: Short = "coordinator",
    crew_id: Short = "",
) -> Response:  # fmt: skip
    """Whom to ring there, from today."""
    typed = {"person": name.strip(), "phone": phone, "duty": duty}
    body = {
        "name": name.strip(), "phone": phone.strip() or None, "duty": duty, "crew_id": crew_id or None,
        "from_on": local_day(now_utc()).isoformat(),
    }  # fmt: skip
    return await _put_coordinator(request, person, agency_id, new_id(), body, typed)


@router.post("/agencies/{agency_id}/coordinators/{coordinator_id}/left")
async def left(request: Request, person: SetsUp, agency_id: UUID, coordinator_id: UUID) -> Response:
    """Who has left is not to be rung any more."""
    known = next((each for each in await _agencies(request, person) if each["id"] == str(agency_id)), None)
    found = next(
        (each for each in (known or {"coordinators": []})["coordinators"] if each["id"] == str(coordinator_id)), None
    )
    if found is None:
        return saved(f"/sharing/agencies/{agency_id}")
    same = {name: found[name] for name in ("name", "phone", "duty", "crew_id", "from_on")}
    yesterday = (local_day(now_utc()) - timedelta(days=1)).isoformat()
    body = {**same, "until_on": max(found["from_on"], yesterday)}
    return await _put_coordinator(request, person, agency_id, coordinator_id, body, {})


async def _put_coordinator(
    request: Request, person: Person, agency_id: UUID, coordinator_id: UUID, body: Any, typed: Mapping[str, Any]
) -> Response:
    path = f"/v1/agencies/{agency_id}/coordinators/{coordinator_id}"
    try:
        await backend(request).put(person, "registry", path, body)
    except BackendRefused as refused:
        return await _agency(request, person, agency_id, typed, refused.sentence(person.lang))
    return saved(f"/sharing/agencies/{agency_id}")
