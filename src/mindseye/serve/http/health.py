"""`/livez`, `/readyz` and `/metrics`: for those who look after the server."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

from mindseye.serve.http.errors import json_response
from mindseye.serve.service import Service


class ServiceMetrics(Collector):
    """The service's own counts, read when they are asked for."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        service = self._service
        waiting, unfinished = service.load
        requests = CounterMetricFamily("mindseye_requests", "Requests by how they ended", labels=["end"])
        for end in ("finished", "refused", "failed", "cancelled"):
            requests.add_metric([end], service.tally.counts[end])
        yield requests
        buckets = list(accumulate(service.tally.took.values()))
        yield HistogramMetricFamily(
            "mindseye_request_seconds",
            "From a request to its last picture",
            buckets=[
                (f"{bound}" if bound < math.inf else "+Inf", count)
                for bound, count in zip(service.tally.took, buckets, strict=True)
            ],
            sum_value=service.tally.took_seconds,
        )
        yield CounterMetricFamily("mindseye_pictures_drawn", "Pictures drawn", value=service.tally.counts["drawn"])
        remembered = CounterMetricFamily("mindseye_pictures_remembered", "Pictures not drawn again", labels=["asked"])
        remembered.add_metric(["same"], service.remembered.same)
        remembered.add_metric(["alike"], service.remembered.alike_found)
        yield remembered
        yield GaugeMetricFamily("mindseye_pictures_waiting", "Pictures that no worker has begun", value=waiting)
        yield GaugeMetricFamily("mindseye_pictures_unfinished", "Pictures waiting or being drawn", value=unfinished)
        yield GaugeMetricFamily("mindseye_pictures_limit", "The most of those", value=service.limits.queued_pictures)
        seconds = GaugeMetricFamily("mindseye_picture_seconds", "A picture's time of late", labels=["model"])
        for name, value in service.tally.seconds.items():
            seconds.add_metric([name], value)
        yield seconds
        yield GaugeMetricFamily("mindseye_ready", "1 if requests are taken for every model", value=service.ready)


def routes(service: Service) -> APIRouter:
    """The endpoints."""
    router = APIRouter(tags=["health"])
    registry = CollectorRegistry()
    registry.register(ServiceMetrics(service))

    @router.get("/livez")
    async def live() -> dict[str, Any]:
        """Whether the process lives."""
        return {"live": True}

    @router.get("/readyz", responses={503: {"description": "not ready"}})
    async def ready() -> Response:
        """Whether requests are taken, for every model."""
        return json_response({"ready": service.ready, "resting": service.tally.resting}, 200 if service.ready else 503)

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """For Prometheus."""
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")

    return router
