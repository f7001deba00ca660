"""How urgent a call is: question trees as data, and one function that reads the answers.

Every question is put so that yes is the bad answer, and what was not answered counts like a yes. So the severity can
only fall when somebody says no, and a call taken in haste is never too light. An answer ``None`` for all answers
together means that nobody asked: then a booked ride stays what it is, and only medical calls are read as unanswered.

Trees and texts are samples until a physician signs them; their mark, version and approval go with every result.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.codes.codes import severity_list
from shared.refusal import Refusal
from shared.thai.text import Text

DATA = Path(__file__).parents[1] / "data" / "triage.toml"
SCHEME = "cbd"
COLOURS_TH = {"red": "แดง", "yellow": "เหลือง", "green": "เขียว", "white": "ขาว", "black": "ดำ"}
ANSWERS: Mapping[object, bool | None] = {
    True: True,
    False: False,
    None: None,
    "yes": True,
    "no": False,
    "unknown": None,
}
FIRST_GROUP, LAST_GROUP, BLANK_GROUP = 1, 25, 11

Lane = Literal["emergency", "booked"]


class Question(Text):
    """One question: a yes gives ``severity`` (and, inside a group, the determinant's number ``n``)."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")
    severity: str
    n: int | None = None
    group: int | None = None
    """Which group a yes to a general question suggests."""
    medical: bool = True

    @property
    def red_flag(self) -> bool:
        return self.severity == "red"


class _Otherwise(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    severity: str
    n: int | None = None


class Tree(BaseModel):
    """The questions of one group, of hazards, or of calls without a group."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vital: bool = False
    otherwise: _Otherwise = _Otherwise(severity="green")
    advice: tuple[Text, ...] = ()
    question: tuple[Question, ...] = ()
    approved_by: str | None = None


class Group(Tree):
    code: int = Field(ge=FIRST_GROUP, le=LAST_GROUP)
    same_as: int | None = None


class _Kinds(BaseModel):
    kinds: frozenset[str]


class _Patients(BaseModel):
    many_from: int
    many_severity: str
    infant_below_years: int
    infant_severity: str


class Trees(BaseModel):
    """The whole file. ``vital`` are the two questions of life, put in front of most trees."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    source: str
    mark: Text
    approved_by: str | None = None
    lane_from: Mapping[str, str]
    always_asked: _Kinds
    patients: _Patients
    advice: Mapping[str, tuple[Text, ...]]
    vital: tuple[Question, ...]
    general: Tree
    hazard: Tree
    group: tuple[Group, ...]

    @model_validator(mode="after")
    def _severities_and_determinants_fit(self) -> Self:
        known = severity_list(SCHEME)
        for tree in (self.general, self.hazard, *self.group):
            questions = self.questions(tree)
            if len({question.id for question in questions}) != len(questions):
                raise ValueError("a question id stands twice in one tree")
            for severity in (tree.otherwise.severity, *(question.severity for question in questions)):
                known.item(severity)
            if isinstance(tree, Group) and tree.same_as is None:
                numbers = [(question.severity, question.n) for question in questions]
                numbers.append((tree.otherwise.severity, tree.otherwise.n))
                if len(set(numbers)) != len(numbers) or any(n is None for _, n in numbers):
                    raise ValueError(f"group {tree.code}: determinants must be numbered and differ")
        return self

    def questions(self, tree: Tree) -> tuple[Question, ...]:
        return (*self.vital, *tree.question) if tree.vital else tree.question

    def tree(self, group: int) -> Group:
        """The tree that stands for a group; group 10 uses that of 17."""
        found = next(each for each in self.group if each.code == group)
        return self.tree(found.same_as) if found.same_as is not None else found


@dataclass(frozen=True, slots=True)
class PatientFacts:
    age_years: int | None = None


@dataclass(frozen=True, slots=True)
class Triage:
    """``missing`` are the questions nobody answered; each was counted as a yes. ``idc`` is None without a group."""

    severity: str
    severity_scheme: str
    idc: str | None
    lane: Lane
    advice: tuple[Text, ...]
    first_aid: tuple[Text, ...]
    """The advice that says nothing of a team on its way: for calls to which nobody of ours goes."""
    red_flags: tuple[Question, ...]
    missing: tuple[Question, ...]
    hand_over_1669: bool
    reasons: tuple[Text, ...]
    suggested_group: int | None
    unknown_answers: tuple[str, ...]
    mark: Text
    version: str
    approved_by: str | None


@cache
def trees() -> Trees:
    """The data, checked.

    Raises:
        ValueError: the file is not as it should be.

    """
    return Trees.model_validate(tomllib.loads(DATA.read_text(encoding="utf-8")))


def questions_for(criteria_group: int | None, kind: str = "medical") -> tuple[Question, ...]:
    """What the desk asks, in order.

    Raises:
        Refusal: no such group.

    """
    return trees().questions(tree_of(criteria_group, kind))


def triage(
    criteria_group: int | None,
    answers: Mapping[str, object] | None,
    kind: str = "medical",
    patients: Sequence[PatientFacts] = (),
    lane: Lane | None = None,
    *,
    patient_count: int | None = None,
    appointment: bool = False,
    floor: str | None = None,
) -> Triage:
    """How urgent, which lane, what to read out, and whether 1669 must be offered the call.

    ``answers`` maps question ids to ``yes``, ``no``, ``unknown`` (or true, false, null); ids of another tree are
    ignored and named in ``unknown_answers``. ``floor`` is the least severity, e.g. of a kind of hazard.

    Raises:
        Refusal: a group that does not exist, or an answer that is none.

    """
    tree, data = tree_of(criteria_group, kind), trees()
    questions = data.questions(tree)
    read = {name: _answer(name, value) for name, value in (answers or {}).items()}
    asked = answers is not None or _must_ask(kind, lane, appointment=appointment)
    yes = tuple(question for question in questions if read.get(question.id) is True)
    missing = tuple(question for question in questions if read.get(question.id) is None)
    counted = tuple(question for question in questions if asked and read.get(question.id) is not False)
    decisive = min(counted, key=lambda question: _rank(question.severity), default=None)
    severity = _worst(
        decisive.severity if decisive else None,
        tree.otherwise.severity if asked or criteria_group is not None else None,
        floor,
        *_by_patients(patients, patient_count, asked=asked and kind != "hazard"),
    )
    return Triage(
        severity=severity,
        severity_scheme=SCHEME,
        idc=_idc(tree, severity, (*yes, *counted)),
        lane=_lane(lane, kind, severity, yes, asked=asked),
        advice=(*data.advice.get(severity, ()), *tree.advice),
        first_aid=tree.advice,
        red_flags=tuple(question for question in yes if question.red_flag),
        missing=missing,
        hand_over_1669=any(question.red_flag and question.medical for question in counted),
        reasons=tuple(_reasons(yes, missing, severity, patient_count or len(patients), asked=asked)),
        suggested_group=next((question.group for question in yes if question.group is not None), None),
        unknown_answers=tuple(sorted(set(read) - {question.id for question in questions})),
        mark=data.mark,
        version=data.version,
        approved_by=tree.approved_by or data.approved_by,
    )


def answers_giving(severity: str, criteria_group: int | None, kind: str = "medical") -> dict[str, str] | None:
    """Full answers that lead to a severity, for simulations and replays; None where the tree cannot give it."""
    tree = tree_of(criteria_group, kind)
    questions = trees().questions(tree)
    answers = dict.fromkeys((question.id for question in questions), "no")
    if tree.otherwise.severity == severity:
        return answers
    reason = next((question.id for question in questions if question.severity == severity), None)
    if reason is None or _rank(severity) > _rank(tree.otherwise.severity):
        return None
    return {**answers, reason: "yes"}


def tree_of(criteria_group: int | None, kind: str) -> Tree:
    if criteria_group is None:
        return trees().hazard if kind == "hazard" else trees().general
    if not FIRST_GROUP <= criteria_group <= LAST_GROUP or criteria_group == BLANK_GROUP:
        raise Refusal(
            "no_such_group", "triage.criteria_group", "กลุ่มอาการต้องเป็น 1-25 ยกเว้น 11 ซึ่งเว้นว่าง",
            "the criteria group is 1 to 25, except 11, which is blank",
        )  # fmt: skip
    return trees().tree(criteria_group)


def _answer(name: str, value: object) -> bool | None:
    key = value.strip().casefold() if isinstance(value, str) else value
    if isinstance(key, bool | str | None) and key in ANSWERS:
        return ANSWERS[key]
    raise Refusal("not_an_answer", f"triage.answers.{name[:40]}", "คำตอบต้องเป็น yes, no หรือ unknown",
                  "an answer is yes, no or unknown")  # fmt: skip


def _must_ask(kind: str, lane: Lane | None, *, appointment: bool) -> bool:
    """Nobody answered anything. Booked rides were not asked; an emergency was, and everything is open."""
    if kind == "hazard":
        return False  # its kind says how urgent it is until somebody asks
    return lane == "emergency" or (lane is None and not appointment and kind in trees().always_asked.kinds)


def _rank(severity: str) -> int:
    return severity_list(SCHEME).rank(severity)


def _worst(*severities: str | None) -> str:
    return min((severity for severity in severities if severity is not None), key=_rank, default="white")


def _by_patients(patients: Sequence[PatientFacts], count: int | None, *, asked: bool) -> tuple[str | None, ...]:
    rule = trees().patients
    infant = any(each.age_years is not None and each.age_years < rule.infant_below_years for each in patients)
    many = max(count or 0, len(patients)) >= rule.many_from
    return (rule.infant_severity if asked and infant else None, rule.many_severity if asked and many else None)


def _idc(tree: Tree, severity: str, counted: Sequence[Question]) -> str | None:
    """``6 แดง 1``. Where something beside the questions raised the colour, the group's first number of it is used."""
    if not isinstance(tree, Group):
        return None
    numbers = [question.n for question in counted if question.severity == severity]
    if not numbers and tree.otherwise.severity == severity:
        numbers = [tree.otherwise.n]
    return f"{tree.code} {COLOURS_TH[severity]} {numbers[0] if numbers else 1}"


def _lane(lane: Lane | None, kind: str, severity: str, yes: Sequence[Question], *, asked: bool) -> Lane:
    if lane == "emergency" or any(question.red_flag for question in yes):
        return "emergency"  # a red flag that was answered makes an emergency of a booking, too
    if lane == "booked" or (not asked and kind != "hazard"):
        return "booked"
    threshold = trees().lane_from.get(kind, "yellow")
    return "emergency" if _rank(severity) <= _rank(threshold) else "booked"


def _reasons(
    yes: Sequence[Question], missing: Sequence[Question], severity: str, count: int, *, asked: bool
) -> list[Text]:
    if not asked:
        return [Text(th="ยังไม่ได้ถามคำถามคัดแยก", en="the triage questions were not asked")]
    found = [Text(th=f"ตอบว่าใช่: {question.th}", en=f"yes: {question.en}") for question in yes]
    found += [
        Text(th=f"ยังไม่ได้ตอบ จึงนับว่าใช่: {question.th}", en=f"not answered, so counted as yes: {question.en}")
        for question in missing
        if _rank(question.severity) <= _rank(severity)
    ]
    if count >= trees().patients.many_from:
        found.append(Text(th=f"ผู้ป่วย {count} คน", en=f"{count} patients"))
    return found or [Text(th="ไม่มีสัญญาณอันตรายตามคำถาม", en="none of the questions shows danger")]
