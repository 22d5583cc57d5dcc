"""Faults are put into protected files on purpose; what can be repaired is repaired to the bit, the rest is told."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from mindseye.errors import BadInput
from mindseye.recall.repair import blocks, protect, repair, unprotect
from mindseye.recall.repair.blocks import Stripe, parity, rebuilt, stripes
from mindseye.recall.repair.folder import PROTECTION

pytest.importorskip("zfec")
pytest.importorskip("reedsolo")

SIZE = 80_003  # one stripe of eight blocks of 10,001 bytes, the last one shorter


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder like a model's, protected."""
    folder = tmp_path / "model"
    (folder / "transformer").mkdir(parents=True)
    (folder / "mindseye.json").write_text('{"family": "none"}\n')
    (folder / "README.md").write_text("a card\n")
    (folder / "transformer" / "weights.safetensors").write_bytes(np.random.default_rng(0).bytes(SIZE))
    protect(folder)
    return folder


def weights(model: Path) -> Path:
    return model / "transformer" / "weights.safetensors"


def damage(path: Path, *numbers: int) -> None:
    """Turns one bit in each of these blocks of the file's first stripe."""
    data = bytearray(path.read_bytes())
    for number in numbers:
        data[number * 10_001 + 17] ^= 8
    path.write_bytes(data)


def test_any_two_of_ten_blocks_are_rebuilt_from_the_others() -> None:
    rng = np.random.default_rng(0)
    data = Stripe(0, 1000).blocks(rng.bytes(1000))
    whole = [*data, *parity(data)]
    for lost in [(), *combinations(range(10), 1), *combinations(range(10), 2)]:
        assert rebuilt([None if number in lost else block for number, block in enumerate(whole)]) == whole


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 8 * 2**20, 8 * 2**20 + 1, 25 * 2**20])
def test_stripes_cover_a_file_once(size: int) -> None:
    found = list(stripes(size))
    assert sum(stripe.length for stripe in found) == size
    assert [stripe.offset for stripe in found] == [number * 8 * 2**20 for number in range(len(found))]


