"""Break each law of the core, one at a time, in a copy of the tree: the suite must turn red every time.

``python -m tests.mutants`` runs all; ``python -m tests.mutants cursor`` those whose name begins so. What is to turn red
must be green on the whole tree first. A mutant that survives is a promise nobody keeps watch over: the command then
ends with 1.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIED = ("shared", "services", "karuna", "tests", "deploy", "examples", "docs", "pyproject.toml")
TEST_TIMEOUT_S = 150
"""Some mutants make a test wait for what never comes."""
RUN_TIMEOUT_S = 1800
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One law broken: in ``file``, ``law`` becomes ``broken``; at least one of ``tests`` must fail."""

    name: str
    file: str
    law: str
    broken: str
    tests: str


MUTANTS = (
    Mutant(
        "audit rows stand upon nothing",
        "shared/migrations/0005_audit_chain.sql",
        "new.hash := sha256(head.hash || convert_to(",
        "new.hash := sha256('' || convert_to(",
        "tests/core/test_audit_chain.py -k found_and_which",
    ),
    Mutant(
        "audit of a list names nobody",
        "shared/audit.py",
        'return {"ids": ids}',
        'return {"count": len(ids)}',
        "tests/core/test_audit.py",
    ),
    Mutant(
        "audit of a call that is taken left out",
        "services/intake/api/calls.py",
        'await audit(work, caller, "take", "call", taken.id, alike, area=taken.area)',
        "",
        "tests/house/test_audited.py -k intake",
    ),
    Mutant(
        "cursor check removed",
        "shared/consumer.py",
        "if seq <= cursors[key]:",
        "if seq <= -1:",
        "tests/core/test_inbox.py",
    ),
    Mutant(
        "holes ignored",
        "shared/consumer.py",
        "if seq > cursors[key] + 1 and not erases:",
        "if seq > cursors[key] + 10**9 and not erases:",
        "tests/core/test_inbox.py",
    ),
    Mutant(
        "cursor lock skipped",
        "shared/cursors.py",
        "order by c.aggregate_id, c.noun for update of c",
        "order by c.aggregate_id, c.noun",
        "tests/core/test_inbox.py",
    ),
    Mutant(
        "cursor moved in a transaction of its own",
        "shared/consumer.py",
        "await store.move(work.db, moved)",
        "async with self._pool.acquire() as other:\n                    await store.move(other, moved)",
        "tests/faults/test_core_faults.py -k any_step",
    ),
    Mutant(
        "acknowledged before the commit",
        "shared/ear.py",
        "        pause_s = 0.1\n        too_long = 0\n",
        "        for message in messages:\n            await message.ack()\n        await self._bus.client.flush()\n"
        "        pause_s = 0.1\n        too_long = 0\n",
        "tests/faults/test_core_faults.py -k any_step",
    ),
    Mutant(
        "a red call waits for the group that is at work",
        "shared/ear.py",
        "return not red and",
        "return False and",
        "tests/core/test_ear.py",
    ),
    Mutant(
        "what there was no time for counts as applied",
        "shared/consumer.py",
        "return letters[done:]",
        "return letters[len(letters):]",
        "tests/core/test_inbox.py",
    ),
    Mutant(
        "a lone event waits for a group",
        "shared/pull.py",
        "while not self._waiting and loop.time() < until_s:",
        "while len(self._waiting) < 100 and loop.time() < until_s:",
        "tests/core/test_pull.py",
    ),
    Mutant(
        "nobody is urgent",
        "shared/ahead.py",
        "rank = self._urgencies.rank(",
        "rank = 0 * self._urgencies.rank(",
        "tests/core/test_ahead.py",
    ),
    Mutant(
        "the oldest waits for ever",
        "shared/ahead.py",
        "oldest = self._next(min(lines, key=lambda line: line.since))",
        "oldest = self._next(min(lines, key=lambda line: line.turn))",
        "tests/core/test_ahead.py",
    ),
    Mutant(
        "a call is overtaken by what grows from it",
        "shared/ahead.py",
        "keys = (aggregate, root) if person is None",
        "keys = (aggregate,) if person is None",
        "tests/core/test_ahead.py",
    ),
    Mutant(
        "who was let go is not free for what the transaction decides next",
        "services/dispatch/fleet.py",
        "    work.seen.pop(FREE, None)",
        "    work.seen.get(FREE)",
        "tests/dispatch/test_many_at_once.py",
    ),
    Mutant(
        "who was asked is still free for what the transaction decides next",
        "services/dispatch/fleet.py",
        "[each for each in found if each[0].id != unit_id]",
        "[each for each in found if each[0].id]",
        "tests/dispatch/test_many_at_once.py",
    ),
    Mutant(
        "relay out of order",
        "shared/relay.py",
        "limit $1))\norder by position\n",
        "limit $1))\norder by position desc\n",
        "tests/core",
    ),
    Mutant(
        "relay without the expected sequence",
        "shared/relay.py",
        '{**message.headers, "Nats-Expected-Last-Sequence": str(expected)}',
        "{**message.headers}",
        "tests/core/test_relay.py",
    ),
    Mutant(
        "relay guesses after a time-out",
        "shared/relay.py",
        "for sequence in range(ours + 1, theirs + 1):",
        "for sequence in range(theirs + 1, theirs + 1):",
        "tests/core/test_relay.py",
    ),
    Mutant(
        "recorded before it is published",
        "shared/relay.py",
        '        await self._writer.publish(messages, last)\n        point("relay.published")\n        places',
        '        point("relay.published")\n        places',
        "tests/core/test_hop.py",
    ),
    Mutant(
        "events outside the transaction",
        "shared/work.py",
        "                yield work\n                await work.write_gathered()\n"
        "                spoke = work.said_something\n                await work.flush()",
        "                try:\n                    yield work\n                    await work.write_gathered()\n"
        "                finally:\n                    spoke = work.said_something\n"
        "                    async with pool.acquire() as other:\n"
        "                        said = Work(other, work.now, work.cause, _said=work._said)\n"
        "                        await said.flush()",
        "tests/core/test_hop.py",
    ),
    Mutant(
        "sync_interval off",
        "karuna/platform/nats_server.py",
        'sync_interval: str = "always"',
        'sync_interval: str = "2m"',
        "tests/core/test_hop.py tests/platform",
    ),
    Mutant(
        "private part in the open copy",
        "shared/events/base.py",
        'return self.model_dump(mode="json", exclude={"private"})',
        'return self.model_dump(mode="json")',
        "tests/core/test_hop.py",
    ),
    Mutant(
        "one open run per unit not enforced",
        "services/dispatch/migrations/0001_dispatch.sql",
        "create unique index run_one_open_per_unit",
        "create index run_one_open_per_unit",
        "tests/dispatch",
    ),
    Mutant(
        "one accepted primary per trip not enforced",
        "services/dispatch/migrations/0001_dispatch.sql",
        "create unique index assignment_one_primary_per_trip",
        "create index assignment_one_primary_per_trip",
        "tests/dispatch",
    ),
    Mutant(
        "a warning in Thai for everybody",
        "services/notify/rules/words.py",
        '"risk": _risk(facts.risks, lang),',
        '"risk": _risk(facts.risks, "th"),',
        "tests/notify/rules/test_texts.py",
    ),
    Mutant(
        "the lesser danger named where there is room for one",
        "services/notify/rules/words.py",
        "label(facts.risks[0][0], lang)",
        "label(facts.risks[-1][0], lang)",
        "tests/notify/rules/test_texts.py",
    ),
    Mutant(
        "how grave a risk is left out",
        "services/notify/rules/words.py",
        'f"{kinds.label(kind, lang)} ({levels.label(level, lang)})"',
        'f"{kinds.label(kind, lang)}"',
        "tests/notify/rules/test_texts.py",
    ),
    Mutant(
        "a warning left out of one text in English",
        "services/notify/data/templates/crew.toml",
        "{% if danger %}; take care: {{ danger }}{% endif %}",
        "",
        "tests/notify/rules/test_texts.py",
    ),
    Mutant(
        "an order of a protected call warns of nothing",
        "services/notify/rules/plan.py",
        "risks=said.risks)",
        "risks=())",
        "tests/notify/test_orders.py",
    ),
    Mutant(
        "what to do in a zone told in Thai alone",
        "services/console/templates/crew/job.html",
        '(risk.advice_en if lang == "en" else none) or risk.advice',
        "risk.advice",
        "tests/console/test_crew.py",
    ),
    Mutant(
        "every zone called one of the destination",
        "services/console/templates/crew/job.html",
        'if risk.end == "drop"',
        "if risk.end",
        "tests/console/test_crew.py",
    ),
)


