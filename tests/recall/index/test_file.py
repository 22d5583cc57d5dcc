"""Index files: whole or as before after a kill at any write, and never read with another hasher."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mindseye.errors import BadInput
from mindseye.recall.index import NumpyIndex, default_index, load_index, save_index

KILLED = """
import os, sys
import numpy as np
from pathlib import Path
from mindseye import files
from mindseye.recall.index import NumpyIndex, save_index

calls = 0
def dying(real):
    def call(*arguments, **options):
        global calls
        calls += 1
        if calls == int(sys.argv[2]):
            os._exit(9)
        return real(*arguments, **options)
    return call

for name in ("replace", "rename", "fsync", "open"):
    setattr(os, name, dying(getattr(os, name)))
index = NumpyIndex(64)
index.add(np.arange(9), np.full((9, 8), 7, np.uint8))
save_index(index, Path(sys.argv[1]), "new")
"""


def index_of(count: int) -> NumpyIndex:
    index = NumpyIndex(64)
    index.add(np.arange(count), np.zeros((count, 8), np.uint8))
    return index


@pytest.mark.parametrize("kill_at", range(1, 7))
def test_a_kill_at_any_step_of_the_writing_leaves_the_old_index_or_the_new_one(tmp_path: Path, kill_at: int) -> None:
    path = tmp_path / "index.safetensors"
    save_index(index_of(4), path, "old")
    killed = subprocess.run([sys.executable, "-c", KILLED, path, str(kill_at)], env=os.environ)
    steps = 5  # open and fsync the file, replace, open and fsync its folder
    assert killed.returncode == (9 if kill_at <= steps else 0)
    if kill_at <= 3:
        assert len(load_index(path, "old", NumpyIndex)) == 4
    else:
        assert len(load_index(path, "new", NumpyIndex)) == 9


def test_an_index_of_another_hasher_is_refused(tmp_path: Path) -> None:
    save_index(index_of(4), tmp_path / "index.safetensors", "v1")
    with pytest.raises(BadInput, match="another hasher"):
        load_index(tmp_path / "index.safetensors", "v2", NumpyIndex)


def test_damage_is_told_from_an_index(tmp_path: Path) -> None:
    path = tmp_path / "index.safetensors"
    save_index(index_of(4), path, "v1")
    whole = path.read_bytes()
    for damaged in (b"", b"nothing of the kind", whole[:-1], whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(BadInput, match="cannot be opened"):
            load_index(path, "v1", NumpyIndex)
    with pytest.raises(BadInput, match="cannot be opened"):
        load_index(tmp_path / "absent.safetensors", "v1", NumpyIndex)


def test_the_default_is_faiss_where_it_is_installed() -> None:
    backend = "faiss" if "faiss" in {p.split(".")[0] for p in _installed()} else "numpy"
    assert default_index(64).backend == backend


def _installed() -> list[str]:
    import pkgutil

    return [module.name for module in pkgutil.iter_modules()]