def test_a_whole_model_is_said_to_be_whole_and_is_not_touched(model: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in model.rglob("*") if path.is_file()}
    found = repair(model)
    assert {Path(file.path).name for file in found} == {"mindseye.json", "weights.safetensors"}
    assert not any(file.damaged or file.rewritten for file in found)
    assert {path: path.stat().st_mtime_ns for path in model.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("lost", [(0,), (7,), (0, 1), (2, 6), (6, 7)])
def test_damaged_blocks_are_made_again_to_the_bit(model: Path, lost: tuple[int, ...]) -> None:
    before = weights(model).read_bytes()
    damage(weights(model), *lost)
    found = {Path(file.path).name: file for file in repair(model)}
    assert found["weights.safetensors"].damaged == len(lost)
    assert weights(model).read_bytes() == before
    assert not any(file.rewritten for file in repair(model))


def test_three_lost_blocks_are_named_and_the_file_is_left_alone(model: Path) -> None:
    damage(weights(model), 1, 4, 6)
    before = weights(model).read_bytes()
    with pytest.raises(BadInput, match="blocks 1, 4, 6 of stripe 0") as caught:
        repair(model)
    assert "weights.safetensors" in caught.value.what
    assert weights(model).read_bytes() == before


def test_what_can_be_repaired_is_repaired_beside_what_cannot(model: Path) -> None:
    about = (model / "mindseye.json").read_bytes()
    (model / "mindseye.json").write_bytes(about[:-1] + b" ")
    damage(weights(model), 1, 4, 6)
    with pytest.raises(BadInput, match="weights"):
        repair(model)
    assert (model / "mindseye.json").read_bytes() == about


@pytest.mark.parametrize("cut", [1, 9_000, 19_000])
def test_a_truncated_file_is_completed(model: Path, cut: int) -> None:
    before = weights(model).read_bytes()
    weights(model).write_bytes(before[:-cut])
    repair(model)
    assert weights(model).read_bytes() == before


def test_bytes_after_the_end_are_taken_off(model: Path) -> None:
    before = weights(model).read_bytes()
    weights(model).write_bytes(before + b"more")
    assert any(file.rewritten for file in repair(model))
    assert weights(model).read_bytes() == before


def test_a_missing_file_has_lost_too_much(model: Path) -> None:
    weights(model).unlink()
    with pytest.raises(BadInput, match="blocks 0, 1, 2, 3, 4, 5, 6, 7 of stripe 0"):
        repair(model)
    assert not weights(model).exists()


def test_lost_parity_is_made_again_and_counts_as_two_blocks(model: Path) -> None:
    guard = max((model / PROTECTION).glob("*.parity"), key=lambda path: path.stat().st_size)
    before = guard.read_bytes()
    guard.unlink()
    repair(model)
    assert guard.read_bytes() == before
    guard.write_bytes(before[:100])
    damage(weights(model), 3)
    with pytest.raises(BadInput, match="blocks 3, 8, 9"):
        repair(model)


def test_the_record_survives_the_loss_of_two_copies_and_wrong_bytes_in_the_third(model: Path) -> None:
    copies = [model / PROTECTION / f"record.{number}" for number in range(3)]
    before = copies[0].read_bytes()
    copies[0].unlink()
    copies[1].write_bytes(before[:100])
    damaged = bytearray(before)
    for place in (3, 40, 77, 150, 300, 555):
        damaged[place] ^= 0xFF
    copies[2].write_bytes(damaged)
    damage(weights(model), 5)
    repair(model)
    assert [copy.read_bytes() for copy in copies] == [before] * 3
    for copy in copies:
        copy.write_bytes(b"x" * len(before))
    with pytest.raises(BadInput, match="cannot be read"):
        repair(model)


@pytest.mark.parametrize("size", [8 * 3000 * 2 + 5])
def test_each_stripe_of_a_longer_file_may_lose_two_blocks(
    model: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 3000)
    before = np.random.default_rng(1).bytes(size)
    (model / "long.safetensors").write_bytes(before)
    protect(model)
    data = bytearray(before)
    for place in (0, 3000, 24_000, 40_000, size - 1):
        data[place] ^= 1
    (model / "long.safetensors").write_bytes(data)
    found = {Path(file.path).name: file for file in repair(model)}
    assert (found["long.safetensors"].damaged, found["long.safetensors"].blocks) == (5, 30)
    assert (model / "long.safetensors").read_bytes() == before


def test_protection_costs_a_quarter(model: Path) -> None:
    guards = sum(path.stat().st_size for path in (model / PROTECTION).glob("*.parity"))
    assert guards / SIZE == pytest.approx(0.25, abs=0.001)


def test_what_is_damaged_is_not_protected_anew(model: Path) -> None:
    damage(weights(model), 2)
    with pytest.raises(BadInput, match="not what was protected"):
        protect(model)
    repair(model)
    assert len(protect(model)) == 2


def test_a_run_protects_its_model_and_each_checkpoint_by_itself(model: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    checkpoint = run / "checkpoints" / "000000100"
    checkpoint.mkdir(parents=True)
    (checkpoint / "state.json").write_text("{}\n")
    (checkpoint / "average.safetensors").write_bytes(b"weights" * 100)
    model.rename(run / "model")
    protect(run)
    assert (checkpoint / PROTECTION).is_dir()
    (checkpoint / "average.safetensors").write_bytes(b"weights" * 99 + b"weighty")
    damage(weights(run / "model"), 0)
    assert sum(file.damaged for file in repair(run)) == 2
    assert (checkpoint / "average.safetensors").read_bytes() == b"weights" * 100


def test_the_plan_of_a_run_is_protected_and_nothing_else_beside_it(model: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    model.rename(run / "model")
    plan = "".join(f'setting{number} = "{number}"\n' for number in range(50))
    (run / "run.toml").write_text(plan)
    (run / "events.jsonl").write_text("{}\n")
    assert [file.path for file in protect(run) if file.path == "run.toml"] == ["run.toml"]
    assert len(list((run / PROTECTION).glob("*.parity"))) == 1
    (run / "run.toml").write_text(plan.replace("setting7 ", "setting? "))
    assert [Path(file.path).name for file in repair(run) if file.damaged] == ["run.toml"]
    assert (run / "run.toml").read_text() == plan


def test_a_plan_that_is_changed_on_purpose_is_not_brought_back(model: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    model.rename(run / "model")
    (run / "run.toml").write_text("minutes = 10\n")
    protect(run)
    unprotect(run)
    (run / "run.toml").write_text("minutes = 20\n")
    repair(run)
    assert (run / "run.toml").read_text() == "minutes = 20\n"
    assert (run / "model" / PROTECTION).is_dir()
    unprotect(run)  # nothing happens where there is none


def test_the_words_and_the_palette_of_a_model_are_protected_too(model: Path) -> None:
    words = "".join(f"word{number}\n" for number in range(100))
    (model / "words.txt").write_text(words)
    (model / "palette.hex").write_text("00ff00\n")
    assert {Path(file.path).name for file in protect(model)} >= {"words.txt", "palette.hex"}
    (model / "words.txt").write_text(words.replace("word50\n", "word?0\n"))
    repair(model)
    assert (model / "words.txt").read_text() == words


def test_what_is_not_protected_or_no_model_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "mindseye.json").write_text("{}")
    with pytest.raises(BadInput, match="is not protected") as caught:
        repair(tmp_path)
    assert "--protect" in caught.value.next_step
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="neither a model nor a run"):
        protect(tmp_path / "empty")
