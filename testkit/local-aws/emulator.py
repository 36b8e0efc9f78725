"""Starts ministack with the patches that make it behave as AWS does (patches/). Run by ministack.ts with the environment's own Python.

Environment: ministack's own variables; EMULATOR_WITHOUT (see patches/__init__.py); EMULATOR_JOURNAL, EMULATOR_REQUESTS and
EMULATOR_EVERY_CALL, the optional files for journal.py, asked.py and every_call.py; EMULATOR_FOLDER, its temporary folder. With
EMULATOR_FOLDER it ends when its standard input ends, and deletes the folder. So nothing is left after its parent process, even if that was killed.
"""

import functools
import os
import shutil
import signal
import sys
import threading

import asked
import every_call
import journal
import patches
import patches.acm
import patches.alarms
import patches.cloudformation
import patches.dashboards
import patches.functions
import patches.iam
import patches.kms
import patches.limits
import patches.message_moves
import patches.rotation
import patches.route53
import patches.secret_lists
import patches.secrets
import patches.secrets_encrypted
import patches.targets
import patches.topics  # noqa: F401  each module adds its patches to the table


def _end_with_starter(folder: str) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)  # the whole group, including the Lambda workers


def _parse_policies_once() -> None:
    """ministack reads the policies of the caller for every call. It would parse them each time, which is a tenth of a call's work."""
    from ministack.core import iam_evaluator

    parse = iam_evaluator.parse_policy_document
    parse_text = functools.lru_cache(maxsize=1024)(parse)
    iam_evaluator.parse_policy_document = lambda document: parse_text(document) if isinstance(document, str) else parse(document)


def main() -> None:
    _parse_policies_once()
    patches.apply_all(os.environ.get("EMULATOR_WITHOUT", ""))
    if os.environ.get("EMULATOR_JOURNAL"):
        journal.write_to(os.environ["EMULATOR_JOURNAL"])
    if os.environ.get("EMULATOR_REQUESTS"):
        asked.write_to(os.environ["EMULATOR_REQUESTS"])
    if os.environ.get("EMULATOR_EVERY_CALL"):
        every_call.write_to(os.environ["EMULATOR_EVERY_CALL"])
    folder = os.environ.pop("EMULATOR_FOLDER", "")
    if folder:
        threading.Thread(target=_end_with_starter, args=(folder,), daemon=True).start()
    from ministack.app import main as serve
    from ministack.core import lambda_runtime
    from ministack.services import scheduler

    scheduler._SCHEDULE_TICK_INTERVAL = 1  # seconds between two checks for due schedules (ministack: 10; AWS is precise to a minute)
    try:
        serve()
    finally:
        lambda_runtime.reset()  # ends and reaps the workers of the Lambdas


if __name__ == "__main__":
    main()
