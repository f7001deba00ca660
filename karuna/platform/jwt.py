"""Operator, account and user tokens of NATS, signed here with nkeys.

Shapes: https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt
and the claims of https://github.com/nats-io/jwt (version 2).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nkeys

Claims = dict[str, Any]
Maker = Callable[[int], str]
"""Signs a token with this second as its time of issue."""

OPERATOR: int = nkeys.PREFIX_BYTE_OPERATOR
ACCOUNT: int = nkeys.PREFIX_BYTE_ACCOUNT
USER: int = nkeys.PREFIX_BYTE_USER

_NO_LIMIT = -1


class Key:
    """One nkey. ``public`` begins with O, A or U; ``seed`` is the secret."""

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        self._pair = nkeys.from_seed(seed)
        self.public: str = self._pair.public_key.decode()

    @classmethod
    def new(cls, kind: int) -> Key:
        return cls(bytes(nkeys.encode_seed(os.urandom(32), kind)))

    def sign(self, data: bytes) -> bytes:
        return bytes(self._pair.sign(data))


@dataclass(frozen=True, slots=True)
class Rights:
    """What a user may publish and subscribe. An empty tuple means nothing, and is written as ``deny ">"``:
    to the server an empty ``allow`` list means everything.
    """

    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()

    def claims(self) -> Claims:
        return {"pub": _allow(self.publish), "sub": _allow(self.subscribe)}


def _allow(subjects: Sequence[str]) -> Claims:
    return {"allow": sorted(set(subjects))} if subjects else {"deny": [">"]}


def operator(key: Key, system_account: str) -> str:
    """The operator's own token. Made once and kept byte-equal: the server refuses a reload with another."""
    return _encode(key, key.public, "karuna", {"type": "operator", "system_account": system_account})


def account(
    signer: Key,
    public: str,
    name: str,
    *,
    signing_keys: Sequence[str] = (),
    exports: Sequence[Claims] = (),
    imports: Sequence[Claims] = (),
    revocations: Mapping[str, int] | None = None,
    jetstream: bool = False,
    connections: int = _NO_LIMIT,
    issued_at: int | None = None,
) -> str:
    """An account's token, signed by the operator.

    ``revocations``: user public key (or ``*``) → seconds; tokens issued then or before are refused.
    ``connections``: 0 lets nobody in.
    """
    storage = _NO_LIMIT if jetstream else 0
    limits = {
        "subs": _NO_LIMIT,
        "data": _NO_LIMIT,
        "payload": _NO_LIMIT,
        "imports": _NO_LIMIT,
        "exports": _NO_LIMIT,
        "conn": connections,
        "leaf": 0,
        "wildcards": True,
        "mem_storage": storage,
        "disk_storage": storage,
        "streams": storage,
        "consumer": storage,
        "mem_max_stream_bytes": _NO_LIMIT,
        "disk_max_stream_bytes": _NO_LIMIT,
        "max_ack_pending": _NO_LIMIT,
        "max_bytes_required": False,
    }
    body: Claims = {
        "type": "account",
        "limits": limits,
        "default_permissions": {"pub": {"deny": [">"]}, "sub": {"deny": [">"]}},
        "signing_keys": list(signing_keys),
        "exports": list(exports),
        "imports": list(imports),
        "revocations": dict(revocations or {}),
    }
    return _encode(signer, public, name, body, issued_at)


def user(
    signer: Key,
    public: str,
    name: str,
    rights: Rights,
    *,
    issuer_account: str | None = None,
    issued_at: int | None = None,
) -> str:
    """A user's token. ``issuer_account`` when an account's signing key signs, not its own key."""
    unlimited = {"subs": _NO_LIMIT, "data": _NO_LIMIT, "payload": _NO_LIMIT}
    body: Claims = {"type": "user", **rights.claims(), **unlimited}
    _refuse_empty(name, body)
    if issuer_account:
        body["issuer_account"] = issuer_account
    return _encode(signer, public, name, body, issued_at)


def _refuse_empty(name: str, body: Claims) -> None:
    for side in ("pub", "sub"):
        rule = body[side]
        if not (rule.get("allow") or rule.get("deny")):
            raise ValueError(f"{name}: an empty {side} list would allow everything")
        if not all(isinstance(s, str) and s.strip() for s in (*rule.get("allow", ()), *rule.get("deny", ()))):
            raise ValueError(f"{name}: an empty subject in {side}")


def _encode(signer: Key, subject: str, name: str, body: Claims, issued_at: int | None = None) -> str:
    claims: Claims = {
        "iat": int(time.time()) if issued_at is None else issued_at,
        "iss": signer.public,
        "name": name,
        "sub": subject,
        "nats": {**body, "version": 2},
    }
    digest = hashlib.sha256(_json(claims)).digest()
    claims["jti"] = base64.b32encode(digest).decode().rstrip("=")
    text = f"{_b64(_json({'typ': 'JWT', 'alg': 'ed25519-nkey'}))}.{_b64(_json(claims))}"
    return f"{text}.{_b64(signer.sign(text.encode()))}"


def decode(token: str) -> Claims:
    """The claims of a token of ours. The signature is not looked at: the server does that."""
    middle = token.split(".")[1]
    claims: Claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return claims


def issued_at(token: str) -> int:
    """When it was signed, in seconds."""
    return int(decode(token)["iat"])


def same(old: str, new: str) -> bool:
    """Whether two tokens say the same, their time apart."""
    first, second = decode(old), decode(new)
    return all(first.get(key) == second.get(key) for key in ("iss", "sub", "name", "nats"))


def creds(token: str, seed: bytes) -> str:
    """The file a NATS client reads."""
    return (
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed.decode()}\n------END USER NKEY SEED------\n"
    )


def read_creds(text: str) -> tuple[str, bytes]:
    """Token and seed of such a file."""
    lines = [line for line in text.splitlines() if line and not line.startswith("-")]
    return lines[0], lines[1].encode()


def _json(value: Claims) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
