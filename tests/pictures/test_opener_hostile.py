"""Files made to break the opener: each gets a named refusal, fast, and tells nothing about this machine."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.pictures.files import SIGNATURE, chunk, encoded, good_files, noise, png, smooth

from mindseye.pictures.opener import LIMITS, Limits, PictureError, open_picture

LEAK = re.compile(r"0x[0-9a-f]{6,}|/|\\|Error|Exception|PIL|Pillow|libtiff|zlib|object at", re.IGNORECASE)


def refusal(data: bytes, limits: Limits = LIMITS) -> str:
    started = time.process_time()
    with pytest.raises(PictureError) as caught:
        open_picture(data, name="cat", limits=limits)
    assert time.process_time() - started < 1
    assert not LEAK.search(str(caught.value))
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    return caught.value.reason


def opened_or_refused(data: bytes) -> Image.Image | None:
    try:
        image = open_picture(data, name="cat")
    except PictureError as error:
        assert not LEAK.search(str(error))
        return None
    assert image.mode in ("RGB", "RGBA")
    return image


@pytest.mark.parametrize("format", good_files())
def test_a_file_cut_at_any_byte_is_refused_by_name(format: str) -> None:
    data = good_files()[format]
    whole = open_picture(data)
    for end in range(len(data)):
        if format == "TIFF" or format == "BMP":  # what is cut off may be padding
            image = opened_or_refused(data[:end])
            assert image is None or image.tobytes() == whole.tobytes()
        else:
            assert refusal(data[:end]) in ("truncated", "empty file", "not a picture", "damaged", "no pixels")


@pytest.mark.parametrize("format", good_files())
def test_a_flipped_bit_gives_a_picture_or_a_refusal(format: str) -> None:
    data = good_files()[format]
    rng = np.random.default_rng(0)
    for _ in range(2_000):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), rng.integers(1, 4)):
            damaged[place] ^= 1 << int(rng.integers(8))
        image = opened_or_refused(bytes(damaged))
        assert image is None or not format.startswith("PNG") or bytes(damaged) == data


@pytest.mark.parametrize("format", ["TIFF", "TIFF with LZW", "GIF", "BMP"])
def test_any_value_in_any_header_byte_gives_a_picture_or_a_refusal(format: str) -> None:
    data = good_files()[format]
    for place in [*range(min(150, len(data))), *range(len(data) - 150, len(data))]:
        for value in (0, 1, 127, 255):
            opened_or_refused(data[:place] + bytes([value]) + data[place + 1 :])


def test_a_bomb_of_pixels_is_refused_before_decoding() -> None:
    rows = zlib.compressobj(9)
    bomb = b"".join([*(rows.compress(bytes(6251)) for _ in range(5_000)), rows.flush()])
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 1, 0, 0, 0, 0)
    assert refusal(SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", bomb) + chunk(b"IEND", b"")) == "too many pixels"


def test_a_gif_bomb_of_frames_is_refused_by_its_canvas_and_else_only_its_first_frame_is_read() -> None:
    data = encoded(smooth().quantize(32), "GIF")
    frame = data[data.index(b",", 13 + 96) : -1]
    assert refusal(data[:6] + struct.pack("<HH", 16_384, 16_384) + data[10:-1] + frame * 10_000 + b";") == (
        "too many pixels"
    )
    started = time.process_time()
    assert open_picture(data[:-1] + frame * 10_000 + b";").tobytes() == open_picture(data).tobytes()
    assert time.process_time() - started < 1


def test_a_gif_frame_that_reaches_beyond_its_canvas_counts_in_full() -> None:
    data = encoded(smooth().quantize(32), "GIF")
    place = data.index(b",", 13 + 96)
    assert refusal(data[: place + 5] + struct.pack("<HH", 65_535, 65_535) + data[place + 9 :]) == "too many pixels"


TEXT_STARTS = {b"zTXt": b"k\0\0", b"iTXt": b"k\0\1\0\0\0", b"iCCP": b"k\0\0"}


@pytest.mark.parametrize("kind", TEXT_STARTS)
def test_texts_and_profiles_that_expand_without_end_are_refused(kind: bytes) -> None:
    bomb = TEXT_STARTS[kind] + zlib.compress(bytes(64 * 2**20), 9)
    assert refusal(png(1, 1, 8, 0, b"\0", (kind, bomb))) == "too much text inside"


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_texts_that_are_too_much_only_together_are_refused(kind: bytes) -> None:
    texts = [(kind, TEXT_STARTS[kind] + zlib.compress(bytes(2**21)))] * 3
    assert refusal(png(1, 1, 8, 0, b"\0", *texts)) == "too much text inside"


def test_a_huge_webp_canvas_is_refused_before_its_decoder_sees_it() -> None:
    data = bytearray(encoded(noise(12, 9), "WEBP", save_all=True, append_images=[smooth(12, 9)]))
    place = data.index(b"VP8X") + 12
    data[place : place + 6] = struct.pack("<I", 16_382)[:3] * 2
    assert refusal(bytes(data)) == "too many pixels"


def test_a_jpeg_of_a_thousand_scans_is_refused() -> None:
    data = encoded(smooth(400, 400), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    assert refusal(data[:-2] + data[last:-2] * 1_000 + b"\xff\xd9") == "too many scans"


def parts_without_end() -> dict[str, bytes]:
    gif = encoded(smooth().quantize(32), "GIF")
    frame = gif.index(b",", 13 + 96)
    comments = (b"!\xfe" + b"\1x" * 200_000 + b"\0") * 20
    webp = encoded(noise(12, 9), "WEBP")[8:] + b"XXXX\0\0\0\0" * 1_000_000
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 0, 0, 0, 0))
    return {
        "PNG of empty chunks": SIGNATURE + header + chunk(b"IDAT", b"") * 1_000_000 + chunk(b"IEND", b""),
        "GIF of tiny comments": gif[:frame] + comments + gif[frame:],
        "GIF of zeros": gif[:-1] + bytes(2**23) + b";",
        "WebP of empty chunks": b"RIFF" + struct.pack("<I", len(webp)) + webp,
        "JPEG of empty comments": b"\xff\xd8" + b"\xff\xfe\0\2" * 1_000_000 + b"\xff\xd9",
        "JPEG of fill bytes": b"\xff\xd8" + b"\xff" * 2**23,
        "JPEG scan of fill bytes": b"\xff\xd8\xff\xda\0\2" + b"\xff" * 2**23,
    }


def test_a_file_of_parts_without_end_is_refused() -> None:
    for name, data in parts_without_end().items():
        assert refusal(data) in ("damaged", "truncated"), name


def test_a_jpeg_of_a_million_restart_markers_is_a_picture_or_a_refusal() -> None:
    data = encoded(smooth(), "JPEG")
    started = time.process_time()
    opened_or_refused(data[:-2] + b"\xff\xd0" * 1_000_000 + b"\xff\xd9")
    assert time.process_time() - started < 1


def tiff(*entries: tuple[int, int, int, int], following: int = 0, pixels: bytes = b"\0" * 64) -> bytes:
    """A little-endian TIFF whose one directory lies at byte 8, its pixels behind it."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + struct.pack("<I", following) + pixels


