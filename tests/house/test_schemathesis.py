"""Every route of every service under generated requests, right and wrong ones, on a real database.

No 5xx, no status, content type or body that OpenAPI does not describe, and nothing accepted that it forbids. Requests
are made from each service's own OpenAPI document; ids in them are half the time ids that exist, so that what lies
behind the 404 is reached as well. Roles are tried until one may do the thing; now and then another one comes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from shared.auth import Role
from tests.harness import bearer
from tests.house.worlds import SERVICES
from tests.patience import PATIENCE_S
from tests.platform_fixtures import MakeDatabase

EXAMPLES = int(os.environ.get("KARUNA_EXAMPLES", "10"))
"""Requests per route, always the same ones. More find more: ``KARUNA_EXAMPLES=200`` for an evening."""

load_all_checks()
RULES = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
    )
]
QUIET = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
TABLES = """
select table_name from information_schema.columns where table_schema = 'public' and column_name = 'id'
and data_type = 'uuid' order by 1
"""


# --- asking ---------------------------------------------------------------------------------------------------------


@dataclass
class Asker:
    """Sends generated cases to the service, which lives on another thread's loop."""

    client: httpx.AsyncClient
    loop: asyncio.AbstractEventLoop
    ids: list[str]
    roles: dict[str, str] = field(default_factory=dict)
    """Route → a role that may use it."""

    def send(self, case: Any, headers: dict[str, str]) -> httpx.Response:
        asked = case.as_transport_kwargs(base_url="http://test")
        sent = {**{k: v for k, v in (asked.get("headers") or {}).items() if v is not None}, **headers}
        request = self.client.request(
            asked["method"],
            asked["url"],
            params=asked.get("params"),
            headers=[(name.encode(), str(value).encode("utf-8", "replace")) for name, value in sent.items()],
            **_content(asked),
        )
        return asyncio.run_coroutine_threadsafe(request, self.loop).result(
            4 * PATIENCE_S
        )  # a plan may be searched for that long

    def ask(self, case: Any, role: str | None) -> httpx.Response:
        """As ``role``; without one as somebody who may, found by trying."""
        if role is not None:
            return self.send(case, bearer(role))
        route = case.operation.label
        for candidate in [self.roles[route]] if route in self.roles else list(Role):
            answer = self.send(case, bearer(candidate, crew_id=self.ids[0] if candidate == "crew" else None))
            if answer.status_code != httpx.codes.FORBIDDEN:
                self.roles[route] = candidate
                return answer
        return answer


def _content(asked: dict[str, Any]) -> dict[str, Any]:
    """The body as httpx takes it: JSON, a form, or bytes as they are."""
    if "json" in asked:
        return {"json": asked["json"]}
    data = asked.get("data")
    return {"data": data} if isinstance(data, dict) else {"content": data}


def with_real_ids(value: Any, draw: Callable[[], str]) -> Any:
    """The same with every UUID replaced by one that exists."""
    if isinstance(value, dict):
        return {name: with_real_ids(each, draw) for name, each in value.items()}
    if isinstance(value, list):
        return [with_real_ids(each, draw) for each in value]
    return draw() if isinstance(value, str) and _is_uuid(value) else value


def _is_uuid(text: str) -> bool:
    try:
        return len(text) == len(str(UUID(text)))
    except ValueError:
        return False


def try_route(operation: Any, asker: Asker) -> None:
    """Generated requests of one route; raises what is found."""
    cases = st.one_of(operation.as_strategy(), operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))

    @given(case=cases, real=st.booleans(), stranger=st.sampled_from([None, None, None, *Role]), ids=st.data())
    @QUIET
    def holds(case: Any, real: bool, stranger: str | None, ids: st.DataObject) -> None:
        if real:
            draw = lambda: ids.draw(st.sampled_from(asker.ids))  # noqa: E731
            for part in ("path_parameters", "query", "body"):
                setattr(case, part, with_real_ids(getattr(case, part), draw))
        answer = asker.ask(case, stranger)
        # With real ids in it a wrong request may have become a right one.
        case.validate_response(answer, checks=RULES[:-1] if real else RULES)

    holds()


def try_all(document: dict[str, Any], asker: Asker) -> list[str]:
    """Every route; returns what was found, one text a fault."""
    faults = []
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = found.ok()
        if operation.path == "/readyz":
            continue  # 503 is the truth here: no broker runs
        try:
            try_route(operation, asker)
        except (Exception, BaseExceptionGroup) as problem:  # noqa: BLE001 all routes are tried before anything is said
            each = problem.exceptions if isinstance(problem, BaseExceptionGroup) else (problem,)
            faults += [f"{operation.label}: {one}" for one in each]
    return faults


@pytest.mark.timeout(600)  # seconds on an idle machine; minutes where others work beside
@pytest.mark.parametrize("name", SERVICES)
async def test_no_input_breaks_a_route_or_its_description(name: str, database: MakeDatabase, tmp_path: Path) -> None:
    async with SERVICES[name](database, tmp_path) as running:
        ids = [
            str(row["id"])
            for table in await running.sql(TABLES)
            for row in await running.sql(f'select id from "{table["table_name"]}" order by id limit 20')
        ]
        app = running.client._transport.app  # type: ignore[attr-defined]
        asker = Asker(running.client, asyncio.get_running_loop(), ids)
        faults = await asyncio.to_thread(try_all, app.openapi(), asker)
        assert not faults, "\n\n".join(faults)
