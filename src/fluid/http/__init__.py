"""HTTP: serving an application as a worker, workers inside an application, and how they are.

``ASGIServer`` is uvicorn as one worker among others, ``lifespan`` the reverse: a tree of workers
inside a FastAPI or Starlette application. ``health_app`` answers probes, by itself or mounted in
another application. Nothing is loaded before it is asked for; the server needs the extra ``http``.

Where to look:

- ``server`` is the worker and ``serving`` one life of it: ``listening`` binds its sockets,
  ``app_life`` starts and stops its application, ``guests`` has its connections and requests.
- ``gate`` bounds what strangers may take of a health server, by ``turns``: at the ``entrance`` and
  with each ``visitor``; and ``sparing`` what they can have the log say.
- ``probes`` is the health application: ``answers`` is what it says, ``origin`` to whom it does not.
- ``workers_in_app`` is ``lifespan``, and ``early_end`` what happens if its workers end before it.
"""

from typing import TYPE_CHECKING

from ..errors import FluidError as _FluidError
from ..errors import how_to_install as _how_to_install
from ..on_demand import on_demand as _on_demand

if TYPE_CHECKING:
    from .probes import health_app
    from .server import ASGIServer
    from .workers_in_app import Lifespan, LifespanState, lifespan
else:
    _find = _on_demand(
        __name__,
        {
            "ASGIServer": "fluid.http.server",
            "health_app": "fluid.http.probes",
            "Lifespan": "fluid.http.workers_in_app",
            "LifespanState": "fluid.http.workers_in_app",
            "lifespan": "fluid.http.workers_in_app",
        },
    )

    def __getattr__(name: str) -> object:
        """Finds a name of this door; says what to install where its libraries are missing."""
        try:
            return _find(name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("h11", "uvicorn"):
                raise
            lesson = _how_to_install("http")
            raise _FluidError(f"{name} needs the package {error.name}; {lesson}") from error


__all__ = ["ASGIServer", "Lifespan", "LifespanState", "health_app", "lifespan"]
