"""A small shop that takes orders over HTTP: workers in FastAPI, and FastAPI as a worker.

``shop.py`` has the worker and the application, ``service.py`` and ``worker.py`` the two ways to put
them together. Either way an order that was accepted is booked, also if it came with the last
request before a stop.

Beside fluid it takes ``pip install "fluid-workers[http]" fastapi``.
"""
