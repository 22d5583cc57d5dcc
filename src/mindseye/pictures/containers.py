"""Takes picture files apart without decoding them, so that a decoder only ever sees what a picture needs.

Each format's function walks the file once, in bounded time and memory, and returns a `Container`: the size, the file
less everything but its first picture, and the colour profile, EXIF block and texts as separate bytes. A file that ends
early, lies about its lengths or hides a bomb is refused here, before any pixel is decoded.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mindseye.pictures.exif import directory, entry_bytes, entry_integer, entry_integers

BLOCKS = 300_000  # a file of more parts is an attack: an honest GIF of 64 MiB has fewer
SCANS = 40  # a progressive JPEG has about ten; each costs one pass over the whole picture


class Refused(Exception):
    """Why a file is not used; `reason` is short, stable and says nothing about this machine."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Container:
    """A picture file taken apart.

    Attributes:
        format: "PNG", "JPEG", "WEBP", "GIF", "BMP" or "TIFF".
        size: width and height in pixels, as stored (before EXIF orientation).
        picture: a file of the same format with the first picture and nothing else.
        icc: the colour profile, or nothing.
        exif: the EXIF block, beginning with its TIFF header, or nothing.
        texts: key to text, of a PNG.
    """

    format: str
    size: tuple[int, int]
    picture: bytes
    icc: bytes = b""
    exif: bytes = b""
    texts: dict[str, str] = field(default_factory=dict)


def take_apart(data: bytes, text_bytes: int) -> Container:
    """The parts of a picture file.

    Args:
        data: the whole file.
        text_bytes: the most that the file's compressed texts or its colour profile may expand to.

    Raises:
        Refused: not one of the six formats, truncated, damaged or a bomb.
    """
    if not data:
        raise Refused("empty file")
    for matches, walk in _WALKS:
        if matches.match(data):
            try:
                return walk(data, text_bytes)
            except (IndexError, struct.error):
                raise Refused("truncated") from None
    for matches, name in _REFUSED:
        if matches.match(data[:1024]):
            raise Refused(f"format not allowed ({name})")
    raise Refused("not a picture")


