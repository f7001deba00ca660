"""The folder of one installation: its ports, its lock, and who may read what in it."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from karuna.platform.home import Home, HomeInUse, Ports, port_free
from tests.platform_fixtures import free_port


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "var")
    made.create()
    return made


def test_the_usual_ports_where_nobody_has_them(home: Home) -> None:
    ports = home.choose_ports({}, free=lambda _: True)
    assert ports == Ports()
    assert (ports.console, ports.intake, ports.nats, ports.postgres) == (8100, 8101, 4222, 5433)
    assert json.loads((home.path / "ports.json").read_text())["registry"] == 8103


@pytest.mark.parametrize("taken", [8100, 8104, 4222, 8222, 5433])
def test_one_taken_port_moves_the_whole_block(home: Home, taken: int) -> None:
    assert home.choose_ports({}, free=lambda port: port != taken) == Ports().shifted(100)


def test_it_moves_on_until_all_are_free(home: Home) -> None:
    taken = {8100, 5533, 4422}
    assert home.choose_ports({}, free=lambda port: port not in taken) == Ports().shifted(300)


def test_the_next_start_takes_the_same_block(home: Home) -> None:
    home.choose_ports({}, free=lambda port: port != 4222)
    assert home.choose_ports({}, free=lambda _: True) == Ports().shifted(100)
    assert home.ports() == Ports().shifted(100)


def test_a_port_that_a_setting_fixes_stays(home: Home) -> None:
    ports = home.choose_ports({"KARUNA_PORT_NATS": "14222"}, free=lambda port: port not in {8101, 14222})
    assert ports.nats == 14222
    assert ports.intake == 8201


def test_no_free_block_is_an_error(home: Home) -> None:
    with pytest.raises(OSError, match="no free block"):
        home.choose_ports({}, free=lambda _: False)


def test_a_listening_port_is_not_free() -> None:
    with socket.socket() as listening:
        port = free_port()  # none that the kernel gives to somebody else the moment we leave it
        listening.bind(("127.0.0.1", port))
        listening.listen()
        assert not port_free(port)
    assert port_free(port)


def test_one_launcher_at_a_time(home: Home) -> None:
    with home.lock(), pytest.raises(HomeInUse), Home(home.path).lock():
        pass
    with home.lock():
        pass


def test_keys_are_for_their_owner_only(home: Home) -> None:
    assert home.keys.stat().st_mode & 0o777 == 0o700
    assert home.path.stat().st_mode & 0o777 == 0o711


def test_the_folder_is_a_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KARUNA_HOME", str(tmp_path / "elsewhere"))
    assert Home().path == tmp_path / "elsewhere"
    monkeypatch.delenv("KARUNA_HOME")
    assert Home().path == Path.cwd() / "var"
