"""Colour is never alone, what is written on it can be read, and no code of any service is without its token."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

import pytest

from services.console import tokens
from services.console.tokens import Pair, Token
from shared.codes.codes import all_lists
from shared.events import words

ROOT = Path(__file__).parents[2]
SPRITE = ROOT / "services/console/static/icons.svg"
READABLE = 4.5
KINDS = tokens.kinds()
ALL = [each for of_kind in KINDS.values() for each in of_kind.values()]

ENUMS: Mapping[type[StrEnum], str] = {
    words.Lane: "lane",
    words.CallKind: "kind",
    words.Severity: "severity",
    words.CallStatus: "call_status",
    words.Mobility: "mobility",
    words.Barrier: "barrier",
    words.Role: "assignment_role",
    words.Step: "step",
    words.AssignmentStatus: "assignment_status",
    words.MessageChannel: "message_channel",
    words.Disclosure: "disclosure",
}

# Where something is, as the services' own databases limit it: service.table.column → kind of token.
COLUMNS = {
    "dispatch.unit.duty": "duty",
    "dispatch.unit.cleanliness": "cleanliness",
    "dispatch.trip.lane": "lane",
    "dispatch.trip.severity": "severity",
    "dispatch.trip.status": "trip_status",
    "dispatch.run.lane": "lane",
    "dispatch.run.status": "run_status",
    "dispatch.assignment.role": "assignment_role",
    "dispatch.assignment.status": "assignment_status",
    "dispatch.facility_alert.status": "alert_status",
    "dispatch.shift_swap.status": "swap_status",
    "intake.call.status": "call_status",
    "intake.call.stage": "call_stage",
    "intake.call.kind": "kind",
    "intake.call.lane": "lane",
    "intake.call.severity": "severity",
    "intake.call.rc": "severity",
    "intake.barrier.barrier": "barrier",
    "intake.barrier.state": "barrier_state",
    "intake.alarm.kind": "alarm",
    "notify.message.status": "message_status",
    "notify.attempt.state": "attempt_state",
    "notify.attempt.channel": "message_channel",
    "notify.part.state": "attempt_state",
    "notify.receipt.state": "attempt_state",
    "registry.coordinator.duty": "coordinator_duty",
    "registry.person.mobility": "mobility",
    "registry.person.disclosure": "disclosure",
    "registry.trip.status": "trip_status",
    "registry.barrier.state": "barrier_state",
}

NEVER_SHOWN = {"intake.trip_seen.state", "notify.trip.status"}
"""A service's own note of another's fact; people see the owner's."""
NO_SCREEN_YET = {"registry.visit_value.state"}
"""Answered by the API alone: their tokens come with their screens."""

CREATE = re.compile(r"create table (\w+) \((.*?)\n\);", re.DOTALL)
LIMITED = re.compile(r"\(\s*(status|state|stage|duty|cleanliness|severity|lane)\s+in\s*\(([^)]*)\)")
ANY_LIMITED = re.compile(r"\(\s*(\w+)\s+in\s*\(([^)]*)\)")
CODE = re.compile(r"'([^']+)'")


def limits(wanted: re.Pattern[str]) -> Iterator[tuple[str, list[str]]]:
    for path in sorted((ROOT / "services").glob("*/migrations/*.sql")):
        service = path.parts[-3]
        if service == "console":
            continue
        for table, body in CREATE.findall(path.read_text(encoding="utf-8")):
            for column, codes in wanted.findall(body):
                yield f"{service}.{table}.{column}", CODE.findall(codes)


def contrast(pair: Pair) -> float:
    """WCAG 2.2, 1.4.3."""

    def light(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lower, higher = sorted((light(pair.background), light(pair.foreground)))
    return (higher + 0.05) / (lower + 0.05)


@pytest.mark.parametrize("tone", tokens.tones().values(), ids=lambda tone: tone.name)
def test_what_is_written_on_a_tone_can_be_read(tone: tokens.Tone) -> None:
    assert contrast(tone.dark) >= READABLE
    assert contrast(tone.light) >= READABLE


@pytest.mark.parametrize("kind", KINDS)
def test_within_a_kind_icon_and_letter_alone_tell_apart(kind: str) -> None:
    of_kind = list(KINDS[kind].values())
    for seen in (
        [each.icon for each in of_kind],
        [each.letter.th for each in of_kind],
        [each.letter.en for each in of_kind],
        [each.label.th for each in of_kind],
        [each.label.en for each in of_kind],
    ):
        assert len(seen) == len(set(seen)), seen


def test_every_icon_is_drawn() -> None:
    drawn = re.findall(r'<symbol id="([a-z-]+)"', SPRITE.read_text(encoding="utf-8"))
    assert {each.icon for each in ALL} <= set(drawn)
    assert len(drawn) == len(set(drawn))


@pytest.mark.parametrize("scheme", ["severity_cbd", "severity_ed5"])
def test_severities_have_the_colours_and_letters_of_their_code_list(scheme: str) -> None:
    for item in all_lists()[scheme].items:
        token, both = tokens.token(scheme, item.code), tokens.token("severity", item.code)
        assert token.letter.th == item.letter
        for tone in (tokens.tones()[token.tone], tokens.tones()[both.tone]):
            assert tone.dark == tone.light == Pair(item.colour or "", item.ink or "")


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_every_word_of_the_events_has_a_token(enum: type[StrEnum]) -> None:
    assert {str(member) for member in enum} <= KINDS[ENUMS[enum]].keys()


def test_every_status_a_service_keeps_has_a_token() -> None:
    unnamed = {name for name, _ in limits(LIMITED)} - COLUMNS.keys() - NEVER_SHOWN - NO_SCREEN_YET
    assert unnamed == set()
    kept = dict(limits(ANY_LIMITED))
    assert COLUMNS.keys() <= kept.keys()
    lacking = {name: sorted(set(kept[name]) - KINDS[kind].keys()) for name, kind in COLUMNS.items()}
    assert {name: codes for name, codes in lacking.items() if codes} == {}


def test_every_code_of_a_list_behind_a_kind_has_a_token() -> None:
    for kind in KINDS.keys() & all_lists().keys():
        assert set(all_lists()[kind].codes) <= KINDS[kind].keys(), kind


def test_an_unknown_code_is_shown_as_it_is() -> None:
    strange: Token = tokens.token("trip_status", "teleported")
    assert not strange.known
    assert (strange.tone, strange.label.say("th"), strange.icon) == ("unknown", "teleported", "question")
    assert not tokens.token("no_such_kind", None).known


def test_stylesheet_and_json_say_what_the_table_says() -> None:
    assert tokens.STYLESHEET.read_text(encoding="utf-8") == tokens.stylesheet()
    told = tokens.as_json()
    assert told["kinds"]["severity"]["red"]["label"] == {"th": "แดง", "en": "red"}
    assert told["tones"]["red"]["dark"] == ["#B71C1C", "#FFFFFF"]
