"""What may happen next, as tables and plain functions.

Pure: no asyncio, no clock, no logging and no I/O in this folder. Whoever needs the time passes it.
"""
