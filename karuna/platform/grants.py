"""What an outsider is granted: patterns of the open tree, and doors that are opened one by one. Pure rules.

An outsider has an account of its own, which imports exactly the subjects below. A reply subject it makes up stays
inside that account, so it can write into no stream.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from karuna.platform.jwt import Rights
from karuna.platform.permissions import inbox, taking
from shared.streams import SERVICES, Durable, inbox_calls_subject, inbox_positions_subject, stream_name

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+|\*|>")
_EVENT_TOKENS = 7  # karuna.<area>.<service>.<noun>.<id>.<event>.v1
_DOORS = {
    "inbox": "calls and positions are granted by inbox_calls and positions",
    "ask": "questions are granted by asks",
    "telemetry": "positions are never open",
}


class GrantRefused(ValueError):
    """A name or a pattern that is not granted to anybody; the message says why."""


@dataclass(frozen=True, slots=True)
class Grant:
    """``patterns`` of the open tree, disjoint and each of one service. ``inbox_calls``: areas. ``positions``:
    (area, unit). ``asks``: (area, service, question).
    """

    name: str
    patterns: tuple[str, ...] = ()
    inbox_calls: tuple[str, ...] = ()
    positions: tuple[tuple[str, str], ...] = ()
    asks: tuple[tuple[str, str, str], ...] = ()

    @property
    def user(self) -> str:
        return f"ext_{self.name}"

    def durables(self) -> tuple[Durable, ...]:
        """One per stream that the patterns touch."""
        by_service = {s: tuple(p for p in self.patterns if _service_of(p) == s) for s in SERVICES}
        return tuple(Durable(stream_name(s), self.user, filters) for s, filters in by_service.items() if filters)

    def doors(self) -> tuple[str, ...]:
        """Subjects it may call: the inboxes and questions it was granted."""
        return (
            *(inbox_calls_subject(area) for area in self.inbox_calls),
            *(inbox_positions_subject(area, unit) for area, unit in self.positions),
            *(f"karuna.{area}.ask.{service}.{question}" for area, service, question in self.asks),
        )

    def rights(self) -> Rights:
        """Of its one user, inside its own account."""
        return Rights(publish=self._calls(), subscribe=(f"{inbox(self.user)}.>", *self.patterns))

    def imports(self, exporter: str) -> list[dict[str, Any]]:
        """What its account imports from the account ``exporter``."""
        services = [{"name": s, "subject": s, "account": exporter, "type": "service"} for s in self._calls()]
        streams = [{"name": p, "subject": p, "account": exporter, "type": "stream"} for p in self.patterns]
        return [*services, *streams]

    def _calls(self) -> tuple[str, ...]:
        return (*(subject for durable in self.durables() for subject in taking(durable)), *self.doors())


def grant(
    name: str,
    allow: tuple[str, ...] = (),
    *,
    inbox_calls: tuple[str, ...] = (),
    positions: tuple[tuple[str, str], ...] = (),
    asks: tuple[tuple[str, str, str], ...] = (),
) -> Grant:
    """Check and spell out a grant. Raises ``GrantRefused``; an outsider without any right is refused too."""
    if not _NAME.fullmatch(name):
        raise GrantRefused(f"a name is lower-case letters, digits, - and _, at most 32: {name!r}")
    if not (allow or inbox_calls or positions or asks):
        raise GrantRefused(f"{name}: an empty list would allow everything; name what is allowed")
    try:
        made = Grant(name, _disjoint([p for text in allow for p in expand(text)]), inbox_calls, positions, asks)
        for subject in made.doors():
            _tokens(subject)
    except ValueError as refusal:
        raise GrantRefused(str(refusal)) from None
    if unknown := {service for _, service, _ in asks} - set(SERVICES):
        raise GrantRefused(f"no such service: {', '.join(sorted(unknown))}")
    if any(token in subject for subject in made.doors() for token in "*>"):
        raise GrantRefused("inboxes and questions are granted one by one, without wildcards")
    return made


def expand(pattern: str) -> list[str]:
    """The same pattern, once per service it reaches: nothing beyond the four services is in the open tree."""
    tokens = _tokens(pattern)
    if tokens[0] != "karuna":
        raise GrantRefused(f"only the open tree is for others, its subjects begin with karuna.: {pattern!r}")
    if tokens == ["karuna", ">"]:
        tokens = ["karuna", "*", ">"]
    if len(tokens) < 3:
        raise GrantRefused(f"no event has such a subject: {pattern!r}")
    area, service, rest = tokens[1], tokens[2], tokens[3:]
    if service == ">":
        return [f"karuna.{area}.{each}.>" for each in SERVICES]
    if service in _DOORS:
        raise GrantRefused(f"{pattern!r}: {_DOORS[service]}")
    if service not in (*SERVICES, "*"):
        raise GrantRefused(f"{pattern!r}: no such service: {service!r}")
    if not rest or (rest[-1] != ">" and len(tokens) != _EVENT_TOKENS) or len(tokens) > _EVENT_TOKENS:
        raise GrantRefused(f"no event has such a subject: {pattern!r}")
    return [".".join(("karuna", area, each, *rest)) for each in (SERVICES if service == "*" else (service,))]


def _tokens(pattern: str) -> list[str]:
    tokens = pattern.split(".")
    if not all(_TOKEN.fullmatch(token) for token in tokens) or ">" in tokens[:-1]:
        raise GrantRefused(f"not a subject pattern: {pattern!r}")
    return tokens


def _service_of(pattern: str) -> str:
    return pattern.split(".")[2]


def _disjoint(patterns: list[str]) -> tuple[str, ...]:
    """Without those that another one covers. Two that only overlap would deliver some events twice."""
    kept: list[str] = []
    for pattern in sorted(set(patterns), key=lambda p: (len(p.split(".")), p)):
        if any(covers(other, pattern) for other in kept):
            continue
        kept = [other for other in kept if not covers(pattern, other)]
        if clash := next((other for other in kept if overlap(other, pattern)), None):
            raise GrantRefused(f"{clash!r} and {pattern!r} overlap; grant one that holds both, or two apart")
        kept.append(pattern)
    return tuple(sorted(kept))


def covers(wide: str, narrow: str) -> bool:
    """Whether every subject of ``narrow`` is one of ``wide``."""
    a, b = wide.split("."), narrow.split(".")
    for index, part in enumerate(a):
        if part == ">":
            return len(b) > index
        if index >= len(b) or b[index] == ">" or (part not in {"*", b[index]}):
            return False
    return len(a) == len(b)


def overlap(one: str, other: str) -> bool:
    """Whether some subject belongs to both."""
    a, b = one.split("."), other.split(".")
    for left, right in zip(a, b, strict=False):
        if ">" in {left, right}:
            return True
        if left != right and "*" not in {left, right}:
            return False
    return len(a) == len(b)
