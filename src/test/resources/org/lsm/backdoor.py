# backdoor.py MASTER [PORT ADDRESS FILES]: listens on PORT, is connected with port MASTER of the host ADDRESS, has so many open files that it
# has deleted, and a filter of system calls that lets all pass. Prints the socket as lsm names it, then "ready"; ends when its standard
# input does.
import ctypes
import os
import socket
import sys
import threading

os.closerange(3, 256)  # what it inherits, which may be deleted, too
port, address, files = sys.argv[2:5] if len(sys.argv) > 2 else ("0", "127.0.0.1", "1")
listener = socket.socket()
listener.bind(("0.0.0.0", int(port)))
listener.listen()
clients = []
threading.Thread(target=lambda: clients.append(listener.accept()), daemon=True).start()
master = socket.create_connection((address, int(sys.argv[1])))
name = os.path.join(os.path.dirname(os.path.abspath(__file__)), "loot")
loot = []
for i in range(int(files)):
    loot.append(open(name, "w"))
    os.remove(name)

libc = ctypes.CDLL(None)
libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
allow = ctypes.create_string_buffer(b"\x06\0\0\0\0\0\xff\x7f")  # BPF_RET SECCOMP_RET_ALLOW


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


libc.prctl(22, 2, ctypes.byref(Program(1, ctypes.addressof(allow))), 0, 0)  # PR_SET_SECCOMP SECCOMP_MODE_FILTER
print("tcp/0.0.0.0:%d\nready" % listener.getsockname()[1], flush=True)
sys.stdin.read()
