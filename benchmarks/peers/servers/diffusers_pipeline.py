"""A plain server of a diffusers pipeline: FastAPI, and a call of the pipeline a request, in FastAPI's own threads."""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from answer import images
from fastapi import FastAPI
from pydantic import BaseModel

import mindseye.imagine.diffusion.pipeline
from mindseye.learn.folder import find_model

model, port = sys.argv[1], int(sys.argv[2])
pipeline = mindseye.imagine.diffusion.pipeline.MindseyePipeline.from_pretrained(find_model(model))
app = FastAPI()


class Wanted(BaseModel):
    prompt: str
    seed: int


@app.post("/v1/images/generations")
def generate(wanted: Wanted) -> dict[str, Any]:
    return images(pipeline(wanted.prompt, seed=wanted.seed).images[0])


uvicorn.run(app, port=port, log_level="warning")