def main(wanted: str = "") -> int:
    """Run the mutants whose name begins with ``wanted``; gives the number of those that survived."""
    chosen = [mutant for mutant in MUTANTS if mutant.name.startswith(wanted)]
    for tests in dict.fromkeys(mutant.tests for mutant in chosen):
        if red := failed(tests):
            raise RuntimeError(f"{tests} is red without any mutant: {red}")
    survived = []
    for mutant in chosen:
        started = time.monotonic()
        red = failed(mutant.tests, mutant)
        print(f"{'red ' if red else 'GREEN'} {mutant.name} ({time.monotonic() - started:.0f} s) {red}", flush=True)
        if not red:
            survived.append(mutant.name)
    print(f"{len(survived)} survived" + (f": {', '.join(survived)}" if survived else ""))
    return len(survived)


def failed(tests: str, mutant: Mutant | None = None) -> str:
    """The first test that turns red in a copy of the tree (with ``mutant`` in it); empty: none.

    Raises:
        LookupError: the law is not where the table says.
        RuntimeError: pytest could not do its work.

    """
    name = mutant.name if mutant else "the whole tree"
    with tempfile.TemporaryDirectory(prefix="karuna-mutant-") as folder:
        copy = _copied(Path(folder))
        if mutant is not None:
            path = copy / mutant.file
            text = path.read_text("utf-8")
            if mutant.law not in text:
                raise LookupError(f"{name}: the law is not in {mutant.file} any more")
            path.write_text(text.replace(mutant.law, mutant.broken), "utf-8")
        options = ["-q", "-x", "-p", "no:cacheprovider", f"--timeout={TEST_TIMEOUT_S}"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests.split()],
            cwd=copy, capture_output=True, timeout=RUN_TIMEOUT_S, check=False, env=_environment(copy), text=True,
        )  # fmt: skip
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"{name}: pytest ended with {done.returncode}\n{done.stdout[-2000:]}")
    found = FAILED.search(done.stdout)
    return (found[1] if found else "a test without a name") if done.returncode else ""


def _copied(folder: Path) -> Path:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, folder / name)
    return folder


def _environment(copy: Path) -> dict[str, str]:
    """The copy's packages come first, whatever is installed."""
    return {**os.environ, "PYTHONPATH": str(copy)}


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
