"""Rounds: in each, every contender does the same piece of work once, one after the other."""

import dataclasses
import os
import re
import sys
import time

from . import contenders, processes

SESSION_TIMEOUT_MS = 20_000
# Two ticks of the servers: as little as they agree to.
CRASH_TIMEOUT_MS = 4_000
# How long all workloads may take together, in a full run and in a quick one, unless one round of each takes longer.
ALL_SECONDS = (2400, 150)
# A contender that has taken so long for one workload, in a full run and in a quick one, is left out of its later rounds.
PATIENCE_SECONDS = (60, 2)


def say(text):
    print(text, file=sys.stderr, flush=True)


class Failed(Exception):
    """A result that cannot be believed."""


def check(entry, workload, request, answer, creates):
    """The work was done, all of it, by one at a time, and in turn; a program that does less is not quick."""
    expected = {
        "idle": request.get("locks", 0) + request.get("waiters", 0),
        "cycle": request.get("locks", 1) * request.get("cycles", 0),
        "contend": request.get("grants", 0),
        "chain": request.get("depth", 0) + 1,
    }[request["workload"]]
    if answer["grants"] != expected:
        raise Failed(f"{answer['grants']} grants, not {expected}")
    if answer.get("overlaps"):
        raise Failed(f"{answer['overlaps']} grants while the lock was held")
    if answer.get("out_of_order"):
        raise Failed(f"{answer['out_of_order']} grants out of turn")
    # Those who take turns in memory need not enter each time.
    if creates is not None and creates < (1 if "max_consecutive" in request else expected):
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
        self.spent = {}

    def contender(self, entry):
        if entry.name not in self.running:
            self.running[entry.name] = self.start(entry, entry.name)
        return self.running[entry.name]

    def start(self, entry, label, timeout_ms=SESSION_TIMEOUT_MS, environment=None):
        addresses = self.environment[entry.server].addresses
        log = os.path.join(self.directory, f"{label}.log")
        return processes.Contender(entry.name, [*entry.command, str(timeout_ms), *addresses], log, environment)

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

    def run(self, workload, seconds):
        """Measures one workload. When `seconds` are over, after one round at the least, there is no other."""
        rounds = workload.rounds[self.quick]
        warm_up = workload.warm_up[self.quick]
        if not rounds:
            return
        begin = time.monotonic()
        special = {"crash": self.crash_round, "allocations": self.allocation_round, "instructions": self.instruction_round}
        one_round = special.get(workload.kind, self.round)
        done = 0
        for number in range(-warm_up, rounds):
            elapsed = time.monotonic() - begin
            if number < -1 and elapsed > seconds / 3:
                continue
            if done and elapsed > seconds:
                break
            answers = one_round(workload, number)
            if number >= 0:
                done += 1
                for name, answer in answers.items():
                    self.results.setdefault(workload.name, {}).setdefault(name, {})[number] = answer
        say(f"{workload.name}: {done} rounds in {time.monotonic() - begin:.0f} s")

    def round(self, workload, number):
        answers = {}
        for entry in self.in_turn(list(self.able(workload)), number):
            # Nothing there gets warm, and those that poll take their time.
            if number < 0 and entry.server not in ("zookeeper", "etcd"):
                continue
            begin, key = time.monotonic(), (workload.name, entry.name)
            is_slow = self.spent.get(key, 0) > PATIENCE_SECONDS[self.quick]
            if is_slow and entry.name != contenders.OURS:
                continue
            try:
                answers[entry.name] = self.piece(entry, workload)
                if number >= 0:
                    self.spent[key] = self.spent.get(key, 0) + time.monotonic() - begin
            except (processes.ContenderFailed, Failed) as problem:
                self.fails(workload, entry, problem)
        return answers

    def fails(self, workload, entry, problem):
        self.problems[workload.name, entry.name] = str(problem)
        self.drop(entry)
        say(f"{workload.name}, {entry.name}: {problem}")

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
        is_fresh = workload.kind == "fresh"
        contender = self.start(entry, f"{entry.name}-{workload.name}") if is_fresh else self.contender(entry)
        witness = self.environment.get("witness") if entry.server == "zookeeper" else None
        locks = 0 if request["workload"] == "idle" else request.get("locks", 1)
        try:
            before = witness.entries(request["path"], locks)[0] if witness else 0
            if workload.group == "W8":
                answer = self.ask_and_count(entry, contender, request, workload.timeout)
            else:
                answer = contender.ask(request, workload.timeout)
        finally:
            if is_fresh:
                contender.close()
        creates = None
        if witness and locks:
            creates = witness.entries(request["path"], locks)[0] - before
            # The last one's release may be on its way.
            processes.until(lambda: witness.entries(request["path"], locks)[1] == 0, "the queue is empty", 10)
        check(entry, workload, request, answer, creates)
        answer["waiters"] = request.get("waiters", 0)
        return answer

    def ask_and_count(self, entry, contender, request, timeout):
        """With the traffic that it makes, less the pings and renewals of everybody's sessions in that time."""
        marks = [(time.monotonic(), *self.traffic(entry, contender))]
        time.sleep(1)
        marks.append((time.monotonic(), *self.traffic(entry, contender)))
        answer = contender.ask(request, timeout)
        marks.append((time.monotonic(), *self.traffic(entry, contender)))
        (idle, *upkeep), (busy, *traffic) = ([new - old for new, old in zip(after, before)] for before, after in zip(marks, marks[1:]))
        answer["requests"], answer["bytes"] = (all_of_it - rest * busy / idle for all_of_it, rest in zip(traffic, upkeep))
        return answer

    def traffic(self, entry, contender):
        """Requests that the servers have had from all clients, and bytes between them and this contender."""
        server = self.environment[entry.server]
        ports = [address.rpartition(":")[2] for address in server.addresses]
        requests = server.requests() if hasattr(server, "requests") else 0
        return requests, processes.bytes_of(contender.process.pid, ports)

    def allocation_round(self, workload, number):
        """By a library that counts them, in a process of its own. What one request costs more than a smaller one is counted, so
        that connecting, reading requests and writing answers are not."""
        answers = {}
        request = workload.requested(self.quick)
        for entry in self.able(workload):
            path = os.path.join(self.directory, f"{entry.name}-allocations")
            with open(path, "wb") as file:
                file.write(bytes(8))
            try:
                library = contenders.build_interposer(self.directory)
                environment = {"LD_PRELOAD": library, "ALLOCATIONS_FILE": path}
                contender = self.start(entry, f"{entry.name}-W9", environment=environment)
                counts = []
                for cycles in (request["cycles"], request["cycles"], 3 * request["cycles"]):
                    whole = {**request, "cycles": cycles, "path": f"/bench/{entry.name}/W9"}
                    before = self.allocations(path)
                    answer = contender.ask(whole, workload.timeout)
                    check(entry, workload, whole, answer, None)
                    counts.append(self.allocations(path) - before)
                contender.close()
                if not counts[0]:
                    raise Failed("no allocation was seen")
                answers[entry.name] = {"allocations": (counts[2] - counts[1]) / (2 * request["cycles"]), "grants": 1}
            except (processes.ContenderFailed, contenders.Missing, Failed) as problem:
                self.fails(workload, entry, problem)
        return answers

    def instruction_round(self, workload, number):
        """By valgrind, which runs one thread at a time: the same on every machine, and on a busy one. As with allocations, what more
        work costs is counted, here by two processes."""
        answers = {}
        request = workload.requested(self.quick)
        unit = "cycles" if "cycles" in request else "grants"
        for entry in self.able(workload):
            try:
                contenders.install("valgrind")
                counts = []
                for times in (1, 4):
                    log = os.path.join(self.directory, f"{entry.name}-{workload.name}-{times}")
                    wrapped = dataclasses.replace(
                        entry,
                        command=["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={log}", *entry.command],
                    )
                    contender = self.start(wrapped, f"{entry.name}-{workload.name}")
                    whole = {**request, unit: times * request[unit], "path": f"/bench/{entry.name}/{workload.name}"}
                    answer = contender.ask(whole, workload.timeout)
                    check(entry, workload, whole, answer, None)
                    contender.close()
                    counts.append(self.collected(log))
                answers[entry.name] = {"instructions": (counts[1] - counts[0]) / (3 * request[unit]), "grants": 1}
            except (processes.ContenderFailed, contenders.Missing, Failed) as problem:
                self.fails(workload, entry, problem)
        return answers

    @staticmethod
    def collected(log):
        with open(log, errors="replace") as file:
            found = re.findall(r"Collected : (\d+)", file.read())
        if not found:
            raise Failed("valgrind did not say what it counted")
        return int(found[-1])

    @staticmethod
    def allocations(path):
        with open(path, "rb") as file:
            return int.from_bytes(file.read(8), sys.byteorder)

    def crash_round(self, workload, number):
        """All contenders at a time, since what takes time is that their servers wait."""
        pairs, answers = {}, {}
        try:
            for entry in self.able(workload):
                path = f"/bench/{entry.name}/W7-{number}"
                try:
                    pair = [self.start(entry, f"{entry.name}-W7-{role}", CRASH_TIMEOUT_MS) for role in ("holds", "waits")]
                    pairs[entry.name] = (entry, *pair)
                    pair[0].ask({"workload": "hold", "path": path}, workload.timeout)
                    pair[1].send({"workload": "wait", "path": path})
                except processes.ContenderFailed as problem:
                    self.fails(workload, entry, problem)
            # All of them stand in their queues.
            time.sleep(1)
            killed = {}
            for name, (entry, holder, waiter) in pairs.items():
                if waiter.has_answer(0):
                    self.fails(workload, entry, "granted while the lock was held")
                    continue
                holder.kill()
                killed[name] = time.monotonic()
            while killed.keys() - answers.keys():
                for name in killed.keys() - answers.keys():
                    entry, _, waiter = pairs[name]
                    try:
                        if waiter.has_answer(0.0005):
                            waiter.answer(1)
                            answers[name] = {"seconds": time.monotonic() - killed[name], "grants": 1}
                        elif time.monotonic() - killed[name] > workload.timeout:
                            raise processes.ContenderFailed(f"not granted within {workload.timeout:.0f} s")
                    except processes.ContenderFailed as problem:
                        self.fails(workload, entry, problem)
                        del killed[name]
        finally:
            for _, *pair in pairs.values():
                for contender in pair:
                    contender.kill()
        return answers

    def close(self):
        for contender in self.running.values():
            contender.close()
