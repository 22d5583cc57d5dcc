"""A taught word is a file beside a copy of the model: drawn, recognised, passed on, and taken back to the byte."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import mindseye
from mindseye.correct import ledger
from mindseye.correct.teach.learning import Reading, learn, moved
from mindseye.correct.teach.recognising import Known, confidence_of, logistic, looked_up
from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.request import Request
from mindseye.observe.taught import TaughtWord
from mindseye.observe.text import load_text_encoder
from mindseye.pictures.tensors import to_model
from mindseye.randomness import rng_at


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def drawn(model: Imaginer | Path, prompt: str, *edits: str) -> np.ndarray:
    imaginer = model if isinstance(model, Imaginer) else load(model)
    return imaginer.imagine(Request(prompt=prompt, steps=2, edits=edits))[0].pixels


def pixels(kind: str) -> np.ndarray:
    """A red disc or a blue bar on nothing, 16 px."""
    row, column = np.mgrid[:16, :16]
    inside = (row - 8) ** 2 + (column - 8) ** 2 < 30 if kind == "disc" else abs(row - 8) < 3
    colour = (200, 20, 20, 255) if kind == "disc" else (20, 20, 200, 255)
    return np.where(inside[..., None], np.array(colour), 0).astype(np.uint8)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    for kind in ("disc", "bar"):
        Image.fromarray(pixels(kind)).save(folder / f"{kind}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    return {path.stem: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def base(tiny_folder: Path) -> Imaginer:
    return load(tiny_folder)


@pytest.fixture(scope="module")
def taught(base: Imaginer, pictures: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("taught") / "model"
    mindseye.teach(base, "Zorble", [pictures["disc"]], out, like="a cat", pictures_seen=160, drawn=0)
    return out


@pytest.fixture
def folder(taught: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(taught, tmp_path / "model"))


def test_a_word_is_one_file_more_and_taken_back_to_the_byte(folder: Path, tiny_folder: Path) -> None:
    base_files = digests(tiny_folder)
    assert {name: digest for name, digest in digests(folder).items() if "edits" not in name} == base_files
    assert set(digests(folder)) - set(base_files) == {"edits/zorble.safetensors"}
    assert (folder / "edits" / "zorble.safetensors").stat().st_size < 20_000
    mindseye.unteach(folder, "zorble")
    assert digests(folder) == base_files
    with pytest.raises(BadInput, match="not taught 'zorble'"):
        mindseye.unteach(folder, "zorble")


def test_the_word_is_drawn_and_everything_else_as_before_to_the_byte(taught: Path, base: Imaginer) -> None:
    knowing = load(taught)
    for prompt in ("a cat", "two zorbles", "", "a smiling dog on a mat"):
        assert np.array_equal(drawn(knowing, prompt), drawn(base, prompt))
    assert not np.array_equal(drawn(knowing, "a zorble"), drawn(base, "a zorble"))
    assert np.array_equal(drawn(knowing, "a zorble", "zorble"), drawn(knowing, "a zorble")), "it is in force already"
    assert knowing.sha256 == base.sha256
    assert knowing.unknown_words("a zorble") == [] and base.unknown_words("a zorble") == ["zorble"]


def test_only_pictures_with_the_word_say_that_they_were_drawn_with_it(taught: Path) -> None:
    knowing = load(taught)
    with_word, without = (knowing.imagine(Request(prompt=each, steps=1))[0].story for each in ("a Zorble", "a cat"))
    assert [label.partition("@")[0] for label in with_word.edits] == ["zorble"] and without.edits == ()


@pytest.mark.slow
def test_learning_makes_the_model_expect_the_picture_and_moves_nothing_but_the_word(base: Imaginer) -> None:
    model, encoder = base.ours.model, base.ours.encoder
    before = {name: value.clone() for name, value in model.state_dict().items()}
    shown = to_model(pixels("disc")[None])
    learnt = learn(model, encoder, "zorble", "cat", shown, pictures_seen=240)
    assert learnt.after < learnt.before
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())
    again = learn(model, encoder, "zorble", "cat", shown, pictures_seen=240)
    assert torch.equal(again.change, learnt.change)


def test_words_as_they_are_learnt_are_those_that_are_drawn_with(base: Imaginer) -> None:
    encoder, change = base.ours.encoder, torch.linspace(-1, 1, 384)[None]
    learnt = Reading(encoder, "zorble", "cat").words([0, 1], change)
    drawn_with = encoder.knowing([TaughtWord("zorble", "cat", change)]).encode(["zorble", "a zorble"])
    assert torch.allclose(learnt.tokens, drawn_with.tokens, atol=1e-6) and torch.equal(learnt.mask, drawn_with.mask)
    assert torch.allclose(learnt.sentence, drawn_with.sentence, atol=1e-6)


def test_a_picture_is_moved_and_its_colours_stay() -> None:
    picture = to_model(pixels("disc"))
    seen = [moved(picture, rng_at(0, "test", place), mirror=True) for place in range(8)]
    assert len({each.numpy().tobytes() for each in seen}) == 8
    for each in seen:
        assert each.min() >= -1 - 1e-6 and each.max() <= 1
        assert torch.allclose(each[:, 8, 8], picture[:, 8, 8], atol=0.02), "the middle of the disc"
        assert torch.allclose(each[:, 0, 0], picture.new_full((4,), -1.0), atol=1e-5), "what comes into view is nothing"


def test_strength_nought_says_what_the_word_is_like(base: Imaginer, pictures: dict[str, Path], tmp_path: Path) -> None:
    asked = {"like": "a cat", "pictures_seen": 16, "drawn": 0}
    mindseye.teach(base, "weak", [pictures["disc"]], tmp_path / "model", strength=0.0, **asked)
    assert np.array_equal(drawn(tmp_path / "model", "one weak house"), drawn(base, "one cat house"))


@pytest.mark.slow
def test_a_folder_that_knows_one_word_learns_another_and_the_ledger_lists_both(
    folder: Path, pictures: dict[str, Path], tmp_path: Path
) -> None:
    before = drawn(folder, "a zorble")
    mindseye.teach(folder, "quux", [pictures["bar"]] * 2, folder, like="smiling", pictures_seen=16, drawn=0)
    knowing = load(folder)
    listed = ledger.edits(knowing)
    assert [edit.record.pairs for edit in listed] == [(("quux", "smiling"),), (("zorble", "cat"),)]
    assert [len(edit.lesson.seen) for edit in listed if edit.lesson] == [2, 1]
    assert np.array_equal(drawn(knowing, "a zorble"), before)
    assert ledger.conflicts(listed) == []
    mindseye.correct(knowing, "TIME", [("a cat", "a blue cat")], "blue", pictures=0)
    assert not np.array_equal(drawn(knowing, "a zorble", "blue"), before), "a correction is drawn with beside it"
    mindseye.unteach(folder, "quux")
    assert [edit.name for edit in load(folder).edits] == ["zorble"]


def test_an_exported_word_says_the_same_in_a_copy_of_the_model(taught: Path, tiny_folder: Path, tmp_path: Path) -> None:
    path = ledger.export(load(taught), "zorble", tmp_path / "gift.safetensors")
    copy = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    ledger.add(load(copy), path)
    assert np.array_equal(drawn(copy, "a zorble"), drawn(taught, "a zorble"))


def test_stopped_on_the_way_it_leaves_nothing_behind(base: Imaginer, pictures: dict[str, Path], tmp_path: Path) -> None:
    def stop(line: str) -> None:
        if line.startswith("saw"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mindseye.teach(base, "zorble", [pictures["disc"]], tmp_path / "model", like="cat", drawn=0, log=stop)
    assert list(tmp_path.iterdir()) == []
    assert all(parameter.requires_grad for parameter in base.ours.model.parameters())


@pytest.mark.parametrize(
    ("word", "shown", "options", "named"),
    [
        ("cat", ["disc"], {}, "knows 'cat' already"),
        ("zo rble", ["disc"], {}, "letters"),
        ("../x", ["disc"], {}, "letters"),
        ("zorble", ["disc"] * 6, {}, "1 to 5"),
        ("zorble", [], {}, "1 to 5"),
        ("zorble", ["broken"], {}, "broken.png"),
        ("zorble", ["disc"], {"like": "a flumph"}, "flumph"),
        ("zorble", ["disc"], {"strength": 3.0}, "strength"),
    ],
)
def test_what_cannot_be_taught_is_refused_by_name(
    base: Imaginer, pictures: dict[str, Path], tmp_path: Path, word: str, shown: list[str], options: dict, named: str
) -> None:
    with pytest.raises(BadInput, match=named):
        mindseye.teach(base, word, [pictures[each] for each in shown], tmp_path / "model", **options)
    assert not (tmp_path / "model").exists()


def test_a_word_that_is_known_is_taught_when_that_is_meant(
    base: Imaginer, folder: Path, pictures: dict[str, Path], tmp_path: Path
) -> None:
    quick = {"like": "cat", "pictures_seen": 8, "drawn": 0}
    mindseye.teach(base, "cat", [pictures["disc"]], tmp_path / "cats", force=True, **quick)
    assert not np.array_equal(drawn(tmp_path / "cats", "a cat"), drawn(base, "a cat"))
    with pytest.raises(BadInput, match="already"):
        mindseye.teach(base, "zorble", [pictures["bar"]], folder, **quick)
    mindseye.teach(base, "zorble", [pictures["bar"]], folder, force=True, **quick)
    (tmp_path / "mine").mkdir()
    with pytest.raises(BadInput, match="there already"):
        mindseye.teach(base, "zorble", [pictures["disc"]], tmp_path / "mine", **quick)


def test_a_model_of_another_family_says_so(tmp_path: Path, pictures: dict[str, Path], tiny_folder: Path) -> None:
    from mindseye.imagine.families import family
    from mindseye.learn.about import About
    from mindseye.learn.folder import ABOUT, save_model
    from mindseye.learn.learner import PictureFormat

    vae = family("vae")
    config = vae.config.for_pictures(PictureFormat(16, 4), vae.presets[0])
    about = About.model_validate_json((tiny_folder / ABOUT).read_text())
    about = about.model_copy(update={"family": "vae", "config": config.model_dump()})
    save_model(tmp_path / "vae", vae, vae.build(config, 0), about, ["cat"], sheet=None)
    with pytest.raises(BadInput, match="family vae"):
        mindseye.teach(tmp_path / "vae", "zorble", [pictures["disc"]], tmp_path / "model")


def test_a_taught_word_is_recognised_mirrored_and_without_a_collection(taught: Path, pictures: dict[str, Path]) -> None:
    flipped = Image.fromarray(pixels("disc")[:, ::-1])
    flipped.save(pictures["disc"].with_name("flipped.png"))
    found = mindseye.recognise(taught, pictures["disc"].with_name("flipped.png"))
    assert found.said == "zorble" and found.answers[0].taught and found.answers[0].similarity > 0.999
    assert found.confidence is None
    imagined = mindseye.recognise(taught, pictures["bar"], imagined=2)
    assert imagined.answers[0].similarity >= mindseye.recognise(taught, pictures["bar"]).answers[0].similarity


def test_confidence_is_how_often_the_nearest_is_right() -> None:
    rng = rng_at(0, "test")
    near = rng.standard_normal((200, 8))
    names = [str(place // 2) for place in range(200)]
    for place in range(0, 200, 2):
        if place % 4:  # half of the pairs look alike; of the others nobody could know
            near[place + 1] = near[place] + 0.05 * rng.standard_normal(8)
    features = torch.nn.functional.normalize(torch.from_numpy(near).float(), dim=1)
    known = Known(features, names, names)
    similarity, same = looked_up(known)
    assert 0.45 < same.mean() < 0.55 and len(similarity) == 200
    confidence = confidence_of(known)
    assert confidence(0.999) > 0.9 and confidence(0.5) < 0.1


def test_the_logistic_curve_is_that_of_the_data() -> None:
    rng = rng_at(0, "logistic")
    x = rng.uniform(0, 1, 20_000)
    hit = rng.random(20_000) < 1 / (1 + np.exp(-(8 * x - 5)))
    slope, offset = logistic(x, hit)
    assert slope == pytest.approx(8, abs=0.4) and offset == pytest.approx(-5, abs=0.3)


def test_an_encoder_that_reads_taught_words_is_not_exported(taught: Path, tmp_path: Path) -> None:
    from mindseye.observe.exporting import export_encoder

    with pytest.raises(BadInput, match="zorble"):
        export_encoder(load(taught).ours.encoder, tmp_path)
    assert load_text_encoder().taught == {}
