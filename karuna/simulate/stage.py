"""Only one program at a time plays the people of an installation: a replay sends the demonstration off the stage."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from karuna.platform.home import Home


class StageTaken(Exception):
    """Another replay or simulation plays in this installation."""


def _file(home: Home) -> Path:
    return home.path / "stage"


@contextmanager
def stage(home: Home) -> Iterator[None]:
    """Play the people of this installation; the demonstration pauses meanwhile.

    Raises:
        StageTaken: somebody plays already.

    """
    descriptor = os.open(_file(home), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StageTaken("มีการเล่นซ้ำหรือจำลองอยู่แล้ว (a replay or simulation is running already)") from None
        yield
    finally:
        os.close(descriptor)


def stage_is_free(home: Home) -> bool:
    """Whether nobody plays. Looking takes no lock away from anybody who comes at the same moment."""
    descriptor = os.open(_file(home), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)
