"""Field encryption: what is sealed opens in its own place alone, and equal values can be found without reading."""

from __future__ import annotations

import base64
import hmac
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.crypto import BadKey, CannotOpen, Keyring

ONE, TWO = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
ROW, OTHER = UUID(int=1), UUID(int=2)
RING = Keyring.of(ONE)


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",))))
def test_what_is_sealed_opens_again(text: str) -> None:
    assert RING.open(RING.seal(text, "person", ROW, "name"), "person", ROW, "name") == text


@pytest.mark.parametrize("place", [("contact", ROW, "name"), ("person", OTHER, "name"), ("person", ROW, "birth")])
def test_a_value_moved_elsewhere_does_not_open(place: tuple[str, UUID, str]) -> None:
    blob = RING.seal("สมศรี", "person", ROW, "name")
    with pytest.raises(CannotOpen):
        RING.open(blob, *place)


@pytest.mark.parametrize("byte", [0, 2, 5, 20, -1])
def test_a_changed_byte_does_not_open(byte: int) -> None:
    blob = bytearray(RING.seal("สมศรี", "person", ROW, "name"))
    blob[byte] ^= 1
    with pytest.raises(CannotOpen):
        RING.open(bytes(blob), "person", ROW, "name")


def test_the_same_text_never_gives_the_same_blob() -> None:
    assert RING.seal("สมศรี", "person", ROW, "name") != RING.seal("สมศรี", "person", ROW, "name")


def test_a_mark_tells_equal_from_different_and_kinds_apart() -> None:
    assert RING.mark("phone", "+66812345678") == RING.mark("phone", "+66812345678")
    assert len({RING.mark("phone", "1"), RING.mark("id", "1"), RING.mark("phone", "2")}) == 3
    assert Keyring.of(TWO).mark("phone", "1") != RING.mark("phone", "1")


@given(st.text(), st.lists(st.text(), max_size=4))
def test_a_mark_is_the_hmac_of_kind_and_value_whether_made_alone_or_with_others(kind: str, values: list[str]) -> None:
    assume(not _broken(kind, *values))
    index = HKDF(SHA256(), 32, None, b"karuna blind index 1").derive(bytes([1]) * 32)
    expected = [hmac.digest(index, f"{kind}\x1f{value}".encode(), "sha256") for value in values]
    assert [RING.mark(kind, value) for value in values] == expected, "stored marks are found again"
    assert list(RING.marks_of(kind, values)) == expected


def _broken(*texts: str) -> bool:
    return any("\ud800" <= sign <= "\udfff" for text in texts for sign in text)


def test_keys_can_be_changed_one_process_after_the_other() -> None:
    old, both, new = RING, Keyring.of(f"2:{TWO},1:{ONE}"), Keyring.of(f"2:{TWO}")
    blob = old.seal("สมศรี", "person", ROW, "name")
    assert both.open(blob, "person", ROW, "name") == "สมศรี"
    assert not blob.startswith(both.current_head)
    assert new.open(both.seal("สมศรี", "person", ROW, "name"), "person", ROW, "name") == "สมศรี"
    with pytest.raises(CannotOpen):
        new.open(blob, "person", ROW, "name")
    assert old.mark("id", "1") in both.marks("id", "1")
    assert both.lock("id", "1") == old.lock("id", "1"), "old and new processes must meet at one lock"


@pytest.mark.parametrize(
    "setting", ["", "short", "AAAA", f"1:{ONE},1:{TWO}", f"0:{ONE}", f"70000:{ONE}", ONE + ONE, f"x:{ONE}", ONE[:-4]]
)
def test_a_setting_that_holds_no_keys_is_refused_without_quoting_it(setting: str) -> None:
    with pytest.raises(BadKey) as refused:
        Keyring.of(setting)
    assert not setting or setting not in str(refused.value)


def test_a_key_may_be_url_safe_and_without_its_end() -> None:
    secret = bytes(range(220, 252))
    plain, safe = base64.b64encode(secret).decode(), base64.urlsafe_b64encode(secret).decode().rstrip("=")
    assert Keyring.of(plain).mark("id", "1") == Keyring.of(safe).mark("id", "1")
