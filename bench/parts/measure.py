"""Runs programs, `width` at once, and reports their times by the operating system's accounting (wait4).

stdin: {"width": 1, "runs": [{"argv": [...], "env": {...}}], "log": "<file>", "share": 0.5}
stdout: {"wall": s, "cpu": s, "cpus": [s, ...], "failed": n}. `wall` is from the first start to the last end. `cpu` is the user and
system time of all processes. `share` limits a program to that share of one CPU, and allows one program at a time.
"""

import json
import os
import signal
import sys
import time

PERIOD = 0.02  # s; as Lambda's and the kernel's bandwidth control go, it is given its CPU in small portions
LOOK = 0.0003  # s


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
        pid, status, usage = throttled(pid, task["share"]) if "share" in task else os.wait4(-1, 0)
        cpus[running.pop(pid)] = usage.ru_utime + usage.ru_stime
        failed += status != 0
    print(json.dumps({"wall": time.monotonic() - began, "cpu": sum(cpus), "cpus": cpus, "failed": failed}))


def throttled(pid, share):
    """Stops the process for the rest of a period when its CPU clock shows that it has used its share.

    Time used beyond the share is subtracted from the next periods. Unused time is not added to them.
    """
    clock = (~pid << 3) | 2  # clock_getcpuclockid(3): of all threads of the process
    debt = 0.0
    while True:
        end = time.monotonic() + PERIOD
        before = cpu_time(clock)
        stopped = False
        while True:
            ended = os.wait4(pid, os.WNOHANG)
            if ended[0] == pid:
                return ended
            had = debt + cpu_time(clock) - before
            if not stopped and had >= share * PERIOD:
                os.kill(pid, signal.SIGSTOP)
                stopped = True
            left = end - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, PERIOD if stopped else LOOK))
        if stopped:
            os.kill(pid, signal.SIGCONT)
        debt = max(0.0, debt + cpu_time(clock) - before - share * PERIOD)
        if debt >= share * PERIOD:
            # The excess is a whole period or more: it stays stopped until less is left.
            os.kill(pid, signal.SIGSTOP)
            while debt >= share * PERIOD:
                time.sleep(PERIOD)
                debt -= share * PERIOD
            os.kill(pid, signal.SIGCONT)


def cpu_time(clock):
    try:
        return time.clock_gettime(clock)
    except OSError:  # it has ended
        return 0.0


main()
