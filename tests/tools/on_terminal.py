"""Runs a program on a terminal of its own and types lines at its prompt.

usage: on_terminal.py LINES PROGRAM [ARG ...]      LINES: a Python literal, a list of bytes
"""
import ast, os, pty, sys

pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "vt100"
    os.execvp(sys.argv[2], sys.argv[2:])
seen = b""

def read():
    global seen
    try:
        part = os.read(fd, 4096)
    except OSError:
        part = b""
    seen += part
    return bool(part)

for line in ast.literal_eval(sys.argv[1]):
    while b"> " not in seen and read():
        pass
    seen = b""
    os.write(fd, line)
while read():
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
