"""Encrypting single fields of a row, and looking for them without reading them.

Sealing is AES-256-GCM with a random nonce. The associated data names table, row and field, so a value moved to
another row, or into another column, does not open. The key's id stands in the blob: several keys may be known, the
first seals, all open, and changing keys is a walk over the rows (see ``services/registry/rotation.py``).

A blind index is HMAC-SHA256 under a key of its own, derived by HKDF, with the kind of value as its first word: the
same number as a phone and as an identifier gives two unrelated marks. It tells equal from different, nothing else.
Sources: NIST SP 800-38D (GCM, random nonces: at most 2**32 messages a key), RFC 5869 (HKDF), RFC 2104 (HMAC).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FORMAT = 1
HEAD = 3
"""Bytes before the nonce: the format, and the key's id in two bytes."""
NONCE = 12
KEY_BYTES = 32
ENTRY = re.compile(r"^(?:(\d{1,5}):)?([A-Za-z0-9+/_-]{43}=?)$")
LARGEST_KEY_ID = 0xFFFF


class BadKey(ValueError):
    """The setting does not hold keys. Its text never quotes the setting."""


class CannotOpen(ValueError):
    """A sealed value does not belong to this table, row and field, was changed, or its key is not known here."""


@dataclass(frozen=True, slots=True)
class _Key:
    id: int
    seal: AESGCM
    inner: hashlib._Hash
    outer: hashlib._Hash
    """The two hashes of HMAC with the key taken in: a file's row has dozens of marks, and a copy goes on from here."""
    head: bytes
    """How every blob of it begins: the format, and the id."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of one service. The first one seals and marks; every one opens and is looked for."""

    keys: tuple[_Key, ...]

    @classmethod
    def of(cls, setting: str) -> Keyring:
        """Keys from ``base64`` (its id is 1) or ``2:base64,1:base64``, newest first; 32 bytes each.

        Raises:
            BadKey: no key, a key of another length, or an id that stands twice.

        """
        keys = [_key_of(entry.strip()) for entry in setting.split(",")]
        if len({key.id for key in keys}) != len(keys):
            raise BadKey("a key id stands twice")
        return cls(tuple(keys))

    @property
    def current(self) -> int:
        """The id of the key under which new values are sealed."""
        return self.keys[0].id

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids of all known keys, in the setting's order: the one that seals first."""
        return tuple(key.id for key in self.keys)

    @property
    def alone(self) -> bool:
        """Whether there is no other key: what is looked for stands under this one."""
        return len(self.keys) == 1

    @property
    def current_head(self) -> bytes:
        """How every blob of the current key begins."""
        return self.keys[0].head

    def seal(self, text: str, table: str, row: UUID, field: str) -> bytes:
        """``text`` as a blob that opens in this place alone: 31 bytes longer than its UTF-8."""
        return self.seal_bytes(text.encode(), table, row, field)

    def seal_bytes(self, content: bytes, table: str, row: UUID, field: str) -> bytes:
        """The same of what is no text."""
        key = self.keys[0]
        nonce = os.urandom(NONCE)
        return key.head + nonce + key.seal.encrypt(nonce, content, _place(table, row, field))

    def open(self, blob: bytes, table: str, row: UUID, field: str) -> str:
        """The text sealed in this place.

        Raises:
            CannotOpen: moved, changed, or sealed under a key that is not known here.

        """
        try:
            return self.open_bytes(blob, table, row, field).decode()
        except UnicodeDecodeError:
            raise CannotOpen("sealed, and no text") from None

    def open_bytes(self, blob: bytes, table: str, row: UUID, field: str) -> bytes:
        """The same of what is no text.

        Raises:
            CannotOpen: as :meth:`open`.

        """
        head = blob[:HEAD]
        for key in self.keys:
            if head == key.head:
                break
        else:
            raise CannotOpen("sealed under a key that is not known here")
        nonce, sealed = blob[HEAD : HEAD + NONCE], blob[HEAD + NONCE :]
        try:
            return key.seal.decrypt(nonce, sealed, _place(table, row, field))
        except (InvalidTag, ValueError):
            raise CannotOpen("sealed for another place, or changed") from None

    def mark(self, kind: str, value: str) -> bytes:
        """The blind index of a value under the current key: 32 bytes."""
        return _mark(self.keys[0], kind, value)

    def marks_of(self, kind: str, values: Iterable[str]) -> Iterator[bytes]:
        """The blind index of each of many values of one kind under the current key."""
        key = self.keys[0]
        begun = key.inner.copy()
        begun.update(f"{kind}\x1f".encode())
        for value in values:
            inner, outer = begun.copy(), key.outer.copy()
            inner.update(value.encode())
            outer.update(inner.digest())
            yield outer.digest()

    def marks(self, kind: str, value: str) -> Sequence[bytes]:
        """The value's blind indexes under every known key, for looking it up while keys are being changed."""
        return [_mark(key, kind, value) for key in self.keys]

    def lock(self, kind: str, value: str) -> int:
        """A number for an advisory lock on the value. It comes from the oldest key, which a change of keys keeps

        until the end: processes with the old and the new setting meet at the same lock.
        """
        oldest = min(self.keys, key=lambda key: key.id)
        return int.from_bytes(_mark(oldest, kind, value)[:8], "big", signed=True)


def _key_of(entry: str) -> _Key:
    match = ENTRY.match(entry)
    if match is None:
        raise BadKey("a field key is the base64 of 32 bytes, with a number and a colon before it where several are")
    key_id = int(match[1] or 1)
    if not 1 <= key_id <= LARGEST_KEY_ID:
        raise BadKey(f"a key id lies between 1 and {LARGEST_KEY_ID}")
    text = match[2].replace("-", "+").replace("_", "/").rstrip("=") + "="
    try:
        secret = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise BadKey("a field key is not base64") from None
    if len(secret) != KEY_BYTES:
        raise BadKey("a field key has 32 bytes")
    head = bytes((FORMAT,)) + key_id.to_bytes(2, "big")
    seal, index = _derived(secret, b"karuna field seal 1"), _derived(secret, b"karuna blind index 1")
    return _Key(key_id, AESGCM(seal), *_hashes(index), head)


def _hashes(index: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """RFC 2104: H(key ^ opad, H(key ^ ipad, text))."""
    block = index.ljust(hashlib.sha256().block_size, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))
    return inner, outer


def _derived(secret: bytes, use: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, None, use).derive(secret)


def _place(table: str, row: UUID, field: str) -> bytes:
    return f"{table}/{row}/{field}".encode()


def _mark(key: _Key, kind: str, value: str) -> bytes:
    inner, outer = key.inner.copy(), key.outer.copy()
    inner.update(f"{kind}\x1f{value}".encode())
    outer.update(inner.digest())
    return outer.digest()
