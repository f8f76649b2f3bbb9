"""Schedules: when something is to happen, as values, and where one of them stands.

Pure, like all rules: the caller passes now. What they read is the tables of time zones.
"""
