from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mindseye.cli.app import main


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def mindseye(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command as the shell would, without a terminal: `mindseye("show", "cat.png")`."""

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["mindseye", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        code = 0
        try:
            main()
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def picture_folder(tmp_path: Path) -> Path:
    """Twelve squares of 16 px with sidecar captions, and one file that only claims to be a picture."""
    folder = tmp_path / "squares"
    folder.mkdir()
    for index in range(12):
        pixels = np.random.default_rng(index).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"square{index}.png")
        (folder / f"square{index}.txt").write_text(f"a noisy square number {index}\n")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    (folder / "broken.txt").write_text("a broken picture\n")
    return folder
