"""A child of a batch that does all that a run does to its directory, and learns nothing: STUB PID run ARGUMENTS...

A key ``name=fail-...`` fails as bad data does, ``name=killed-9`` is killed by signal 9. STUB_REPORT names the report
that a run ends with, STUB_SECONDS how long it takes.
"""

import os
import shutil
import sys
import time
from pathlib import Path

from rnncli.cli.child import end_with
from rnncli.recipe.load import dump
from rnncli.runs import lock
from rnncli.runs.directory import RunDirectory
from rnncli.runs.recipes import load_recipe, with_absolute_places


def opened(arguments: list[str]) -> RunDirectory:
    if arguments[0] == "--resume":
        return RunDirectory.open(Path(arguments[1]))
    recipe = with_absolute_places(load_recipe(arguments[0], arguments[1:-2]))
    if recipe.name.startswith("fail"):
        print("error train.csv: no such file\ntry   name another", file=sys.stderr)
        sys.exit(3)
    if recipe.name.startswith("killed-"):
        print("error of before\nloading torch ...", file=sys.stderr, flush=True)
        os.kill(os.getpid(), int(recipe.name.removeprefix("killed-")))
    return RunDirectory.create(Path(arguments[-1]), "", dump(recipe), {"argv": sys.argv, "watched": "accuracy"})


def main() -> None:
    end_with(int(sys.argv[1]))
    run = opened(sys.argv[3:])
    with lock.held(run.path, "run"):
        run.log(f"begun by {os.getpid()}")
        for step in range(5):
            time.sleep(float(os.environ["STUB_SECONDS"]) / 5)
            run.append_metrics({"epoch": step, "watched": 0.5})
        fresh = run.report.with_name("report.json.new")
        shutil.copy(os.environ["STUB_REPORT"], fresh)
        fresh.replace(run.report)
        run.log("finished, exit code 0")


if __name__ == "__main__":
    main()
