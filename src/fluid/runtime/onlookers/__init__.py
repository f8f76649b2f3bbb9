"""Those who tell the world outside how a process is doing: systemd, a file."""
