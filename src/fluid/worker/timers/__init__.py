"""Workers that a schedule wakes up."""
