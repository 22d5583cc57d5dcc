from __future__ import annotations

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mindseye.cli import app as mindseye_app

COMMANDS = [
    *("begin", "imagine", "complete", "vary", "animate", "between", "grid", "collect", "inspect", "train"),
    *("evaluate", "compare", "think", "judge", "explore", "search", "correct", "teach", "unteach", "recognise"),
    *("serve", "studio", "runs", "models", "doctor", "export", "show", "repair"),
]


def test_the_commands_are_those_of_the_documentation(mindseye) -> None:
    assert [function.__name__ for function in mindseye_app.COMMANDS] == COMMANDS
    listed = mindseye("--help").out.partition("Commands:\n")[2].partition("Exit codes")[0].splitlines()
    assert [line.split()[0] for line in listed if line.strip()] == COMMANDS
    assert all(len(line.split()) > 3 for line in listed if line.strip())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_its_options(mindseye, command: str) -> None:
    said = mindseye(command, "--help")
    assert said.code == 0
    lines = [line.split() for line in said.out.splitlines() if line.strip().startswith("-")]
    assert all(len(words) > 1 for words in lines), "an option without a word of help"


def test_help_names_the_exit_codes(mindseye) -> None:
    said = mindseye("--help")
    assert "130, 143  stopped by Ctrl-C, by SIGTERM (129: its terminal was closed)" in said.out
    assert all(f"\n    {code} " in said.out for code in range(5))


def processor_seconds(*command: str) -> float:
    """What a Python process takes, the best of five."""
    code = (
        f"import resource, subprocess, sys; subprocess.run([sys.executable, *{command!r}], stdout=subprocess.DEVNULL);"
    )
    code += "used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_utime + used.ru_stime)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(5)]
    return min(map(float, runs))


def test_help_comes_within_a_fraction_of_a_second_of_processor_time() -> None:
    """0.3 s where the command-line library alone loads in 0.1 s; three times as long as that on a slower machine."""
    assert processor_seconds("-m", "mindseye", "--help") < max(0.3, 3 * processor_seconds("-c", "import typer"))


def test_version_is_printed_alone(mindseye) -> None:
    import mindseye as package

    assert mindseye("--version").out == f"{package.__version__}\n"


def test_an_unknown_option_leaves_with_2_and_the_nearest_name(mindseye) -> None:
    said = mindseye("imagine", "a cat", "--stepz", "3")
    assert said.code == 2
    assert "--stepz" in said.err and "--steps" in said.err
    assert said.out == ""


def test_an_unknown_command_leaves_with_2_and_the_nearest_name(mindseye) -> None:
    said = mindseye("imagin", "a cat")
    assert said.code == 2
    assert "imagine" in said.err


def test_a_mistake_of_a_person_is_told_without_a_traceback(mindseye, tmp_path: Path) -> None:
    said = mindseye("inspect", tmp_path / "nowhere")
    assert said.code == 2
    assert "nowhere" in said.err and "next:" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("debug", ["0", "1"])
def test_a_mistake_of_ours_leaves_with_1_and_a_traceback_only_when_asked(
    mindseye, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, debug: str
) -> None:
    def broken(picture: Path) -> dict[str, str]:
        raise KeyError("gone")

    monkeypatch.setenv("MINDSEYE_DEBUG", debug)
    monkeypatch.setattr("mindseye.pictures.story.read_story", broken)
    said = mindseye("show", tmp_path / "cat.png")
    assert said.code == 1
    assert "please report it" in said.err
    assert ("Traceback" in said.err) == (debug == "1")


@pytest.mark.parametrize("command", ["runs", "inspect", "show"])
def test_a_name_that_no_disk_takes_is_told_as_the_persons_and_not_as_our_mistake(
    mindseye, tmp_path: Path, command: str
) -> None:
    said = mindseye(command, tmp_path / ("a" * 300))
    assert said.code in (2, 3) and "a" * 300 in said.err and "next:" in said.err
    assert "mistake of ours" not in said.err and "Traceback" not in said.err


def test_what_the_system_refuses_is_told_by_the_name_of_the_file(
    mindseye, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refused(picture: Path) -> dict[str, str]:
        raise PermissionError(errno.EACCES, "Permission denied", str(picture))

    monkeypatch.setattr("mindseye.pictures.story.read_story", refused)
    said = mindseye("show", tmp_path / "cat.png")
    assert said.code == 3 and f"{tmp_path / 'cat.png'} cannot be used: permission denied" in said.err


def test_ctrl_c_leaves_with_130(tmp_path: Path) -> None:
    code = (
        "import signal, time, mindseye.pictures.story as story\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored where the tests run in the background
        "def wait(picture): print('up', flush=True); time.sleep(60)\n"
        "story.read_story = wait\n"
        "from mindseye.cli.app import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", code, "show", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert "Traceback" not in process.stderr.read()
