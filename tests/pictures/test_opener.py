"""What an honest picture looks like after it has come in."""

from __future__ import annotations

import io
import struct
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps
from tests.pictures.files import encoded, good_files, noise, png, smooth

from mindseye.pictures.opener import open_picture


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(open_picture(data))


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_formats_keep_every_pixel(format: str) -> None:
    for channels in (3,) if format == "BMP" else (3, 4):
        image = noise(channels=channels)
        options = {"lossless": True, "exact": True} if format == "WEBP" else {}
        assert np.array_equal(pixels(encoded(image, format, **options)), np.asarray(image))


def test_jpeg_and_gif_are_what_their_decoder_says() -> None:
    for format in ("JPEG", "GIF"):
        data = encoded(smooth(), format)
        assert np.array_equal(pixels(data), np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


def test_a_file_is_known_by_its_bytes_and_not_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "cat.txt").write_bytes(encoded(noise(), "PNG"))
    assert open_picture(tmp_path / "cat.txt").size == (24, 18)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_the_exif_orientation_is_applied(format: str, orientation: int) -> None:
    image = smooth()
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if format == "WEBP" else {"quality": 95} if format == "JPEG" else {}
    data = encoded(image, format, exif=exif, **options)
    expected = Image.open(io.BytesIO(encoded(image, format, **options))).convert("RGB")
    expected.getexif()[0x0112] = orientation
    assert np.array_equal(pixels(data), np.asarray(ImageOps.exif_transpose(expected)))


def test_a_wide_gamut_profile_is_converted_and_a_broken_or_foreign_one_dropped() -> None:
    image = Image.new("RGB", (2, 2), (200, 100, 50))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"tmpX").replace(b"gXYZ", b"rXYZ").replace(b"tmpX", b"gXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    assert pixels(encoded(image, "PNG", icc_profile=profile))[0, 0].tolist() == [200, 100, 50]
    red, green, blue = pixels(encoded(image, "PNG", icc_profile=swapped))[0, 0].tolist()
    assert (abs(red - 100) <= 2, abs(green - 200) <= 2, abs(blue - 50) <= 2) == (True, True, True)
    transparent = image.copy()
    transparent.putalpha(77)
    assert abs(pixels(encoded(transparent, "PNG", icc_profile=swapped))[0, 0] - [100, 200, 50, 77]).max() <= 2
    for unusable in (b"nonsense", profile[:200], b""):
        assert pixels(encoded(image, "PNG", icc_profile=unusable))[0, 0].tolist() == [200, 100, 50]
    grey = encoded(Image.new("L", (2, 2), 90), "PNG", icc_profile=swapped)
    assert pixels(grey)[0, 0].tolist() == [90, 90, 90]


def test_profiles_of_every_format_are_found() -> None:
    image = Image.new("RGB", (8, 8), (200, 100, 50))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"tmpX").replace(b"gXYZ", b"rXYZ").replace(b"tmpX", b"gXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    for format in ("JPEG", "WEBP", "TIFF"):
        red, green, _ = pixels(encoded(image, format, icc_profile=swapped, quality=95))[0, 0].tolist()
        assert abs(red - 100) <= 4 and abs(green - 200) <= 4


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    values = np.array([[0, 128, 129, 257, 32_768, 65_535]], ">u2")
    expected = [0, 0, 1, 1, 128, 255]
    grey = png(6, 1, 16, 0, values.tobytes())
    assert pixels(grey)[0, :, 0].tolist() == expected
    for order in ("<u2", ">u2"):
        tiff = encoded(Image.fromarray(values.astype("u2")), "TIFF")
        assert pixels(tiff)[0, :, 0].tolist() == expected, order
    colour = png(2, 1, 16, 2, np.array([65_535, 32_768, 0, 257, 0, 65_535], ">u2").tobytes())
    assert pixels(colour).tolist() == [[[255, 128, 0], [1, 0, 255]]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.5, 1.0, -3.0, np.nan, np.inf], [0, 128, 255, 0, 0, 0]),
        ([0.0, 128.0, 255.0, -3.0, np.nan, -np.inf], [0, 128, 255, 0, 0, 0]),
        ([0.0, 32_768.0, 65_535.0, 257.0, 1.0, 0.0], [0, 128, 255, 1, 0, 0]),
    ],
)
def test_a_float_tiff_is_scaled_by_the_range_that_it_uses(values: list[float], expected: list[int]) -> None:
    data = encoded(Image.fromarray(np.array([values], np.float32)), "TIFF")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pixels(data)[0, :, 0].tolist() == expected


