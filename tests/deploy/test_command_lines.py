"""The command lines in ``deploy/``: fluid understands them, and ends before it is ended."""

from __future__ import annotations

import re

import pytest

from fluid.runtime.deadline import Deadline
from fluid.runtime.guard import LAST_RESORT
from tests.deploy.reading import DEPLOY, container, image_variables, only, starts

EVERYWHERE = pytest.mark.parametrize("platform", starts())


@EVERYWHERE
def test_fluid_understands_every_option(settings, platform):
    words = starts()[platform].words
    flags = [word for word in words[: words.index("--")] if word.startswith("--")]
    taken = [name for name, (_, source) in settings(platform).items() if source == "command line"]
    assert sorted(taken) == sorted(["target", *(flag[2:].partition("=")[0] for flag in flags)])
    assert settings(platform)["target"][0] == "examples.codesearch.watch:watch"


@EVERYWHERE
def test_fluid_knows_every_variable(execute, platform):
    assert not execute("config", platform).lines[-1].startswith("variables that are not used")


@EVERYWHERE
def test_the_target_makes_a_worker(execute, platform):
    tree = execute("check", platform).lines
    assert re.match(r"codesearch +Supervisor +", tree[0])


@EVERYWHERE
def test_the_deadline_and_its_last_resort_come_before_the_kill(seconds, platform):
    assert seconds(platform, "deadline") + LAST_RESORT < starts()[platform].killed_after


@pytest.mark.parametrize("platform", ["systemd", "compose", "kubernetes"])
def test_the_longest_stop_fits_into_the_deadline_after_the_drain(execute, seconds, platform):
    end = execute("check", platform)
    assert end.code == 0
    longest = float(re.search(r"at most ([\d.]+) seconds", end.lines[-1])[1])
    limit = Deadline(seconds(platform, "deadline")).for_tree
    assert longest <= limit - seconds(platform, "drain-delay")


def test_docker_stop_leaves_less_than_the_longest_stop_so_that_it_is_cut_short(execute):
    # Hence compose and Kubernetes give it more; this is for who forgets to.
    assert execute("check", "docker").code == 1


@EVERYWHERE
def test_only_containers_listen_to_more_than_the_loopback(settings, platform):
    address, _ = settings(platform)["http"]
    assert address == {
        "systemd": "127.0.0.1:8080",
        "docker": "none",
        "compose": "0.0.0.0:8080",
        "kubernetes": "0.0.0.0:8080",
    }.get(platform)


@EVERYWHERE
def test_containers_log_json_and_the_journal_gets_plain_lines(settings, platform):
    expected = "plain" if platform == "systemd" else "json"
    assert settings(platform)["log-format"][0] == expected


def test_the_index_is_where_each_platform_lets_it_be_written():
    assert only("Environment") == f"CODESEARCH_DB=%C/{only('CacheDirectory')}/index.db"
    assert image_variables()["CODESEARCH_DB"] == "/data/index.db"
    assert "/data" in [mount["mountPath"] for mount in container()["volumeMounts"]]


def test_the_readme_tells_of_every_file():
    text = (DEPLOY / "README.md").read_text("utf-8")
    files = {path.name for path in DEPLOY.iterdir()} - {"README.md"}
    assert files == {name for name in files if f"`{name}`" in text}
