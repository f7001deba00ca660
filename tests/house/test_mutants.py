"""Every law that ``make mutants`` breaks stands where its table says: a mutant of nothing would watch over nothing."""

from __future__ import annotations

import pytest

from tests.mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_law_is_where_the_table_says(mutant: Mutant) -> None:
    assert mutant.law in (ROOT / mutant.file).read_text("utf-8")
    assert mutant.law != mutant.broken
