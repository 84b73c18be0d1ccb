"""What `cargo xtask bench peers` says to a peer: a command a line, answered by a line of JSON."""

import json
import sys


def serve(commands):
    """Answers each line with what the function of that name returns, until input ends."""
    for line in sys.stdin:
        print(json.dumps(commands[line.strip()]()), flush=True)
