"""What runs in containers is what runs here: the files under deploy/ are held against the code."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from karuna.containers import hand_out
from karuna.local import Local
from karuna.platform.home import Home, Ports
from karuna.platform.nats_server import find_binary
from karuna.platform.postgres import SETTINGS
from services.notify.settings import ChannelsConfig
from services.registry.settings import RegistrySettings
from shared.streams import LISTENERS
from tests.containers import container_settings

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
PARTS: dict[str, dict[str, Any]] = COMPOSE["services"]
LONG_LIVED = {*LISTENERS, "nats", "postgres", "proxy", "keeper"}
OWN = re.compile(r"^(listen|http|operator|system_account|store_dir|dir|include) ?:?", re.MULTILINE)


def local_in(folder: Path) -> Local:
    return Local(Home(folder), Ports())


def broker_settings(text: str) -> set[str]:
    """Settings with the block they stand in, without what is another one's own: addresses, folders, keys."""
    found, block = set(), ""
    for line in (raw.split("#")[0].strip() for raw in text.splitlines()):
        if line.endswith("{"):
            block = line.rstrip("{ ")
        elif line == "}":
            block = ""
        elif line and block != "resolver_preload" and not OWN.match(line):
            found.add(f"{block} {line}")
    return found


def test_the_broker_in_a_container_is_set_as_the_one_here(tmp_path: Path) -> None:
    template = (DEPLOY / "nats" / "nats-server.conf").read_text()
    here = broker_settings(local_in(tmp_path).nats.config())
    assert broker_settings(template) == here
    assert {"jetstream sync_interval: always", "jetstream cipher: chacha", " max_control_line: 64KB"} <= here


