"""The examples of how it is run as a service: nothing in them is out of date."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer
from packaging.requirements import Requirement

from mindseye.cli.app import app

ROOT = Path(__file__).parents[2]
CONTAINER, UNIT = ROOT / "deploy" / "Containerfile", ROOT / "deploy" / "mindseye.service"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def instructions() -> list[tuple[str, str]]:
    """Of the Containerfile: each with what it says, its lines joined."""
    lines = [line for line in CONTAINER.read_text().splitlines() if line and not line.startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def said(word: str) -> list[str]:
    return [rest for each, rest in instructions() if each == word]


def unit(name: str) -> str:
    """A setting of the unit."""
    [line] = [line for line in UNIT.read_text().splitlines() if line.startswith(f"{name}=")]
    return line.partition("=")[2]


def understood(words: Sequence[str]) -> dict[str, object]:
    """The options of a `mindseye` command line, as the command would get them.

    Raises:
        click.UsageError: there is no such command or option, or a value is out of range.
    """
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    with group.make_context("mindseye", [*words]) as context:
        _, command, rest = group.resolve_command(context, [*words])
        assert command is not None
        return command.make_context(command.name, rest, parent=context).params


def test_what_the_container_copies_is_there_and_is_what_the_package_is_built_from() -> None:
    sources = [name for line in said("COPY") for name in shlex.split(line)[:-1]]
    assert all((ROOT / name).exists() for name in sources), sources
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = [PROJECT["readme"], *PROJECT["license-files"], *build["force-include"], "pyproject.toml"]
    needed += [name.partition("/")[0] for name in build["packages"]]
    assert set(needed) <= set(sources)


def test_the_container_starts_the_server_as_its_own_comment_says() -> None:
    [entry] = said("ENTRYPOINT")
    program, *words = json.loads(entry)
    assert PROJECT["scripts"][program]
    options = understood(words)
    assert (options["host"], options["port"]) == ("0.0.0.0", 8000)
    assert understood([*words, "/models/mine"])["models"] == ["/models/mine"]
    assert said("EXPOSE") == [str(options["port"])]
    [health] = said("HEALTHCHECK")
    _, _, code = json.loads(health.removeprefix("CMD "))
    assert f"http://127.0.0.1:{options['port']}/readyz" in code
    compile(code, "the health check", "exec")


def test_the_container_does_not_run_as_root_and_writes_where_it_may() -> None:
    order = [word for word, _ in instructions()]
    assert said("USER") == ["mindseye"] and order.index("RUN") < order.index("USER") < order.index("ENTRYPOINT")
    [line] = said("ENV")
    variables = dict(each.split("=") for each in shlex.split(line))
    assert variables["MINDSEYE_CACHE"].startswith("/home/mindseye/") and said("WORKDIR")[-1] == "/home/mindseye"
    assert "--tmpfs /home/mindseye" in CONTAINER.read_text(), "the rest is read-only"


@pytest.mark.parametrize("path", [CONTAINER, UNIT], ids=lambda path: path.name)
def test_what_is_installed_are_the_versions_that_it_is_tested_with(path: Path) -> None:
    [extras] = set(re.findall(r'pip install .*-c constraints\.txt "\.\[([\w,]+)\]"', path.read_text()))
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    pinned = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pins.items()}
    optional = PROJECT["optional-dependencies"]
    for line in [*PROJECT["dependencies"], *(each for extra in extras.split(",") for each in optional[extra])]:
        needed = Requirement(line)
        assert needed.specifier.contains(pinned[re.sub(r"[-_.]+", "-", needed.name).lower()]), line


def test_the_container_has_a_python_that_the_package_supports() -> None:
    [image] = said("FROM")
    version = re.fullmatch(r"python:(\d+\.\d+)-slim", image)
    assert version and f"Programming Language :: Python :: {version[1]}" in PROJECT["classifiers"]


def test_the_unit_starts_the_server_where_it_was_installed_and_may_write() -> None:
    program, *words = shlex.split(unit("ExecStart"))
    options = understood(words)
    assert Path(program).parent == Path("/opt/mindseye/bin") and PROJECT["scripts"][Path(program).name]
    assert options["host"] == "127.0.0.1" and options["models"] == ["emoji"]
    assert options["runs"] == Path("/var/lib", unit("StateDirectory"), "runs")
    variables = dict(each.split("=") for each in unit("Environment").split())
    assert variables["MINDSEYE_CACHE"] == f"/var/cache/{unit('CacheDirectory')}"
    assert variables["MINDSEYE_HOME"] == f"/var/lib/{unit('StateDirectory')}"


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/mindseye/bin/mindseye", "/bin/true"))  # it looks for the program
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, timeout=60)
    wrong = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert done.returncode == 0 and not wrong, done.stderr