GREY_8x8 = [(256, 3, 1, 8), (257, 3, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (277, 3, 1, 1)]


def test_a_tiff_whose_directories_form_a_loop_opens_its_first_page() -> None:
    entries = [*GREY_8x8, (273, 4, 1, 8 + 2 + 8 * 12 + 4), (279, 4, 1, 64)]
    assert open_picture(tiff(*entries, following=8)).size == (8, 8)


def test_a_tiff_whose_entries_share_their_bytes_is_refused() -> None:
    entries = [*GREY_8x8, *[(tag, 1, 2**20, 8) for tag in range(40_000, 60_000)]]
    assert refusal(tiff(*entries, pixels=bytes(2**20))) == "damaged"


def test_a_tiff_with_a_gigantic_tile_is_refused() -> None:
    entries = [*GREY_8x8, (322, 3, 1, 65_520), (323, 3, 1, 65_520), (324, 4, 1, 8), (325, 4, 1, 64)]
    assert refusal(tiff(*entries)) == "too many pixels"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"a cat sat on a mat\n", "not a picture"),
        (b"<html><body>404</body></html>", "not a picture"),
        (b"\0" * 4096, "not a picture"),
        (b"%PDF-1.7\n", "format not allowed (PDF)"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "format not allowed (EPS)"),
        (b"8BPS\0\1", "format not allowed (PSD)"),
        (b"SIMPLE  =                    T", "format not allowed (FITS)"),
        (b"icns\0\0\0\10", "format not allowed (ICNS)"),
        (b"\0\0\1\0\1\0", "format not allowed (ICO)"),
        (b"\0\0\0\x20ftypavif", "format not allowed (AVIF)"),
        (b"\0\0\0\x20ftypheic", "format not allowed (HEIC)"),
        (b"PK\3\4", "format not allowed (ZIP)"),
        (b'<?xml version="1.0"?>\n<svg xmlns="x"/>', "format not allowed (SVG)"),
    ],
)
def test_what_is_not_one_of_the_six_formats_is_named(data: bytes, reason: str) -> None:
    assert refusal(data) == reason


