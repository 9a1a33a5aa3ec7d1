"""Medians, quartiles, ratios."""

import math


def quantile(values, share):
    """The value below which so large a share of them lies, interpolated."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def median(values):
    return quantile(values, 0.5)


def quartiles(values):
    return quantile(values, 0.25), quantile(values, 0.5), quantile(values, 0.75)


def ratios(ours, theirs):
    """Round by round, so that what slows both down does not count. Rounds that one of them has not are left out."""
    return [ours[round_] / theirs[round_] for round_ in sorted(ours.keys() & theirs.keys()) if theirs[round_]]


def trimmed_mean(values):
    """The mean of all but the slowest tenth. On a machine that others use a few of the values are some other program's time
    slice; a path that is taken once in a while still counts, as it would not in a median."""
    ordered = sorted(values)
    kept = ordered[: max(1, math.ceil(0.9 * len(ordered)))]
    return sum(kept) / len(kept)
