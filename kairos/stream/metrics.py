"""What the stream tells about itself: Prometheus metrics in a registry of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from kairos.stream.arrivals import Arrival

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass
class Taking:
    """What came of one batch."""

    reasons: Sequence[str | None] = ()


class Metrics:
    """The counters of one stream."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self.arrivals = Counter(
            "kairos_stream_arrivals",
            "messages by view and what came of them: kept, dead, again",
            ("view", "result"),
            registry=own,
        )
        self.take_seconds = Histogram(
            "kairos_stream_take_seconds", "seconds to write a batch down", buckets=BUCKETS, registry=own
        )
        self.decide_seconds = Histogram(
            "kairos_stream_decide_seconds",
            "seconds to decide what a batch of arrivals leads to",
            buckets=BUCKETS,
            registry=own,
        )
        self.lag_messages = Gauge("kairos_stream_lag_messages", "messages that wait at the broker", registry=own)
        self.lag_seconds = Gauge(
            "kairos_stream_lag_seconds", "age of the newest message when it was taken", registry=own
        )
        self.inbox_rows = Gauge("kairos_stream_inbox_rows", "facts written down and not looked at yet", registry=own)
        self.reserved = Counter("kairos_stream_reserved", "messages reserved", registry=own)
        self.withdrawn = Counter("kairos_stream_withdrawn", "messages withdrawn before they went", registry=own)
        self.set_aside = Counter(
            "kairos_stream_set_aside", "facts that failed a check, by view and reason", ("view", "reason"), registry=own
        )

    @contextmanager
    def taking(self, arrivals: Sequence[Arrival]) -> Iterator[Taking]:
        """Time the writing of a batch and count what came of it; all come again where it raises."""
        start, outcome = perf_counter(), Taking()
        try:
            yield outcome
        except BaseException:
            for arrival in arrivals:
                self.arrivals.labels(arrival.view, "again").inc()
            raise
        self.take_seconds.observe(perf_counter() - start)
        for arrival, reason in zip(arrivals, outcome.reasons, strict=True):
            self.arrivals.labels(arrival.view, "kept" if reason is None else "dead").inc()
        newest = max((each.published_at for each in arrivals if each.published_at), default=None)
        if newest is not None:
            self.lag_seconds.set(max(0.0, (datetime.now(UTC) - newest).total_seconds()))

    def text(self) -> bytes:
        """The metrics as Prometheus reads them."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)
