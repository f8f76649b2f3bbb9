"""Door to the dispatchers, which live in ``fluid.dispatcher``."""

from fluid.dispatcher import AsyncDispatcher, BaseDispatcher, Dispatcher, Event, HandlerTypeError

__all__ = ["AsyncDispatcher", "BaseDispatcher", "Dispatcher", "Event", "HandlerTypeError"]
