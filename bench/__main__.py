"""``python -m bench``: everything; ``python -m bench hop drain``: parts. BENCH.md is written anew, or theirs."""

from bench.run import main

main()
