"""Measures two behaviours of the local AWS from inside, because from outside only a clock would show them. Prints them as
JSON, with all patches and without any.

Environment: PYTHONPATH with testkit/local-aws.
"""

import json
import queue

import emulator  # noqa: F401  registers the patches
import ministack.core.lambda_runtime as runtime
import ministack.services.secretsmanager as sm
import ministack.services.tagging as tagging
import patches
from ministack.core.responses import get_account_id, get_region

MANY = 1_000


def secrets_looked_at() -> dict:
    """Counts the secrets that a search passes for an ARN, for an unused name, and for the tags of an ARN."""
    arns = []
    for index in range(MANY):
        arn = f"arn:aws:secretsmanager:{get_region()}:{get_account_id()}:secret:web-{index}-AbCdEf"
        sm._secrets[f"web-{index}"] = {"Name": f"web-{index}", "ARN": arn, "Tags": [], "Versions": {}}
        arns.append(arn)
    walked = 0

    def counted(walk):
        def counting(self, *args):
            nonlocal walked
            for each in walk(self, *args):
                walked += 1
                yield each

        return counting

    kind = type(sm._secrets)
    plain = {name: getattr(kind, name) for name in ("items", "values", "__iter__")}
    for name, walk in plain.items():
        setattr(kind, name, counted(walk))
    found = {}
    for what, look in (
        ("arn", lambda: sm._resolve(arns[-1])),
        ("free name", lambda: sm._resolve("nothing")),
        ("tags", lambda: tagging.resource_tags(arns[-1])),
    ):
        walked = 0
        look()
        found[what] = walked
    for name, walk in plain.items():
        setattr(kind, name, walk)
    return found


def log_of_a_slow_pipe() -> str:
    """Returns the log of an invocation whose second line comes after a pause."""

    class SlowPipe:
        left = ["first", None, f"second{patches.functions._END_OF_LOG}"]

        def get(self, timeout: float) -> str:
            line = self.left.pop(0)
            if line is None:
                raise queue.Empty
            return line

        def get_nowait(self) -> str:
            if self.left[0] is None:
                raise queue.Empty
            return self.left.pop(0)

    worker = object.__new__(runtime.Worker)
    worker.config = {"Runtime": "nodejs24.x"}
    worker._proc = object()
    worker._stderr_queue = SlowPipe()
    return runtime.Worker._drain_stderr_bounded(worker)


def measured() -> dict:
    return {"lookup": secrets_looked_at(), "log": log_of_a_slow_pipe()}


without = measured()
patches.apply_all("")
print(json.dumps({"withPatches": measured(), "without": without}))
