"""Measures one system in a process of its own: a command a line comes in, an answer a line goes out, both JSON.

`make` makes a workload's arrays and function, runs it twice, in which it may compile, and answers the mean size of its
result's numbers; `turn` answers the seconds of single calls, each with the freeing of its result; `drop` forgets them.
"""

import importlib
import json
import os
import sys
import time

import numpy as np

import data


def call(system, run, repeats):
    start = time.perf_counter()
    for _ in range(repeats):
        result = run()
        system.finish(result)
        del result
    return (time.perf_counter() - start) / repeats


def mean(arrays):
    """Of all numbers, integers too, added up as doubles."""
    total = sum(float(np.abs(a).sum(dtype=np.float64)) for a in arrays)
    return total / max(sum(a.size for a in arrays), 1)


def answer(system, state, command):
    match command["do"]:
        case "make":
            run = system.make(command["workload"], data.INPUTS[command["workload"]]())
            if run is None:
                return {}
            result = run()
            system.finish(result)
            found = mean(system.numbers(result))
            del result
            once = min(call(system, run, 1) for _ in range(2))
            state["run"], state["repeats"] = run, int(min(max(1e-3 / max(once, 1e-9), 1), 1e5))
            return {"mean": found}
        case "turn":
            times, end = [], time.perf_counter() + command["seconds"]
            while len(times) < 3 or time.perf_counter() < end:
                call(system, state["run"], 1)
                times.append(call(system, state["run"], state["repeats"]))
            return {"times": times}
        case "drop":
            state.clear()
            return {}


def main():
    name, threads = sys.argv[1], int(sys.argv[2])
    # Libraries that ask for the number of processors find as many.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    out, sys.stdout = sys.stdout, sys.stderr
    system = importlib.import_module(f"with_{name}")
    system.start(threads)
    state = {}
    print(json.dumps({"version": system.VERSION}), file=out, flush=True)
    for line in sys.stdin:
        try:
            reply = answer(system, state, json.loads(line))
        except Exception as error:  # The run goes on without this system.
            text = str(error).strip().splitlines() or [""]
            reply = {"error": f"{type(error).__name__}: {text[0]}"}
        print(json.dumps(reply), file=out, flush=True)


if __name__ == "__main__":
    main()
