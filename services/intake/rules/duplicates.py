"""Which earlier calls may be the same matter. This only ever suggests: people link, and nothing here can refuse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.geo import Point, distance_m
from shared.pack_parts import Duplicates
from shared.thai.text import Text

Strength = Literal["possible", "strong"]


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What two calls are compared by. ``phone`` in E.164; ``group`` is the criteria group."""

    id: str
    received_at: datetime
    point: Point | None = None
    community: str | None = None
    phone: str | None = None
    kind: str | None = None
    group: int | None = None
    exercise: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    call_id: str
    points: float
    strength: Strength
    reasons: tuple[Text, ...]


DEFAULT = Duplicates()


def candidates(new: CallFacts, earlier: Iterable[CallFacts], rule: Duplicates = DEFAULT) -> list[Candidate]:
    """The likeliest first, at most ``rule.most``; empty where nothing fits."""
    found = [candidate for old in earlier if (candidate := score(new, old, rule)) is not None]
    return sorted(found, key=lambda each: (-each.points, each.call_id))[: rule.most]


def score(new: CallFacts, old: CallFacts, rule: Duplicates = DEFAULT) -> Candidate | None:
    """How likely two calls are one; None below ``possible_points`` or too far apart in time or place.

    The same phone within the time window is strong by itself: people call again when nobody comes.
    """
    minutes = abs((new.received_at - old.received_at).total_seconds()) / 60
    if old.id == new.id or old.exercise != new.exercise or minutes > rule.within_min:
        return None
    same_phone = new.phone is not None and new.phone == old.phone
    away_m = distance_m(new.point, old.point) if new.point and old.point else None
    if away_m is not None and away_m > rule.within_m and not same_phone:
        return None
    worth = {
        "time": rule.time_points * (1 - minutes / rule.within_min),
        "phone": rule.same_phone_points * same_phone,
        "place": _place(new, old, away_m, rule),
        "kind": rule.same_kind_points * (new.kind is not None and new.kind == old.kind),
        "group": rule.same_group_points * (new.group is not None and new.group == old.group),
    }
    points = sum(worth.values())
    if points < rule.possible_points:
        return None
    strength: Strength = "strong" if same_phone or points >= rule.strong_points else "possible"
    texts = _texts(minutes, away_m)
    return Candidate(old.id, round(points, 1), strength, tuple(texts[name] for name in worth if worth[name] > 0))


def _place(new: CallFacts, old: CallFacts, away_m: float | None, rule: Duplicates) -> float:
    if away_m is not None:
        return rule.place_points * max(0.0, 1 - away_m / rule.within_m)
    return rule.place_points / 2 * (new.community is not None and new.community == old.community)


def _texts(minutes: float, away_m: float | None) -> dict[str, Text]:
    """Each reason in words; made for candidates alone, for most calls are none."""
    near = (
        Text(th="ชุมชนเดียวกัน", en="same community")
        if away_m is None
        else Text(th=f"ห่างกัน {away_m:.0f} เมตร", en=f"{away_m:.0f} metres apart")
    )
    return {
        "time": Text(th=f"ห่างกัน {minutes:.0f} นาที", en=f"{minutes:.0f} minutes apart"),
        "phone": Text(th="เบอร์โทรศัพท์เดียวกัน", en="same phone"),
        "place": near,
        "kind": Text(th="เรื่องประเภทเดียวกัน", en="same kind"),
        "group": Text(th="กลุ่มอาการเดียวกัน", en="same criteria group"),
    }
