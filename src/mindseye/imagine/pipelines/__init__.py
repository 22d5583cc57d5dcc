"""Bigger models than ours: any text-to-image pipeline of the diffusers library is one more imaginer.

`finding.py` finds one by its folder or its name on the model hub, `opening.py` opens it and its relatives for given
pictures, `knobs.py` reads from its signature what it can do, and `painter.py` draws with it, step by step
(`steps.py`), or with a twin of it that has edits (`twin.py`).
"""
