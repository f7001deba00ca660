"""Whatever a service can be told, whoever runs it can say: to containers, to ``karuna up``, and by the documents."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from karuna.containers import hand_out
from karuna.local import PASSED_ON, Local
from karuna.platform.home import Home, Ports
from services.console.settings import ConsoleSettings
from services.dispatch.settings import DispatchSettings
from services.intake.settings import IntakeSettings
from services.notify.settings import NotifySettings
from services.registry.settings import RegistrySettings
from shared.settings import Settings
from shared.streams import LISTENERS

ROOT = Path(__file__).parents[2]
PARTS: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))["services"]
SETTINGS: dict[str, type[Settings]] = {
    "intake": IntakeSettings,
    "dispatch": DispatchSettings,
    "registry": RegistrySettings,
    "notify": NotifySettings,
    "console": ConsoleSettings,
}
FROM_OUTSIDE = re.compile(r"^\$\{(KARUNA_\w+):-(.*)\}$")
NOT_GIVEN = {
    "http_host": "the image says it: every address of the container",
    "http_port": "the image says it; the proxy has the fixed ports",
    "http_socket_fd": "of a launcher on one machine",
    "request_timeout_s": "measured with what waits for it: the proxy and the console",
    "max_body_bytes": "measured with the proxy's own bound",
    "field_key": "the registry has it as a file; the others sign with audit_key",
    "audit_key": "as a file; the registry signs with its field key",
    "backend_timeout_s": "measured with request_timeout_s",
    "demo": "lets everybody in: on loopback alone, and a container listens to all",
    "subscribers_dir": "the operator's folder is not mounted into a service",
    "positions_fresh_s": "measured with how often a crew's page sends",
    "engine_after_s": "measured with the start of the service",
    "engine_cache_dir": "beside Python's own files, as the image has compiled them",
    "watchdog_s": "the municipality's settings pack says it",
    "track_tries": "a bound against guessing",
    "track_tries_per_address": "a bound against guessing",
    "topic_max_bytes": "measured with the subscriptions it bounds",
    "locations_agree_m": "a rule of matching, held by its tests",
    "locations_agree_days": "a rule of matching, held by its tests",
    "channels": "a file: channels_file",
    "line_parallel": "measured with LINE's own bound",
    "sms_parallel": "measured with the gateways' own bound",
}
"""Why a setting cannot be given to a container."""


def test_every_service_is_looked_at() -> None:
    assert set(SETTINGS) == set(LISTENERS)
    everything = {name for settings in SETTINGS.values() for name in settings.model_fields}
    assert NOT_GIVEN.keys() - everything == set(), "a reason for what is no setting"


@pytest.mark.parametrize("service", LISTENERS)
def test_every_setting_can_be_given_to_a_container_or_it_is_said_why_not(service: str, tmp_path: Path) -> None:
    hand_out(Local(Home(tmp_path / "home"), Ports()), tmp_path / "out")
    said = {name.removeprefix("KARUNA_").lower() for name in PARTS[service]["environment"]}
    files = {path.name for path in (tmp_path / "out" / service).iterdir()}
    assert set(SETTINGS[service].model_fields) - said - files - NOT_GIVEN.keys() == set()


@pytest.mark.parametrize("service", LISTENERS)
def test_what_compose_takes_from_outside_is_in_the_tables_and_means_the_same_when_left_out(service: str) -> None:
    table = (ROOT / "docs" / "operations-containers.md").read_text("utf-8")
    for name, value in PARTS[service]["environment"].items():
        if not (outside := FROM_OUTSIDE.match(str(value))):
            continue
        assert outside[1] == name
        if name != "KARUNA_SIMULATORS_URL":  # of the demonstration
            assert f"`{name}`" in table
        field = SETTINGS[service].model_fields[name.removeprefix("KARUNA_").lower()]
        assert outside[2] == str(field.default if field.default is not None else "").replace("True", "true")


@pytest.mark.parametrize("service", LISTENERS)
def test_what_the_operator_says_reaches_the_service_here_too(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = {name for name, value in PARTS[service]["environment"].items() if FROM_OUTSIDE.match(str(value))}
    taken -= {"KARUNA_SIMULATORS_URL", "KARUNA_SECURE_COOKIES"}  # here they follow from what runs and where
    assert taken == {f"KARUNA_{name.upper()}" for name in (*PASSED_ON["*"], *PASSED_ON.get(service, ()))}
    local = Local(Home(tmp_path / "home"), Ports())
    for name in taken:
        monkeypatch.setenv(name, "7")
    environment = local.environment(service)
    assert {name: environment.get(name) for name in taken} == dict.fromkeys(taken, "7")
