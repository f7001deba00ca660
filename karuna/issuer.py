"""The local issuer of tokens: a key pair in ``<home>/keys``, whose public half the services read."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from karuna.platform.files import write_private
from shared.auth import LONGEST_S, Role, make_token

KEY_ID = "local"


class LocalIssuer:
    """Makes its keys on first use. Revoked devices stand in the public file beside the keys."""

    def __init__(self, keys: Path) -> None:
        self.public_file = keys / "issuer.json"
        self.private_file = keys / "issuer.pem"
        if not self.private_file.exists():
            self._make()
        key = serialization.load_pem_private_key(self.private_file.read_bytes(), None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("issuer.pem holds no Ed25519 key")
        self._key = key

    def _make(self) -> None:
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_private(self.private_file, pem.decode())
        jwk = {**json.loads(OKPAlgorithm.to_jwk(key.public_key())), "kid": KEY_ID}
        write_private(self.public_file, json.dumps({"keys": [jwk], "revoked": []}), mode=0o644)

    def token(
        self,
        role: Role,
        *,
        areas: list[str],
        subject: str | None = None,
        crew_id: str | None = None,
        device_id: str | None = None,
        agency_id: UUID | None = None,
        places: Sequence[str] = (),
        lifetime_s: int = LONGEST_S,
    ) -> str:
        """A token that is good for at most 15 minutes."""
        return make_token(
            self._key,
            KEY_ID,
            subject=subject or f"local-{role.value}",
            role=role,
            areas=areas,
            now_s=time.time(),
            lifetime_s=lifetime_s,
            crew_id=crew_id,
            device_id=device_id,
            agency_id=agency_id,
            places=places,
        )
