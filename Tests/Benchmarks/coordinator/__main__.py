"""The command line of ./run."""

import argparse
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time

from . import contenders, measure, plots, report, servers, targets, workloads
from .measure import say


def arguments():
    groups = list(dict.fromkeys(workload.group for workload in workloads.ALL))
    parser = argparse.ArgumentParser(prog="Tests/Benchmarks/run", description="This package and its peers, side by side.")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller rounds, in less than three minutes")
    parser.add_argument("--ensemble", action="store_true", help="three servers that sync every write, instead of one that does not")
    parser.add_argument(
        "--counters", action="store_true",
        help="only what is counted and not timed, beside the C floor; fails when a limit is passed",
    )
    parser.add_argument("--peers", metavar="LIST", help=f"of {','.join(e.name for e in contenders.ALL[1:])}; default: all")
    parser.add_argument("--workloads", metavar="LIST", help=f"of {','.join(groups)}, or one such as W3a-100; default: all")
    parser.add_argument("--output", metavar="DIR", default=os.path.join(contenders.HERE, "results"), help="where results go")
    options = parser.parse_args()
    if options.counters:
        options.quick = True
        options.peers = options.peers or "floor-fast"
        options.workloads = options.workloads or "W8,W9"
    options.peers = chosen(parser, options.peers, {entry.name: [entry] for entry in contenders.ALL[1:]}, "peer")
    options.peers.insert(0, contenders.ALL[0])
    names = {workload.name: [workload] for workload in workloads.ALL}
    for group in groups:
        names[group] = [workload for workload in workloads.ALL if workload.group == group]
    options.workloads = chosen(parser, options.workloads, names, "workload")
    return options


def chosen(parser, text, known, what):
    """The named ones, in their usual order."""
    everything = [item for items in known.values() for item in items]
    if text is None:
        wanted = everything
    else:
        wanted = []
        for name in text.split(","):
            if name not in known:
                parser.error(f"no {what} '{name}'; there are: {', '.join(known)}")
            wanted += known[name]
    seen = {id(item): item for item in everything if any(item is other for other in wanted)}
    return list(seen.values())


def main():
    options = arguments()
    # Whatever ends this program, what it started is ended on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        # Neither the dynamic linker's list of libraries nor MariaDB's installer can cope with a space in a path.
        scratch = contenders.scratch()
        directory = tempfile.mkdtemp(prefix="run-", dir=None if " " in scratch else scratch)
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        for entry in options.peers:
            entry.prepare()
            if entry.missing:
                say(f"{entry.name} is missing: {entry.missing}")
        ours = options.peers[0]
        if ours.missing:
            sys.exit(f"there is nothing to compare: {ours.missing}")
        say(f"installed and built in {time.monotonic() - began:.0f} s")
        began = time.monotonic()
        environment = servers.start(stack, directory, options.peers, ensemble=options.ensemble)
        environment["witness"] = stack.enter_context(contextlib.closing(measure.Witness(environment["zookeeper"].addresses[0])))
        bench = measure.Bench(options.peers, environment, directory, options.quick)
        stack.callback(bench.close)
        wanted = [workload for workload in options.workloads if workload.rounds[options.quick]]
        if options.ensemble:
            # What does not depend on the servers is left to a run with one.
            wanted = [workload for workload in wanted if workload.group not in ("W5", "W9")]
        for index, workload in enumerate(wanted):
            left = measure.ALL_SECONDS[options.quick] - (time.monotonic() - began)
            bench.run(workload, left / (len(wanted) - index))
        summary = report.summarise(bench, wanted)
        checks = targets.across(summary)
        took = time.monotonic() - began
        document = {
            "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "command": " ".join(["Tests/Benchmarks/run", *sys.argv[1:]]),
            "seconds": round(took),
            "machine": report.machine(),
            "versions": {name: server.version for name, server in environment.items() if hasattr(server, "version")},
            "workloads": summary,
            "across": checks,
        }
        os.makedirs(options.output, exist_ok=True)
        stem = ("ensemble" if options.ensemble else "one-server") + ("-counters" if options.counters else "-quick" if options.quick else "")
        stem = os.path.join(options.output, stem)
        files = report.write(stem, document) + plots.draw(summary, stem)
    print(report.table(summary, checks))
    say(f"\nmeasured in {took:.0f} s; written: {' '.join(files)}")
    if options.counters:
        failed = [check["target"] for check in checks if not check["met"]]
        missing = {workload.name for workload in wanted} - {name for name, row in summary.items() if contenders.OURS in row["contenders"] and "median" in row["contenders"][contenders.OURS]}
        if failed or missing:
            sys.exit(f"not met: {'; '.join(failed + [f'{name} was not measured' for name in sorted(missing)])}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
