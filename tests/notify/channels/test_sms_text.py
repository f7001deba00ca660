"""An SMS text: never cut inside a character, never too long for its part, nothing forbidden in it."""

from __future__ import annotations

import gc

import gsm0338
import pytest
import regex
from hypothesis import assume, example, given
from hypothesis import strategies as st

from services.notify.channels.sms_text import CONTROL, LIMITS, Alphabet, TextUnfit, alphabet_of, lint, segment, septets
from services.notify.channels.text import cut, utf16_units

THAI = "กขคงนรมสอ้่ำิีืุูัเแโใไะาๆฯ๑ "
EMOJI = "🚑👩🏽‍⚕️👨‍👩‍👧‍👦🇹🇭❤️"
pieces = st.sampled_from(
    ["น้ำ", "ผู้ป่วย", "🚑", "👩🏽‍⚕️", "👨‍👩‍👧‍👦", "🇹🇭", " ", "\n", "é", "ก", "ที่", "A", "1132", "€", "।", "\r\n"]
)
texts = (
    st.text(max_size=250)
    | st.text(THAI, max_size=250)
    | st.lists(pieces, max_size=120).map("".join)
    | st.text("abcXYZ 0123[]{}€~^|\\àéùñ@£\n", max_size=470)
)

long_texts = st.lists(pieces, min_size=50, max_size=150).map("".join) | st.text(
    THAI[:-1] + "🚑", min_size=80, max_size=400
).map("ก".__add__)


def clusters(text: str) -> list[str]:
    return regex.findall(r"\X", text)


def measured(part: str, alphabet: Alphabet) -> int:
    return septets(part) if alphabet is Alphabet.GSM7 else utf16_units(part)


def segments_or_none(text):
    try:
        return segment(text)
    except TextUnfit:
        return None


@given(texts)
@example("ก" * 69 + "🚑")
@example("a" * 159 + "€")
@example(("น้ำ" * 22 + "ก") * 3)
def test_parts_fit_decode_and_join_again(text):
    segments = segments_or_none(text)
    assume(segments is not None)
    alone, in_part = LIMITS[segments.alphabet]
    assert "".join(segments.parts) == text
    assert all(segments.parts)
    limit = alone if segments.count == 1 else in_part
    for part in segments.parts:
        assert measured(part, segments.alphabet) <= limit
        if segments.alphabet is Alphabet.UCS2:
            assert part.encode("utf-16-be").decode("utf-16-be") == part
    assert segments.units_left == limit - measured(segments.parts[-1], segments.alphabet)


def encodes(character: str) -> bool:
    try:
        gsm0338.Codec().encode(character)
    except UnicodeEncodeError:
        return False
    return not CONTROL.search(character)


def test_of_the_gsm_alphabet_is_what_can_be_encoded_in_it_and_nothing_else():
    characters = [chr(number) for number in range(0x2200)]
    assert [each for each in characters if alphabet_of(each) is Alphabet.GSM7] == list(filter(encodes, characters))


def test_a_thai_text_leaves_nothing_behind_that_only_a_collection_would_free():
    gc.collect()
    segment("น้ำท่วม")
    assert gc.collect() == 0


@given(long_texts)
def test_no_part_ends_inside_what_a_reader_sees_as_one_character(text):
    segments = segment(text, max_parts=99)
    assume(max(measured(cluster, segments.alphabet) for cluster in clusters(text)) <= LIMITS[segments.alphabet][1])
    assert [one for part in segments.parts for one in clusters(part)] == clusters(text)


@given(texts, st.integers(5, 70))
def test_good_breaks_never_cost_a_further_piece(text, limit):
    assume(max(map(utf16_units, clusters(text)), default=0) <= limit)
    pieces = cut(text, limit, utf16_units)
    fewest, room = 1 if text else 0, limit
    for cluster in clusters(text):
        size = utf16_units(cluster)
        if size > room:
            fewest, room = fewest + 1, limit
        room -= size
    assert len(pieces) == fewest
    assert "".join(pieces) == text


