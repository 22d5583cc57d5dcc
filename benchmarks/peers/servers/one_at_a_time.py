"""The simplest server that is right: FastAPI, and one request after another behind a lock."""

from __future__ import annotations

import sys
import threading
from typing import Any

import uvicorn
from answer import images
from fastapi import FastAPI
from pydantic import BaseModel

import mindseye

model, port = sys.argv[1], int(sys.argv[2])
imaginer = mindseye.load(model)
turn = threading.Lock()
app = FastAPI()


class Wanted(BaseModel):
    prompt: str
    seed: int


@app.post("/v1/images/generations")
def generate(wanted: Wanted) -> dict[str, Any]:
    with turn:
        [picture] = imaginer.imagine(mindseye.Request(prompt=wanted.prompt, seed=wanted.seed))
    return images(picture.image)


uvicorn.run(app, port=port, log_level="warning")
