"""`mindseye models` lists what can be drawn with, and says what cannot."""

import json
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "families" / "which.md"


def test_a_damaged_model_folder_is_named_and_hides_no_other(tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "mindseye.json").write_text("{")
    (tmp_path / "whole").symlink_to(tiny_folder)
    command = [sys.executable, "-m", "mindseye", "models", str(tmp_path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    names = [model["model"] for model in json.loads(done.stdout)["models"]]
    assert names == ["emoji", str(tmp_path / "whole")]
    assert "broken" in done.stderr and "Traceback" not in done.stderr


def test_the_page_on_families_says_of_each_what_the_program_says() -> None:
    command = [sys.executable, "-m", "mindseye", "models", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for said in json.loads(done.stdout)["families"]:
        row = f"| `{said['family']}` | {', '.join(said['abilities'])} | {', '.join(said['samplers']) or '-'} |"
        assert row in lines, f"write it into {PAGE}"
