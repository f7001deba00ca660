"""What every tab of a person's page shares: the purpose, the head, the way back, and what the registry refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Form, Query, Request
from fastapi.responses import Response

from services.console.backend import BackendRefused
from services.console.labels import label, labeller, options, phone_shown
from services.console.navigation import CARERS, READERS, Place
from services.console.people import Person
from services.console.texts import texts
from services.console.web import backend, page, saved, signed_in
from shared.auth import Role

Reader = Annotated[Person, Depends(signed_in(*READERS))]
Asker = Annotated[Person, Depends(signed_in(*READERS, agencies=True))]
"""Readers, and those of other agencies: the registry decides what they see, and says what is missing."""
AskingCarer = Annotated[Person, Depends(signed_in(*CARERS, agencies=True))]
Carer = Annotated[Person, Depends(signed_in(*CARERS))]
Purpose = Annotated[str, Query(max_length=40)]
Short = Annotated[str, Form(max_length=200)]
Doc = dict[str, Any]

PURPOSES = {
    "care": READERS,
    "emergency": READERS,
    "case_work": CARERS,
    "registration": frozenset({Role.REGISTRY_OFFICER, Role.SUPERVISOR}),
}
"""What a person page may be opened for, the commonest first; the registry decides again."""
TABS = (
    Place("who", "", READERS, agencies=True),
    Place("home", "/home", READERS, agencies=True),
    Place("care", "/care", CARERS, agencies=True),
    Place("change", "/change", CARERS, agencies=True),
    Place("consent", "/consent", CARERS),
    Place("matches", "/matches", READERS),
    Place("access", "/access", READERS),
    Place("then", "/then", CARERS),
)  # fmt: skip
"""The tabs of a person's page, each under ``/people/{id}``; a tab's name is the text ``person.tab_<key>``."""


PROPOSED_FOR = frozenset({"care", "case_work", "registration"})
"""For which purposes an agency may propose or write what is its own; the others are for looking."""


def purposes_of(person: Person) -> list[tuple[str, str]]:
    """``(code, label)`` of the purposes this role may have."""
    return options("purpose", person.lang, [code for code, roles in PURPOSES.items() if person.role in roles])


def asked_for(person: Person, purpose: str) -> str:
    """The purpose, if it is one of this role's; else none: then it is asked for."""
    return purpose if purpose in dict(purposes_of(person)) else ""


def purpose_sent(person: Person, purpose: str) -> str:
    """The purpose that came with a form; whoever writes without one works on cases, or cares."""
    return asked_for(person, purpose) or ("case_work" if person.role in CARERS else "care")


def ask_purpose(request: Request, person: Person) -> Response:
    """Nothing is asked of the registry before the reader has said what for."""
    return page(request, "people/purpose.html", purposes=purposes_of(person))


async def known_person(request: Request, person: Person, person_id: UUID, why: str) -> Doc:
    found: Doc = await backend(request).get(person, "registry", f"/v1/persons/{person_id}", purpose=why)
    return found


def owns(person: Person, area: str) -> bool:
    """Whether they change the facts of this municipality themselves; others propose."""
    return person.agency_id is None and person.sees(area)


def no_ground(refused: BackendRefused) -> bool:
    """An agency's people are told what is missing; they may break the glass."""
    return refused.code == "no_ground"


async def if_seen(
    request: Request, person: Person, path: str, why: str, params: dict[str, str | int] | None = None
) -> Doc | None:
    """What the registry answers; None where an agency may not see it."""
    try:
        found: Doc = await backend(request).get(person, "registry", path, params=params, purpose=why)
    except BackendRefused as refused:
        if not no_ground(refused):
            raise
        return None
    return found


def tab_page(
    request: Request, person: Person, key: str, known: Doc, why: str, *, problem: str = "", status: int = 200,
    **context: Any,
) -> Response:  # fmt: skip
    """One tab, with its head. ``problem``: what the registry refused, said above everything.

    Templates find in ``hidden`` the fields that an agency may not see: of those nothing is said, not even "none". A
    form that was refused stays open (``refused``), with what was typed (``typed_in``).
    """
    base, asked = f"/people/{known['id']}", urlencode({"purpose": why})
    theirs = [tab for tab in TABS if _has(person, tab, why)]
    tabs = [(f"{base}{tab.path}?{asked}", tab.key) for tab in theirs]
    current = next(tab.path for tab in TABS if tab.key == key)
    return page(
        request, f"people/{key}.html", status=status, known=known, purpose=why, base=base, tabs=tabs,
        current=f"{base}{current}?{asked}", purpose_label=dict(purposes_of(person))[why], problem=problem,
        cares=person.role in CARERS and person.agency_id is None, own=owns(person, known["area"]),
        proposes=person.agency_id is not None and person.role in CARERS and why in PROPOSED_FOR,
        hidden={field for each in known.get("withheld", ()) for field in each["fields"]},
        code=labeller(person.lang), phone=phone_shown,
        relation=lambda code: label("relation", code, person.lang), **refusing(request, bool(problem)), **context,
    )  # fmt: skip


def _has(person: Person, tab: Place, why: str) -> bool:
    if person.role not in tab.roles:
        return False
    return person.agency_id is None or (tab.agencies and (tab.key != "change" or why in PROPOSED_FOR))


def refusing(request: Request, refused: bool) -> dict[str, Callable[..., Any]]:
    """For templates: ``refused(end)``, whether the form whose address ends so was refused just now; and

    ``typed_in(end, field, else)``, what was typed there, so that nobody types it twice.
    """
    form = getattr(request.state, "typed", {})

    def here(end: str) -> bool:
        return refused and request.url.path.endswith(end)

    def typed_in(end: str, field: str, otherwise: str = "") -> str:
        return str(form.get(field, otherwise)) if here(end) else otherwise

    return {"refused": here, "typed_in": typed_in}


def back(person_id: UUID, tab: str, why: str, anchor: str = "") -> Response:
    """To a tab again, after a form."""
    return saved(f"/people/{person_id}{tab}?{urlencode({'purpose': why})}{anchor}")


def filled(**typed: str) -> Doc:
    """What was typed into a form, without the fields that were left empty."""
    return {name: value.strip() for name, value in typed.items() if value.strip()}


async def tried(person: Person, asked: Awaitable[Any]) -> tuple[str, int]:
    """The registry's sentence and status where it refuses, else nothing and 200.

    Raises:
        BackendRefused: 404, which is a page of its own: there is no such person for this reader.

    """
    try:
        await asked
    except BackendRefused as refused:
        if refused.status == 404:  # noqa: PLR2004
            raise
        return refused.sentence(person.lang), refused.status
    return "", 200


def fields_said(names: list[str], lang: str) -> str:
    """Fields as the registry names them (``set.field``), as people call them; what is only of machines is left out."""
    known = texts()
    keys = [f"person.seen_{name.replace('.', '_')}" for name in names]
    return ", ".join(dict.fromkeys(known[key].of(lang) for key in keys if key in known))
