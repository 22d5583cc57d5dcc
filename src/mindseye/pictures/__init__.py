"""Pixels in and out: the one safe opener, tensors, palettes, the story inside a PNG, contact sheets.

A picture is a uint8 array `[height, width, 3 or 4]` (straight alpha) or a Pillow image of mode RGB or RGBA at every
boundary; only `tensors.py` knows the other form, float32 in [-1, 1] with channels first and alpha premultiplied.
"""
