"""Latency against the depth of the queue, and throughput against the number of clients."""

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402 - the backend first: there is no display


def _curves(summary, group, size_of):
    """For each contender the sizes and the figures of one group's workloads."""
    curves = {}
    for name, workload in summary.items():
        size = size_of(name)
        if size is None:
            continue
        for contender, row in workload["contenders"].items():
            if "median" in row:
                curves.setdefault(contender, []).append((size, row))
    return {name: sorted(points, key=lambda point: point[0]) for name, points in curves.items()}


def _size(group):
    def size(name):
        stem, _, number = name.rpartition("-")
        return int(number) if stem == group and number.isdigit() else None

    return size


def _draw(axes, curves, label, title, y_label):
    for name, points in curves.items():
        sizes = [size for size, _ in points]
        emphasis = {"linewidth": 2.5, "color": "black"} if name == "ours" else {"linewidth": 1.3}
        axes.plot(sizes, [row["median"] for _, row in points], marker="o", markersize=4, label=name, **emphasis)
    axes.set(xscale="log", yscale="log", xlabel=label, ylabel=y_label, title=title)
    axes.grid(True, which="both", alpha=0.25)
    axes.legend(fontsize=8)


def draw(summary, stem):
    """Writes what there are figures for; returns the files."""
    files = []
    queues = [("W3a", "a hold of two round trips"), ("W3b", "no hold")]
    queues = [(group, held, _curves(summary, group, _size(group))) for group, held in queues]
    queues = [each for each in queues if each[2]]
    if queues:
        figure, all_axes = pyplot.subplots(1, len(queues), figsize=(6 * len(queues), 4.5), squeeze=False)
        for axes, (group, held, curves) in zip(all_axes[0], queues):
            _draw(axes, curves, "contenders in the queue", f"{group}: hand-over, {held}", "µs from release to grant")
        files.append(_save(figure, f"{stem}-latency-by-depth.png"))
    rates = _curves(summary, "W4", _size("W4"))
    # One size makes no curve.
    if any(len(points) > 1 for points in rates.values()):
        figure, axes = pyplot.subplots(figsize=(6, 4.5))
        _draw(axes, rates, "clients, each with a lock of its own, over one session", "W4: throughput", "cycles a second")
        files.append(_save(figure, f"{stem}-throughput-by-clients.png"))
    return files


def _save(figure, path):
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    return path
