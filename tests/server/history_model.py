"""What a report means, said a second time and in another way, for tests to compare with.

The server keeps periods and changes them. This model keeps the known moments themselves, in order, and of each run of
one version only its first and its last moment: what lies between is not known any more. A history is read off by
joining the runs.

That a component is gone is a moment like any other, of the version `GONE`; nobody is shown its runs.
"""

from __future__ import annotations

from itertools import groupby

Moment = tuple[int, str]

GONE = ""


class HistoryModel:
    def __init__(self) -> None:
        self.moments: list[Moment] = []
        #: whether a report fell between two moments of another version's run
        self.has_split = False
        #: whether two versions were reported for one moment
        self.has_tie = False

    def report(self, at: int, version: str) -> None:
        if any(known == version and first <= at <= last for known, first, last in self.history()):
            return
        self.has_tie |= any(moment == at for moment, _ in self.moments)
        places = [
            place
            for place in range(len(self.moments) + 1)
            if all(moment <= at for moment, _ in self.moments[:place])
            and all(moment >= at for moment, _ in self.moments[place:])
        ]
        self.moments.insert(self._choose(places, version), (at, version))
        self._forget_inner_moments()

    def shown(self) -> list[tuple[str, int, int, int | None]]:
        """Each period of a version as (version, first, last, the start of what follows)."""
        runs = self.history()
        ends = [*(first for _, first, _ in runs[1:]), None]
        return [(*run, end) for run, end in zip(runs, ends, strict=False) if run[0] != GONE]

    def history(self) -> list[tuple[str, int, int]]:
        """Each period as (version, first, last)."""
        runs = [list(run) for _, run in groupby(self.moments, key=lambda moment: moment[1])]
        return [(run[0][1], run[0][0], run[-1][0]) for run in runs]

    def _choose(self, places: list[int], version: str) -> int:
        """Beside the same version, or else where no run is parted, or else where only one place is left."""
        beside = [p for p in places if version in self._around(p)]
        apart = [p for p in places if len(set(self._around(p))) == len(self._around(p))]
        if not beside and not apart:
            self.has_split = True
        return beside[0] if beside else apart[-1] if apart else places[-1]

    def _around(self, place: int) -> list[str]:
        return [version for _, version in self.moments[max(place - 1, 0) : place + 1]]

    def _forget_inner_moments(self) -> None:
        runs = [list(run) for _, run in groupby(self.moments, key=lambda moment: moment[1])]
        self.moments = [moment for run in runs for moment in ([run[0], run[-1]] if len(run) > 1 else run)]
