"""Which of the possible orders a run takes: chosen by a seed, replayed, swept, shrunk.

From the bottom up: a :class:`~.schedule.Schedule` is a run in words; ``choosers`` make its choices,
``queues`` and ``loop`` ask for them, ``faults`` and ``trace`` sit in the queue and watch;
``simulation`` is what a scenario is handed; ``simulate`` runs one schedule, ``explorer`` many of
them, ``shrink`` makes a failing one small, and ``report`` says it in a way that helps.
"""
