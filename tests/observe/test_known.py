"""Training pictures kept small: a copy is found with a cosine of 1, others nearly as by all that was seen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from tests.report.nearby import drawn

from mindseye.errors import BadInput
from mindseye.observe.known import KnownPictures
from mindseye.observe.pictures import load_picture_encoder

NAMES = [f"deep/{number}.png" for number in range(500)]


@pytest.fixture(scope="module")
def directions() -> torch.Tensor:
    """Like features: not negative, most of them small, in groups that look alike."""
    by_chance = torch.Generator().manual_seed(0)
    groups = torch.randn(50, 1280, generator=by_chance).relu()
    rows = groups.repeat_interleave(10, 0) + 0.5 * torch.randn(500, 1280, generator=by_chance)
    return F.normalize(rows.relu(), dim=1)


@pytest.fixture
def known(directions: torch.Tensor) -> KnownPictures:
    return KnownPictures.of(directions, NAMES, "these", "an encoder")


def test_a_copy_has_the_cosine_1_and_others_nearly_their_own(known: KnownPictures, directions: torch.Tensor) -> None:
    cosines, exact = known.cosines(directions), directions @ directions.T
    assert torch.allclose(cosines.diagonal(), torch.ones(500), atol=1e-5)
    assert float((cosines - exact).abs().mean()) < 0.02
    assert torch.equal(cosines.argmax(1), torch.arange(500))
    near = torch.topk(cosines, 10).indices // 10  # its own group
    assert torch.equal(near, torch.arange(50).repeat_interleave(10)[:, None].expand(500, 10))


def test_it_is_small_and_comes_back_as_it_was(known: KnownPictures, tmp_path: Path) -> None:
    path = tmp_path / "nearest.safetensors"
    known.save(path)
    assert path.stat().st_size < 500 * (256 + 8 + 20) + 8000
    assert path.stat().st_mode & 0o044
    back = KnownPictures.read(path, "these", "an encoder")
    assert back.file_names == known.file_names and torch.equal(back.steps, known.steps)
    assert all(torch.equal(getattr(back, name), getattr(known, name)) for name in ("mean", "along", "factors"))


def test_pictures_that_all_look_the_same_have_no_difference_to_keep() -> None:
    same = F.normalize(torch.ones(3, 1280), dim=1)
    known = KnownPictures.of(same, NAMES[:3], "these", "an encoder")
    assert torch.allclose(known.cosines(same), torch.ones(3, 3), atol=1e-5)


def test_what_is_damaged_or_of_something_else_is_refused(known: KnownPictures, tmp_path: Path) -> None:
    path = tmp_path / "nearest.safetensors"
    with pytest.raises(BadInput, match="damaged"):
        KnownPictures.read(path, "these", "an encoder")
    known.save(path)
    for collection, encoder in (("others", "an encoder"), ("these", "another")):
        with pytest.raises(BadInput, match="other training pictures"):
            KnownPictures.read(path, collection, encoder)
    whole, about = load_file(path), {"collection": "these", "encoder": "an encoder", "file_names": NAMES}
    for tensors, said in (
        (whole, json.dumps({**about, "file_names": []})),
        (whole, json.dumps({**about, "file_names": 3})),
        (whole, json.dumps([about])),
        (whole, "{"),
        ({**whole, "steps": whole["steps"][:, :5].contiguous()}, json.dumps(about)),
        ({**whole, "mean": whole["mean"] * torch.nan}, json.dumps(about)),
        ({"mean": whole["mean"]}, json.dumps(about)),
    ):
        save_file(tensors, path, {"known": said})
        with pytest.raises(BadInput, match="damaged"):
            KnownPictures.read(path, "these", "an encoder")
    path.write_bytes(b"{}")
    with pytest.raises(BadInput, match="damaged"):
        KnownPictures.read(path, "these", "an encoder")


def test_a_picture_finds_itself_upright_and_mirrored_and_in_any_company() -> None:
    encoder = load_picture_encoder()
    pictures = np.stack([drawn(number) for number in range(6)])
    seen = F.normalize(encoder.encode(pictures).pooled, dim=1)
    known = KnownPictures.of(seen, NAMES[:6], "these", encoder.sha256)
    for number, picture in enumerate(pictures):
        near = known.nearest(encoder, picture, 3)
        assert near[0].file_name == NAMES[number] and near[0].cosine == pytest.approx(1, abs=1e-3)
        assert [one.cosine for one in near] == sorted((one.cosine for one in near), reverse=True) and len(near) == 3
        assert known.nearest(encoder, picture[:, ::-1], 3) == near
        assert known.nearest(encoder, picture, 3) == near
