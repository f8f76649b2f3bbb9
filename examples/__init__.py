"""Programs that show what fluid is for; each runs with ``python -m examples.<name>``."""
