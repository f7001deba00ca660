"""Areas by their codes, and names brought to one form."""

import geothai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.refusal import Refusal
from shared.thai import areas
from shared.thai.names import canonical, first_name, name_key, same_name


def test_a_tambon_knows_its_amphoe_and_changwat_in_both_languages():
    assert areas.tambon("460102").th == "เหนือ"
    assert areas.amphoe_of("460102").en == "Mueang Kalasin"
    assert areas.changwat_of("๔๖๐๑๐๒").th == "กาฬสินธุ์"
    assert areas.full_name("460102") == "ต.เหนือ อ.เมืองกาฬสินธุ์ จ.กาฬสินธุ์"
    assert areas.full_name("460102", "en") == "Nuea, Mueang Kalasin, Kalasin"
    assert areas.full_name("100101").startswith("แขวง")
    assert areas.full_name("100101").endswith(" กรุงเทพมหานคร")


def test_a_tambon_is_found_by_a_handwritten_address():
    assert [area.code for area in areas.find_tambon("ต.เหนือ", amphoe="เมือง", changwat="กาฬสินธุ์")] == ["460102"]
    assert "4601" in [area.code for area in areas.search("เมืองกาฬสินธุ์")]


def test_every_area_is_what_the_library_says_it_is():
    """Codes are looked up in the text of its tables, not through its objects."""
    amphoes = [amphoe for changwat in geothai.provinces() for amphoe in geothai.districts(changwat.code)]
    tambons = [tambon for amphoe in amphoes for tambon in geothai.subdistricts(amphoe.code)]
    for known in (*geothai.provinces(), *amphoes, *tambons):
        assert areas.area(known.code) == areas.Area(known.code, known.name_th, known.name_en)
    assert len(tambons) > 7_000


@pytest.mark.parametrize("code", ["469999", "46010", "", "abc", "4601", "💥"])
def test_an_unknown_tambon_is_refused(code):
    with pytest.raises(Refusal) as refused:
        areas.tambon(code, "location.tambon_code")
    assert refused.value.field == "location.tambon_code"


def test_an_abolished_code_names_its_successors():
    with pytest.raises(Refusal) as refused:
        areas.tambon("104701")
    assert refused.value.code == "area_abolished"
    assert "104702" in refused.value.th


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("นางสาวสมศรี ใจดี", "น.ส.สมศรี  ใจดี"),
        ("นางสาว สมศรี ใจดี", "สมศรี\u200b ใจดี"),
        ("นาง สมศรี ใจดี", "นางสาวสมศรี ใจดี"),
        ("ด.ช.ต้นกล้า  ณ กาฬสินธุ์", "เด็กชายต้นกล้า ณกาฬสินธุ์"),
        ("นายน้ำ คำดี", "นาย นํ้า คําดี"),
        ("เเสง ใจดี", "แสง ใจดี"),
        ("พ.ต.ท.สมชาย กล้าหาญ", "สมชาย กล้าหาญ"),
        ("ร.ต.อ.หญิงสมหญิง กล้าหาญ", "สมหญิง กล้าหาญ"),
        ("พระ สมชาย", "สมชาย"),
        ("Mr. John  SMITH", "john smith"),
        ("นพ.วีระ ดีงาม", "วีระ ดีงาม"),
    ],
)
def test_two_writings_of_one_name(one, other):
    assert same_name(one, other)


@pytest.mark.parametrize(("one", "other"), [("สมชาย ใจดี", "สมชัย ใจดี"), ("นาย", "นาง"), ("", ""), ("ปอ ใจดี", "ป่อ ใจดี")])
def test_two_names(one, other):
    assert not same_name(one, other)


@pytest.mark.parametrize("name", ["นายิกา ใจดี", "นางาม", "พระจันทร์ ใจดี", "ตาล ใจดี", "แม่นมาศ ดี", "คุณากร ใจดี"])
def test_names_that_begin_like_a_title_keep_their_beginning(name):
    assert name_key(name).title == ""
    assert name_key(name).given == name.split()[0]


def test_the_given_name_alone_is_what_messages_say():
    assert first_name("นางสาวสมศรี ใจดี") == "สมศรี"
    assert first_name("  ") == ""


@given(st.text(max_size=60))
def test_the_canonical_form_is_stable(text):
    assert canonical(canonical(text)) == canonical(text)
    name_key(text)
