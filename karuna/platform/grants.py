"""What an outsider is granted: patterns of the open tree, and doors that are opened one by one. Pure rules.

An outsider has an account of its own, which imports exactly the subjects below. A reply subject it makes up stays
inside that account, so it can write into no stream.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from karuna.platform.jwt import Rights
from karuna.platform.permissions import inbox, taking
from shared.streams import SERVICES, Durable, inbox_calls_subject, inbox_positions_subject, stream_name

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+|\*|>")
_EVENT_TOKENS = 7  # karuna.<area>.<service>.<noun>.<id>.<event>.v1
_DOORS = {
    "inbox": (
        "ส่งเรื่องและพิกัดให้สิทธิ์ด้วย --inbox-calls และ --positions",
        "calls and positions are granted by --inbox-calls and --positions",
    ),
    "ask": ("คำถามให้สิทธิ์ด้วย --ask", "questions are granted by --ask"),
    "telemetry": ("พิกัดไม่เปิดให้ใคร", "positions are never open"),
}


class GrantRefused(ValueError):
    """What is not granted to anybody; the message names the option and says why, in Thai and in English."""

    def __init__(self, option: str, th: str, en: str) -> None:
        super().__init__(f"{option}: {th} ({en})")


@dataclass(frozen=True, slots=True)
class Known:
    """What there is in this installation: municipalities, open events (``dispatch.trip.completed``), and of each

    service the questions it answers.
    """

    areas: Collection[str]
    events: Collection[str]
    questions: Mapping[str, Collection[str]]


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
        raise GrantRefused(
            "NAME",
            f"ชื่อใช้ตัวพิมพ์เล็ก a-z ตัวเลข - และ _ ไม่เกิน 32 ตัว: {name!r}",
            "a name is lower-case letters, digits, - and _, at most 32",
        )
    if not (allow or inbox_calls or positions or asks):
        raise GrantRefused(
            "--allow",
            "ไม่ระบุสิ่งใดเลยจะเท่ากับให้ทั้งหมด ต้องระบุสิ่งที่ให้",
            "an empty list would allow everything; name what is allowed",
        )
    made = Grant(name, _disjoint([p for text in allow for p in expand(text)]), inbox_calls, positions, asks)
    try:
        subjects = made.doors()
    except ValueError:  # a word that cannot stand in a subject
        raise _no_wildcards() from None
    for subject in subjects:
        _tokens(subject)
    if unknown := {service for _, service, _ in asks} - set(SERVICES):
        raise _no_service("--ask", min(unknown))
    if any(token in subject for subject in subjects for token in "*>"):
        raise _no_wildcards()
    return made


def refuse_unknown(made: Grant, known: Known) -> None:
    """A grant of what there is not would be kept in silence and never bring anything. Raises ``GrantRefused``."""
    named = {"--allow": {p.split(".")[1] for p in made.patterns} - {"*"}, "--inbox-calls": {*made.inbox_calls}}
    named |= {"--positions": {area for area, _ in made.positions}, "--ask": {area for area, _, _ in made.asks}}
    for option, areas in named.items():
        for area in sorted(areas - set(known.areas)):
            raise _not_there(option, "ไม่มีเทศบาลรหัส", "no such municipality", area, known.areas)
    for pattern in made.patterns:
        said = [f"karuna.*.{noun}.*.{name}.v1" for noun, _, name in (each.rpartition(".") for each in known.events)]
        if not any(overlap(pattern, subject) for subject in said):
            raise _not_there("--allow", "ไม่มีเหตุการณ์ใดตรงกับ", "no event is said under", pattern, ["docs/events"])
    for _, service, question in made.asks:
        if question not in known.questions[service]:
            raise _not_there(
                "--ask", f"{service} ไม่ตอบคำถาม", f"{service} answers no question", question, known.questions[service]
            )


def _not_there(option: str, th: str, en: str, word: str, there: Collection[str]) -> GrantRefused:
    listed = ", ".join(sorted(there)) or "–"
    return GrantRefused(option, f"{th} {word!r} มี: {listed}", f"{en} {word!r}; there is: {listed}")


def _no_wildcards() -> GrantRefused:
    return GrantRefused(
        "--inbox-calls, --positions, --ask",
        "ช่องส่งเรื่องและคำถามให้สิทธิ์ทีละช่อง ใช้ * หรือ > ไม่ได้",
        "inboxes and questions are granted one by one, without wildcards",
    )


def _no_service(option: str, service: str) -> GrantRefused:
    return GrantRefused(option, f"ไม่มีบริการชื่อ {service!r}", f"no such service: {service!r}")


def _no_event(pattern: str) -> GrantRefused:
    return GrantRefused("--allow", f"ไม่มีเหตุการณ์ใดใช้หัวข้อ {pattern!r}", f"no event has such a subject: {pattern!r}")


def expand(pattern: str) -> list[str]:
    """The same pattern, once per service it reaches: nothing beyond the four services is in the open tree."""
    tokens = _tokens(pattern)
    if tokens[0] != "karuna":
        raise GrantRefused(
            "--allow",
            f"เปิดให้เฉพาะหัวข้อที่ขึ้นต้นด้วย karuna. เท่านั้น: {pattern!r}",
            "only the open tree is for others, its subjects begin with karuna.",
        )
    if tokens == ["karuna", ">"]:
        raise GrantRefused(
            "--allow",
            "'karuna.>' คือทุกเทศบาลทั้งวันนี้และต่อไป ให้ระบุเทศบาล เช่น 'karuna.kalasin.>' หรือเขียนให้ชัดว่าทุกเทศบาล 'karuna.*.>'",
            "'karuna.>' is every municipality, of today and to come: name one, e.g. 'karuna.kalasin.>', or say plainly "
            "that all are meant, 'karuna.*.>'",
        )
    if len(tokens) < 3:
        raise _no_event(pattern)
    area, service, rest = tokens[1], tokens[2], tokens[3:]
    if service == ">":
        return [f"karuna.{area}.{each}.>" for each in SERVICES]
    if service in _DOORS:
        th, en = _DOORS[service]
        raise GrantRefused("--allow", f"{pattern!r} {th}", en)
    if service not in (*SERVICES, "*"):
        raise _no_service("--allow", service)
    if not rest or (rest[-1] != ">" and len(tokens) != _EVENT_TOKENS) or len(tokens) > _EVENT_TOKENS:
        raise _no_event(pattern)
    return [".".join(("karuna", area, each, *rest)) for each in (SERVICES if service == "*" else (service,))]


def _tokens(pattern: str) -> list[str]:
    tokens = pattern.split(".")
    if not all(_TOKEN.fullmatch(token) for token in tokens) or ">" in tokens[:-1]:
        raise GrantRefused("--allow", f"ไม่ใช่รูปแบบหัวข้อ: {pattern!r}", "not a subject pattern")
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
            raise GrantRefused(
                "--allow",
                f"{clash!r} กับ {pattern!r} ซ้อนกันบางส่วน ให้ใช้แบบเดียวที่ครอบทั้งสอง หรือสองแบบที่ไม่ซ้อนกัน",
                "these overlap; grant one that holds both, or two apart",
            )
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
