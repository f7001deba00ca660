"""Keys are made once and kept; tokens are signed anew only when what they say has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from karuna.platform import accounts, jwt
from karuna.platform.accounts import Accounts
from karuna.platform.permissions import TABLE


def texts(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    first = Accounts(tmp_path)
    before = texts(tmp_path)
    again = Accounts(tmp_path)
    assert texts(tmp_path) == before
    assert again.operator_token == first.operator_token
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_changed_account_is_later_than_the_one_it_replaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Accounts(tmp_path)
    monkeypatch.setattr(accounts, "exports", list)
    again = Accounts(tmp_path)
    assert jwt.decode(again.token)["nats"]["exports"] == []
    assert jwt.issued_at(again.token) > jwt.issued_at(first.token)
    assert again.operator_token == first.operator_token


def test_a_changed_row_revokes_the_token_it_replaces_and_keeps_older_revocations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Accounts(tmp_path)
    for user in ("doctor", "simulator"):
        monkeypatch.setitem(TABLE, user, jwt.Rights((f"only.{user}",), ()))
        made.renew()
    revoked = jwt.decode(made.token)["nats"]["revocations"]
    for user in ("doctor", "simulator"):
        token, _ = jwt.read_creds(made.creds(user).read_text())
        claims = jwt.decode(token)
        assert revoked[claims["sub"]] < claims["iat"]


def test_the_servers_see_no_seed(tmp_path: Path) -> None:
    made = Accounts(tmp_path)
    assert all(token.startswith("ey") for token in made.tokens().values())
    with pytest.raises(KeyError):
        made.creds("nobody")
