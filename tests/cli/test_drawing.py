from __future__ import annotations

from pathlib import Path

import pytest

from mindseye.cli.drawing import save_beside, slug
from mindseye.errors import Unavailable


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("a smiling cat", "a-smiling-cat"),
        ("  Pikachu, but BLUE!! ", "pikachu-but-blue"),
        ("../../etc/passwd", "etc-passwd"),
        ("C:\\windows\\win.ini", "c-windows-win-ini"),
        ("eine Tür", "eine-tür"),
        ("🙂", "picture"),
        ("", "picture"),
    ],
)
def test_a_prompt_becomes_a_file_name_without_paths_or_marks(prompt: str, name: str) -> None:
    assert slug(prompt) == name


def test_a_long_prompt_becomes_a_short_file_name() -> None:
    assert len(slug("word " * 500)) <= 60


def test_another_picture_is_never_overwritten(tmp_path: Path) -> None:
    assert save_beside(tmp_path, "cat-0", b"one").name == "cat-0.png"
    assert save_beside(tmp_path, "cat-0", b"two").name == "cat-0-2.png"
    assert save_beside(tmp_path, "cat-0", b"three").name == "cat-0-3.png"
    assert (tmp_path / "cat-0.png").read_bytes() == b"one"


def test_the_same_picture_keeps_its_name(tmp_path: Path) -> None:
    save_beside(tmp_path, "cat-0", b"one")
    save_beside(tmp_path, "cat-0", b"two")
    assert save_beside(tmp_path, "cat-0", b"one").name == "cat-0.png"
    assert save_beside(tmp_path, "cat-0", b"two").name == "cat-0-2.png"
    assert len(list(tmp_path.iterdir())) == 2


def test_the_folder_is_made(tmp_path: Path) -> None:
    assert save_beside(tmp_path / "new" / "folder", "cat-0", b"one").exists()


def test_a_folder_that_is_a_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("I am a file")
    with pytest.raises(Unavailable, match="pictures"):
        save_beside(tmp_path / "pictures", "cat-0", b"one")
