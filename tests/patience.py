"""How long a test waits for what must come. Never how long something may take: that is measured in ``bench/``."""

PATIENCE_S = 60.0
