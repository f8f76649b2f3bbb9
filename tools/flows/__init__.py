"""The pictures of docs/design.md: how a start, a crash, a restart, a message and a stop go."""