def test_a_break_is_made_at_a_space_where_one_is_free():
    text = "สวัสดี " * 15
    assert [part[-1] for part in segment(text).parts] == [" ", " "]


def test_marks_piled_upon_marks_are_cut_between_code_points():
    text = "ก" + "่" * 150
    segments = segment(text)
    assert "".join(segments.parts) == text
    assert max(map(len, segments.parts)) <= 67


@pytest.mark.parametrize("one", ["น้ำ", "กำ", "👩🏽\u200d⚕️", "👨\u200d👩\u200d👧\u200d👦", "🇹🇭", "e\u0301", "\r\n"])
@pytest.mark.parametrize("before", range(60, 68))
def test_characters_named_one_by_one_stay_whole(one, before):
    parts = segment("ก" * before + one + "ข" * 60).parts
    assert any(one in part for part in parts)


@pytest.mark.parametrize(
    ("text", "alphabet", "count", "left"),
    [
        ("a" * 160, Alphabet.GSM7, 1, 0),
        ("a" * 161, Alphabet.GSM7, 2, 145),
        ("€" * 80, Alphabet.GSM7, 1, 0),
        ("a" * 459, Alphabet.GSM7, 3, 0),
        ("ก" * 70, Alphabet.UCS2, 1, 0),
        ("ก" * 71, Alphabet.UCS2, 2, 63),
        ("ก" * 201, Alphabet.UCS2, 3, 0),
        ("🚑" * 35, Alphabet.UCS2, 1, 0),
        ("🚑" * 36, Alphabet.UCS2, 2, 61),
        ("`", Alphabet.UCS2, 1, 69),
    ],
)
def test_the_limits(text, alphabet, count, left):
    segments = segment(text)
    assert (segments.alphabet, segments.count, segments.units_left) == (alphabet, count, left)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("ก" * 202, "too_many_parts"),
        ("🚑" * 100, "too_many_parts"),
        ("a" * 460, "too_many_parts"),
        ("ก" * 1_000_000, "too_many_parts"),
        ("a\x00b", "unsendable_character"),
        ("a\x1bb", "unsendable_character"),
        ("a\ud83d", "unsendable_character"),
    ],
)
def test_what_cannot_go(text, code):
    with pytest.raises(TextUnfit) as problem:
        segment(text)
    assert problem.value.code == code


def test_a_gateway_without_gsm_alphabet_gets_ucs2():
    assert segment("hello", ucs2_only=True).alphabet is Alphabet.UCS2


BRAND = "กรุณา"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("กรุณา: รถถึงแล้ว โทร 1132", []),
        ("กรุณา: นัด 22 พ.ย. 2569 เวลา 08.30 น.", []),
        ("กรุณา e.g. 3.5 กม.", []),
        ("รถถึงแล้ว", ["brand_missing"]),
        ("กรุณา ดูที่bit.ly/abcนะ", ["link_shortener"]),
        ("กรุณา https://WWW.Bit.LY/x", ["link_shortener"]),
        ("กรุณา https://evil.example/login", ["link_not_allowed"]),
        ("กรุณา http://localhost/x", ["link_not_allowed"]),
        ("กรุณา https://1.2.3.4/a", ["link_not_allowed"]),
        ("กรุณา ชุมชน.ไทย", ["link_not_allowed"]),
        ("กรุณา https://kalasin.go.th/a", []),
        ("กรุณา x.kalasin.go.th", ["link_not_allowed"]),
        ("กรุณา kalasin.go.th.evil.example", ["link_not_allowed"]),
        ("กรุณา " + "ก" * 200, ["too_many_parts"]),
    ],
)
def test_lint(text, codes):
    findings = lint(text, brand=BRAND, allowed_hosts={"kalasin.go.th"})
    assert [finding.code for finding in findings] == codes
    assert all(finding.text.th and finding.text.en for finding in findings)
