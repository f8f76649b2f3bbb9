"""The smallest program of each system: one worker, which says that it runs, and its stop.

``rounds.BEGINNING`` times each from the first import until the worker runs, so a program imports
what it needs and nothing else.
"""
