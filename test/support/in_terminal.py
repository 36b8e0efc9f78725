"""Runs a program in a terminal of its own: in_terminal.py COLUMNS PATTERN -- PROGRAM ARGUMENT…

Its output goes to stdout unchanged. At the first match of PATTERN (a regular expression; may be empty), Ctrl-C is typed.
The exit code is that of the program.

On Ctrl-C a terminal drops the output that it has not shown yet (termios: NOFLSH unset). A terminal in front of a person
shows output at once. This reader may be late, so it sets NOFLSH and keeps everything.
"""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios

columns, pattern, dashes, *program = sys.argv[1:]
assert dashes == "--"
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, int(columns), 0, 0))
    modes = termios.tcgetattr(0)
    modes[3] |= termios.NOFLSH  # local modes
    termios.tcsetattr(0, termios.TCSANOW, modes)
    os.execvp(program[0], program)

seen = b""
awaited = re.compile(pattern.encode()) if pattern else None
while True:
    select.select([terminal], [], [])
    try:
        data = os.read(terminal, 65536)
    except OSError:  # Linux reports EIO instead of the end of the file
        break
    if not data:
        break
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    seen += data
    if awaited and awaited.search(seen):
        awaited = None
        os.write(terminal, b"\x03")
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
