"""Locks of a database. Usage: mariadb_contender.py get_lock|table LEASE-MS HOST:PORT"""

import sys
import threading
import time

import pymysql

from protocol import serve
from queueing import Workloads

# Of statements that wait for each other InnoDB ends one: "try restarting transaction".
_TRY_AGAIN = (1205, 1213)


class Connections:
    """A statement waits in its connection, so each thread that waits needs one of its own; they are kept for the next."""

    def __init__(self, server):
        self._host, _, port = server.partition(":")
        self._port = int(port)
        self._mutex = threading.Lock()
        self._idle = []

    def take(self):
        with self._mutex:
            if self._idle:
                return self._idle.pop()
        return pymysql.connect(host=self._host, port=self._port, user="root", autocommit=True)

    def give_back(self, connection):
        with self._mutex:
            self._idle.append(connection)


def execute(connection, statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


class NamedLock:
    """GET_LOCK: a queue in the server, as long as the connection lives."""

    def __init__(self, connections, path):
        self._connections = connections
        self._path = path

    def acquire(self):
        self._connection = self._connections.take()
        if execute(self._connection, "SELECT GET_LOCK(%s, 3600)", self._path) != ((1,),):
            raise RuntimeError("GET_LOCK did not get it")

    def release(self):
        execute(self._connection, "SELECT RELEASE_LOCK(%s)", self._path)
        self._connections.give_back(self._connection)


class Row:
    """A row for each lock that is held, as Spring's JDBC lock registry has them: tried again every 100 ms, taken over when old."""

    lease = 0.0

    def __init__(self, connections, path):
        self._connections = connections
        self._path = path
        self._owner = f"{threading.get_ident()}-{time.perf_counter_ns()}"

    def acquire(self):
        self._connection = self._connections.take()
        while not self._try():
            time.sleep(0.1)

    def _try(self):
        now = int(1e3 * time.time())
        expires = now + int(1e3 * self.lease)
        try:
            execute(self._connection, "INSERT INTO bench.locks VALUES (%s, %s, %s)", self._path, self._owner, expires)
            return True
        except pymysql.err.IntegrityError:
            # Somebody's row is there.
            self._until_done("DELETE FROM bench.locks WHERE name = %s AND expires < %s", self._path, now)
            return False
        except pymysql.err.OperationalError as error:
            if error.args[0] not in _TRY_AGAIN:
                raise
            return False

    def _until_done(self, statement, *values):
        while True:
            try:
                return execute(self._connection, statement, *values)
            except pymysql.err.OperationalError as error:
                if error.args[0] not in _TRY_AGAIN:
                    raise

    def release(self):
        self._until_done("DELETE FROM bench.locks WHERE name = %s AND owner = %s", self._path, self._owner)
        self._connections.give_back(self._connection)


class MariaDB:
    """A database's locks, by one of the two."""

    is_fair = False

    def __init__(self, kind, lease, server):
        self._connections = Connections(server)
        self._kind = {"get_lock": NamedLock, "table": Row}[kind]
        Row.lease = lease
        connection = self._connections.take()
        execute(connection, "CREATE DATABASE IF NOT EXISTS bench")
        execute(
            connection,
            "CREATE TABLE IF NOT EXISTS bench.locks"
            "(name VARCHAR(64) PRIMARY KEY, owner VARCHAR(64), expires BIGINT) ENGINE = InnoDB",
        )
        self._connections.give_back(connection)

    def session(self, index):
        return self._connections

    def lock(self, session, path):
        return self._kind(session, path)

    def round_trip(self, session, path):
        connection = session.take()
        execute(connection, "SELECT 1")
        session.give_back(connection)


if __name__ == "__main__":
    workloads = Workloads(MariaDB(sys.argv[1], int(sys.argv[2]) / 1e3, sys.argv[3]))
    serve(workloads.all())
