"""Refusals people can read: problem+json (RFC 9457) in Thai and English, naming the field.

Every refusal is raised as :class:`Refused` with a code from one table or with its own two sentences.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from shared.database import AWAY, COLLISION, BadValue
from shared.refusal import Refusal
from shared.sentences import sentence

PROBLEM = "application/problem+json"
RETRY_AFTER_S = "2"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field: ``field`` is a dotted path, e.g. ``patients.0.birth_date``."""

    field: str
    code: str
    th: str
    en: str


class Refused(Exception):
    """An act the caller asked for and does not get, with the reason in both languages."""

    def __init__(
        self,
        status: int,
        code: str,
        th: str,
        en: str,
        *,
        field: str | None = None,
        errors: tuple[FieldProblem, ...] = (),
        headers: dict[str, str] | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(en)
        self.status, self.code, self.th, self.en = status, code, th, en
        self.errors = errors or ((FieldProblem(field, code, th, en),) if field else ())
        self.headers = headers or {}
        self.facts = facts


# code → (status, Thai, English): refusals every service gives.
COMMON = {
    "unauthenticated": (401, "ไม่มีสิทธิ์เข้าใช้: ไม่มีโทเคนหรือโทเคนใช้ไม่ได้", "not signed in: no token, or not a valid one"),
    "token_expired": (401, "โทเคนหมดอายุ กรุณาเข้าสู่ระบบใหม่", "the token has expired, sign in again"),
    "device_revoked": (401, "อุปกรณ์นี้ถูกยกเลิกสิทธิ์แล้ว", "this device has been revoked"),
    "forbidden": (403, "บทบาทของท่านทำรายการนี้ไม่ได้", "your role may not do this"),
    "not_found": (404, "ไม่พบรายการ", "not found"),
    "method": (405, "ใช้วิธีเรียกนี้ไม่ได้", "method not allowed"),
    "too_large": (413, "ข้อมูลใหญ่เกินกำหนด", "the body is too large"),
    "too_many_parts": (413, "ข้อมูลมีจำนวนช่องหรือรายการมากเกินกำหนด", "the body has too many fields or entries"),
    "not_json": (400, "ข้อมูลไม่ใช่ JSON ที่ถูกต้อง", "the body is not valid JSON"),
    "invalid": (422, "ข้อมูลไม่ถูกต้อง", "some fields are not right"),
    "key_reused": (422, "Idempotency-Key นี้เคยใช้กับข้อมูลอื่น", "this Idempotency-Key was used with another body"),
    "too_many": (429, "เรียกถี่เกินไป กรุณารอสักครู่", "too many requests, wait a little"),
    "database_away": (503, "ฐานข้อมูลไม่ตอบ กรุณาลองใหม่", "the database does not answer, try again"),
    "crowded": (503, "กำลังรับข้อมูลขนาดใหญ่ของผู้อื่นอยู่ กรุณาลองใหม่", "other large bodies are being read, try again"),
    "collision": (503, "มีรายการอื่นกำลังแก้พร้อมกัน กรุณาลองใหม่", "another change was made at once, try again"),
    "broken": (500, "ระบบขัดข้อง", "something broke on our side"),
}


def refuse(code: str, **extra: Any) -> Refused:
    """One of the common refusals. Those of tokens say which kind of token is wanted (RFC 9110, 15.5.2)."""
    status, th, en = COMMON[code]
    if status == HTTPStatus.UNAUTHORIZED:
        extra.setdefault("headers", {"WWW-Authenticate": "Bearer"})
    return Refused(status, code, th, en, **extra)


PLAIN_CODES = {400: "not_json", 401: "unauthenticated", 404: "not_found", 405: "method"}


@dataclass(frozen=True, slots=True)
class TwoTongued(ValueError):
    """A validator's refusal in both languages; pydantic carries it as ``value_error``."""

    th: str
    en: str
    code: str = field(default="value")

    def __str__(self) -> str:
        return self.en


MOST_PROBLEMS = 50
"""So many fields are named in one answer."""


def field_problems(problems: list[dict[str, Any]] | Any) -> tuple[FieldProblem, ...]:
    """Errors of pydantic as ours. Inputs are never quoted back."""
    found: list[FieldProblem] = []
    for problem in problems[:MOST_PROBLEMS]:
        place = ".".join(str(step) for step in problem["loc"] if step not in {"body", "query", "path"})
        cause = problem.get("ctx", {}).get("error")
        if isinstance(cause, TwoTongued | Refusal):
            found.append(FieldProblem(place or "body", cause.code, cause.th, cause.en))
        else:
            th, en = sentence(problem["type"], problem.get("ctx", {}))
            found.append(FieldProblem(place or "body", problem["type"], th, en))
    return tuple(found)


def problem_json(refused: Refused, request: Request) -> JSONResponse:
    """The answer. ``title`` follows Accept-Language, Thai when nothing is asked; both languages stand beside it."""
    english = request.headers.get("accept-language", "th").lower().startswith("en")
    return JSONResponse(
        problem_body(refused, english=english), refused.status, headers=refused.headers, media_type=PROBLEM
    )


def problem_body(refused: Refused, *, english: bool = False) -> dict[str, Any]:
    """The problem document as data, for answers that do not go over HTTP."""
    return {
        "type": f"https://karuna.example/problems/{refused.code}",
        "title": refused.en if english else refused.th,
        "status": refused.status,
        "code": refused.code,
        "th": refused.th,
        "en": refused.en,
        "errors": [{"field": e.field, "code": e.code, "th": e.th, "en": e.en} for e in refused.errors],
        **refused.facts,
    }


def install(app: FastAPI) -> None:
    """Make every error of the application a problem document."""

    async def refused(request: Request, problem: Exception) -> JSONResponse:
        assert isinstance(problem, Refused)  # noqa: S101 registered for this class
        return problem_json(problem, request)

    async def invalid(request: Request, problem: Exception) -> JSONResponse:
        assert isinstance(problem, RequestValidationError)  # noqa: S101
        errors = problem.errors()
        if any(error["type"] == "json_invalid" for error in errors):
            return problem_json(refuse("not_json", field="body"), request)
        return problem_json(refuse("invalid", errors=field_problems(errors)), request)

    async def plain(request: Request, problem: Exception) -> JSONResponse:
        assert isinstance(problem, HTTPException)  # noqa: S101
        code = PLAIN_CODES.get(problem.status_code, "broken")
        refused = refuse(code, field="body" if code == "not_json" else None)
        refused.status = problem.status_code
        refused.headers = dict(problem.headers or {})
        return problem_json(refused, request)

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(BadValue, _always("invalid"))
    app.add_exception_handler(Exception, _always("broken"))
    for collided in COLLISION:
        app.add_exception_handler(collided, _always("collision", {"Retry-After": "1"}))
    for gone in AWAY:
        app.add_exception_handler(gone, _always("database_away", {"Retry-After": RETRY_AFTER_S}))


def _always(
    code: str, headers: dict[str, str] | None = None
) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    async def answer(request: Request, _: Exception) -> JSONResponse:
        return problem_json(refuse(code, headers=headers or {}), request)

    return answer
