"""Runs penstock on a full topic and prints what an event took of it: wall time and CPU.

It is asked over HTTP what it has done, and counts from the first tenth of the events to
the last: starting and stopping are no part of it. The command must listen at ADDRESS.
"""

import os
import re
import subprocess
import sys
import time
import urllib.request

name, events, address, command = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
PREDICTED = re.compile(r'^penstock_events_total\{.*outcome="predicted".*\} (\S+)$', re.MULTILINE)


def predicted():
    """How many events it has predicted; 0 before it listens."""
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
            return sum(float(n) for n in PREDICTED.findall(answer.read().decode()))
    except OSError:
        return 0


def cpu(pid):
    """Seconds of CPU, user and system, that a process has had."""
    with open(f"/proc/{pid}/stat") as stat:
        user, system = stat.read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def reach(child, count):
    """Waits until so many are predicted: how many are, when, and at what CPU."""
    while (done := predicted()) < count:
        if child.poll() is not None:
            sys.exit(f"{command} ended early")
        time.sleep(0.1)  # to answer costs it something, and with drift more
    return done, time.monotonic(), cpu(child.pid)


with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
    first, last = reach(child, events // 10), reach(child, events - events // 10)
    child.terminate()
done, wall, used = (b - a for a, b in zip(first, last))
print(f"{name:36s} {wall:7.2f} s  {done / wall:9.0f} events/s  {used / done * 1e6:6.2f} us CPU an event", flush=True)
