"""What happens when: one small script for each row of the second table of docs/comparison.md.

``mode_one_for_all.py`` does something with mode, ``fluid_one_for_all.py`` does the same with fluid.
Each runs by itself, on the Python of the system that its name begins with, and needs nothing else
from this folder::

    python -m benchmarks.peers.environments mode-streaming
    .venv-peers/mode-streaming/bin/python benchmarks/peers/behaviour/mode_one_for_all.py

The last line that it prints is JSON: what one expects, what was observed this time, and whether
that is the same. fluid has the API of aio-fluid, so what is named ``aio_fluid_...`` runs on both.

``python -m benchmarks.peers.behaviour`` runs all of them, and with ``--write`` writes the table.
"""
