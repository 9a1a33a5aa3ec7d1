"""What is measured. Each workload is a request to a contender, and one figure made of the answer."""

from dataclasses import dataclass, field

from .figures import median, trimmed_mean


def _median(answer):
    return median(answer["times_ns"]) / 1e3


def _mean(answer):
    return trimmed_mean(answer["times_ns"]) / 1e3


def _whole_mean(answer):
    times = answer["times_ns"]
    return sum(times) / len(times) / 1e3


def _rate(answer):
    return answer["grants"] / answer["elapsed_ns"] * 1e9


def _longest_wait(answer):
    return answer["longest_wait_ns"] / 1e6


def _bytes_per_waiter(answer):
    return answer["rss_bytes"] / answer["waiters"]


def _idle_cpu(answer):
    """Of one core, for each waiter, or for each lock where nobody waits."""
    return answer["idle_cpu_ns"] / answer["idle_elapsed_ns"] / (answer["waiters"] or answer["grants"]) * 1e6


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
    # "rounds": by one long-lived process for each contender. "fresh": by a new process in each round. "crash", "allocations"
    # and "instructions": see `Bench`.
    kind: str = "rounds"
    # More figures of the same answers: name, figure, unit.
    also: tuple = ()
    # Against whom the slow ones count, too: where waiters sleep and ask again, what that costs is in the slowest tenth.
    with_tail: tuple = ()
    tail_figure: object = _whole_mean
    # What is other in a quick run.
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
        with_tail=("redis", "mariadb-table"),
        timeout=300.0 if depth >= 1000 else 60.0,
        warm_up=(2, 1) if depth <= 100 else (1, 0) if depth <= 1000 else (0, 0),
    )


def _locks(count, rounds):
    return Workload(
        f"W4-{count}", "W4", f"W4 {count} lock{'s' if count > 1 else ''} over one session",
        {"workload": "cycle", "locks": count, "cycles": 1600 // count if count < 16 else 25},
        _rate, "cycles/s", rounds, warm_up=(3, 1) if count == 64 else (1, 0), is_rate=True, scale={"cycles": 20},
    )


ALL = [
    Workload(
        "W1", "W1", "W1 a free lock: acquire and release", {"workload": "cycle", "locks": 1, "cycles": 400},
        _median, "µs p50", (24, 12), warm_up=(6, 2), scale={"cycles": 120},
    ),
    Workload(
        "W1-background", "W1-background", "W1 with a release in the background, where there is one",
        {"workload": "cycle", "locks": 1, "cycles": 400, "release": "background"},
        _median, "µs p50", (24, 10), warm_up=(3, 1), scale={"cycles": 120},
    ),
    Workload(
        "W2", "W2", "W2 eight sessions on one lock", {"workload": "contend", "contenders": 8, "sessions": 8, "grants": 400},
        _mean, "µs/hand-over", (20, 10), with_tail=("redis", "mariadb-table"), also=(("grants/s", _rate),), warm_up=(3, 1), scale={"grants": 80},
    ),
    _chain("W3a", 10, 2, (24, 8)),
    _chain("W3a", 100, 2, (14, 6)),
    _chain("W3a", 1000, 2, (6, 0)),
    _chain("W3a", 5000, 2, (2, 0)),
    _chain("W3b", 10, 0, (24, 8)),
    _chain("W3b", 100, 0, (14, 6)),
    _chain("W3b", 1000, 0, (6, 0)),
    _chain("W3b", 5000, 0, (2, 0)),
    _locks(64, (16, 6)),
    _locks(16, (6, 0)),
    _locks(4, (6, 0)),
    _locks(1, (6, 0)),
    Workload(
        "W5-waiters", "W5", "W5 memory of the client process for each of many waiters, in 100 queues over eight sessions",
        {"workload": "idle", "locks": 100, "waiters": 10_000, "sessions": 8, "seconds": 10},
        _bytes_per_waiter, "bytes", (1, 1), warm_up=(0, 0), kind="fresh", timeout=300,
        also=(("millionths of a core for each", _idle_cpu),), scale={"waiters": 500, "seconds": 1},
    ),
    Workload(
        "W5-held", "W5", "W5 idle held locks, over eight sessions",
        {"workload": "idle", "locks": 1_000, "waiters": 0, "sessions": 8, "seconds": 10},
        _idle_cpu, "millionths of a core for each", (2, 0), warm_up=(0, 0), kind="fresh", timeout=120,
    ),
    Workload(
        "W6", "W6", "W6 64 tasks of one process on one lock, over one session",
        {"workload": "contend", "contenders": 64, "sessions": 1, "grants": 1_000},
        _rate, "grants/s", (12, 6), is_rate=True, also=(("ms longest wait", _longest_wait),), scale={"grants": 150},
    ),
    Workload(
        "W7", "W7", "W7 from kill -9 of the holder to the next grant, with a session or lease of 4 s",
        {}, lambda answer: answer["seconds"], "s", (5, 1), kind="crash", timeout=30,
    ),
    Workload(
        "W8-1", "W8", "W8 traffic for each acquire and release of a free lock",
        {"workload": "cycle", "locks": 1, "cycles": 300},
        lambda answer: answer["bytes"] / answer["grants"], "bytes", (3, 1), warm_up=(1, 1), timeout=60,
        also=(("requests", lambda answer: answer["requests"] / answer["grants"]),),
    ),
    Workload(
        "W8-100", "W8", "W8 traffic for each acquire and release in a queue of 100, over eight sessions",
        {"workload": "contend", "contenders": 101, "sessions": 8, "grants": 1_000},
        lambda answer: answer["bytes"] / answer["grants"], "bytes", (3, 1), warm_up=(1, 0), timeout=120,
        also=(("requests", lambda answer: answer["requests"] / answer["grants"]),), scale={"grants": 500},
    ),
    Workload(
        "W10", "W10", "W10 as W6, in turns within the process",
        {"workload": "contend", "contenders": 64, "sessions": 1, "grants": 100_000, "max_consecutive": 100},
        _rate, "grants/s", (6, 3), warm_up=(2, 1), is_rate=True, also=(("ms longest wait", _longest_wait),),
    ),
    Workload(
        "W11", "W11", "W11 a lock that this process had last, with ours lingering",
        {"workload": "cycle", "locks": 1, "cycles": 2_000, "max_consecutive": 100, "linger_ms": 60},
        _median, "µs p50", (6, 3), warm_up=(2, 1), scale={"cycles": 400},
    ),
    Workload(
        "W9", "W9", "W9 allocations for each acquire and release of a free lock, the C client's included",
        {"workload": "cycle", "locks": 1, "cycles": 1_000},
        lambda answer: answer["allocations"], "allocations", (2, 1), warm_up=(0, 0), kind="allocations",
    ),
    Workload(
        "W9-instructions", "W9", "W9 instructions for each acquire and release of a free lock, the C client's included",
        {"workload": "cycle", "locks": 1, "cycles": 300},
        lambda answer: answer["instructions"], "instructions", (1, 1), warm_up=(0, 0), kind="instructions", timeout=120,
    ),
    Workload(
        "W9-contended", "W9", "W9 instructions for each acquire and release of eight sessions on one lock",
        {"workload": "contend", "contenders": 8, "sessions": 8, "grants": 300},
        lambda answer: answer["instructions"], "instructions", (1, 1), warm_up=(0, 0), kind="instructions", timeout=120,
    ),
]
