"""Workers inside an application: ``uvicorn examples.web.service:app``.

Then, in another terminal::

    curl --json '{"item": "tea", "quantity": 2}' http://127.0.0.1:8000/orders
    curl http://127.0.0.1:8000/internal/readyz

The shop is ready before the first request, and books its last order after the last one. If its
workers give up, the application tells so and has uvicorn stop. The orders are in ``orders.db``, or
where the environment variable ``ORDERS_DB`` says.
"""

from __future__ import annotations

from fluid.health import Health
from fluid.http import health_app, lifespan

from .shop import Shop, application

health = Health(name="shop")
app = application(lifespan(Shop, health=health))
app.mount("/internal", health_app(health))
