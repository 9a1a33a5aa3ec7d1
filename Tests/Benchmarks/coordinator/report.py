"""The table, and the file for programs."""

import json
import os
import platform

from . import contenders, figures, targets


def summarise(bench, workloads):
    """For each workload and contender: figures, and the ratios of the rounds."""
    summary = {}
    for workload in workloads:
        answers = bench.results.get(workload.name, {})
        per_round = {name: {number: workload.figure(answer) for number, answer in rounds.items()} for name, rounds in answers.items()}
        rows = {}
        for entry in bench.entries:
            name = entry.name
            if name not in per_round:
                reason = bench.problems.get((workload.name, name))
                if reason:
                    rows[name] = {"missing": reason}
                continue
            times = [time for answer in answers[name].values() for time in answer.get("times_ns") or []]
            row = {
                "median": figures.median(per_round[name].values()),
                "rounds": per_round[name],
            }
            if times:
                row["p50_us"] = figures.median(times) / 1e3
                row["p99_us"] = figures.quantile(times, 0.99) / 1e3
            more = {}
            for unit, figure in workload.also:
                more[unit] = figures.median([figure(answer) for answer in answers[name].values()])
            if more:
                row["also"] = more
            waits = [answer["longest_wait_ns"] for answer in answers[name].values() if answer.get("longest_wait_ns")]
            if waits:
                row["longest_wait_ms"] = max(waits) / 1e6
            shares = [(answer["fewest"], answer["most"]) for answer in answers[name].values() if answer.get("most") and workload.request.get("workload") == "contend"]
            if shares:
                row["fewest_grants"], row["most_grants"] = (min(low for low, _ in shares), max(high for _, high in shares))
            ours, theirs = per_round.get(contenders.OURS, {}), per_round[name]
            if name in workload.with_tail:
                ours, theirs = (
                    {number: workload.tail_figure(answer) for number, answer in answers.get(side, {}).items()}
                    for side in (contenders.OURS, name)
                )
                row["median_with_tail"] = figures.median(theirs.values())
            ratios = figures.ratios(ours, theirs)
            if ratios and name != contenders.OURS:
                row["ratio_quartiles"] = figures.quartiles(ratios)
            reason = bench.problems.get((workload.name, name))
            if reason:
                row["ended_early"] = reason
            rows[name] = row
        floor = rows.get("floor-fast", {}).get("ratio_quartiles")
        for name, row in rows.items():
            if "ratio_quartiles" in row:
                verdict = targets.met(workload.name, name, row["ratio_quartiles"][1], floor and floor[1])
                if verdict is not None:
                    row["target"] = targets.ALL[workload.name][name].text()
                    row["met"] = verdict
        summary[workload.name] = {"title": workload.title, "unit": workload.unit, "contenders": rows}
    return summary


def _number(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}" if abs(value) >= 1 else f"{value:.3f}"


def table(summary, checks):
    """One table for people."""
    head = f"{'':18}{'median':>11}{'p99 µs':>11}   {'ours/it [quartiles]':26}{'target':>9}"
    lines = [head]
    for workload in summary.values():
        if not workload["contenders"]:
            continue
        lines += ["", f"{workload['title']} ({workload['unit']})"]
        for name, row in workload["contenders"].items():
            if "missing" in row:
                lines.append(f"  {name:16}not run: {row['missing']}")
                continue
            ratio = row.get("ratio_quartiles")
            spread = f"{ratio[1]:.2f} [{ratio[0]:.2f} – {ratio[2]:.2f}]" if ratio else ""
            target = row.get("target", "")
            verdict = {True: "  met", False: "  NOT MET", None: ""}[row.get("met")]
            lines.append(
                f"  {name:16}{_number(row['median']):>11}{_number(row.get('p99_us')):>11}   {spread:26}{target:>9}{verdict}".rstrip()
            )
            notes = [f"{_number(value)} {unit}" for unit, value in row.get("also", {}).items() if value]
            if "median_with_tail" in row:
                notes.append(f"{_number(row['median_with_tail'])} {workload['unit']} with the slowest tenth, as in the ratio")
            if row.get("most_grants", 0) > 0 and "fewest_grants" in row:
                notes.append(f"a contender had {row['fewest_grants']} to {row['most_grants']} grants of a round")
            if notes:
                lines.append(f"  {'':16}{', '.join(notes)}")
            if "ended_early" in row:
                lines.append(f"  {'':16}ended early: {row['ended_early']}")
    if checks:
        lines += ["", "across workloads"]
        for check in checks:
            lines.append(f"  {check['target']}: {_number(check['value'])}  {'met' if check['met'] else 'NOT MET'}")
    lines += ["", "* or 1.05 times the C floor of this run, where that is looser"]
    return "\n".join(lines)


def markdown(document):
    """The targets beside what was measured, for the README."""
    machine = document["machine"]
    lines = [
        f"`{document['command']}`, {document['when'][:10]}, {machine['cores']} cores ({machine['processor']}), load average "
        f"{machine['load_average'][0]:.0f}; {', '.join(f'{name} {text}' for name, text in document['versions'].items())}.",
        "",
        "| workload | ours | against | theirs | target | ratio [quartiles] | |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, workload in document["workloads"].items():
        ours = workload["contenders"].get(contenders.OURS, {})
        for peer, row in workload["contenders"].items():
            if "target" not in row:
                continue
            low, middle, high = row["ratio_quartiles"]
            lines.append(
                f"| {name} | {_number(ours['median'])} {workload['unit']} | {peer} "
                f"| {_number(row.get('median_with_tail', row['median']))} | {row['target']} "
                f"| {middle:.2f} [{low:.2f} – {high:.2f}] | {'met' if row['met'] else 'not met'} |"
            )
    lines.append("")
    for check in document["across"]:
        lines.append(f"- {check['target']}: {_number(check['value'])}, {'met' if check['met'] else 'not met'}")
    return "\n".join(lines) + "\n"


def machine():
    model = ""
    try:
        with open("/proc/cpuinfo") as file:
            model = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        pass
    return {
        "system": platform.platform(),
        "processor": model,
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
    }


def write(stem, document):
    """Writes both files; returns their names."""
    with open(f"{stem}.json", "w") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
    with open(f"{stem}.md", "w") as file:
        file.write(markdown(document))
    return [f"{stem}.json", f"{stem}.md"]
