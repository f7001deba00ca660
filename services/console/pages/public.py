"""What everybody may see and ask for without an account; every page works without JavaScript."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from services.console.backend import BackendAway, BackendRefused
from services.console.figures_public import figures
from services.console.labels import labeller, options
from services.console.public_forms import as_public, form_key
from services.console.rules import asking
from services.console.rules.asking import Wrong
from services.console.rules.journey import Told
from services.console.store import promises
from services.console.towns import town_of
from services.console.web import backend, lang_of, page, runtime, same_origin, settings
from shared.auth import Role
from shared.errors import Refused
from shared.limits import Limit, address_of, spend
from shared.pack_parts import Pack
from shared.work import now_utc

router = APIRouter(prefix="/public", include_in_schema=False)

Text = Annotated[str, Form(max_length=4000)]
Short = Annotated[str, Form(max_length=200)]
ASKS = Limit("public.ask", 12, timedelta(minutes=10))
"""Phones of a whole village may share one address; a robot does not stop at a dozen."""
RATED_WHEN = frozenset({"done", "closed", "withdrawn", "handed_over", "at_destination"})


def _town(request: Request, area: str | None) -> Pack | None:
    return town_of(request, area or settings(request).home_area)


def _show(request: Request, template: str, town: Pack | None, *, status: int = 200, **context: Any) -> Response:
    """A public page of a municipality; an unknown one is a clear answer, not a fault."""
    if town is None:
        return page(request, "public/nowhere.html", status=404, town=None, base="/public")
    at_home = town.area.slug == settings(request).home_area
    base = "/public" if at_home else f"/public/{town.area.slug}"
    code = labeller(lang_of(request))
    return page(request, f"public/{template}.html", status=status, town=town, base=base, code=code, **context)


# --- asking --------------------------------------------------------------------


@router.get("/ask")
@router.get("/{area}/ask")
async def ask_for_help(request: Request, area: str | None = None) -> Response:
    return _form(request, _town(request, area), "help", {}, [])


@router.get("/ride")
@router.get("/{area}/ride")
async def ask_for_ride(request: Request, area: str | None = None) -> Response:
    return _form(request, _town(request, area), "ride", {}, [])


def _form(
    request: Request, town: Pack | None, what: str, typed: dict[str, str], problems: list[tuple[str | None, str]],
    *, status: int = 200,
) -> Response:  # fmt: skip
    lang = lang_of(request)
    communities = () if town is None else town.area.community
    places = [(each.name.th, each.name.en if lang == "en" else each.name.th) for each in communities]
    return _show(
        request, "ask", town, status=status, what=what, typed=Told(typed), problems=problems, places=places,
        form_key=form_key(request).make(now_utc()), mobility=options("mobility", lang),
        wrong=Told((field, said) for field, said in problems if field),
    )  # fmt: skip


@router.post("/ask")
@router.post("/{area}/ask")
async def send_help(request: Request, area: str | None = None) -> Response:
    return await _send(request, _town(request, area), "help")


@router.post("/ride")
@router.post("/{area}/ride")
async def send_ride(request: Request, area: str | None = None) -> Response:
    return await _send(request, _town(request, area), "ride")


async def _send(request: Request, town: Pack | None, what: str) -> Response:
    """Pass the request on to the desk, once, however often the form is sent; answer with its number and code."""
    if town is None:
        return _show(request, "ask", None)
    typed = {name: str(value)[:4000] for name, value in (await request.form()).items() if isinstance(value, str)}
    lang = lang_of(request)
    try:
        taken = await _taken(request, town, what, typed)
    except Wrong as wrong:
        return _form(request, town, what, typed, [(f, asking.sentence(c, lang)) for f, c in wrong.fields], status=422)
    except Refused:
        problem, status = asking.sentence("too_many", lang, number=town.area.short_number), 429
    except BackendAway:
        problem, status = asking.sentence("away", lang, number=town.area.short_number), 503
    except BackendRefused as refused:
        return _form(request, town, what, typed, _problems(refused, lang), status=422)
    else:
        return _show(request, "taken", town, taken=taken, what=what)
    return _form(request, town, what, typed, [(None, problem)], status=status)


async def _taken(request: Request, town: Pack, what: str, typed: dict[str, str]) -> dict[str, Any]:
    """Intake's answer.

    Raises:
        Wrong: something is missing, or the form is not ours.
        Refused: too many from one address.
        BackendRefused: intake does not take it.
        BackendAway: it does not answer.

    """
    now = now_utc()
    nonce = form_key(request).read(typed.get("key", ""), now)
    if nonce is None or not same_origin(request) or typed.get("website"):  # a field that people do not see
        raise Wrong([(None, "form_old")])
    await spend(runtime(request).pool, ASKS, address_of(request), at=now)
    body = asking.call_of(what, typed, now)
    sender = as_public(request, town.area.slug, Role.PARTNER)
    taken: dict[str, Any] = await backend(request).post(sender, "intake", "/v1/calls", body, key=nonce, purpose="care")
    return taken


def _problems(problem: BackendRefused, lang: str) -> list[tuple[str | None, str]]:
    """What intake did not understand, each at its field."""
    if problem.code == "key_reused":
        return [(None, asking.sentence("sent_before", lang))]
    errors = problem.problem.get("errors") or []
    found = [(asking.FIELDS.get(str(each.get("field", ""))), str(each.get(lang) or each.get("th"))) for each in errors]
    return found or [(None, problem.sentence(lang))]


# --- following and rating --------------------------------------------------------


@router.get("/track")
@router.get("/{area}/track")
async def ask_stage(request: Request, area: str | None = None) -> Response:
    return _show(request, "track", _town(request, area), stage=None, problem=None, typed_code="", typed_last4="")


@router.post("/track")
@router.post("/{area}/track")
async def show_stage(request: Request, area: str | None = None, code: Short = "", phone_last4: Short = "") -> Response:
    """How far one's own request is: the stage, and nothing else."""
    town, lang = _town(request, area), lang_of(request)
    found, problem, status = None, None, 200
    try:
        wanted = {"code": code or "-", "phone_last4": phone_last4 or "-"}
        found = await backend(request).public("intake", "/v1/track", wanted, address=address_of(request))
    except BackendRefused as refused:
        problem, status = asking.track_problem(refused.status, refused.sentence(lang), lang), refused.status
    except BackendAway:
        problem, status = asking.sentence("away", lang, number=town.area.short_number if town else "1669"), 503
    return _show(
        request, "track", town, status=status, stage=found, problem=problem, typed_code=code,
        typed_last4=phone_last4, may_rate=found is not None and found["stage"] in RATED_WHEN,
    )  # fmt: skip


