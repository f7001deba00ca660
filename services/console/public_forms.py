"""Forms that need no account: keys that make a form ours and sent once, and who the console is when it passes it on."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4, uuid5

from fastapi import Request

from services.console.people import Person
from services.console.web import lang_of, runtime
from shared.auth import Role

GOOD_FOR = timedelta(hours=12)
"""An old phone may leave a page open overnight."""
SKEW_S = 60
"""Two machines of one console."""
NOBODY = UUID(int=0)
SUBJECT = "@public"
"""No login can be called so: what the public page does is told apart in every audit."""


@dataclass(frozen=True, slots=True)
class FormKey:
    """Made with the page, good once: a second press of the same form is the same request."""

    secret: bytes

    def make(self, now: datetime) -> str:
        text = f"{uuid4()}.{int(now.timestamp())}"
        return f"{text}.{self._seal(text)}"

    def read(self, key: str, now: datetime) -> str | None:
        """The idempotency key within; None where the form is too old or not ours."""
        text, _, seal = key.rpartition(".")
        if not hmac.compare_digest(self._seal(text).encode(), seal.encode()):
            return None
        nonce, _, made_at = text.partition(".")
        age_s = now.timestamp() - int(made_at)
        return nonce if -SKEW_S <= age_s <= GOOD_FOR.total_seconds() else None

    def _seal(self, text: str) -> str:
        return hmac.new(self.secret, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]


def form_key(request: Request) -> FormKey:
    """Every process of the console has the issuer's key, and so knows each other's forms."""
    private = runtime(request).parts["signer"].key.private_bytes_raw()
    return FormKey(hashlib.sha256(b"karuna public form" + private).digest())


def as_public(request: Request, area: str, role: Role) -> Person:
    """The console itself, for one municipality: ``partner`` to bring a request, ``auditor`` to read figures."""
    return Person(
        account_id=NOBODY, session_id=uuid5(NOBODY, f"{role.value}/{area}"), login=SUBJECT, name="", role=role,
        roles=(role,), areas=(area,), crew_id=None, csrf="", lang=lang_of(request),
    )  # fmt: skip
