"""Runs programs, `width` at once, and says what they took by the operating system's own accounting (wait4).

stdin: {"width": 1, "runs": [{"argv": [...], "env": {...}}], "log": "<file>"}
stdout: {"wall": s, "cpu": s, "cpus": [s, ...], "failed": n}: wall from the first start to the last end, cpu of all
processes together, user and system, from start to end.
"""

import json
import os
import sys
import time


def main():
    task = json.load(sys.stdin)
    log = os.open(task["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
    waiting = list(enumerate(task["runs"]))[::-1]
    cpus = [0.0] * len(waiting)
    running = {}
    failed = 0
    began = time.monotonic()
    while waiting or running:
        while waiting and len(running) < task["width"]:
            index, run = waiting.pop()
            pid = os.posix_spawn(run["argv"][0], run["argv"], run["env"], file_actions=actions)
            running[pid] = index
        pid, status, usage = os.wait4(-1, 0)
        cpus[running.pop(pid)] = usage.ru_utime + usage.ru_stime
        failed += status != 0
    print(json.dumps({"wall": time.monotonic() - began, "cpu": sum(cpus), "cpus": cpus, "failed": failed}))


main()
