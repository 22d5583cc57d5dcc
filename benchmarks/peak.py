"""Runs a command; prints, as JSON, its seconds and the peak of its memory. Imports nothing heavy: see `race.py`."""

import json
import resource
import subprocess
import sys
import time

began = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=sys.stderr, check=False).returncode
seconds = time.perf_counter() - began
peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # of the command and what it waited for
print(json.dumps({"seconds": seconds, "peak_mib": peak_kib / 1024}))
sys.exit(code)
