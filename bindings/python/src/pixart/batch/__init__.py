"""Many images of a file of prompts: `pixart batch prompts.jsonl --out DIR`, in one process or on a Ray cluster.

summary = pixart.batch.run_batch("prompts.jsonl", "images", pixart.batch.in_one_process, model=model, ...)
"""

from ._command import add_arguments, run
from ._one_process import in_one_process
from ._requests import BadLines
from ._run import Summary, run_batch

__all__ = ["BadLines", "Summary", "add_arguments", "in_one_process", "run", "run_batch"]
