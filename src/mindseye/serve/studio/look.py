"""Colours and letters: those of the report pages, light and dark; the letters are the machine's own."""

from __future__ import annotations

import gradio as gr
from gradio.themes.utils.colors import Color

INDIGO = Color(
    "#f4f5fd", "#eceefb", "#d9ddf7", "#bcc3f1", "#929bff", "#6f7ae6", "#4f5bd5", "#424db8", "#363f93", "#2a2c47",
    "#1d1f33", name="indigo",
)  # fmt: skip
PAPER = Color(
    "#fbfaf8", "#f4f2ee", "#e7e4de", "#d3cfc7", "#a8a49c", "#84807a", "#6d6a64", "#4b4a52", "#2f2f39", "#1e1e25",
    "#15151a", name="paper",
)  # fmt: skip
LETTERS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
CODE = ("ui-monospace", "SF Mono", "Menlo", "Consolas", "monospace")


def theme() -> gr.themes.Base:
    """The studio's theme."""
    return gr.themes.Base(
        primary_hue=INDIGO,
        secondary_hue=INDIGO,
        neutral_hue=PAPER,
        radius_size=gr.themes.sizes.radius_lg,
        font=LETTERS,
        font_mono=CODE,
    ).set(
        body_background_fill="#fbfaf8",
        body_background_fill_dark="#15151a",
        body_text_color="#1d1c1a",
        body_text_color_dark="#eeedf2",
        body_text_color_subdued="#6d6a64",
        body_text_color_subdued_dark="#a5a4b1",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#1e1e25",
        background_fill_secondary="#fbfaf8",
        background_fill_secondary_dark="#15151a",
        border_color_primary="#e7e4de",
        border_color_primary_dark="#2f2f39",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_shadow="none",
        block_padding="0px",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_title_text_weight="600",
        block_title_text_color="#4b4a52",
        block_title_text_color_dark="#c9c8d2",
        block_info_text_color="#6d6a64",
        block_info_text_color_dark="#a5a4b1",
        input_background_fill="#ffffff",
        input_background_fill_dark="#1e1e25",
        input_placeholder_color="#67645e",
        input_placeholder_color_dark="#a5a4b1",
        input_border_color="#d3cfc7",
        input_border_color_dark="#3a3a46",
        input_border_width="1px",
        input_border_color_focus="#4f5bd5",
        input_border_color_focus_dark="#929bff",
        input_shadow_focus="0 0 0 3px #4f5bd533",
        input_shadow_focus_dark="0 0 0 3px #929bff44",
        button_primary_background_fill="#4f5bd5",
        button_primary_background_fill_hover="#424db8",
        button_primary_background_fill_dark="#6f7ae6",
        button_primary_background_fill_hover_dark="#929bff",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#101018",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_hover="#eceefb",
        button_secondary_background_fill_dark="#1e1e25",
        button_secondary_background_fill_hover_dark="#2a2c47",
        button_secondary_border_color="#d3cfc7",
        button_secondary_border_color_dark="#3a3a46",
        button_border_width="1px",
        button_border_width_dark="1px",
        slider_color="#4f5bd5",
        slider_color_dark="#929bff",
        checkbox_background_color_selected="#4f5bd5",
        checkbox_background_color_selected_dark="#6f7ae6",
    )
