"""The code lists as data."""

import re

import pytest

from shared.codes.codes import all_lists, code_list, published, severity_list
from shared.refusal import Refusal

THAI = re.compile("[\u0e01-\u0e5b]")
# The contract fixes these; anything that changes here changes what outsiders rely on.
FIXED = {
    "lane": "emergency booked",
    "channel": "phone line web partner walk_in topic file centre_1669",
    "kind": "medical transfer welfare device hazard other",
    "mobility": "walking assisted wheelchair stretcher",
    "need": "oxygen suction infection_precaution bariatric stairs lift_team trained_escort interpreter",
    "barrier": "money people time knowledge vehicle equipment",
    "severity_cbd": "red yellow green white black",
    "severity_ed5": "red pink yellow green white",
    "unit_level": "transport fr bls ils als",
    "place_kind": "seat wheelchair stretcher",
    "step": "accept decline en_route at_scene left_scene at_destination clear at_base",
}


@pytest.mark.parametrize(("list_id", "codes"), FIXED.items())
def test_the_fixed_lists_are_as_the_contract_says(list_id, codes):
    assert code_list(list_id).codes == tuple(codes.split())


def test_every_item_has_a_thai_and_an_english_label_unlike_each_other():
    for each in all_lists().values():
        labels = [item.th for item in each.items]
        assert len(labels) == len(set(labels)), each.id
        for item in each.items:
            assert THAI.search(item.th), (each.id, item.code)
            assert not THAI.search(item.en), (each.id, item.code)


def test_every_list_says_where_it_comes_from_and_none_claims_an_approval_it_lacks():
    for each in all_lists().values():
        assert each.source
        assert each.approved_by is None


def test_the_25_groups_have_one_blank():
    groups = code_list("criteria_group")
    assert [item.code for item in groups.items] == [str(n) for n in range(1, 26)]
    assert "11" not in groups.codes
    with pytest.raises(Refusal) as refused:
        groups.item("11", "triage.criteria_group")
    assert refused.value.field == "triage.criteria_group"


def test_severities_are_ranked_and_coloured_in_their_scheme():
    for scheme in ("cbd", "ed5"):
        items = severity_list(scheme).items
        assert [item.rank for item in items] == [1, 2, 3, 4, 5]
        assert all(item.colour and item.ink and item.letter for item in items)
        assert all(contrast(item.colour, item.ink) >= 4.5 for item in items)
    assert "pink" not in severity_list("cbd")
    assert "black" not in severity_list("ed5")
    with pytest.raises(Refusal):
        severity_list("esi")


def test_every_refusal_has_a_legal_basis_and_poverty_is_no_reason():
    for item in code_list("reason_refusal").items:
        assert item.legal_basis, item.code
        assert not re.search(r"money|income|poor|wealth|id_|card|insur", item.code)


def test_what_is_served_leaves_out_what_says_nothing():
    lane = next(iter(published("lane")))
    assert lane["approved_by"] is None
    assert lane["items"][0] == {"code": "emergency", "th": "ฉุกเฉิน", "en": "emergency", "rank": 1}
    assert len(list(published())) == len(all_lists())


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio."""

    def luminance(colour: str) -> float:
        channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
