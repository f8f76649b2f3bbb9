"""What fluid costs, against what people write by hand: ``make bench``."""