def test_the_broker_takes_the_file_with_what_was_handed_out(tmp_path: Path) -> None:
    hand_out(local_in(tmp_path / "home"), tmp_path)
    (tmp_path / "nats").rename(tmp_path / "secrets")
    text = (DEPLOY / "nats" / "nats-server.conf").read_text().replace('"/data/', f'"{tmp_path}/data/')
    (tmp_path / "nats-server.conf").write_text(text)
    said = subprocess.run(
        [find_binary(), "-t", "-c", tmp_path / "nats-server.conf"], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr


def test_the_database_in_a_container_is_set_as_the_one_here() -> None:
    _, *said = PARTS["postgres"]["command"]
    assert dict(word.removeprefix("--").split("=", 1) for word in said) == container_settings()
    assert len(container_settings()) == len(SETTINGS) - 2


def test_each_part_gets_its_own_secrets_and_a_second_time_changes_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("KARUNA_HOST_POSTGRES", "postgres")
    hand_out(local_in(tmp_path / "home"), tmp_path / "out")
    files = {path.relative_to(tmp_path / "out"): path.read_text() for path in (tmp_path / "out").rglob("*.*")}
    hand_out(local_in(tmp_path / "home"), tmp_path / "out")
    again = {path.relative_to(tmp_path / "out"): path.read_text() for path in (tmp_path / "out").rglob("*.*")}
    assert again == files
    for service in LISTENERS:
        dsn = (tmp_path / "out" / service / "database_url").read_text()
        assert dsn.startswith(f"postgresql://{service}:")
        assert dsn.endswith(f"@postgres:5433/{service}")
    assert {path.parent.name for path in (tmp_path / "out").rglob("field_key")} == {"registry"}
    signing = {path.parent.name: path.read_text() for path in (tmp_path / "out").rglob("audit_key")}
    assert set(signing) == set(LISTENERS) - {"registry"}
    assert len(set(signing.values())) == len(signing), "nobody can sign for another"
    assert {path.parent.name for path in (tmp_path / "out").rglob("issuer.pem")} == {"console"}
    assert not list((tmp_path / "out").rglob("*.seed"))


def test_what_the_console_revoked_outlives_a_start_and_only_the_console_may_write_it(tmp_path: Path) -> None:
    local, public = local_in(tmp_path / "home"), tmp_path / "issuer" / "issuer.json"
    hand_out(local, tmp_path)
    known = json.loads(public.read_text())
    public.write_text(json.dumps({**known, "revoked": ["stolen"], "revoked_by_console": ["stolen"]}))
    hand_out(local, tmp_path)
    assert json.loads(public.read_text())["revoked"] == ["stolen"]
    for service in LISTENERS:
        mounted = [volume for volume in PARTS[service]["volumes"] if volume.startswith("issuer:")]
        assert mounted == ["issuer:/issuer" if service == "console" else "issuer:/issuer:ro"]
        assert PARTS[service]["environment"]["KARUNA_ISSUER_FILE"] == "/issuer/issuer.json"


def test_the_proxy_has_a_door_for_each() -> None:
    text = (DEPLOY / "proxy" / "nginx.conf").read_text()
    doors = dict(re.findall(r"(81\d\d) (\w+);", text))
    published = {port.rsplit(":", 1)[1] for port in PARTS["proxy"]["ports"]}
    assert {door: who for door, who in doors.items() if f"listen {door};" in text and door in published} == doors
    assert set(doors.values()) == set(LISTENERS)
    scraped = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    assert set(re.findall(r"names: \[(\w+)\]", scraped)) == set(LISTENERS)


def test_the_proxy_believes_whom_it_is_told_to_and_as_shipped_nobody() -> None:
    """Else everybody behind a proxy for TLS is one address for the limits of the public pages."""
    text = (DEPLOY / "proxy" / "nginx.conf").read_text()
    mounts = [volume.rsplit(":", 2) for volume in PARTS["proxy"]["volumes"]]
    ((source, inside, mode),) = [mount for mount in mounts if "KARUNA_TRUSTED_PROXIES_FILE" in mount[0]]
    assert (f"include {inside};" in text, mode) == (True, "ro")
    assert "real_ip_header X-Forwarded-For;" in text
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in text, "what a caller writes there goes no further"
    shipped = (DEPLOY / source.rsplit(":-", 1)[1].rstrip("}")).read_text()
    assert not [line for line in shipped.splitlines() if not line.startswith("#")]


def test_a_service_reads_its_secrets_from_files(tmp_path: Path, monkeypatch: Any) -> None:
    hand_out(local_in(tmp_path / "home"), tmp_path)
    monkeypatch.setenv("KARUNA_SECRETS_DIR", str(tmp_path / "registry"))
    settings = RegistrySettings()
    assert settings.database_url.get_secret_value() == (tmp_path / "registry" / "database_url").read_text()
    assert settings.field_key.get_secret_value() == (tmp_path / "registry" / "field_key").read_text()
    monkeypatch.setenv("KARUNA_DATABASE_URL", "postgresql://elsewhere")
    assert RegistrySettings().database_url.get_secret_value() == "postgresql://elsewhere"


def test_every_container_is_locked_up() -> None:
    for name, part in PARTS.items():
        assert part["read_only"] is True, name
        assert part["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in part["security_opt"], name
        assert part["mem_limit"], name
        assert part["pids_limit"], name
        assert not {"privileged", "cap_add"} & set(part), name
        assert part.get("user") != "root", name
        assert (name in LONG_LIVED | {"simulators"}) == (part.get("restart") == "unless-stopped"), name


def test_a_service_has_no_port_and_no_secret_of_another() -> None:
    """No port and no name of its own: so it can be scaled."""
    for service in LISTENERS:
        part = PARTS[service]
        assert "ports" not in part
        assert "container_name" not in part
        secrets = [volume for volume in part["volumes"] if "-secrets" in volume]
        assert secrets == [f"{service}-secrets:/secrets:ro"]
        assert "home:/karuna" not in part["volumes"]
        assert part["depends_on"]["setup"]["condition"] == "service_completed_successfully"
        assert int(part["stop_grace_period"].removesuffix("s")) > 10
    assert "ports" not in PARTS["postgres"]
    assert COMPOSE["networks"]["ground"]["internal"] is True


def test_nothing_secret_stands_in_the_files() -> None:
    for part in PARTS.values():
        for name, value in (part.get("environment") or {}).items():
            said = any(word in name for word in ("PASSWORD", "SECRET", "KEY", "TOKEN"))
            assert not said or str(value).startswith("/"), name


def test_the_channels_of_the_demonstration_are_channels() -> None:
    assert ChannelsConfig.model_validate_json((DEPLOY / "channels" / "none.json").read_text()).areas == {}
    simulated = ChannelsConfig.model_validate_json((DEPLOY / "channels" / "simulated.json").read_text())
    assert simulated.areas["kalasin"].line
    assert simulated.areas["kalasin"].sms
