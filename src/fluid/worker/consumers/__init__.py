"""Consumers: their mailbox, the loops that take from it, and what stands before a handler."""