def test_a_png_that_is_also_a_zip_is_just_its_picture() -> None:
    data = encoded(noise(), "PNG")
    assert open_picture(data + b"PK\3\4" + b"x" * 500).tobytes() == open_picture(data).tobytes()


def test_every_limit_is_named_when_it_is_passed() -> None:
    data = encoded(noise(40, 10), "PNG")
    assert refusal(data, Limits(file_bytes=100)) == "file too large"
    assert refusal(data, Limits(pixels=399)) == "too many pixels"
    assert refusal(data, Limits(edge_px=39)) == "too wide or too high"
    assert refusal(png(0, 0, 8, 0, b"")) == "no pixels"
    assert open_picture(data, limits=Limits(pixels=400, edge_px=40)).size == (40, 10)


def test_files_that_are_none_are_refused_by_their_short_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    for name, reason in [("none.png", "no such file"), ("folder.png", "not a file"), ("pipe.png", "not a file")]:
        with pytest.raises(PictureError) as caught:
            open_picture(tmp_path / name)
        assert str(caught.value).startswith(f"{name} cannot be used: {reason}")
        assert str(tmp_path) not in str(caught.value) and "save it again" not in str(caught.value)


def test_a_name_cannot_write_to_the_terminal() -> None:
    with pytest.raises(PictureError) as caught:
        open_picture(b"", name="\x1b[2Jcat\n.png")
    assert str(caught.value).startswith("?[2Jcat?.png cannot be used")


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_the_worst_files_stay_below_300_mib(tmp_path: Path) -> None:
    """Each in a process of its own; what the interpreter and the modules take is subtracted."""
    exif = Image.Exif()
    exif[0x0112] = 6
    worst = {
        "alpha.png": encoded(Image.new("RGBA", (5_000, 5_000), (1, 2, 3, 4)), "PNG", compress_level=1, exif=exif),
        "float.tif": encoded(Image.new("F", (5_000, 5_000)), "TIFF", compression="tiff_deflate"),
        "alpha.webp": encoded(Image.new("RGBA", (3_500, 3_500)), "WEBP", lossless=True, method=0, quality=0),
        "small.png": encoded(noise(), "PNG"),
    }
    program = (
        "import re, sys; from pathlib import Path; from mindseye.pictures.opener import open_picture\n"
        "open_picture(Path(sys.argv[1])); print(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])"
    )
    used_kib = {}
    for name, data in worst.items():
        (tmp_path / name).write_bytes(data)
        command = [sys.executable, "-c", program, str(tmp_path / name)]
        used_kib[name] = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert max(used_kib.values()) - used_kib["small.png"] < 300 * 1024, used_kib
