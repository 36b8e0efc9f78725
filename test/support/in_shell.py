"""Types lines into an interactive shell: in_shell.py LINES SHELL ARGUMENT…, where LINES is a JSON list.

Each line is typed when the shell shows its prompt, READY>, and then Enter. A tab in a line completes as it does for a person.
The shell's output goes to stdout.
"""

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time

lines, shell = json.loads(sys.argv[1]), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
    os.execvp(shell[0], shell)


def read(until: bytes, seconds: float) -> bytes:
    seen, end = b"", time.monotonic() + seconds
    while until not in seen and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError:  # Linux reports EIO instead of the end of the file
                break
            if b"\x1b[c" in data or b"\x1b[0c" in data:  # fish asks which terminal this is, and waits for the answer
                os.write(terminal, b"\x1b[?62c")
            seen += data
    sys.stdout.buffer.write(seen)
    return seen


for line in lines:
    if b"READY>" not in read(b"READY>", 30):
        sys.exit("no prompt")
    read(b"never", 0.3)  # the rest of the prompt
    os.write(terminal, line.encode())
    os.write(terminal, b"\r")
read(b"READY>", 30)
os.write(terminal, b"exit\r")
read(b"never", 1)
os.close(terminal)
