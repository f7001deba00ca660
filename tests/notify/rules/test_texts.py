"""Every text that may go out: in both languages, short enough, without links, without what nobody may read."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

import pytest
from pydantic import ValidationError

from services.notify.prepare import check
from services.notify.rules.policy import Policy
from services.notify.rules.table import Rule, all_rules
from services.notify.rules.templates import (
    FORBIDDEN,
    LANGUAGES,
    SMS_PARTS,
    Template,
    all_templates,
    lint,
    render,
    sms_parts,
)
from services.notify.rules.words import BUTTONS, WORDS, Facts, words
from shared.thai.dates import BANGKOK
from shared.thai.text import Text

POLICY = Policy()
AT = datetime(2026, 11, 22, 14, 30, tzinfo=BANGKOK)
FULL = Facts("6909-4601-12345", "ABCD-EFGH", "ประเสริฐศักดิ์ชัย", "yellow", AT, AT, tambon="342504")


def values(lang, facts=FULL, exercise=False):
    return words(facts, lang, brand=POLICY.brand, short_number=POLICY.short_number, exercise=exercise)


SAMPLES = [{lang: values(lang) for lang in LANGUAGES}]


def test_every_template_may_go_out() -> None:
    assert check(POLICY.brand, POLICY.short_number) == []


def test_every_sms_fits_two_parts_and_ends_with_the_number_to_ring() -> None:
    for name, template in all_templates().items():
        if template.sms is None:
            continue
        for lang, ending in (("th", "โทร 1132"), ("en", "call 1132")):
            text = render(name, "sms", lang, values(lang, exercise=True))
            assert 1 <= sms_parts(text) <= SMS_PARTS, (name, lang)
            assert text.casefold().endswith(ending), (name, lang)


def test_every_rule_has_its_template_and_an_sms_where_it_goes_by_sms() -> None:
    for rule in all_rules():
        template = all_templates()[rule.template]
        assert template.sms is not None or rule.channels == ("line",), rule.id


def test_dates_are_of_the_buddhist_era_in_thai_and_of_the_christian_in_english() -> None:
    assert "22 พ.ย. 2569 เวลา 14:30 น." in render("ride_planned", "sms", "th", values("th"))
    assert "22 Nov 2026, 14:30" in render("ride_planned", "sms", "en", values("en"))


def test_an_exercise_says_so() -> None:
    for name in all_templates():
        if not name.startswith("chat_"):
            assert render(name, "line", "th", values("th", exercise=True)).startswith("[ฝึกซ้อม]"), name


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("ชุมชนกรุณา: {{ national_id }} โทร 1132", "forbidden_word_national_id"),
        ("ชุมชนกรุณา: {{ address }} โทร 1132", "forbidden_word_address"),
        ("ชุมชนกรุณา: {{ complaint }} โทร 1132", "forbidden_word_complaint"),
        ("ชุมชนกรุณา: {{ mood }} โทร 1132", "unknown_word_mood"),
        ("ชุมชนกรุณา: ดูที่ karuna.example/x โทร 1132", "link_not_allowed"),
        ("ชุมชนกรุณา: bit.ly/x โทร 1132", "link_shortener"),
        ("รับแจ้งแล้ว โทร 1132", "brand_missing"),
        ("ชุมชนกรุณา: รับแจ้งแล้ว", "ending_missing"),
        ("ชุมชนกรุณา: {% if number %} โทร 1132", "syntax"),
        ("ชุมชนกรุณา: " + "ยาว" * 60 + " โทร 1132", "too_many_parts"),
    ],
)
def test_the_linter_stops_what_may_not_go_out(source: str, code: str) -> None:
    good = "Karuna: done. Call 1132"
    template = Template(version="1", line=Text(th="ชุมชนกรุณา โทร 1132", en=good), sms=Text(th=source, en=good))
    found = lint({"bad": template}, SAMPLES, brand=POLICY.brand, short_number="1132")
    assert ("bad.sms.th", code) in {(fault.where, fault.code) for fault in found}


WARNED = ("crew_ordered", "crew_ordered_ride", "crew_asked", "crew_offered")
AHEAD = (("flood", "high"), ("crime", "medium"))
WARNINGS = {
    ("line", "th"): "⚠️ ระวัง: น้ำท่วม (เสี่ยงสูง), อาชญากรรม (เสี่ยงปานกลาง)\n",
    ("line", "en"): "⚠️ Take care: flood (high risk), crime (medium risk)\n",
    ("sms", "th"): "ระวังน้ำท่วม",
    ("sms", "en"): "ake care: flood",
}
"""By LINE all of them with how grave each is; by SMS, which is short, the gravest alone."""


@pytest.mark.parametrize("name", WARNED)
@pytest.mark.parametrize(("channel", "lang"), WARNINGS)
def test_whoever_is_sent_into_a_zone_is_warned_in_their_language(name: str, channel, lang) -> None:
    warned = render(name, channel, lang, values(lang, replace(FULL, risks=AHEAD)))
    calm = render(name, channel, lang, values(lang))
    assert WARNINGS[channel, lang] in warned
    assert not re.search("ระวัง|ake care", calm), "where nothing lies ahead nobody is warned"
    if channel == "sms":
        assert sms_parts(warned) <= SMS_PARTS
        assert not re.search("อาชญากรรม|crime", warned)


def test_only_crews_are_warned() -> None:
    warns = {
        name
        for name in all_templates()
        if "น้ำท่วม" in render(name, "line", "th", values("th", replace(FULL, risks=AHEAD)))
    }
    assert warns == set(WARNED)


def test_nothing_that_tells_of_health_or_home_is_among_the_words() -> None:
    assert not WORDS & set(FORBIDDEN)


def test_both_languages_are_compulsory() -> None:
    with pytest.raises(ValidationError):
        Template.model_validate({"version": "1", "line": {"th": "x"}})


def test_buttons_fit_lines_twenty_characters() -> None:
    assert all(len(text.say(lang)) <= 20 for text in BUTTONS.values() for lang in LANGUAGES)


GOOD = {
    "id": "some_rule", "on": "x", "to": "crew", "template": "t", "channels": ["line", "sms"], "class": "emergency",
    "expires_after_s": 60, "protected": "plain",
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"quiet": "observe"},
        {"must_answer": True},
        {"fallback": "emergency"},
        {"fallback": "emergency", "must_answer": True, "buttons": ["accept"], "channels": ["line"]},
        {"expires_after_s": 73_000},
        {"to": "caller"},
        {"channels": []},
        {"class": "urgent"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(wrong: dict) -> None:
    Rule.model_validate(GOOD)
    with pytest.raises(ValidationError):
        Rule.model_validate({**GOOD, **wrong})


def test_wrong_channel_settings_are_told_without_their_secrets() -> None:
    from services.notify.settings import ChannelsConfig

    line = {"access_token": "canary-token", "channel_secrets": [], "base_url": 5}
    with pytest.raises(ValidationError) as told:
        ChannelsConfig.model_validate({"areas": {"kalasin": {"line": line}}})
    assert "canary" not in str(told.value)
