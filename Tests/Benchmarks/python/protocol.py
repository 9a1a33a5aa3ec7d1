"""The coordinator's protocol for contenders in Python: a line of JSON in, a line of JSON out."""

import json
import sys
import threading
import time


class GrantLog:
    """Who was granted the lock, in what order, and how long after the release before."""

    def __init__(self, contenders, limit=None):
        self._mutex = threading.Lock()
        self._limit = limit
        self._begun = 0
        self._is_held = False
        self._released_at = None
        self._by_contender = [0] * contenders
        self._times = []
        self._grants = self._overlaps = self._out_of_order = self._longest_wait = 0
        self.failures = []

    def may_begin(self):
        with self._mutex:
            self._begun += 1
            return self._begun <= self._limit

    def granted(self, contender, entered_at, turn=None):
        now = time.perf_counter_ns()
        with self._mutex:
            if self._is_held:
                self._overlaps += 1
            if turn is not None and turn != self._grants:
                self._out_of_order += 1
            self._is_held = True
            self._grants += 1
            self._by_contender[contender] += 1
            self._longest_wait = max(self._longest_wait, now - entered_at)
            if self._released_at is not None:
                self._times.append(now - self._released_at)

    def releases(self):
        with self._mutex:
            self._is_held = False
            self._released_at = time.perf_counter_ns()

    def answer(self, elapsed):
        if self.failures:
            return {"error": self.failures[0]}
        return {
            "grants": self._grants,
            "overlaps": self._overlaps,
            "out_of_order": self._out_of_order,
            "elapsed_ns": elapsed,
            "longest_wait_ns": self._longest_wait,
            "fewest": min(self._by_contender),
            "most": max(self._by_contender),
            "times_ns": self._times,
        }


def start_all(bodies, log=None):
    """Runs each in a thread of its own; an error of one makes the answer an error."""

    def guarded(body):
        try:
            body()
        except Exception as error:  # whatever it is, the benchmark is void
            if log is None:
                raise
            log.failures.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=guarded, args=(body,), daemon=True) for body in bodies]
    for thread in threads:
        thread.start()
    return threads


def serve(workloads):
    """`workloads` maps names to functions of a request that return an answer."""
    threading.stack_size(256 * 1024)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            perform = workloads.get(request["workload"])
            answer = perform(request) if perform else {"error": "no such workload here"}
        except Exception as error:  # told to the coordinator, which tells the user
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
