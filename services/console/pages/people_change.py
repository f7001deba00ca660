"""Changing what is written of somebody: fields, telephones, groups, and asking that they be secret or not any more.

Of people of another municipality, and for an agency, the same form proposes: whoever owns the facts decides
(``people_proposals``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from services.console.desk import packs_of
from services.console.labels import label, options
from services.console.pages.people_tabs import (
    AskingCarer,
    Carer,
    Doc,
    Purpose,
    Short,
    ask_purpose,
    asked_for,
    back,
    filled,
    known_person,
    owns,
    purpose_sent,
    tab_page,
    tried,
)
from services.console.people import Person
from services.console.rules import days, particulars
from services.console.rules.particulars import KINDS, WHICH_AREA
from services.console.texts import texts
from services.console.web import backend, saved, signed_in
from shared.auth import Role
from shared.errors import Refused
from shared.refusal import Refusal
from shared.thai.dates import local_day
from shared.work import now_utc

router = APIRouter(prefix="/people", include_in_schema=False)

Officer = Annotated[Person, Depends(signed_in(Role.REGISTRY_OFFICER))]
"""Who asks that somebody be secret; a supervisor agrees."""
NOT_SURE = (422, "not_sure", "ต้องยืนยันว่าจะลบ", "say that you are sure")
ERASERS = frozenset({Role.REGISTRY_OFFICER, Role.SUPERVISOR})
Eraser = Annotated[Person, Depends(signed_in(*ERASERS))]
LANGUAGES = ("th", "en")
MEANWHILE = 409


@router.get("/{person_id}/change")
async def show(request: Request, person: AskingCarer, person_id: UUID, purpose: Purpose = "") -> Response:
    why = asked_for(person, purpose)
    return await _form(request, person, person_id, why) if why else ask_purpose(request, person)


async def _form(
    request: Request, person: Person, person_id: UUID, why: str, *, problem: str = "", status: int = 200,
    known: Doc | None = None, typed: Doc | None = None, areas: Doc | None = None, both: Sequence[str] = (),
    was: str = "",
) -> Response:  # fmt: skip
    """``typed``: what stands in the fields, where something was wrong with it; ``areas``: those to choose from;

    ``both``: fields that somebody else has changed meanwhile; ``was``: what stood in the fields at first.
    """
    known = known or await known_person(request, person, person_id, why)
    stands = particulars.shown(known, person.lang)
    return tab_page(
        request, person, "change", known, why, problem=problem, status=status, stands=stands, v=typed or stands,
        was=was or particulars.kept(stands), both=_said(both, stands, person.lang),
        **choices_of(request, person, known["addresses"], areas), relations=options("relation", person.lang),
        kinds=options("identifier_kind", person.lang), ends=options("number_end", person.lang),
        groups=options("group", person.lang), asks=person.role is Role.REGISTRY_OFFICER,
        reasons=options("disclosure_reason", person.lang),
        erases=options("erasure_reason", person.lang) if person.role in ERASERS and owns(person, known["area"]) else [],
    )  # fmt: skip


def choices_of(request: Request, person: Person, addresses: Sequence[Doc], areas: Doc | None) -> Doc:
    """What there is to choose from in the fields of a person (``people/fields.html``)."""
    told = {code: text for each in KINDS for code, text in (areas or {}).get(each, [])}
    return {
        "areas": {kind: [*told.items(), *_areas(request, person, addresses)] for kind in KINDS},
        "sexes": options("sex", person.lang), "mobilities": options("mobility", person.lang),
        "languages": [(code, texts()[f"person.language_{code}"].of(person.lang)) for code in LANGUAGES],
        "wants": options("need", person.lang),
    }  # fmt: skip


def _areas(request: Request, person: Person, addresses: Sequence[Doc]) -> list[tuple[str, str]]:
    """What an address is mostly in: where it is now, and the tambons of the municipality."""
    lang = "en" if person.lang == "en" else "th"
    here = {each["area_code"]: each[f"area_{lang}"] for each in addresses if each["area_code"]}
    packs = packs_of(request, person)
    codes = {code for pack in packs for code in (*pack.area.whole_tambons, *pack.area.partial_tambons)}
    return [*here.items(), *((code, particulars.area_said(code, lang)) for code in sorted(codes - here.keys()))]


def _said(fields: Sequence[str], stands: Doc, lang: str) -> list[tuple[str, str]]:
    return [(_field(each, lang), _value(each, stands[each], lang)) for each in fields]


def _field(name: str, lang: str) -> str:
    kind, _, part = name.partition("_")
    return texts()[f"person.address_{kind}" if part in ("area", "detail") else f"person.field_{name}"].of(lang)


def _value(name: str, value: Any, lang: str) -> str:
    """What stands in a field, as people read it."""
    if isinstance(value, bool):
        return texts()["person.yes" if value else "person.no"].of(lang)
    if name.endswith("_area"):
        return particulars.area_said(value, lang)
    lists = {"sex": "sex", "mobility": "mobility", "needs": "need"}
    if name in lists:
        return (
            ", ".join(label(lists[name], code, lang) for code in ([value] if isinstance(value, str) else value)) or "–"
        )
    return value or "–"


@router.post("/{person_id}/change/fields")
async def change(
    request: Request,
    person: AskingCarer,
    person_id: UUID,
    purpose: Short = "",
    was: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    """What was changed is sent; what somebody else has changed meanwhile is shown first, never overwritten."""
    why = purpose_sent(person, purpose)
    form = await request.form()
    known = await known_person(request, person, person_id, why)
    typed, now = (
        particulars.typed(form, [str(each) for each in form.getlist("needs")]),
        particulars.shown(known, person.lang),
    )
    try:
        areas = named_areas(typed, form, person.lang)
        typed, both = particulars.merged(was, typed, now)
        particulars.name_kept(now, typed, taken_away=bool(form.get("no_name")))
        body = particulars.change(now, typed, local_day(now_utc()))
    except Refusal as refusal:
        problem = refusal.en if person.lang == "en" else refusal.th
        return await _form(
            request, person, person_id, why, problem=problem, status=422, known=known, typed=typed, was=was
        )
    if areas:
        problem = WHICH_AREA[2 if person.lang == "en" else 1]
        return await _form(
            request, person, person_id, why, problem=problem, status=422, known=known, typed=typed, areas=areas, was=was
        )
    if both:
        problem = texts()["person.changed_meanwhile"].of(person.lang)
        return await _form(
            request, person, person_id, why, problem=problem, status=MEANWHILE, known=known, typed=typed, both=both
        )
    problem, status = await _send(request, person, known, why, body, str(form.get("reason", ""))) if body else ("", 200)
    if problem:
        return await _form(
            request, person, person_id, why, problem=problem, status=status, known=known, typed=typed, was=was
        )
    return back(person_id, "/change" if not owns(person, known["area"]) else "", why)


def named_areas(typed: Doc, form: Mapping[str, Any], lang: str) -> Doc:
    """Takes over areas that were typed by name; gives those of which several are called so.

    Raises:
        Refusal: there is none of that name.

    """
    several: Doc = {}
    for kind in KINDS:
        if other := str(form.get(f"{kind}_other", "")).strip():
            typed[f"{kind}_area"], found = particulars.area_named(other, f"{kind}_other", lang)
            if found:
                several[kind] = found
    return several


async def _send(request: Request, person: Person, known: Doc, why: str, body: Doc, reason: str) -> tuple[str, int]:
    """The change; of another municipality's person a proposal of it."""
    path = f"/v1/persons/{known['id']}"
    if owns(person, known["area"]):
        return await tried(person, backend(request).patch(person, "registry", path, body, purpose=why))
    proposal = {"change": body, **filled(reason=reason)}
    return await tried(person, backend(request).post(person, "registry", f"{path}/corrections", proposal, purpose=why))