@router.post("/rate")
@router.post("/{area}/rate")
async def rate(
    request: Request, area: str | None = None, code: Short = "", phone_last4: Short = "",
    score: Annotated[int, Form(ge=0, le=5)] = 0, comment: Annotated[str, Form(max_length=2000)] = "",
) -> Response:  # fmt: skip
    """One question. A bad answer is an alarm at the desk: somebody rings and asks."""
    town, lang = _town(request, area), lang_of(request)
    said: dict[str, Any] = {"code": code or "-", "phone_last4": phone_last4 or "-", "score": score}
    if comment.strip():
        said["comment"] = comment.strip()
    problem, status = None, 200
    if score == 0:
        problem, status = asking.sentence("score_missing", lang), 422
    else:
        try:
            await backend(request).public("notify", "/v1/ratings", said, address=address_of(request))
        except BackendRefused as refused:
            problem, status = asking.track_problem(refused.status, refused.sentence(lang), lang), refused.status
        except BackendAway:
            problem, status = asking.sentence("away", lang, number=town.area.short_number if town else "1669"), 503
    return _show(
        request, "rated", town, status=status, problem=problem, complaint=0 < score <= 2, typed_code=code,  # noqa: PLR2004
        typed_last4=phone_last4, comment=comment, may_retry=status in {422, 503},
    )  # fmt: skip


# --- what is promised, and what was kept -------------------------------------------


@router.get("/promises")
@router.get("/{area}/promises")
async def promised(request: Request, area: str | None = None) -> Response:
    town = _town(request, area)
    rows = await promises.listed(runtime(request).pool, town.area.slug) if town else []
    return _show(request, "promises", town, promises=rows)


@router.get("/figures")
@router.get("/{area}/figures")
async def in_figures(request: Request, area: str | None = None) -> Response:
    return await _with_figures(request, area, "figures")


@router.get("/outcomes")
@router.get("/{area}/outcomes")
async def outcomes(request: Request, area: str | None = None) -> Response:
    return await _with_figures(request, area, "outcomes")


@router.get("/story")
@router.get("/{area}/story")
async def story(request: Request, area: str | None = None) -> Response:
    """For study visits, on paper."""
    return await _with_figures(request, area, "story")


async def _with_figures(request: Request, area: str | None, template: str) -> Response:
    town = _town(request, area)
    if town is None:
        return _show(request, template, None)
    rows = await promises.listed(runtime(request).pool, town.area.slug)
    return _show(request, template, town, promises=rows, figures=await figures(request, town.area.slug))


@router.get("")
@router.get("/{area}")
async def home(request: Request, area: str | None = None) -> Response:
    return _show(request, "home", _town(request, area))
