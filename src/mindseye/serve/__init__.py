"""Serving: one service layer, `service.py`, and the doors that stand on it; `http/` is the first.

The service knows nothing of HTTP: whoever submits a request hands in a function that is told the news.
"""