@router.post("/{person_id}/change/contact")
async def add_contact(
    request: Request, person: Carer, person_id: UUID, phone: Short = "", relation: Short = "self", name: Short = "",
    purpose: Short = "",
) -> Response:  # fmt: skip
    body = {"phone": phone, "relation": relation, **filled(name=name)}
    return await sent(request, person, person_id, "/contacts", body, purpose)


@router.post("/{person_id}/change/group")
async def join_group(
    request: Request, person: Carer, person_id: UUID, group: Short, from_on: Short = "", evidence: Short = "",
    purpose: Short = "",
) -> Response:  # fmt: skip
    first, wrong = days.read(from_on, "from_on", person.lang)
    body = {"group": group, **filled(from_on=first, evidence=evidence)}
    return await sent(request, person, person_id, "/groups", body, purpose, wrong=wrong)


@router.post("/{person_id}/change/ungroup")
async def leave_group(
    request: Request, person: Carer, person_id: UUID, membership_id: Annotated[UUID, Form()], until_on: Short = "",
    purpose: Short = "",
) -> Response:  # fmt: skip
    last, wrong = days.read(until_on, "until_on", person.lang)
    path = f"/groups/{membership_id}/leave"
    return await sent(request, person, person_id, path, filled(until_on=last), purpose, wrong=wrong)


@router.post("/{person_id}/change/disclosure")
async def ask_disclosure(
    request: Request, person: Officer, person_id: UUID, wanted: Short, reason: Short, purpose: Short = ""
) -> Response:
    """Nothing changes until somebody else, a supervisor, agrees: it is seen waiting."""
    body = {"wanted": wanted, "reason": reason}
    return await sent(request, person, person_id, "/disclosure", body, purpose, after="/people/proposals")


async def sent(
    request: Request, person: Person, person_id: UUID, path: str, body: Doc, purpose: str, after: str = "",
    wrong: str = "", key: str = "",
) -> Response:  # fmt: skip
    """``after``: where to go on, if not to the same tab; ``wrong``: what cannot be read of the form."""
    why = purpose_sent(person, purpose)
    if wrong:
        return await _form(request, person, person_id, why, problem=wrong, status=422)
    asked = backend(request).post(
        person, "registry", f"/v1/persons/{person_id}{path}", body, key=key or None, purpose=why
    )
    problem, status = await tried(person, asked)
    if problem:
        return await _form(request, person, person_id, why, problem=problem, status=status)
    return saved(after) if after else back(person_id, "/change", why)


@router.post("/{person_id}/erase")
async def erase(request: Request, person: Eraser, person_id: UUID, reason: Short, sure: Short = "") -> Response:
    """Everything of them goes, everywhere; there is no way back."""
    if sure != "yes":
        raise Refused(*NOT_SURE, field="sure")
    path, body = f"/v1/persons/{person_id}/erase", {"reason": reason}
    await backend(request).post(person, "registry", path, body, purpose="erasure")
    return saved("/people")
