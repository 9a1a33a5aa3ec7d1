"""Child processes that never outlive the coordinator."""

import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import time

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def _die_with_parent():
    # Also when the coordinator is killed by kill -9 and can end nothing itself.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(command, log, **options):
    """Starts a process in a group of its own: the terminal's Ctrl-C is for the coordinator, which ends the others."""
    return subprocess.Popen(
        command,
        stderr=log,
        preexec_fn=_die_with_parent,
        start_new_session=True,
        **options,
    )


def end(process, patience=5.0):
    """Ends a process in good order, and by force if that takes long."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_ports(count):
    """Ports of the loopback address that nobody listens on. All are reserved before any is given back."""
    sockets = []
    for _ in range(count):
        reserved = socket.socket()
        reserved.bind(("127.0.0.1", 0))
        sockets.append(reserved)
    ports = [reserved.getsockname()[1] for reserved in sockets]
    for reserved in sockets:
        reserved.close()
    return ports


def until(condition, what, seconds=60.0):
    """Asks again and again until the answer is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)


def accepts(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def bytes_of(pid, ports):
    """What the process has sent to and received from servers on these ports, over the connections it has now."""
    table = subprocess.run(["ss", "-tinpH", "state", "established"], capture_output=True, text=True, check=True).stdout
    total, counts = 0, False
    for line in table.splitlines():
        if line[:1].isspace() and counts:
            fields = dict(field.split(":", 1) for field in line.split() if field.startswith("bytes_"))
            total += int(fields.get("bytes_sent", 0)) + int(fields.get("bytes_received", 0))
        else:
            counts = f"pid={pid}," in line and line.split()[3].rpartition(":")[2] in ports
    return total


class ContenderFailed(Exception):
    """A contender ended, was silent for too long, or said that it failed."""


class Contender:
    """A long-lived program that measures inside itself: a line of JSON in, a line of JSON out."""

    def __init__(self, name, command, log_path, environment=None):
        self.name = name
        self._log_path = log_path
        self._log = open(log_path, "ab")
        self.process = spawn(
            command,
            self._log,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
        )
        self._buffer = b""

    def ask(self, request, timeout):
        """Sends a request and waits for the answer."""
        self.send(request)
        return self.answer(timeout)

    def send(self, request):
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise ContenderFailed(f"{self.name} has ended: {error}{self._last_words()}") from error

    def has_answer(self, timeout):
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            return bool(selector.select(timeout))

    def answer(self, timeout):
        deadline = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise ContenderFailed(f"{self.name} said nothing for {timeout:.0f} s{self._last_words()}")
                chunk = os.read(self.process.stdout.fileno(), 1 << 16)
                if not chunk:
                    raise ContenderFailed(f"{self.name} ended{self._last_words()}")
                self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer = json.loads(line)
        if answer.get("error"):
            raise ContenderFailed(f"{self.name}: {answer['error']}")
        return answer

    def _last_words(self):
        with open(self._log_path, "rb") as log:
            words = log.read()[-600:].decode(errors="replace").strip()
        return f"; it wrote: {words}" if words else ""

    def kill(self):
        """As a crash would."""
        self.process.kill()
        self.process.wait()
        self._log.close()

    def close(self):
        if self.process.poll() is None:
            try:
                self.process.stdin.close()
                self.process.wait(10)
            except (OSError, subprocess.TimeoutExpired):
                end(self.process)
        self._log.close()
