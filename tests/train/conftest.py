"""The tiny family and its collection, for all tests of the training."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mindseye.collection.collection import Collection

PROGRAM = Path(__file__).with_name("tiny.py")


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """`tiny.py`, imported."""
    spec = importlib.util.spec_from_file_location("tiny", PROGRAM)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["tiny"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def collection(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    made: Collection = tiny.make_collection(tmp_path_factory.mktemp("collection") / "squares")
    return made
