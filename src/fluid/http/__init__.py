"""HTTP: serving an application as a worker, workers inside an application, and how they are.

``ASGIServer`` is uvicorn as one worker among others, ``lifespan`` the reverse: a tree of workers
inside a FastAPI or Starlette application. ``health_app`` answers probes, by itself or mounted in
another application. Nothing is loaded before it is asked for; the server needs the extra ``http``.
"""

from typing import TYPE_CHECKING

from ..errors import FluidError as _FluidError
from ..on_demand import on_demand as _on_demand

if TYPE_CHECKING:
    from .app import health_app
    from .app_workers import Lifespan, LifespanState, lifespan
    from .server import ASGIServer
else:
    _find = _on_demand(
        __name__,
        {
            "ASGIServer": "fluid.http.server",
            "health_app": "fluid.http.app",
            "Lifespan": "fluid.http.app_workers",
            "LifespanState": "fluid.http.app_workers",
            "lifespan": "fluid.http.app_workers",
        },
    )

    def __getattr__(name: str) -> object:
        """Finds a name of this door; says what to install where its libraries are missing."""
        try:
            return _find(name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("h11", "uvicorn"):
                raise
            lesson = 'install it:  pip install "fluid-workers[http]"'
            raise _FluidError(f"{name} needs the package {error.name}; {lesson}") from error


__all__ = ["ASGIServer", "Lifespan", "LifespanState", "health_app", "lifespan"]
