"""kazoo as a contender. Usage: kazoo_contender.py SESSION-TIMEOUT-MS HOST:PORT..."""

import logging
import sys

from kazoo.client import KazooClient

from protocol import serve
from queueing import Workloads


class Kazoo:
    """kazoo's Lock."""

    is_fair = True

    def __init__(self, timeout, servers):
        self._timeout = timeout
        self._servers = servers
        self._sessions = []

    def session(self, index):
        while len(self._sessions) <= index:
            server = self._servers[len(self._sessions) % len(self._servers)]
            client = KazooClient(hosts=server, timeout=self._timeout)
            client.start()
            self._sessions.append(client)
        return self._sessions[index]

    def lock(self, session, path):
        return session.Lock(path)

    def round_trip(self, session, path):
        session.exists(path)

    def queue_length(self, path):
        stat = self.session(0).exists(path)
        return stat.numChildren if stat else 0


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    workloads = Workloads(Kazoo(int(sys.argv[1]) / 1e3, sys.argv[2:]))
    serve(workloads.all())
