from __future__ import annotations

import json
import os
import stat
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.collection.drawing import photo, png, write_files, write_zip

from mindseye.collection.readers import Excluded, Found, open_source
from mindseye.collection.readers import zipped as zip_limits
from mindseye.errors import BadInput, Unavailable

PNG = png(photo(0, 8))


def read(source: Path | str) -> list[Found | Excluded]:
    with open_source(source) as findings:
        return list(findings)


def found(source: Path) -> dict[str, Found]:
    return {one.file_name: one for one in read(source) if isinstance(one, Found)}


def excluded(source: Path) -> dict[str, str]:
    return {one.file: one.reason for one in read(source) if isinstance(one, Excluded)}


def captions(source: Path) -> dict[str, tuple[str, ...]]:
    return {name: one.texts.captions for name, one in found(source).items()}


SIDECARS: dict[str, bytes | str] = {
    "a.png": PNG,
    "a.txt": "\ufeffa cat\r\na red cat\r\n",
    "b.PNG": PNG,
    "b.CAPTION": "a dog",
    "c.jpeg": PNG,
    "c.json": json.dumps("a bird"),
    "d.webp": PNG,
    "d.json": json.dumps(["a cow", "cattle"]),
    "e.gif": PNG,
    "e.json": json.dumps({"text": "a pig", "captions": ["swine"]}),
    "deep/f.bmp": PNG,
    "deep/f.txt": "a fox",
    "g.png": PNG,
}
SIDECAR_CAPTIONS = {
    "a.png": ("a cat", "a red cat"),
    "b.PNG": ("a dog",),
    "c.jpeg": ("a bird",),
    "d.webp": ("a cow", "cattle"),
    "e.gif": ("a pig", "swine"),
    "deep/f.bmp": ("a fox",),
    "g.png": (),
}


def test_sidecars_of_every_kind_are_read_from_a_folder(tmp_path: Path) -> None:
    assert captions(write_files(tmp_path / "s", SIDECARS)) == SIDECAR_CAPTIONS


def test_a_zip_file_reads_as_the_folder_does(tmp_path: Path) -> None:
    assert captions(write_zip(tmp_path / "s.zip", SIDECARS)) == SIDECAR_CAPTIONS


def test_pictures_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    source = write_files(tmp_path / "s", {f"{name}.png": PNG for name in ("b", "a10", "a9", "sub/z", "C")})
    assert list(found(source)) == ["C.png", "a10.png", "a9.png", "b.png", "sub/z.png"]


def test_hidden_files_and_clutter_are_passed_over(tmp_path: Path) -> None:
    names = ["a.png", ".b.png", "__MACOSX/._a.png", ".git/c.png", "Thumbs.db"]
    assert list(found(write_files(tmp_path / "s", dict.fromkeys(names, PNG)))) == ["a.png"]


@pytest.mark.parametrize(
    ("metadata", "content"),
    [
        ("metadata.jsonl", '\ufeff{"file_name": "a.png", "text": "a cat", "concept": "cat"}\r\n\r\n'),
        ("metadata.csv", "\ufefffile_name,text,concept\r\na.png,a cat,cat\r\n"),
        ("metadata.csv", 'file_name,captions,concept\na.png,"[""a cat""]",cat\n'),
    ],
)
def test_metadata_gives_caption_and_concept(tmp_path: Path, metadata: str, content: str) -> None:
    one = found(write_files(tmp_path / "s", {"a.png": PNG, metadata: content}))["a.png"]
    assert (one.texts.captions, one.texts.source, one.concept) == (("a cat",), metadata, "cat")


@pytest.mark.parametrize(
    ("metadata", "content"),
    [
        ("metadata.jsonl", '{"file_name": "a.png", "text": "a cat", "keywords": ["Animal", " pet ", "animal", "", 3]}'),
        ("metadata.jsonl", '{"file_name": "a.png", "text": "a cat", "keywords": "animal; Pet"}'),
        ("metadata.csv", 'file_name,text,keywords\na.png,a cat,"animal, pet"\n'),
        ("metadata.csv", 'file_name,text,keywords\na.png,a cat,"[""animal"", ""pet""]"\n'),
    ],
)
def test_metadata_gives_keywords_which_are_no_captions(tmp_path: Path, metadata: str, content: str) -> None:
    one = found(write_files(tmp_path / "s", {"a.png": PNG, metadata: content}))["a.png"]
    assert (one.texts.captions, one.keywords) == (("a cat",), ("animal", "pet"))


def test_metadata_comes_before_sidecars_and_each_source_is_named(tmp_path: Path) -> None:
    rows = '{"file_name": "a.png", "text": "from metadata"}\n{"file_name": "b.png", "text": ""}\n'
    files: dict[str, bytes | str] = {
        "a.png": PNG,
        "a.txt": "beside",
        "b.png": PNG,
        "b.txt": "beside",
        "metadata.jsonl": rows,
    }
    one = found(write_files(tmp_path / "s", files))
    assert [one[name].texts.source for name in ("a.png", "b.png")] == ["metadata.jsonl", "sidecar .txt"]


