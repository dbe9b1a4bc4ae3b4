"""compare.py ENGINE ENGINE_JSON [--full]: residual and parameter gradient of the same networks at the same points by
the engine, JAX and PyTorch, measured in turn; best mode of each peer. Ratios are printed, and written into ENGINE_JSON
as jax_ratio and torch_ratio (of rows/s by the clock) and jax_processor_ratio and torch_processor_ratio (of rows a second
of processors' time, which other users of the machine do not enter) of the cases that it has."""

import json
import os
import statistics
import subprocess
import sys
import tempfile

ROUNDS = 5
SECONDS = 0.4
TOLERANCE = {"double": 1e-9, "single": 1e-3}  # of loss and gradient
HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = ("jax", "torch")
CASES = [
    (plan, 64, 3, 4096, precision)
    for plan in ("laplacian-2d", "laplacian-10d", "kdv", "biharmonic-2d")
    for precision in ("double", "single")
]
FULL = [("laplacian-100d", 64, 3, 1024, "double")] + [
    (plan, width, 3, 4096, "double")
    for plan in ("laplacian-2d", "laplacian-10d", "kdv", "biharmonic-2d")
    for width in (32, 128)
]


class Worker:
    """A process that answers each line with a line."""

    def __init__(self, command):
        environment = dict(os.environ, OMP_WAIT_POLICY="passive", CUDA_VISIBLE_DEVICES="")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.process.args[-1]} ended without an answer to: {' '.join(map(str, words))}")
        return json.loads(line)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def agreeing(name, case, modes):
    """The modes that compute what the engine does; the others are told."""
    good = []
    for mode, answer in modes.items():
        if "failed" in answer:
            print(f"  {name} {mode}: {answer['failed']}")
        elif max(answer["loss_error"], answer["gradient_error"]) > TOLERANCE[case[4]]:
            print(f"  {name} {mode}: differs, loss {answer['loss_error']:.1e} gradient {answer['gradient_error']:.1e}")
        else:
            good.append(mode)
    return good


def compare(case, workers, folder):
    """{peer: {mode: (ratio by the clock, ratio by processors' time, rows/s)}} and the engine's rows/s."""
    path = os.path.join(folder, "case")
    sizes = workers["engine"].ask("case", *case, "residual+gradient", path)
    runs = [("engine", None)]
    for name in PEERS:
        answer = workers[name].ask("case", *case, path, sizes["parameters"], sizes["dimension"])
        runs += [(name, mode) for mode in agreeing(name, case, answer["modes"])]
    rates = {run: [] for run in runs}
    for _ in range(ROUNDS):
        for name, mode in runs:
            words = ("measure", SECONDS) if mode is None else ("measure", mode, SECONDS)
            rates[name, mode].append(workers[name].ask(*words))
    engine = rates.pop(("engine", None))
    result = {name: {} for name in PEERS}
    for (name, mode), peer in rates.items():
        result[name][mode] = tuple(
            statistics.median(ours[key] / theirs[key] for ours, theirs in zip(engine, peer))
            for key in ("rows_per_second", "rows_per_processor_second")
        ) + (statistics.median(theirs["rows_per_second"] for theirs in peer),)
    return statistics.median(ours["rows_per_second"] for ours in engine), result


def merge(path, ratios):
    """Adds the ratios to the objects of the same case."""
    with open(path) as file:
        objects = json.load(file)
    for entry in objects:
        case = tuple(entry[key] for key in ("plan", "width", "depth", "points", "precision"))
        if entry["operation"] == "residual+gradient" and case in ratios:
            entry.update(ratios[case])
    with open(path, "w") as file:
        file.write("[\n" + ",\n".join("  " + json.dumps(entry) for entry in objects) + "\n]\n")


def main():
    engine, path = sys.argv[1:3]
    cases = CASES + (FULL if "--full" in sys.argv[3:] else [])
    workers = {"engine": Worker([engine, "--worker"])}
    for name in PEERS:
        workers[name] = Worker([sys.executable, "-W", "ignore", os.path.join(HERE, f"peer_{name}.py")])
    ratios = {}
    print("\nresidual+gradient: the engine's rows/s over a peer's, by the clock and by processors' time")
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            rate, result = compare(case, workers, folder)
            print("%s, width %d, depth %d, %d points, %s: %.4g rows/s" % (*case, rate))
            ratios[case] = {}
            for name, modes in result.items():
                for mode, (clock, processor, theirs) in sorted(modes.items(), key=lambda item: item[1][0]):
                    print(f"  {name:5} {mode:30} {clock:7.2f} {processor:7.2f}   {theirs:10.4g} rows/s", flush=True)
                if modes:
                    ratios[case][f"{name}_ratio"] = round(min(clock for clock, _, _ in modes.values()), 3)
                    ratios[case][f"{name}_processor_ratio"] = round(min(cpu for _, cpu, _ in modes.values()), 3)
    for worker in workers.values():
        worker.end()
    merge(path, ratios)


main()
