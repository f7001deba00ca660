"""For people without an account who come to help: in and out, by the code on a station's wall."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from services.console.backend import BackendAway, BackendRefused
from services.console.rules import asking
from services.console.towns import town_of
from services.console.web import backend, lang_of, page, settings
from shared.limits import address_of

router = APIRouter(prefix="/public/here", include_in_schema=False)

Short = Annotated[str, Form(max_length=200)]


@router.get("")
async def form(request: Request, code: Annotated[str, Query(max_length=60)] = "") -> Response:
    return _show(request, code)


@router.post("")
async def check(request: Request, code: Short = "", name: Short = "", phone: Short = "", way: Short = "in") -> Response:
    """``way``: in or out. The answer says where and when, and names nobody."""
    lang = lang_of(request)
    out = way == "out"
    body = {"code": code or "-", "phone": phone or "-"} | ({} if out else {"name": name or ""})
    try:
        path = "/v1/check-outs" if out else "/v1/check-ins"
        done = await backend(request).public("dispatch", path, body, address=address_of(request))
    except BackendRefused as refused:
        return _show(request, code, status=refused.status, problem=refused.sentence(lang), name=name, phone=phone)
    except BackendAway:
        problem = asking.sentence("away", lang, number="1669")
        return _show(request, code, status=503, problem=problem, name=name, phone=phone)
    return _show(request, code, done=done)


def _show(
    request: Request, code: str, *, status: int = 200, problem: str = "", name: str = "", phone: str = "",
    done: dict[str, Any] | None = None,
) -> Response:  # fmt: skip
    town = town_of(request, settings(request).home_area)
    return page(
        request, "public/here.html", status=status, town=town, base="/public", code_on_wall=code, problem=problem,
        typed_name=name, typed_phone=phone, done=done,
    )  # fmt: skip
