"""fluid beside other systems of its kind, each in its own environment: ``make bench-peers``."""
