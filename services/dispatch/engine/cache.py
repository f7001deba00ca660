"""Where compiled kernels are kept from one start to the next."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

QUICKLY = {"NUMBA_LOOP_VECTORIZE": "0", "NUMBA_SLP_VECTORIZE": "0"}
"""Routes are short: there is nothing to gain, and compiling takes a quarter less."""
PLANNING = Path(__file__).parents[1] / "planning"
KERNELS = ("compiled.py", "kernel.py", "insertion.py", "ruin.py", "anneal.py")


def folder(base: Path | None = None) -> Path:
    """A folder for this very text of the kernels, for numba looks only at the file of the function that is called.

    ``base`` None: beside Python's own compiled files, as an image has it filled at build time. Where nothing can be
    written, what lies there is copied to a temporary place, since numba takes no folder that it cannot write to.
    """
    text = hashlib.sha256()
    for name in KERNELS:
        text.update((PLANNING / name).read_bytes())
    made = (base or PLANNING / "__pycache__") / f"kernels-{text.hexdigest()[:16]}"
    try:
        made.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=made):
            return made
    except OSError:
        copy = Path(tempfile.mkdtemp(prefix="karuna-kernels-"))
        if made.is_dir():
            shutil.copytree(made, copy, dirs_exist_ok=True)
        return copy


def use(base: Path | None = None) -> None:
    """For this process; before numba is imported."""
    os.environ.update(QUICKLY)
    os.environ.setdefault("NUMBA_CACHE_DIR", str(folder(base)))
