"""The table of tokens for scripts, and every building block of the screens on one page, with invented examples.

The gallery is for those who build or judge the look: in demo mode alone; ``?theme=light`` shows the light side.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from services.console import tokens
from services.console.web import asset, lang_of, page, settings
from shared.codes.codes import code_list
from shared.errors import refuse
from shared.thai.text import Lang
from shared.work import now_utc

router = APIRouter(include_in_schema=False)
AGES_S = (83, 420, 5000)


@router.get("/tokens.json")
async def table() -> Response:
    """Tone, icon, letter and label of every code (``tokens.as_json``): nothing in it is secret."""
    return JSONResponse(tokens.as_json(), headers={"cache-control": "max-age=300"})


@router.get("/favicon.ico")
async def icon() -> Response:
    """Browsers ask for it by this name wherever a page names none, e.g. beside a picture or a PDF."""
    return RedirectResponse(asset("icon.svg"), 308)


@router.get("/gallery")
async def gallery(request: Request) -> Response:
    return _show(request, "gallery.html", "dark")


@router.get("/gallery/crew")
async def crew(request: Request) -> Response:
    return _show(request, "gallery_crew.html", "light")


def _show(request: Request, template: str, theme: str) -> Response:
    if not settings(request).demo:
        raise refuse("not_found")
    lang: Lang = "en" if lang_of(request) == "en" else "th"
    theme = asked if (asked := request.query_params.get("theme")) in {"dark", "light"} else theme
    return page(request, template, theme=theme, **facts(lang, now_utc()))


def facts(lang: Lang, now: datetime) -> dict[str, Any]:
    """What the two templates need: instants, stamps half done, the table of tokens."""

    def choices_of(kind: str) -> list[tuple[str, str]]:
        return [(each.code, each.label.say(lang)) for each in tokens.kinds()[kind].values()]

    stamps = [item.say(lang) for item in code_list("stamp").items]
    done = [(now - timedelta(minutes=9 - place)).isoformat() for place in range(3)]
    return {
        "ages": [(now - timedelta(seconds=age_s)).isoformat() for age_s in AGES_S],
        "stamps": list(zip(stamps, [*done, *[None] * (len(stamps) - len(done))], strict=True)),
        "choices_of": choices_of,
        "token_kinds": tokens.kinds(),
    }
