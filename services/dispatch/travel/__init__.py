"""Travel times: matrices that were put here, and what to do where there are none."""
