"""Full-text and symbol search in Python source trees, built from fluid workers.

::

    python -m examples.codesearch index PATH...       # the standard library, if no path is given
    python -m examples.codesearch watch FOLDER...     # keeps the index current
    python -m examples.codesearch search WORDS...
    python -m examples.codesearch search --symbol NAME

What it does is in plain functions and classes that know neither asyncio nor fluid: ``scan.py``
finds the files, ``parse.py`` reads them, ``store.py`` keeps them, ``search.py`` looks into them,
``progress.py`` says how far things are. ``process.py`` has files parsed by another process,
``notices.py`` hears of changes. ``app.py`` makes workers of all that; begin there. ``index.py`` and
``watch.py`` make pipelines of the workers.
"""
