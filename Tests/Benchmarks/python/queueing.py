"""The workloads, for any blocking lock. A library says how it makes a lock of a session, and how a round trip is made."""

import gc
import resource
import time

from protocol import GrantLog, start_all


class Workloads:
    """`library` has session(index), lock(session, path), round_trip(session, path), queue_length(path) and delay."""

    def __init__(self, library):
        self.library = library
        self._kept = []

    def all(self):
        return {
            "cycle": self.cycle,
            "contend": self.contend,
            "chain": self.chain,
            "idle": self.idle,
            "hold": self.take,
            "wait": self.take,
        }

    def cycle(self, request):
        """Locks that nobody else wants, over one session."""
        library, session = self.library, self.library.session(0)
        count, cycles = request.get("locks", 1), request.get("cycles", 100)
        paths = [request["path"]] if count == 1 else [f"{request['path']}-{number}" for number in range(count)]
        times = []
        log = GrantLog(1)

        def body(path):
            own = []
            for _ in range(cycles):
                begin = time.perf_counter_ns()
                lock = library.lock(session, path)
                lock.acquire()
                lock.release()
                own.append(time.perf_counter_ns() - begin)
            times.extend(own)

        for path in paths:
            lock = library.lock(session, path)
            lock.acquire()
            lock.release()
        begin = time.perf_counter_ns()
        if count == 1:
            body(paths[0])
        else:
            for thread in start_all([lambda path=path: body(path) for path in paths], log):
                thread.join()
        elapsed = time.perf_counter_ns() - begin
        return {**log.answer(elapsed), "grants": len(times), "times_ns": times}

    def contend(self, request):
        """Threads that all want one lock, again and again."""
        library, path = self.library, request["path"]
        count, sessions = request.get("contenders", 8), request.get("sessions", 8)
        log = GrantLog(count, request.get("grants", 100))
        all_sessions = [library.session(number) for number in range(sessions)]

        def body(number):
            session = all_sessions[number % sessions]
            while log.may_begin():
                begin = time.perf_counter_ns()
                lock = library.lock(session, path)
                lock.acquire()
                log.granted(number, begin)
                log.releases()
                lock.release()

        begin = time.perf_counter_ns()
        for thread in start_all([lambda number=number: body(number) for number in range(count)], log):
            thread.join()
        return log.answer(time.perf_counter_ns() - begin)

    def chain(self, request):
        """A queue that is released as a chain."""
        library, path, depth = self.library, request["path"], request.get("depth", 10)
        sessions = [library.session(number) for number in range(request.get("sessions", 8))]
        trips = request.get("round_trips", 0)
        log = GrantLog(depth + 1)
        head = library.lock(sessions[0], path)
        head.acquire()
        log.granted(0, time.perf_counter_ns(), 0)

        def body(number):
            session = sessions[number % len(sessions)]
            begin = time.perf_counter_ns()
            lock = library.lock(session, path)
            lock.acquire()
            log.granted(number, begin, number if library.is_fair else None)
            for _ in range(trips):
                library.round_trip(session, path)
            log.releases()
            lock.release()

        threads = []
        for number in range(1, depth + 1):
            threads += start_all([lambda number=number: body(number)], log)
            if library.is_fair:
                # One by one, so that the order is known.
                while library.queue_length(path) <= number and not log.failures:
                    time.sleep(0)
        time.sleep(request.get("settle_ms", 300) / 1e3)
        begin = time.perf_counter_ns()
        log.releases()
        head.release()
        for thread in threads:
            thread.join()
        return log.answer(time.perf_counter_ns() - begin)

    def idle(self, request):
        """Queues in which nothing happens: the memory that the waiters take, and the CPU time."""
        library, locks, waiters = self.library, request.get("locks", 1), request.get("waiters", 0)
        sessions = [library.session(number) for number in range(request.get("sessions", 8))]
        paths = [f"{request['path']}-{number}" for number in range(locks)]
        heads = [library.lock(sessions[number % len(sessions)], path) for number, path in enumerate(paths)]
        for head in heads:
            head.acquire()
        gc.collect()
        before = resident_bytes()
        log = GrantLog(1)
        granted = []

        def body(number):
            lock = library.lock(sessions[number % len(sessions)], paths[number % locks])
            lock.acquire()
            granted.append(number)
            lock.release()

        threads = []
        for number in range(waiters):
            threads += start_all([lambda number=number: body(number)], log)
            if number >= 64:
                # So many requests at a time, no more.
                older = number - 64
                self._await_length(paths[older % locks], older // locks + 2, log)
        for path in paths:
            self._await_length(path, waiters // locks + 1, log)
        time.sleep(1)
        gc.collect()
        answer = {"rss_bytes": resident_bytes() - before, "grants": locks + waiters}
        begin, used = time.perf_counter_ns(), time.process_time_ns()
        time.sleep(request.get("seconds", 5))
        answer["idle_cpu_ns"] = time.process_time_ns() - used
        answer["idle_elapsed_ns"] = time.perf_counter_ns() - begin
        for head in heads:
            head.release()
        for thread in threads:
            thread.join()
        if log.failures or len(granted) != waiters:
            return {"error": log.failures[0] if log.failures else "not everybody was granted a lock"}
        return answer

    def _await_length(self, path, length, log):
        while self.library.queue_length(path) < length and not log.failures:
            time.sleep(0)

    def take(self, request):
        """One lock, taken and kept until the process ends."""
        lock = self.library.lock(self.library.session(0), request["path"])
        lock.acquire()
        self._kept.append(lock)
        return {"grants": 1}


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
