"""``python -m services.dispatch.engine.worker``: the engine process. Reads requests from its input until that ends."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any, cast

from services.dispatch.engine import cache, frames

NICE = 5
"""A plan may wait a little longer; an emergency may not."""


def main() -> None:
    os.nice(NICE)
    cache.use()
    # numba would load scipy's linear algebra, 17 MB of which no kernel has need.
    sys.modules["scipy"] = cast("Any", None)
    answers = sys.stdout.buffer
    # What libraries may print must not get between the frames.
    sys.stdout = sys.stderr
    from services.dispatch.planning.together import Cancelled, plan_together, warm  # noqa: PLC0415 compiles

    if warm() and "again" not in sys.argv:
        # Compiling took memory that is never given back; loading what was compiled takes half of it.
        os.execv(sys.executable, [sys.executable, "-m", "services.dispatch.engine.worker", "again"])  # noqa: S606
    lock = threading.Lock()
    cancelled: dict[int, threading.Event] = {}

    def say(*message: Any) -> None:
        with lock:
            answers.write(frames.packed(message))
            answers.flush()

    def work(number: int, problem: Any, ends: float, seed: int, threads: int) -> None:
        try:
            found = plan_together(problem, ends, seed, threads, time.monotonic, cancelled[number].is_set)
            say(frames.FOUND, number, found)
        except Cancelled:
            pass
        except Exception as problem_:  # noqa: BLE001 whoever asked must hear of it, and the others must not
            say(frames.FAILED, number, type(problem_).__name__)
        finally:
            del cancelled[number]

    say(frames.READY)
    while (message := frames.read(sys.stdin.buffer)) is not None:
        if message[0] == frames.PLAN:
            cancelled[message[1]] = threading.Event()
            threading.Thread(target=work, args=message[1:], daemon=True).start()
        elif event := cancelled.get(message[1]):  # at any moment it may be done and gone
            event.set()
    os._exit(0)  # whatever still searches does it for nobody


if __name__ == "__main__":
    main()
