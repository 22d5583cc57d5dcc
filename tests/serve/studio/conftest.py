"""A studio with a tiny model, and a browser before it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.imagine.attngan import small as staged
from tests.imagine.vae import small
from tests.recall.conftest import COLOURS, SHAPES, SIZE_PX, drawn, png

from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.imagine.imaginer import load
from mindseye.serve.library import Library

pytest.importorskip("gradio", reason="the studio needs gradio")

CHROMIUM = Path("/usr/bin/chromium")

# What must never run: in prompts, captions, names. Each would set `window.ran`.
XSS = (
    "<script>window.ran=1</script>",
    "<img src=x onerror=window.ran=1>",
    "<svg onload=window.ran=1>",
    '"><img src=x onerror=window.ran=1>',
    "'><svg/onload=window.ran=1>",
    "</textarea><script>window.ran=1</script>",
    "</title><script>window.ran=1</script>",
    "<iframe srcdoc='<script>parent.window.ran=1</script>'>",
    "<a href=javascript:window.ran=1>x</a>",
    "<details open ontoggle=window.ran=1>",
    "<body onload=window.ran=1>",
    "<input autofocus onfocus=window.ran=1>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.ran=1>",
    "${window.ran=1}",
    "{{constructor.constructor('window.ran=1')()}}",
    "{{#with this}}${window.ran=1}{{/with}}",
    "`${window.ran=1}`",
    "[x](javascript:window.ran=1)",
    '![x](x "onerror=window.ran=1")',
    "<video><source onerror=window.ran=1>",
    "<marquee onstart=window.ran=1>x</marquee>",
    "<object data=javascript:window.ran=1>",
    "&lt;img src=x onerror=window.ran=1&gt;",
    "<ScRiPt>window.ran=1</sCrIpT>",
    "<img src=x:x onerror\n=\nwindow.ran=1>",
    # handlers that wait for nobody
    "<svg><animate onbegin=window.ran=1 attributeName=x dur=1s>",
    "<style>@keyframes x{}</style><p style='animation-name:x' onanimationstart=window.ran=1>x",
    "<audio src=x onerror=window.ran=1>",
    "<img src=data: onload=window.ran=1 onerror=window.ran=1>",
    "<iframe onload=window.ran=1></iframe>",
    # SVG and MathML, which have rules of their own
    "<svg><script href=data:,window.ran=1></script></svg>",
    "<svg><a xlink:href=javascript:window.ran=1><text y=20>x</text></a></svg>",
    "<svg><foreignObject><img src=x onerror=window.ran=1></foreignObject></svg>",
    "<math href=javascript:window.ran=1>x</math>",
    # addresses that are scripts
    "<form action=javascript:window.ran=1><input type=submit>",
    "<iframe src=java&#x09;script:parent.window.ran=1>",
    "<embed src=data:text/html,<script>parent.window.ran=1</script>>",
    "[x]: <javascript:window.ran=1>\n[x]",
    # out of what they stand in
    "</script><script>window.ran=1</script>",
    "</style><script>window.ran=1</script>",
    "--></noscript><script>window.ran=1</script><!--",
    "]]><script>window.ran=1</script>",
    "\\'-window.ran=1-\\'",
    '";window.ran=1;"',
    # markup that changes when it is read again
    "<noscript><p title='</noscript><img src=x onerror=window.ran=1>'>",
    "<svg></p><style><g title='</style><img src=x onerror=window.ran=1>'>",
    # letters that look or become like others
    "\uff1cscript\uff1ewindow.ran=1\uff1c/script\uff1e",
    "\u202e<img src=x onerror=window.ran=1>\u202c",
    # styles, and templates of other kinds
    "<p style='background:url(javascript:window.ran=1);width:expression(window.ran=1)'>x",
    "{% raw %}{{ ''.__class__ }}{% endraw %}<%= window.ran=1 %>#{window.ran=1}",
)


@pytest.fixture(scope="module")
def captioned(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Forty-eight pictures of twelve things; the captions of some would like to be run."""
    info = {
        "size_px": SIZE_PX, "transparent": False, "pixel_art": True, "pictures": 48, "captioned": 48, "captions": 48,
        "excluded": [{"file": XSS[1], "reason": XSS[0]}], "duplicate_groups": [],
    }  # fmt: skip
    things = [(colour, shape, place) for place in range(4) for colour in COLOURS for shape in SHAPES]
    examples = [
        Example(
            png(drawn(*thing)), f"{'-'.join(map(str, thing))}.png",
            (XSS[at % len(XSS)] if at % 2 else f"a {thing[0]} {thing[1]}",), "", "", "drawn",
        )
        for at, thing in enumerate(things)
    ]  # fmt: skip
    return write_collection(tmp_path_factory.mktemp("collections") / "shapes", {"train": examples}, info)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """One picture without a caption."""
    info = {"size_px": SIZE_PX, "transparent": False, "pixel_art": True}
    example = Example(png(drawn("red", "circle", 0)), "bare.png", (), "bare", "bare", "")
    return write_collection(tmp_path_factory.mktemp("collections") / "bare", {"train": [example]}, info)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def studio(
    serving: Any,
    tiny_folder: Path,
    tiny_thinker: Path,
    captioned: Collection,
    bare: Collection,
    runs: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """A server with the studio on it."""
    folder = shutil.copytree(tiny_folder, tmp_path_factory.mktemp("models") / "tiny")
    shutil.copytree(tiny_thinker, folder / "thinker")
    library = Library({"shapes": captioned, "bare": bare})
    folders = {
        "tiny": folder,
        "small": small.folder(folder.parent / "small"),
        "staged": staged.folder(folder.parent / "staged"),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mindseye.serve.studio.train.TICK_SECONDS", 0.3)  # a training of a test is a short one
        return serving.start(
            {name: load(place, device="cpu") for name, place in folders.items()},
            None,
            library,
            runs,
            {"shapes": str(captioned.path)},
            studio=True,
        )


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the browser is driven by playwright")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()
