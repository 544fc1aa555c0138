"""Figures for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ._jobs import Job, JobQueue, Outcome

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640, 1280)


class Metrics:
    """The figures of one server, in a registry of its own."""

    def __init__(self, queue: JobQueue) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "pixart_http_requests", "Requests by route and status.", ["method", "route", "status"], registry=registry
        )
        self._jobs = Counter("pixart_jobs", "Jobs by how they ended.", ["api", "outcome"], registry=registry)
        self._images = Counter("pixart_images", "Images made.", registry=registry)
        self._run = Histogram("pixart_run_seconds", "Time that jobs ran.", buckets=_SECONDS, registry=registry)
        self._wait = Histogram("pixart_wait_seconds", "Time that jobs waited.", buckets=_SECONDS, registry=registry)
        waiting = Gauge("pixart_queue_length", "Jobs that wait.", registry=registry)
        waiting.set_function(lambda: len(queue))
        limit = Gauge("pixart_queue_limit", "Jobs that may wait.", registry=registry)
        limit.set(queue.limit)
        running = Gauge("pixart_running", "Jobs that run: 0 or 1.", registry=registry)
        running.set_function(lambda: int(queue.running is not None))

    def ended(self, job: Job) -> None:
        """Counts a job that is over."""
        outcome = job.outcome or Outcome.FAILED
        self._jobs.labels(job.api, outcome.value).inc()
        self._images.inc(len(job.pictures))
        if job.started is not None and job.ended is not None:
            self._wait.observe(job.started - job.created)
            self._run.observe(job.ended - job.started)

    def text(self) -> bytes:
        return generate_latest(self._registry)
