"""NSGA-II over caches: the least work for the best of the worst image."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.callback import Callback
from pymoo.core.problem import Problem
from pymoo.operators.crossover.ux import UX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.optimize import minimize

from .forms import Form
from .runs import Runs


class CacheProblem(Problem):
    """Two objectives of a cache, both to be small: its work, and the negative PSNR of the worst image."""

    def __init__(self, runs: Runs, form: Form) -> None:
        super().__init__(n_var=len(form.low), n_obj=2, xl=form.low, xu=form.high, vtype=int)
        self.runs, self.form = runs, form
        self.known: dict[bytes, float] = {}

    def _evaluate(self, rows: np.ndarray, out: dict[str, Any], *_: Any, **__: Any) -> None:
        out["F"] = np.array([[self.form.work(row), -self.psnr(row)] for row in rows.astype(int)])

    def psnr(self, row: np.ndarray) -> float:
        key = row.astype(int).tobytes()
        if key not in self.known:
            self.known[key] = float(self.runs.distances(self.form.cache(row)).min())
        return self.known[key]


class Progress(Callback):
    """Prints the front of each generation."""

    def notify(self, algorithm: Any) -> None:
        front = sorted((work, -loss) for work, loss in algorithm.opt.get("F"))
        text = "  ".join(f"{work:.2f}:{psnr:.1f}" for work, psnr in front)
        print(f"{time.strftime('%H:%M:%S')} generation {algorithm.n_gen}: {text}", flush=True)


def search(runs: Runs, form: Form, population: int, generations: int, seed: int) -> list[dict[str, Any]]:
    """The front of the last generation: caches of which none is better than another in both respects, by their work."""
    problem = CacheProblem(runs, form)
    algorithm = NSGA2(
        pop_size=population,
        sampling=form.start(population, np.random.default_rng(seed)),
        crossover=UX(),
        mutation=PM(prob=1.0, prob_var=1.5 / len(form.low), eta=3, vtype=float, repair=RoundingRepair()),
        eliminate_duplicates=True,
    )
    found = minimize(problem, algorithm, ("n_gen", generations), seed=seed, callback=Progress())
    front = [
        {"work": round(float(work), 4), "psnr": round(float(-loss), 2), "cache": form.cache(row.astype(int))}
        for row, (work, loss) in zip(found.X, found.F)
    ]
    return sorted(front, key=lambda one: one["work"])
