"""Runs a command and prints what it took per event: wall time, CPU (user and system, with its children), peak memory."""

import os
import subprocess
import sys
import time

name, events, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
start = time.monotonic()
child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
wall = time.monotonic() - start
if status:
    sys.exit(f"{command} ended with status {os.waitstatus_to_exitcode(status)}")
cpu = (usage.ru_utime + usage.ru_stime) / events * 1e6
print(f"{name:36s} {wall:7.2f} s  {events / wall:9.0f} events/s  {cpu:6.2f} us CPU an event  {usage.ru_maxrss / 1024:5.0f} MB", flush=True)