def test_metadata_in_a_sub_folder_speaks_of_that_folder(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "metadata.jsonl": '{"file_name": "train/a.png", "text": "far"}',
        "train/metadata.jsonl": '{"file_name": "a.png", "text": "near"}',
        "train/a.png": PNG,
    }
    assert captions(write_files(tmp_path / "s", files)) == {"train/a.png": ("near",)}


def test_rows_that_cannot_be_used_are_listed_with_their_reason(tmp_path: Path) -> None:
    rows = [
        '{"file_name": "a.png", "text": "a cat"}',
        '{"file_name": "a.png", "text": "a red cat"}',
        '{"file_name": "../out.png", "text": "x"}',
        '{"file_name": "/etc/passwd", "text": "x"}',
        '{"file_name": "C:\\\\x.png", "text": "x"}',
        '{"file_name": "gone.png", "text": "x"}',
        '{"text": "x"}',
        "[1]",
        "{",
        "[" * 100_000,
    ]
    source = write_files(tmp_path / "s", {"a.png": PNG, "metadata.jsonl": "\n".join(rows)})
    (tmp_path / "out.png").write_bytes(PNG)
    assert captions(source) == {"a.png": ("a cat", "a red cat")}
    assert found(source)["a.png"].texts.notes == ("named in 2 rows of metadata.jsonl; their captions were united",)
    reasons = excluded(source)
    assert all("outside the folder" in reasons[name] for name in ("../out.png", "/etc/passwd", "C:\\x.png"))
    assert "missing" in reasons["gone.png"]
    assert reasons["metadata.jsonl line 7"] == "the row has no file_name"
    assert reasons["metadata.jsonl line 8"] == "the line is not a JSON object"
    assert reasons["metadata.jsonl line 9"] == reasons["metadata.jsonl line 10"] == "the line is not valid JSON"


def test_an_endless_csv_field_spoils_only_its_row(tmp_path: Path) -> None:
    content = f"file_name,text\na.png,{'x' * 1_000_000}\nb.png,a dog\n"
    source = write_files(tmp_path / "s", {"a.png": PNG, "b.png": PNG, "metadata.csv": content})
    assert captions(source) == {"a.png": (), "b.png": ("a dog",)}
    assert "metadata.csv line 2" in excluded(source)


def test_very_many_metadata_rows_are_read(tmp_path: Path) -> None:
    rows = '{"file_name": "a.png", "text": "a cat"}\n' * 200_000
    assert captions(write_files(tmp_path / "s", {"a.png": PNG, "metadata.jsonl": rows})) == {"a.png": ("a cat",)}


def test_a_sidecar_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "a.png": PNG,
        "a.txt": b"caf\xe9",
        "b.png": PNG,
        "b.json": "{",
        "c.png": PNG,
        "c.txt": b"x" * 5_000_000,
    }
    problems = {name: one.texts.problem for name, one in found(write_files(tmp_path / "s", files)).items()}
    assert "not valid UTF-8" in problems["a.png"]
    assert problems["b.png"] == "b.json is not valid JSON"
    assert "larger than 4 MiB" in problems["c.png"]


def test_sub_folder_names_are_captions_where_nothing_else_is(tmp_path: Path) -> None:
    names = ["train/red_cat/a.png", "train/10_sks_dog/b.png", "c.png"]
    one = captions(write_files(tmp_path / "s", dict.fromkeys(names, PNG)))
    assert one == {"train/red_cat/a.png": ("red cat",), "train/10_sks_dog/b.png": ("sks dog",), "c.png": ()}


def test_one_plain_folder_around_everything_is_no_caption(tmp_path: Path) -> None:
    assert captions(write_files(tmp_path / "s", {"sprites/a.png": PNG})) == {"sprites/a.png": ()}


def test_one_kohya_folder_is_a_caption(tmp_path: Path) -> None:
    assert captions(write_files(tmp_path / "s", {"20_sks dog/a.png": PNG})) == {"20_sks dog/a.png": ("sks dog",)}


