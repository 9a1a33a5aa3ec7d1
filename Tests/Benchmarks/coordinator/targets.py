"""What the ratios ours/theirs are to be: see the README."""

from dataclasses import dataclass


@dataclass
class Target:
    limit: float
    at_least: bool = False
    # The limit may also be met as 1.05 times the C floor of the same run, where that is looser: nobody's protocol can do less.
    or_floor: bool = False

    def text(self):
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}{'*' if self.or_floor else ''}"


_HAND_OVER = {"floor-fast": Target(1.15), "go-zookeeper": Target(0.70), "curator": Target(0.45)}

ALL = {
    "W1": {
        "floor-fast": Target(1.05),
        "go-zookeeper": Target(0.85, or_floor=True),
        "curator": Target(0.72, or_floor=True),
        "kazoo": Target(0.40, or_floor=True),
        "etcd": Target(0.85, or_floor=True),
    },
    "W1-background": {
        "floor-fast": Target(0.60),
        "go-zookeeper": Target(1),
        "curator": Target(1),
        "kazoo": Target(1),
        "etcd": Target(1),
    },
    "W2": _HAND_OVER,
    **{f"W3a-{depth}": dict(_HAND_OVER) for depth in (10, 100, 1000, 5000)},
    **{f"W3b-{depth}": {"floor-safe": Target(1.05)} for depth in (10, 100, 1000)},
    "W3b-5000": {"floor-safe": Target(0.5)},
    "W4-64": {"floor-fast": Target(0.95, at_least=True), "curator": Target(1.2, at_least=True)},
}
ALL["W3a-100"]["redis"] = Target(0.1)
ALL["W11"] = {"floor-fast": Target(0.01)}


# What is nearly the same on every machine, and may not grow unnoticed: a tenth more than the most that was measured.
GUARDED = {
    "W9": ("allocations for an acquire and release of a free lock", 90),
    "W9-instructions": ("instructions for the same", 130_000),
    "W9-contended": ("instructions, of eight sessions on one lock", 375_000),
}


def met(workload, peer, ratio, floor_ratio):
    """Whether the target is met, or `None` where there is none."""
    target = ALL.get(workload, {}).get(peer)
    if target is None:
        return None
    if target.at_least:
        return ratio >= target.limit
    return ratio <= target.limit or (target.or_floor and floor_ratio is not None and floor_ratio <= 1.05)


def across(summary, ours="ours"):
    """Targets that are no ratio of one workload: what is asked for, what it is, whether that is met."""

    def row(workload, name=ours):
        found = summary.get(workload, {}).get("contenders", {}).get(name, {})
        return found if "median" in found else None

    checks = []

    def check(text, value, is_met):
        checks.append({"target": text, "value": value, "met": is_met})

    deep, flat = row("W3a-5000"), row("W3a-10")
    if deep and flat:
        ratio = deep["median"] / flat["median"]
        check("W3a depth 5,000 over depth 10, ≤ 1.15", ratio, ratio <= 1.15)
    if waiters := row("W5-waiters"):
        check("W5 bytes for each waiting acquire, ≤ 4,096", waiters["median"], waiters["median"] <= 4096)
        others = [row("W5-waiters", peer) for peer in ("curator", "go-zookeeper", "kazoo", "etcd")]
        others = [other["median"] for other in others if other]
        if others:
            check("W5 the least of a peer, to be above ours", min(others), waiters["median"] < min(others))
    within, between = row("W6"), row("W2")
    if within and between:
        ratio = within["median"] / between["also"]["grants/s"]
        check("W6 grants a second over those of W2, ≥ 2", ratio, ratio >= 2)
    if within and (turns := row("W10")):
        ratio = turns["median"] / within["median"]
        check("W10 grants a second over those of W6, ≥ 50", ratio, ratio >= 50)
    if within and (redis := row("W6", "redis")):
        ratio = within["longest_wait_ms"] / redis["longest_wait_ms"]
        check("W6 longest wait over that with Redis, < 1", ratio, ratio < 1)
    if queue := row("W8-100"):
        requests = queue["also"]["requests"]
        check("W8 requests for a contended acquire and release, ≤ 7", requests, requests <= 7.05)
        others = [row("W8-100", peer) for peer in ("curator", "go-zookeeper", "kazoo")]
        others = [other["median"] for other in others if other]
        if others:
            check("W8 the least bytes of a ZooKeeper peer, to be above ours", min(others), queue["median"] < min(others))
    if free := row("W8-1"):
        requests = free["also"]["requests"]
        check("W8 requests for an acquire and release of a free lock, ≤ 4", requests, requests <= 4.05)
    for workload, (text, limit) in GUARDED.items():
        if counted := row(workload):
            check(f"W9 {text}, ≤ {limit:,}", counted["median"], counted["median"] <= limit)
    return checks
