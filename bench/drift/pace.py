"""Copies JSON lines of events with other times, as if PER_SECOND of them came each second.

    python3 pace.py PER_SECOND < events.jsonl > paced.jsonl
"""

import re
import sys
from datetime import datetime, timedelta

TIME = re.compile(r'"event_time":"([^"]+)"')
per_second = int(sys.argv[1])
first = None
for number, line in enumerate(sys.stdin):
    match = TIME.search(line)
    first = first or datetime.fromisoformat(match[1])
    at = first + timedelta(milliseconds=number * 1000 // per_second)
    text = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    sys.stdout.write(line[: match.start(1)] + text + line[match.end(1) :])
