from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TextIO

import pytest

from mindseye.cli import console


def test_json_is_one_compact_line(capsys: pytest.CaptureFixture[str]) -> None:
    console.answer({"prompt": "eine Tür\nzwei", "n": [1, 2]}, "for people", as_json=True)
    out = capsys.readouterr().out
    assert out == '{"prompt":"eine Tür\\nzwei","n":[1,2]}\n'
    assert json.loads(out)["n"] == [1, 2]


def test_messages_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("hello")
    assert capsys.readouterr() == ("", "hello\n")


def pipe_without_a_reader() -> TextIO:
    reader, writer = os.pipe()
    os.close(reader)
    return open(writer, "w")


def test_who_speaks_to_nobody_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with pipe_without_a_reader() as heard, pipe_without_a_reader() as result:
        monkeypatch.setattr(sys, "stderr", heard)
        monkeypatch.setattr(sys, "stdout", result)
        for _ in range(2):
            console.say("hello")
            console.answer({}, "done", as_json=False)


def test_a_command_whose_reader_has_left_ends_well() -> None:
    with pipe_without_a_reader() as nobody:
        command = [sys.executable, "-m", "mindseye", "runs", "--json"]
        assert subprocess.run(command, stdout=nobody, stderr=nobody, check=False).returncode == 0


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 * 2**30, "3.0 GiB")])
def test_bytes_read_well(count: int, text: str) -> None:
    assert console.size(count) == text


def test_a_table_is_as_wide_as_what_is_in_it() -> None:
    assert console.table(["name", "n"], [["a longer one", "7"]]) == "name          n\na longer one  7"
