"""Who works together: the accounts of one's municipalities by what other services know of them, and agencies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from services.console.people import Person
from services.console.store import accounts
from services.console.web import backend, runtime

AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Colleagues:
    """``crew``: crew id → name; ``logins``: login → name; ``agencies``: id → name, with whom to ring as ``told``."""

    crew: Mapping[str, str]
    logins: Mapping[str, str]
    agencies: Mapping[str, str]
    told: tuple[Mapping[str, Any], ...] = field(default=())


async def every_agency(request: Request, person: Person, purpose: str | None = None) -> list[dict[str, Any]]:
    """Every agency of the person's municipalities, page by page."""
    items: list[dict[str, Any]] = []
    params: dict[str, str | int] = {"limit": AT_ONCE}
    while True:
        found = await backend(request).get(person, "registry", "/v1/agencies", params=params, purpose=purpose)
        items += found["items"]
        if not found["next"]:
            return items
        params["cursor"] = found["next"]


def names_of_agencies(found: Iterable[Mapping[str, Any]], lang: str) -> dict[str, str]:
    """Id → name, in the reader's language where there is one."""
    name = "name_en" if lang == "en" else "name_th"
    return {each["id"]: each[name] or each["name_th"] for each in found}


async def owners(request: Request, person: Person, facts: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The names of the agencies whose facts are among these; nobody is asked where there are none."""
    if not any(each.get("agency_id") for each in facts):
        return {}
    return names_of_agencies(await every_agency(request, person), person.lang)


async def colleagues(request: Request, person: Person) -> Colleagues:
    """Everybody with an account in one of the person's municipalities, and every agency that works with them."""
    found = await every_agency(request, person)
    agencies = names_of_agencies(found, person.lang)
    crew: dict[str, str] = {}
    logins: dict[str, str] = {}
    for account in await accounts.everybody(runtime(request).pool):
        if account.active and any(person.sees(area) or area == "*" for area in account.areas):
            agency = agencies.get(str(account.agency_id))
            logins[account.login] = f"{account.name} ({agency})" if agency else account.name
            if account.crew_id is not None:
                crew[str(account.crew_id)] = logins[account.login]
    for each in found:
        for one in each["coordinators"]:
            if one["crew_id"]:
                crew.setdefault(one["crew_id"], f"{one['name']} ({agencies[each['id']]})")
    return Colleagues(crew, logins, agencies, tuple(found))


def by_name(named: Mapping[str, str]) -> list[tuple[str, str]]:
    """``(id, name)`` to choose from, in the order of their names."""
    return sorted(named.items(), key=lambda each: each[1])
