"""One process of a campaign: runs the seeds that it is given, and prints what came of each as a line of JSON."""

import gc
import json
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

from tests.simulation import mutations
from tests.simulation.commits import tell_of_commit
from tests.simulation.story import tell
from tests.simulation.universe import Run

_LONGEST_CAUSE = 3_000


def report(found: Run, again: Run | None) -> dict[str, Any]:
    """Return what is told of a seed; ``again`` is the second run of one that failed."""
    return {
        "seed": found.seed,
        "error": None if found.error is None else _cause(found.error),
        "steps": found.steps,
        "virtual_seconds": round(found.virtual_seconds, 1),
        "seconds": round(found.seconds, 1),
        "value": found.value,
        "digest": found.digest,
        "is_repeatable": again is None or again.digest == found.digest,
    }


def _cause(error: BaseException) -> str:
    """Return the traceback of the first error, without the frames of the loop."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    said = "".join(traceback.format_exception_only(error))[:_LONGEST_CAUSE]
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "simloom" not in frame.filename]
    return "".join(traceback.format_list(ours[-6:])) + said


def work(seeds: Sequence[int], story: Callable[[int], Run], mutation: str) -> None:
    """Run seeds, with a safeguard switched off where a mutation is named."""
    switched = mutations.ALL[mutation]() if mutation else nullcontext()
    with switched:
        for seed in seeds:
            gc.freeze()
            found = story(seed)
            again = story(seed) if found.error and not mutation else None
            print(json.dumps(report(found, again)), flush=True)


def main() -> None:
    """Do what the campaign's one argument says."""
    options = json.loads(sys.argv[1])
    if not os.environ.get("SIMULATION_LOG"):
        logging.disable(logging.CRITICAL)
        warnings.simplefilter("ignore")
        sys.unraisablehook = lambda _: None
    else:
        logging.basicConfig(level=os.environ["SIMULATION_LOG"], stream=sys.stderr, format="%(name)s: %(message)s")
    story = tell_of_commit if options["commits"] else partial(tell, only=options["only"])
    work(options["seeds"], story, options["mutation"])
    sys.stdout.flush()
    os._exit(0)  # what was killed in a simulation stays as it was: nothing of it may be cleaned up


if __name__ == "__main__":
    main()
