"""What the peers share: the requests that they serve, and the case that the engine wrote.

A peer answers requests from standard input, one a line, by one JSON object a line, as the engine's worker does:

  case PLAN WIDTH DEPTH POINTS PRECISION FILE PARAMETERS DIMENSION
      builds every mode on the parameters and points of FILE and compares loss and gradient with those in it:
      {"modes": {MODE: {"loss_error": relative, "gradient_error": relative, "failed": why}}}
  measure MODE SECONDS
      {"rows_per_second": by the clock, "rows_per_processor_second": of all threads together}
"""

import json
import sys
import time

import numpy as np


class Case:
    """theta, points and the engine's loss and gradient, as float64 arrays."""

    def __init__(self, plan, width, depth, precision, path, n_param, n_point, dim):
        data = np.fromfile(path)
        self.plan, self.width, self.depth, self.precision = plan, width, depth, precision
        self.dim = dim
        self.theta, data = data[:n_param], data[n_param:]
        self.points, data = data[: n_point * dim].reshape(n_point, dim), data[n_point * dim :]
        self.loss, self.gradient = data[0], data[1:]

    def layers(self):
        """[(W [n_out][n_in], b [n_out])] in the engine's order."""
        sizes = [self.dim] + [self.width] * self.depth + [1]
        layers, at = [], 0
        for n_in, n_out in zip(sizes[:-1], sizes[1:]):
            w = self.theta[at : at + n_in * n_out].reshape(n_out, n_in)
            at += n_in * n_out
            layers.append((w, self.theta[at : at + n_out]))
            at += n_out
        return layers


def compare(case, loss, gradient):
    """Relative errors of a loss and of a gradient, which comes as [(W, b)]."""
    flat = np.concatenate([np.asarray(a, dtype=np.float64).ravel() for layer in gradient for a in layer])
    return {
        "loss_error": float(abs(loss - case.loss) / abs(case.loss)),
        "gradient_error": float(np.linalg.norm(flat - case.gradient) / np.linalg.norm(case.gradient)),
    }


def measure(step, n_point, seconds):
    """Runs step() for about so many seconds."""
    start = time.perf_counter()
    step()
    once = time.perf_counter() - start
    repeats = max(1, round(seconds / once))
    start, processor = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        step()
    elapsed, processor = time.perf_counter() - start, time.process_time() - processor
    return {
        "rows_per_second": n_point * repeats / elapsed,
        "rows_per_processor_second": n_point * repeats / processor,
    }


def serve(build):
    """build(case) returns {mode: make}; make() returns step and result: step() evaluates once,
    result(step()) is (loss, [(W, b) of the gradient])."""
    steps, case = {}, None
    for line in sys.stdin:
        words = line.split()
        if words[0] == "case":
            plan, width, depth, points, precision, path, n_param, dim = words[1:]
            case = Case(plan, int(width), int(depth), precision, path, int(n_param), int(points), int(dim))
            steps, answer = {}, {}
            for mode, make in build(case).items():
                try:
                    step, result = make()
                    answer[mode] = compare(case, *result(step()))
                    steps[mode] = step
                except Exception as error:  # a mode that fails is reported, the others go on
                    answer[mode] = {"failed": f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"}
            print(json.dumps({"modes": answer}), flush=True)
        else:
            step = steps[words[1]]
            print(json.dumps(measure(step, len(case.points), float(words[2]))), flush=True)
