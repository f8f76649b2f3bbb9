"""The unit of systemd: who speaks for it, how it is stopped and restarted, what it may do."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.deploy.reading import UNIT, only, unit

ANALYZE = shutil.which("systemd-analyze")
AS_TEXT = {"capture_output": True, "text": True}

needs_analyze = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Type", "notify"),  # not notify-reload: before systemd 253 that is no type at all
        ("NotifyAccess", "main"),
        ("ExecReload", "/bin/kill -HUP $MAINPID"),
        ("KillMode", "mixed"),
        ("WatchdogSignal", "SIGTERM"),
        ("Restart", "on-failure"),
        ("RestartPreventExitStatus", "2"),
        ("DynamicUser", "yes"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("CapabilityBoundingSet", ""),
    ],
)
def test_it_is_run_as_its_comments_say(key, value):
    assert only(key) == value


def test_a_restart_is_tried_for_ever_and_not_at_once():
    assert only("StartLimitIntervalSec", "Unit") == "0"
    assert float(only("RestartSec")) >= 1


def test_a_watchdog_that_barks_leaves_time_for_the_deadline():
    # Which is TimeoutStopSec, unless this one says otherwise.
    assert "TimeoutAbortSec" not in unit()["Service"]
    assert float(only("WatchdogSec")) > 0


def test_it_runs_what_is_in_its_own_folder():
    assert only("ExecStart").startswith(only("WorkingDirectory") + "/")


def test_it_may_read_what_it_watches():
    folder = only("ExecStart").split()[-1]
    assert folder == only("RequiresMountsFor", "Unit")
    assert not folder.startswith(("/home", "/root", "/run/user", "/tmp", "/var/tmp"))


@pytest.mark.real
@needs_analyze
def test_systemd_finds_nothing_wrong_with_it(tmp_path):
    program = only("ExecStart").split()[0]
    here = tmp_path / UNIT.name
    here.write_text(UNIT.read_text("utf-8").replace(program, sys.executable), "utf-8")
    said = subprocess.run([ANALYZE, "verify", here], check=False, **AS_TEXT)
    about_it = [line for line in said.stderr.splitlines() if UNIT.name in line]
    assert (said.returncode, about_it) == (0, [])


@pytest.mark.real
@needs_analyze
def test_systemd_calls_its_exposure_low():
    words = ["security", "--offline=true", "--threshold=20", "--no-pager", UNIT]
    said = subprocess.run([ANALYZE, *words], check=False, **AS_TEXT)
    assert said.returncode == 0, said.stdout
