"""The municipalities this console knows: their packs, read once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from fastapi import Request

from services.console.people import Person
from services.console.settings import ConsoleSettings
from services.console.texts import teller
from shared.pack_parts import Pack
from shared.packs import PackError, load_all

EVERYWHERE = "*"


@cache
def packs(folder: Path) -> dict[str, Pack]:
    """Every municipality's pack by its slug; none where they cannot be read."""
    try:
        return load_all(folder)
    except (PackError, OSError):
        return {}


def town_of(request: Request, area: str | None) -> Pack | None:
    """The pack of a municipality; None where there is no such one."""
    return _known(request).get(area or "")


def area_names(request: Request, lang: str) -> Callable[[str], str]:
    """``area_name(slug)`` for a template: the municipality as people call it; the slug where nobody knows it."""

    def name(area: str) -> str:
        if area == EVERYWHERE:
            return teller(lang)("base.everywhere")
        town = _known(request).get(area)
        return town.area.name.say("en" if lang == "en" else "th") if town else area

    return name


def community_names(request: Request, lang: str) -> Callable[[str | None], str]:
    """``community_name(told)``: a community that was chosen from the list by its name; what was typed as it is.

    Villages and quarters whose boundaries the pack has, too.
    """
    of_all = [(town, each) for town in _known(request).values() for each in town.area.community]
    # Calls of before keep the municipality's own code, without its slug.
    named = {each.code: each.name for town in _known(request).values() for each in town.bounded}
    named |= {code: each.name for town, each in of_all for code in (town.community_code(each.code), each.code)}

    def name(told: str | None) -> str:
        known = named.get(told or "")
        return known.say("en" if lang == "en" else "th") if known else told or ""

    return name


def area_options(request: Request, person: Person) -> list[tuple[str, str]]:
    """``(slug, name)`` of the municipalities somebody may choose from: their own; all that are known, for whoever sees

    everywhere.
    """
    name = area_names(request, person.lang)
    own = [each for each in person.areas if each != EVERYWHERE]
    more = [each for each in _known(request) if person.sees(each) and each not in own]
    return [(each, name(each)) for each in (*own, *more)]


def known_areas(request: Request) -> list[str]:
    """Every municipality of this installation."""
    return list(_known(request))


def _known(request: Request) -> dict[str, Pack]:
    settings: ConsoleSettings = request.app.state.runtime.settings
    return packs(settings.areas_dir)