def _png(data: bytes, text_bytes: int) -> Container:
    kept, icc, exif, texts = [data[:8]], b"", b"", {}
    size, depth, grey = (0, 0), 0, False
    for kind, body in _png_chunks(data):
        if kind == b"IHDR":
            size, depth, grey = struct.unpack(">II", body[:8]), body[8], body[9] == 0
        elif kind == b"iCCP":
            icc = _inflated(body.partition(b"\0")[2][1:], text_bytes)
        elif kind == b"eXIf":
            exif = body
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            key, text = _png_text(kind, body, text_bytes)
            text_bytes -= len(text)
            texts[key] = text
        if kind == b"tRNS":
            body = _eight_bit_key(body, depth, grey)
        if kind in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            kept.append(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
    return Container("PNG", size, b"".join(kept), icc, exif, texts)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of every chunk up to and with IEND; lengths and checksums are right."""
    at, kind = 8, b""
    for _ in range(BLOCKS):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if checksum != zlib.crc32(kind + body) or (kind == b"IHDR") != (at == 8):
            raise Refused("damaged")
        yield kind, body
        if kind == b"IEND":
            return
        at += 12 + length
    raise Refused("damaged")


def _png_text(kind: bytes, body: bytes, text_bytes: int) -> tuple[str, str]:
    key, _, rest = body.partition(b"\0")
    if kind == b"iTXt":
        compressed, rest = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
        text = _inflated(rest, text_bytes) if compressed else rest
        encoding = "utf-8"
    else:
        text, encoding = _inflated(rest[1:], text_bytes) if kind == b"zTXt" else rest, "latin-1"
    if len(text) > text_bytes:
        raise Refused("too much text inside")
    return key.decode("latin-1"), text.decode(encoding, "replace")


def _inflated(compressed: bytes, most: int) -> bytes:
    try:
        plain = zlib.decompressobj().decompress(compressed, max(1, most + 1))
    except zlib.error:
        raise Refused("damaged") from None
    if len(plain) > most:
        raise Refused("too much text inside")
    return plain


def _eight_bit_key(body: bytes, depth: int, grey: bool) -> bytes:
    """A PNG's transparent colour in 8 bits, as the decoder compares it with its already scaled pixels."""
    if grey and depth < 8:
        return struct.pack(">H", struct.unpack(">H", body)[0] * 255 // (2**depth - 1) & 255)
    if not grey and depth == 16:
        return struct.pack(">HHH", *(value >> 8 for value in struct.unpack(">HHH", body)))
    return body


# A marker, fill bytes before it included; and the next one that is not part of entropy-coded data.
_MARKER = re.compile(rb"\xff+[^\x00\x01\xd0-\xd8\xff]")
_MARKER_AFTER_DATA = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")


def _jpeg(data: bytes, text_bytes: int) -> Container:
    kept, size, exif, icc, scans = [data[:2]], (0, 0), b"", {}, 0
    for marker, body, coded in _jpeg_segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", body, 1)
            size = (width, height)
        elif marker == 0xE1 and body.startswith(b"Exif\0\0"):
            exif = exif or body[6:]
        elif marker == 0xE2 and body.startswith(b"ICC_PROFILE\0"):
            icc[body[12]] = body[14:]
        scans += marker == 0xDA
        if not 0xE1 <= marker <= 0xED and marker not in (0xEF, 0xFE):
            kept += [struct.pack(">BBH", 0xFF, marker, len(body) + 2), body, coded]
    if scans > SCANS:
        raise Refused("too many scans")
    profile = b"".join(icc[i] for i in sorted(icc))
    return Container("JPEG", size, b"".join([*kept, b"\xff\xd9"]), profile[:text_bytes], exif)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Marker, body and, after a start of scan, the coded data of every segment up to the end of the first picture."""
    at = 2
    for _ in range(BLOCKS):
        found = _MARKER.match(data, at)
        if not found:
            raise Refused("damaged" if at < len(data) else "truncated")
        marker, at = data[found.end() - 1], found.end()
        if marker == 0xD9:
            return
        (length,) = struct.unpack_from(">H", data, at)
        end = at + length
        following = _MARKER_AFTER_DATA.search(data, end) if marker == 0xDA else None
        if end > len(data) or (marker == 0xDA and not following):
            raise Refused("truncated")
        body, at = data[at + 2 : end], following.start() if following else end
        yield marker, body, data[end:at]
    raise Refused("damaged")


def _gif(data: bytes, text_bytes: int) -> Container:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = palette_end = 13 + _gif_colours(flags)
    control = frame = b""
    blocks = iter(range(BLOCKS))
    for _ in blocks:
        start, kind = at, data[at]
        if kind == 0x3B:
            break
        if kind == 0x21:
            at = _gif_blocks(data, at + 2, blocks)
            control = data[start:at] if data[start + 1] == 0xF9 else control
        elif kind == 0x2C:
            left, top, w, h, flags = struct.unpack_from("<HHHHB", data, at + 1)
            at = _gif_blocks(data, at + 10 + _gif_colours(flags) + 1, blocks)
            if not frame:
                frame = control + data[start:at]
                width, height = max(width, left + w), max(height, top + h)
        elif kind == 0:
            at += 1
        else:
            raise Refused("damaged")
    else:
        raise Refused("damaged")
    if not frame:
        raise Refused("no picture inside")
    return Container("GIF", (width, height), data[:palette_end] + frame + b";")


def _gif_colours(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_blocks(data: bytes, at: int, blocks: Iterator[int]) -> int:
    """Where the chain of sub-blocks that begins at `at` ends; `blocks` counts them off for the whole file."""
    for _ in blocks:
        length = data[at]
        at += 1 + length
        if length == 0:
            return at
    raise Refused("damaged")


def _webp(data: bytes, text_bytes: int) -> Container:
    size, kept, seen = None, [], set()
    icc = exif = b""
    for kind, body in _riff_chunks(data):
        if kind in seen:
            continue  # a later frame
        if kind == b"ICCP":
            icc = body[:text_bytes]
        elif kind == b"EXIF":
            exif = body.removeprefix(b"Exif\0\0")
        elif kind in (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"):
            size = size or _webp_size(kind, body)
            if kind == b"VP8X":
                body = bytes([body[0] & 0x12]) + body[1:]  # only the flags for alpha and animation
            kept.append(struct.pack("<4sI", kind, len(body)) + body + b"\0" * (len(body) % 2))
            seen.add(kind)
    picture = b"WEBP" + b"".join(kept)
    return Container("WEBP", size or (0, 0), b"RIFF" + struct.pack("<I", len(picture)) + picture, icc, exif)


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    if end > len(data):
        raise Refused("truncated")
    at = 12
    for _ in range(BLOCKS):
        if at + 8 > end:
            return
        kind, length = struct.unpack_from("<4sI", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    raise Refused("damaged")


def _webp_size(kind: bytes, body: bytes) -> tuple[int, int] | None:
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", body, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


def _bmp(data: bytes, text_bytes: int) -> Container:
    (header,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header == 12 else "<ii", data, 18)
    return Container("BMP", (abs(width), abs(height)), data)


# The TIFF tags that say how pixels are stored: size, bits, compression, strips, tiles, colour map, JPEG tables, ...
_TIFF_KEPT = frozenset(
    {256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325, 332, 338, 339, 347}
    | {512, 513, 514, 515, 519, 520, 521, 529, 530, 531, 532}
)


def _tiff(data: bytes, text_bytes: int) -> Container:
    order = "<" if data[:2] == b"II" else ">"
    entries = directory(data)
    if sum(len(entry.inline) if entry.size <= 4 else entry.size for entry in entries.values()) > len(data) + 4096:
        raise Refused("damaged")  # entries that share their bytes would make a decoder read them over and over
    size = (entry_integer(data, entries, 256), entry_integer(data, entries, 257))
    tile = (entry_integer(data, entries, 322), entry_integer(data, entries, 323))
    if tile[0] * tile[1] > max(size[0] * size[1], 2**20):
        raise Refused("too many pixels")
    for offsets, lengths in ((273, 279), (324, 325)):  # of strips, of tiles
        ends = map(
            sum, zip(entry_integers(data, entries, offsets), entry_integers(data, entries, lengths), strict=False)
        )
        if max(ends, default=0) > len(data):
            raise Refused("truncated")
    kept = [entries[tag] for tag in sorted(_TIFF_KEPT & entries.keys())]
    start = len(data) + len(data) % 2
    fresh = struct.pack(order + "H", len(kept)) + b"".join(entry.raw for entry in kept) + bytes(4)
    picture = data[:4] + struct.pack(order + "I", start) + data[8:] + bytes(len(data) % 2) + fresh
    return Container("TIFF", size, picture, entry_bytes(data, entries, 34675)[:text_bytes], data)


_WALKS: list[tuple[re.Pattern[bytes], Callable[[bytes, int], Container]]] = [
    (re.compile(rb"\x89PNG\r\n\x1a\n"), _png),
    (re.compile(rb"\xff\xd8"), _jpeg),
    (re.compile(rb"GIF8[79]a"), _gif),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), _webp),
    (re.compile(rb"BM"), _bmp),
    (re.compile(rb"II\*\0|MM\0\*"), _tiff),
]

_REFUSED = [
    (re.compile(signature, re.DOTALL | re.IGNORECASE), name)
    for signature, name in [
        (rb"%PDF", "PDF"),
        (rb"%!PS|\xc5\xd0\xd3\xc6", "EPS"),
        (rb"8BPS", "PSD"),
        (rb"SIMPLE  =", "FITS"),
        (rb"icns", "ICNS"),
        (rb"\0\0[\x01\x02]\0", "ICO"),
        (rb"....ftyp(avif|avis)", "AVIF"),
        (rb"....ftyp(hei|hev|mif1|msf1)", "HEIC"),
        (rb"....jP  |\xff\x4f\xff\x51", "JPEG 2000"),
        (rb"....JXL |\xff\x0a", "JPEG XL"),
        (rb"II\+\0|MM\0\+", "BigTIFF"),
        (rb"PK\x03\x04", "ZIP"),
        (rb"(\xef\xbb\xbf)?\s*(<\?xml.*?)?(<!--.*?)?(<!DOCTYPE\s+svg.*?)?<svg", "SVG"),
    ]
]
