"""The HTTP door: the OpenAI images API that existing clients speak, and our own rooms beside it.

Read `wire.py` (what is said), `images.py` (the two endpoints), `guard.py` (who may speak at all), then `app.py`.
"""
