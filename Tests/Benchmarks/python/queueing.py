"""The workloads, for any blocking lock. A library says how it makes a lock of a session, and how a round trip is made."""

import time

from protocol import GrantLog, start_all


class Workloads:
    """`library` has session(index), lock(session, path), round_trip(session, path), queue_length(path) and delay."""

    def __init__(self, library):
        self.library = library

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
