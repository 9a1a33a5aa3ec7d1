"""kazoo's locks as a worker; ../README.md tells how one is started and what it does."""

import logging
import os
import random
import sys
import threading
import time

from kazoo.client import KazooClient
from kazoo.recipe.lock import Lock

SESSION_TIMEOUT = 10
SESSIONS = 2


class RenamedLock(Lock):
    """kazoo's Lock, named so that Curator and go-zookeeper see it. The two names are kazoo's own affair: a later version may do without them."""

    _NODE_NAME = "-lock-"
    _EXCLUDE_NAMES = ["lock-"]


# What the names of others end with, before the number, by the lock that has to wait for them.
PATTERNS = {"Lock": ["lock-"], "WriteLock": ["lock-", "__READ__", "__WRIT__"], "ReadLock": ["lock-", "__WRIT__"]}


class Worker:
    def __init__(self, name, root, witness, hold, recipe, naming="default"):
        self._name = name
        self._path = f"{root}/lock"
        self._counter = f"{root}/counter"
        self._witness = os.open(witness, os.O_WRONLY | os.O_APPEND)
        self._hold = hold
        self._recipe = recipe
        self._naming = naming

    def run(self, servers, contenders, cycles):
        sessions = [KazooClient(hosts=servers, timeout=SESSION_TIMEOUT) for _ in range(SESSIONS)]
        for session in sessions:
            session.start()
        self._tell_and_await_order("ready")
        threads = [
            threading.Thread(target=self._contend, args=(sessions[number % SESSIONS], number, cycles))
            for number in range(contenders)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # The sessions stay until the queue has been looked at: what was left in it goes with them.
        self._tell_and_await_order("done")
        for session in sessions:
            session.stop()

    def _contend(self, session, number, cycles):
        try:
            for cycle in range(cycles):
                self._cycle(session, writes=(number + cycle) % 3 == 0)
                # So that they do not all come back in the same order.
                time.sleep(random.random() / 100)
        except Exception as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)

    def _cycle(self, session, writes):
        if self._recipe == "semaphore":
            with session.Semaphore(self._path, max_leases=1):
                self._write(session, "-")
        elif self._recipe == "election":
            election = session.Election(self._path)
            election.run(lambda: self._write(session, election.lock.node))
        elif self._recipe == "read-write" and not writes:
            with self._lock(session, "ReadLock") as lock:
                self._read(session, lock.node)
        else:
            with self._lock(session, "Lock" if self._recipe == "lock" else "WriteLock") as lock:
                self._write(session, lock.node)

    def _lock(self, session, kind):
        if self._naming == "renamed":
            lock = RenamedLock(session, self._path)
        else:
            patterns = PATTERNS[kind] if self._naming == "patterns" else []
            lock = getattr(session, kind)(self._path, extra_lock_patterns=patterns)
        return Held(lock)

    def _write(self, session, node):
        """Read, increment, write: an update is lost as soon as somebody else does the same meanwhile."""
        self._tell(f"begin alone {self._name} {node}")
        value = self._value(session)
        self._pause()
        session.set(self._counter, str(value + 1).encode())
        self._tell(f"end alone {self._name} {node} {value} {value + 1}")

    def _read(self, session, node):
        self._tell(f"begin shared {self._name} {node}")
        before = self._value(session)
        self._pause()
        self._tell(f"end shared {self._name} {node} {before} {self._value(session)}")

    def _value(self, session):
        return int(session.get(self._counter)[0])

    def _pause(self):
        if self._hold == "-":
            self._tell_and_await_order("holding")
        else:
            time.sleep(int(self._hold) / 1000)

    def _tell_and_await_order(self, state):
        print(state, flush=True)
        sys.stdin.readline()

    def _tell(self, line):
        # One write, which the system appends as a whole: the order of the lines is that of what happened.
        os.write(self._witness, f"{line}\n".encode())


class Held:
    """A lock in a `with` that gives the lock itself, which kazoo's own does not."""

    def __init__(self, lock):
        self._lock = lock

    def __enter__(self):
        self._lock.acquire()
        return self._lock

    def __exit__(self, *_):
        self._lock.release()


if __name__ == "__main__":
    # Arguments: NAME SERVERS ROOT WITNESS CONTENDERS CYCLES HOLD RECIPE [NAMING]
    logging.disable(logging.CRITICAL)
    name, servers, root, witness, contenders, cycles, *rest = sys.argv[1:]
    Worker(name, root, witness, *rest).run(servers, int(contenders), int(cycles))
