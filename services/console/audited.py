"""About whom or what the audit is asked: an id, or what people know, a case number, a name, a telephone."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import UUID

from fastapi import Request

from services.console.backend import BackendRefused
from services.console.people import Person
from services.console.rules.seeking import sought
from services.console.web import backend
from shared.auth import Role
from shared.thai.text import arabic_digits

CASE = re.compile(r"[A-Z]{2,5}-\d{4}-\d+")
PURPOSE = "audit"


class NotOne(Exception):
    """``code`` is the text ``admin.audit_<code>``: ``no_id`` (nobody may look it up here), ``nobody``, ``several``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def asked_about(request: Request, auditor: Person, typed: str) -> UUID | None:
    """Whose rows are wanted; None where nothing was typed. Who is looked up leaves a row, as everywhere.

    An auditor alone looks nobody up; one who is a supervisor too does so as that.

    Raises:
        NotOne: it is no id, and not one person or call either.

    """
    if not typed:
        return None
    try:
        return UUID(typed)
    except ValueError:
        pass
    if Role.SUPERVISOR not in auditor.roles:
        raise NotOne("no_id")
    number = arabic_digits(typed).upper()
    service, path, body = ("registry", "/v1/persons/search", sought(typed))
    if CASE.fullmatch(number):
        service, path, body = ("intake", "/v1/calls/search", {"number": number})
    try:
        found = await backend(request).post(
            replace(auditor, role=Role.SUPERVISOR), service, path, body, purpose=PURPOSE
        )
    except BackendRefused as refused:
        if refused.status != 422:  # noqa: PLR2004 what was typed cannot be a number of that kind
            raise
        raise NotOne("nobody") from refused
    if len(found["items"]) != 1:
        raise NotOne("several" if found["items"] else "nobody")
    return UUID(found["items"][0]["id"])
