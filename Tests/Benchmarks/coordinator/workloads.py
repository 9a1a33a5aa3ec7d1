"""What is measured. Each workload is a request to a contender, and one figure made of the answer."""

from dataclasses import dataclass, field

from .figures import median, trimmed_mean


def _median(answer):
    return median(answer["times_ns"]) / 1e3


def _mean(answer):
    return trimmed_mean(answer["times_ns"]) / 1e3


def _rate(answer):
    return answer["grants"] / answer["elapsed_ns"] * 1e9


@dataclass
class Workload:
    """`rounds` and `warm_up` are for a full run and for a quick one."""

    name: str
    group: str
    title: str
    request: dict
    figure: object
    unit: str
    rounds: tuple
    warm_up: tuple = (2, 1)
    # A larger figure is better.
    is_rate: bool = False
    timeout: float = 60.0
    kind: str = "rounds"
    scale: dict = field(default_factory=dict)

    def requested(self, quick):
        return {**self.request, **(self.scale if quick else {})}


def _chain(label, depth, trips, rounds):
    held = "a hold of two round trips" if trips else "no hold"
    return Workload(
        f"{label}-{depth}",
        label,
        f"{label} a queue of {depth:,}, {held}",
        {"workload": "chain", "depth": depth, "sessions": 8, "round_trips": trips, "settle_ms": 50 if depth <= 100 else 300},
        _mean,
        "µs/hand-over",
        rounds,
        timeout=300.0 if depth >= 1000 else 60.0,
        warm_up=(2, 1) if depth <= 100 else (1, 0),
    )


def _locks(count, rounds):
    return Workload(
        f"W4-{count}", "W4", f"W4 {count} lock{'s' if count > 1 else ''} over one session",
        {"workload": "cycle", "locks": count, "cycles": 1600 // count if count < 16 else 25},
        _rate, "cycles/s", rounds, warm_up=(3, 2) if count == 64 else (1, 0), is_rate=True, scale={"cycles": 15},
    )


ALL = [
    Workload(
        "W1", "W1", "W1 a free lock: acquire and release", {"workload": "cycle", "locks": 1, "cycles": 400},
        _median, "µs p50", (24, 10), warm_up=(6, 3), scale={"cycles": 250},
    ),
    Workload(
        "W2", "W2", "W2 eight sessions on one lock", {"workload": "contend", "contenders": 8, "sessions": 8, "grants": 400},
        _mean, "µs/hand-over", (20, 8), warm_up=(3, 2), scale={"grants": 250},
    ),
    _chain("W3a", 10, 2, (24, 8)),
    _chain("W3a", 100, 2, (14, 6)),
    _chain("W3a", 1000, 2, (6, 2)),
    _chain("W3a", 5000, 2, (3, 0)),
    _chain("W3b", 10, 0, (24, 8)),
    _chain("W3b", 100, 0, (14, 6)),
    _chain("W3b", 1000, 0, (6, 2)),
    _chain("W3b", 5000, 0, (3, 0)),
    _locks(64, (16, 6)),
    _locks(16, (6, 0)),
    _locks(4, (6, 0)),
    _locks(1, (6, 0)),
]
