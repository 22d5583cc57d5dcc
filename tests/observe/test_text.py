"""The frozen text encoder and its cache."""

import shutil
from pathlib import Path

import pytest
import torch

from mindseye.errors import BadInput
from mindseye.observe import minilm
from mindseye.observe.features import caption_features
from mindseye.observe.text import TextEncoder, load_text_encoder
from mindseye.observe.vocabulary import words_of

CAPTIONS = ["a cat", "a very long caption about a cat that sits on a mat", "", "dog"] * 20


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return load_text_encoder(token_limit=16)


def test_a_caption_has_the_same_bytes_in_any_company(encoder: TextEncoder) -> None:
    alone = encoder.encode(["a cat"])
    together = encoder.encode(["a dog on a mat", "a cat", ""])
    assert torch.equal(alone.tokens[0], together.tokens[1])
    assert torch.equal(alone.sentence[0], together.sentence[1])


def test_padding_is_masked_and_zero(encoder: TextEncoder) -> None:
    words = encoder.encode(["a cat"])
    assert words.tokens.shape == (1, 16, 384)
    assert words.mask[0].tolist() == [True] * 4 + [False] * 12  # with the tokens for begin and end
    assert words.tokens[0, 4:].abs().max() == 0


def test_the_default_encoder_reads_as_the_transformers_library_does(tmp_path: Path) -> None:
    captions = ["a cat", "", "Ünlikely wörds: 日本, 🙂!", "a red dragon with a golden crown " * 20]
    shutil.copytree(minilm.folder(), tmp_path / "copy")  # by a path of its own, so that the library opens it
    ours = load_text_encoder(token_limit=32).encode(captions)
    theirs = load_text_encoder(str(tmp_path / "copy"), token_limit=32).encode(captions)
    assert torch.equal(ours.mask, theirs.mask)
    torch.testing.assert_close(ours.tokens, theirs.tokens, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours.sentence, theirs.sentence, atol=1e-5, rtol=1e-5)


def test_like_captions_are_nearer_than_unlike_ones(encoder: TextEncoder) -> None:
    cat, kitten, engine = encoder.encode(["a cat", "a small kitten", "a diesel engine"]).sentence
    assert torch.cosine_similarity(cat, kitten, dim=0) > torch.cosine_similarity(cat, engine, dim=0) + 0.2


def test_cached_features_are_those_of_the_encoder(encoder: TextEncoder, tmp_path: Path) -> None:
    features = caption_features(encoder, CAPTIONS, tmp_path)
    direct = encoder.encode(CAPTIONS[:4])
    cached = features.words([0, 1, 2, 3])
    assert torch.equal(cached.mask, direct.mask)
    torch.testing.assert_close(cached.tokens, direct.tokens, atol=2e-3, rtol=2e-3)
    torch.testing.assert_close(cached.sentence, direct.sentence, atol=2e-3, rtol=2e-3)


def test_features_are_computed_once_and_a_torn_cache_is_made_again(encoder: TextEncoder, tmp_path: Path) -> None:
    calls: list[int] = []
    first = caption_features(encoder, CAPTIONS, tmp_path, log=lambda done, of: calls.append(done))
    assert calls[-1] == len(CAPTIONS)
    calls.clear()
    again = caption_features(encoder, CAPTIONS, tmp_path, log=lambda done, of: calls.append(done))
    assert not calls
    assert torch.equal(first.tokens, again.tokens)
    [path] = tmp_path.glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:100])
    whole = caption_features(encoder, CAPTIONS, tmp_path, log=lambda done, of: calls.append(done))
    assert calls
    assert torch.equal(first.tokens, whole.tokens)


def test_other_captions_or_another_order_do_not_meet_in_the_cache(encoder: TextEncoder, tmp_path: Path) -> None:
    one = caption_features(encoder, ["a cat", "a dog"], tmp_path)
    other = caption_features(encoder, ["a dog", "a cat"], tmp_path)
    assert torch.equal(one.words([0]).tokens, other.words([1]).tokens)
    assert len(list(tmp_path.iterdir())) == 2


def test_an_encoder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no-such-encoder"):
        load_text_encoder("no-such-encoder")
    with pytest.raises(BadInput, match="not a text encoder"):
        load_text_encoder(str(tmp_path))


def test_weights_other_than_the_expected_ones_are_refused() -> None:
    with pytest.raises(BadInput, match="not the one"):
        load_text_encoder(sha256="0" * 64)


def test_any_transformers_text_encoder_folder_is_taken(tmp_path: Path) -> None:
    """Tiny random T5 and CLIP text towers, as a person may have them."""
    from transformers import AutoTokenizer, CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

    tokenizer_of_default = AutoTokenizer.from_pretrained(minilm.folder())
    t5 = T5Config(vocab_size=31000, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    clip = CLIPTextConfig(
        vocab_size=31000, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2
    )
    for name, network in (("t5", T5EncoderModel(t5)), ("clip", CLIPTextModel(clip))):
        network.save_pretrained(tmp_path / name)
        tokenizer_of_default.save_pretrained(tmp_path / name)
        encoder = load_text_encoder(str(tmp_path / name), token_limit=8)
        words = encoder.encode(["a cat", "a dog"])
        assert words.tokens.shape == (2, 8, 16)
        assert encoder.width == 16


def test_words_are_lower_case_and_without_punctuation() -> None:
    assert words_of("A Cat's (red) hat, 2 dogs!") == ["a", "cat's", "red", "hat", "2", "dogs"]


def test_a_caption_without_words_has_no_token(encoder: TextEncoder) -> None:
    for empty in ("", "   ", "\n"):
        words = encoder.encode(["a cat", empty])
        assert words.absent.tolist() == [False, True]
        assert words.tokens[1].abs().max() == 0 and words.sentence[1].abs().max() == 0
        assert torch.isfinite(words.sentence).all()
    assert encoder.encode_together([""]).absent.tolist() == [True]


def test_words_are_found_by_the_places_of_their_tokens(encoder: TextEncoder) -> None:
    assert encoder.words("A Tyrannosaurus, sad") == [
        ("A", [1]),
        ("Tyrannosaurus", [2, 3, 4, 5]),
        (",", [6]),
        ("sad", [7]),
    ]
    assert encoder.words("") == []
    last_word, places = encoder.words("word " * 30)[-1]
    assert (last_word, places) == ("word", [14]), "the limit of this encoder is 16, with begin and end"


def test_between_two_captions_every_state_goes_straight(encoder: TextEncoder) -> None:
    short, long = encoder.encode(["a cat"]), encoder.encode(["a dog on a mat"])
    assert short.towards(long, 0.0) is short and short.towards(long, 1.0) is long
    middle = short.towards(long, 0.5)
    torch.testing.assert_close(middle.sentence, (short.sentence + long.sentence) / 2)
    torch.testing.assert_close(middle.tokens[:, :4], (short.tokens + long.tokens)[:, :4] / 2)
    torch.testing.assert_close(middle.tokens[0, 5], (short.tokens[0, 3] + long.tokens[0, 5]) / 2)
    assert torch.equal(middle.mask, long.mask)
    torch.testing.assert_close(middle.tokens, long.towards(short, 0.5).tokens)
