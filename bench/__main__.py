"""``python -m bench``: everything; ``python -m bench hop drain``: parts. Writes BENCH.md when everything ran."""

from bench.run import main

main()
