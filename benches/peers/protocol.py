"""The protocol of `cargo xtask bench peers`: one command on each line, answered by one line of JSON."""

import json
import sys


def serve(commands):
    """Answers each line with the result of the function of that name, until the input ends."""
    for line in sys.stdin:
        print(json.dumps(commands[line.strip()]()), flush=True)
