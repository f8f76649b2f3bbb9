"""One virtual environment for each system that is compared: its pins, and how it is made.

``python -m benchmarks.peers.environments`` makes those below ``.venv-peers/`` that are missing or
whose pins have changed. They have one Python in common, the newest of 3.13 and 3.12 that is found:
the current aio-fluid needs 3.12. ``--python PATH`` takes another.

The pins, with all that they bring, are in ``requirements/NAME.txt``, the system itself on the first
line. fluid comes from this checkout. None has uvloop, so all of them run on asyncio's own loop.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = ROOT / ".venv-peers"
REQUIREMENTS = Path(__file__).parent / "requirements"

FLUID = "fluid"
"""This checkout; bare asyncio is measured in the same environment."""
PEERS = (
    "aio-fluid",
    "mode-streaming",
    "aiomisc",
    "aiojobs",
    "aiorun",
    "facet",
    "runsmith",
    "aioservicekit",
)
PLOTS = "plots"
"""What draws the plots, and is compared with nothing."""
NAMES = (FLUID, *PEERS, PLOTS)

WANTED = ("3.13", "3.12")
"""Pythons that all of them support, the preferred one first."""
PYENV = Path.home() / ".pyenv" / "versions"

VERSION = "from importlib.metadata import version; print(version({!r}))"
RUNNING = "import sys; print('%d.%d' % sys.version_info[:2])"


class EnvironmentsError(Exception):
    """An environment is not there, or cannot be made; the message says what to do."""


def python_of(name: str) -> Path:
    """Returns the interpreter of an environment that has been made.

    Raises:
        EnvironmentsError: It has not.
    """
    python = HERE / name / "bin" / "python"
    if not python.exists():
        raise EnvironmentsError(
            f"there is no environment {name!r}: "
            f"make it with `python -m benchmarks.peers.environments {name}`"
        )
    return python


def version_of(name: str) -> str:
    """Returns the version of a system as its environment has it, not as it is pinned."""
    distribution = "fluid-workers" if name == FLUID else name
    return printed(python_of(name), VERSION.format(distribution))


def make(name: str, base: Path) -> bool:
    """Makes an environment on the Python ``base``, unless it is there as it should be.

    Returns:
        Whether there was anything to do.

    Raises:
        CalledProcessError: ``venv`` or ``pip`` failed; it has printed why.
    """
    stamp = HERE / name / ".ready"
    wanted = f"{base}\n{pins(name)}"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return False
    run(base, "-m", "venv", "--clear", str(HERE / name))
    pip = ("-m", "pip", "install", "-qq", "--disable-pip-version-check")
    run(python_of(name), *pip, "--requirement", str(REQUIREMENTS / f"{name}.txt"))
    if name == FLUID:
        run(python_of(name), *pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    stamp.write_text(wanted, encoding="utf-8")
    return True


def pins(name: str) -> str:
    """Returns the requirements of an environment."""
    return (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")


def base_python(path: str | None = None) -> Path:
    """Returns the Python to make environments on.

    Args:
        path: Take this one. Default: the newest wanted one on the PATH or of pyenv.

    Raises:
        EnvironmentsError: There is none.
    """
    if path is not None:
        return Path(path).absolute()
    for version in WANTED:
        for python in candidates(version):
            if works_as(python, version):
                return python
    raise EnvironmentsError(
        f"no Python {' or '.join(WANTED)} was found: name one with --python /path/to/python"
    )


def candidates(version: str) -> Iterator[Path]:
    """Yields the places where a Python of a version may be."""
    on_path = shutil.which(f"python{version}")
    if on_path is not None:
        yield Path(on_path)
    yield from sorted(PYENV.glob(f"{version}.*/bin/python{version}"), reverse=True)


def works_as(python: Path, version: str) -> bool:
    """Tells whether it runs and is that version: pyenv has commands that say "not activated"."""
    done = subprocess.run([python, "-c", RUNNING], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.strip() == version


def printed(python: Path, program: str) -> str:
    """Returns what a program prints on a Python."""
    command = [str(python), "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def run(python: Path, *arguments: str) -> None:
    """Runs a Python and lets it print."""
    subprocess.run([python, *arguments], check=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Makes the environments that were asked for; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers.environments", description="Makes the environments."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all")
    parser.add_argument("--python", metavar="PATH", help="the Python that all of them have")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"no such environment: {', '.join(sorted(unknown))}")
    try:
        base = base_python(options.python)
        for name in options.names or NAMES:
            print(f"{name}: {'made' if make(name, base) else 'is there'}", flush=True)
    except EnvironmentsError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