def test_every_colour_mode_comes_in() -> None:
    red = Image.new("RGB", (3, 2), (255, 0, 0))
    assert pixels(encoded(red.convert("CMYK"), "JPEG"))[0, 0].tolist()[0] > 250
    assert pixels(encoded(red.convert("CMYK"), "TIFF"))[0, 0].tolist() == [255, 0, 0]
    assert pixels(encoded(red.convert("YCbCr"), "JPEG"))[0, 0].tolist()[0] > 250
    assert pixels(encoded(Image.new("1", (3, 2), 1), "PNG"))[0, 0].tolist() == [255, 255, 255]
    assert pixels(encoded(Image.new("L", (3, 2), 77), "PNG"))[0, 0].tolist() == [77, 77, 77]
    assert pixels(encoded(Image.new("LA", (3, 2), (77, 9)), "PNG"))[0, 0].tolist() == [77, 77, 77, 9]
    assert pixels(encoded(Image.new("LA", (3, 2), (77, 9)), "TIFF"))[0, 0].tolist() == [77, 77, 77, 9]


def test_a_palette_with_transparency_keeps_it() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putpixel((1, 0), 1)
    assert pixels(encoded(palette, "PNG")).tolist() == [[[255, 0, 0], [0, 255, 0]]]
    assert pixels(encoded(palette, "GIF", transparency=1))[0, 1, 3] == 0
    half = encoded(palette, "PNG", transparency=bytes([128, 255]))
    assert pixels(half).tolist() == [[[255, 0, 0, 128], [0, 255, 0, 255]]]


def test_one_transparent_colour_is_found_at_any_depth() -> None:
    """tRNS of a PNG without alpha channel names one colour in the file's own depth."""
    for depth, row, key in [(1, b"\x40", 1), (2, b"\x30", 3), (4, b"\x0f", 15), (8, b"\x00\xff", 255)]:
        alpha = pixels(png(2, 1, depth, 0, row, (b"tRNS", struct.pack(">H", key))))[0, :, 3]
        assert alpha.tolist() == [255, 0], depth
    deep = png(2, 1, 16, 0, struct.pack(">HH", 513, 512), (b"tRNS", struct.pack(">H", 512)))
    assert pixels(deep)[0, :, 3].tolist() == [255, 0]
    colour = png(2, 1, 16, 2, struct.pack(">6H", 1, 2, 3, 65_535, 0, 0), (b"tRNS", struct.pack(">3H", 65_535, 0, 0)))
    assert pixels(colour)[0, :, 3].tolist() == [255, 0]


def test_alpha_that_hides_nothing_is_dropped() -> None:
    opaque = noise()
    opaque.putalpha(255)
    assert open_picture(encoded(opaque, "PNG")).mode == "RGB"
    opaque.putpixel((0, 0), (1, 2, 3, 254))
    assert open_picture(encoded(opaque, "PNG")).mode == "RGBA"


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_several_frames_the_first_is_taken(format: str) -> None:
    frames = [Image.new("RGB", (9, 7), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if format == "WEBP" else {}
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)
    assert (pixels(data)[..., :3] == (255, 0, 0)).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1)])
def test_extreme_shapes_come_in(size: tuple[int, int]) -> None:
    for format in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"):
        assert open_picture(encoded(Image.new("RGB", size), format)).size == size


def test_metadata_does_not_change_a_pixel() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description"
    for format in ("PNG", "JPEG", "WEBP", "TIFF"):
        plain, told = encoded(smooth(), format), encoded(smooth(), format, exif=exif)
        assert np.array_equal(pixels(plain), pixels(told))


def test_many_threads_open_the_same_pictures() -> None:
    files = list(good_files().values())
    expected = [open_picture(data).tobytes() for data in files]
    with ThreadPoolExecutor(8) as threads:
        assert [image.tobytes() for image in threads.map(open_picture, files * 10)] == expected * 10
