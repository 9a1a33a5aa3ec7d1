"""redis-py's Lock as a contender, as it is by default. Usage: redis_contender.py LEASE-MS HOST:PORT"""

import sys

import redis

from protocol import serve
from queueing import Workloads


class Redis:
    """Polls every 100 ms, and whoever asks at the right moment gets it. A lease is not renewed."""

    is_fair = False

    def __init__(self, lease, server):
        self._lease = lease
        self._host, _, port = server.partition(":")
        self._port = int(port)
        self._sessions = {}

    def session(self, index):
        # A pool of connections, as many as threads use at a time.
        if index not in self._sessions:
            self._sessions[index] = redis.Redis(host=self._host, port=self._port)
        return self._sessions[index]

    def lock(self, session, path):
        return session.lock(path, timeout=self._lease)

    def round_trip(self, session, path):
        session.exists(path)


if __name__ == "__main__":
    workloads = Workloads(Redis(int(sys.argv[1]) / 1e3, sys.argv[2]))
    serve(workloads.all())
