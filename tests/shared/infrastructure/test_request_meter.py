"""Our own meter tells Prometheus what its client's counter and histogram would tell."""

import re

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from shared.web.metrics import RequestMeter

BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SECONDS = st.one_of(st.sampled_from(BOUNDS_S), st.integers(0, 64 * 20).map(lambda n: n / 64))
ANSWERS = st.lists(
    st.tuples(
        st.sampled_from(["GET", "POST"]), st.sampled_from(["/a", "/b"]), st.sampled_from([200, 404]), SECONDS
    )
)


def by_the_client(answers: list[tuple[str, str, int, float]]) -> CollectorRegistry:
    registry, labels = CollectorRegistry(), ("method", "route", "status")
    requests = Counter("recleak_http_requests", "Requests answered.", labels, registry=registry)
    times = Histogram(
        "recleak_http_request_seconds",
        "Seconds from the request to the end of its answer.",
        labels[:2],
        buckets=BOUNDS_S,
        registry=registry,
    )
    for method, route, status, seconds in answers:
        requests.labels(method, route, str(status)).inc()
        times.labels(method, route).observe(seconds)
    return registry


def lines(registry: CollectorRegistry) -> dict[str, float]:
    said = generate_latest(registry).decode()
    found = dict(line.rsplit(" ", 1) for line in said.splitlines() if not re.match(r"#|\w+_created", line))
    return {name: round(float(value), 9) for name, value in found.items()}  # addends come in another order


@given(ANSWERS)
def test_counts_times_and_buckets_are_those_of_the_client(answers: list[tuple[str, str, int, float]]) -> None:
    registry, meter = CollectorRegistry(), RequestMeter()
    registry.register(meter)
    for answer in answers:
        meter.observe(*answer)

    assert lines(registry) == lines(by_the_client(answers))