def test_sub_folder_names_are_not_used_beside_real_captions(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {"cat/a.png": PNG, "cat/a.txt": "a cat", "dog/b.png": PNG}
    assert captions(write_files(tmp_path / "s", files))["dog/b.png"] == ()


def test_links_never_lead_out_of_the_folder(tmp_path: Path) -> None:
    secret = write_files(tmp_path / "secret", {"x.png": PNG})
    source = write_files(tmp_path / "s", {"a.png": PNG, "a.txt": "a cat"})
    (source / "file.png").symlink_to(secret / "x.png")
    (source / "folder").symlink_to(secret)
    (source / "broken.png").symlink_to(source / "nothing")
    (source / "inside.png").symlink_to(source / "a.png")
    os.mkfifo(source / "pipe.png")
    assert list(found(source)) == ["a.png", "inside.png"]
    reasons = excluded(source)
    assert reasons["file.png"] == "a symbolic link that leads out of the folder"
    assert reasons["folder"] == "a symbolic link to a folder, which is not followed"
    assert reasons["broken.png"] == "a symbolic link to nothing"
    assert reasons["pipe.png"] == "not a regular file"


def test_a_file_name_that_is_not_utf_8_is_excluded(tmp_path: Path) -> None:
    source = write_files(tmp_path / "s", {"a.png": PNG})
    (source / os.fsdecode(b"b\xff.png")).write_bytes(PNG)
    assert excluded(source) == {"b?.png": "its name is not valid UTF-8"}


def test_dangerous_zip_entries_are_left_out_and_nothing_is_extracted(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "s.zip", {"a.png": PNG, "../slip.png": PNG, "/root.png": PNG, "b/../../c.png": PNG})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("bomb.png", b"\0" * 3_000_000)
        archive.writestr("lzma.png", PNG, zipfile.ZIP_LZMA)
    assert list(found(path)) == ["a.png"]
    assert excluded(path) == {
        "../slip.png": "its path leads out of the zip file",
        "/root.png": "its path leads out of the zip file",
        "b/../../c.png": "its path leads out of the zip file",
        "link.png": "a symbolic link",
        "bomb.png": "it unpacks to more than 200 times its size",
        "lzma.png": "its compression is not supported",
    }
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_zip_file_with_too_much_in_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_limits, "MOST_ENTRIES", 2)
    with pytest.raises(BadInput, match="too large"):
        read(write_zip(tmp_path / "s.zip", dict.fromkeys("abc", PNG)))


def test_a_damaged_zip_file_is_refused_by_name(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "s.zip", SIDECARS)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(BadInput, match=r"s\.zip cannot be read"):
        read(path)


def test_a_damaged_zip_entry_stops_no_other(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "s.zip", {"a.png": PNG, "b.png": PNG})
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(bytes(data))
    with open_source(path) as findings:
        loads = {one.file_name: one.load for one in findings if isinstance(one, Found)}
        assert loads["b.png"]() == PNG
        with pytest.raises(OSError, match="damaged inside the zip file"):
            loads["a.png"]()


def parquet(path: Path, **columns: list[object]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_rows_give_pictures_as_bytes_or_struct(tmp_path: Path) -> None:
    one = found(parquet(tmp_path / "a.parquet", image=[{"bytes": PNG, "path": "cat.png"}], text=["a cat"]))
    assert one["cat.png"].texts.captions == ("a cat",)
    assert one["cat.png"].texts.source == "column text"
    assert one["cat.png"].load() == PNG
    other = found(parquet(tmp_path / "b.parquet", image=[PNG], title=["a dog"], concept=["dog"]))
    assert other["b.parquet row 1"].texts.source == "column title"
    assert other["b.parquet row 1"].concept == "dog"


def test_parquet_rows_give_keywords_and_what_is_no_text_among_them_is_passed_over(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {"image": [PNG] * 3, "title": ["a", "b", "c"]}
    one = found(parquet(tmp_path / "a.parquet", **columns, keywords=[["Animal", "pet", None], None, []]))
    assert [each.keywords for each in one.values()] == [("animal", "pet"), (), ()]
    numbers = found(parquet(tmp_path / "b.parquet", **columns, keywords=[[1], [2], [3]]))
    assert [each.keywords for each in numbers.values()] == [()] * 3
    assert [each.texts.captions for each in numbers.values()] == [("a",), ("b",), ("c",)]


def test_a_folder_of_parquet_files_survives_a_damaged_one(tmp_path: Path) -> None:
    source = write_files(tmp_path / "s", {"0.parquet": b"PAR1 nonsense PAR1"})
    parquet(source / "1.parquet", image=[PNG, PNG, None], text=["a", "b", "c"], file_name=["x", "x", "y"])
    parquet(source / "2.parquet", picture=[PNG], text=["a"])
    assert captions(source) == {"x": ("a",), "x (1.parquet row 2)": ("b",)}
    assert excluded(source) == {
        "0.parquet": "the Parquet file is damaged or cannot be read",
        "y": "the row holds no picture",
        "2.parquet": "it has no column `image`, only picture, text",
    }


def test_what_is_no_source_is_refused_by_name(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("x")
    with pytest.raises(BadInput, match=r"notes\.txt cannot be collected"):
        read(text)
    with pytest.raises(BadInput, match="there is no file or folder"):
        read(tmp_path / "nothing")


def test_a_data_set_that_cannot_be_reached_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(Unavailable, match="nobody/no-such-data-set"):
        read("nobody/no-such-data-set")
