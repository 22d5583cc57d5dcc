"""`mindseye models` lists what can be drawn with, and says what cannot."""

import json
import subprocess
import sys
from pathlib import Path


def test_a_damaged_model_folder_is_named_and_hides_no_other(tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "mindseye.json").write_text("{")
    (tmp_path / "whole").symlink_to(tiny_folder)
    command = [sys.executable, "-m", "mindseye", "models", str(tmp_path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    names = [model["model"] for model in json.loads(done.stdout)["models"]]
    assert names == ["emoji", str(tmp_path / "whole")]
    assert "broken" in done.stderr and "Traceback" not in done.stderr
