"""Sphinx configuration: `sphinx-build -W docs docs/_build`."""

project = "mindseye"
copyright = "the mindseye authors"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "mindseye"
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]
