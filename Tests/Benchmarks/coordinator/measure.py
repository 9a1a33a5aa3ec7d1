"""Rounds: in each, every contender does the same piece of work once, one after the other."""

import os
import sys
import time

from . import contenders, processes

SESSION_TIMEOUT_MS = 20_000


class Failed(Exception):
    """A result that cannot be believed."""


def check(entry, workload, request, answer, creates):
    """The work was done, all of it, by one at a time, and in turn; a program that does less is not quick."""
    kind = request["workload"]
    expected = {
        "cycle": request.get("locks", 1) * request.get("cycles", 0),
        "contend": request.get("grants", 0),
        "chain": request.get("depth", 0) + 1,
    }[kind]
    if answer["grants"] != expected:
        raise Failed(f"{answer['grants']} grants, not {expected}")
    if answer["overlaps"]:
        raise Failed(f"{answer['overlaps']} grants while the lock was held")
    if answer["out_of_order"]:
        raise Failed(f"{answer['out_of_order']} grants out of turn")
    if creates is not None and creates < expected:
        raise Failed(f"{expected} grants, yet the server saw {creates} entries")


class Witness:
    """Asks the servers themselves what was done: by a client that no contender knows of."""

    def __init__(self, address):
        from kazoo.client import KazooClient

        self._client = KazooClient(hosts=address, timeout=20)
        self._client.start()

    def entries(self, path, locks):
        """How many znodes were ever made below a lock's paths, and how many are there."""
        made = left = 0
        for name in [path] if locks == 1 else [f"{path}-{number}" for number in range(locks)]:
            # What a follower says may be old.
            self._client.sync(name)
            stat = self._client.exists(name)
            if stat:
                # A server tells of twice the creates, less the children that are there.
                made += (stat.cversion + stat.numChildren) // 2
                left += stat.numChildren
        return made, left

    def close(self):
        self._client.stop()
        self._client.close()


class Bench:
    """The contenders that are there, and what they have answered."""

    def __init__(self, entries, environment, directory, quick):
        self.entries = entries
        self.environment = environment
        self.directory = directory
        self.quick = quick
        self.running = {}
        self.results = {}
        self.problems = {}

    def contender(self, entry):
        if entry.name not in self.running:
            self.running[entry.name] = self.start(entry, entry.name)
        return self.running[entry.name]

    def start(self, entry, label, timeout_ms=SESSION_TIMEOUT_MS):
        addresses = self.environment[entry.server].addresses
        log = os.path.join(self.directory, f"{label}.log")
        return processes.Contender(entry.name, [*entry.command, str(timeout_ms), *addresses], log)

    def drop(self, entry):
        contender = self.running.pop(entry.name, None)
        if contender:
            contender.kill()

    def able(self, workload):
        for entry in self.entries:
            reason = entry.missing or entry.cannot.get(workload.name) or entry.cannot.get(workload.group)
            if reason:
                self.problems.setdefault((workload.name, entry.name), reason)
            elif (workload.name, entry.name) not in self.problems:
                yield entry

    def run(self, workload):
        rounds = workload.rounds[self.quick]
        warm_up = workload.warm_up[self.quick]
        if not rounds:
            return
        begin = time.monotonic()
        for number in range(-warm_up, rounds):
            for entry in self.in_turn(list(self.able(workload)), number):
                try:
                    answer = self.piece(entry, workload)
                except (processes.ContenderFailed, Failed) as problem:
                    self.problems[workload.name, entry.name] = str(problem)
                    self.drop(entry)
                    print(f"{workload.name}, {entry.name}: {problem}", file=sys.stderr, flush=True)
                    continue
                if number >= 0:
                    self.results.setdefault(workload.name, {}).setdefault(entry.name, {})[number] = answer
        print(f"{workload.name}: {rounds} rounds in {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)

    @staticmethod
    def in_turn(entries, number):
        """Nobody is always the first, or always behind the same one's left-overs."""
        if not entries:
            return []
        shift = number % len(entries)
        turned = entries[shift:] + entries[:shift]
        return turned if number // len(entries) % 2 == 0 else turned[::-1]

    def piece(self, entry, workload):
        request = {**workload.requested(self.quick), "path": f"/bench/{entry.name}/{workload.name}"}
        contender = self.contender(entry)
        witness = self.environment.get("witness") if entry.server == "zookeeper" else None
        locks = request.get("locks", 1)
        before = witness.entries(request["path"], locks)[0] if witness else 0
        answer = contender.ask(request, workload.timeout)
        creates = None
        if witness:
            made, left = witness.entries(request["path"], locks)
            creates = made - before
            if left:
                # The last one's release may be on its way.
                processes.until(lambda: witness.entries(request["path"], locks)[1] == 0, "the queue is empty", 10)
        check(entry, workload, request, answer, creates)
        return answer

    def close(self):
        for contender in self.running.values():
            contender.close()
