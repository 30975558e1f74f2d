# A backdoor: it listens, has a connection, and has an open file that it has deleted.
# Prints the socket as lsm names it, then "ready"; ends when its standard input does.
import os
import socket
import sys

listener = socket.socket()
listener.bind(("0.0.0.0", 0))
listener.listen()
port = listener.getsockname()[1]
master = socket.create_connection(("127.0.0.1", int(sys.argv[1]))) if len(sys.argv) > 1 else None
name = os.path.join(os.path.dirname(os.path.abspath(__file__)), "loot")
loot = open(name, "w")
os.remove(name)
print("tcp/0.0.0.0:%d\nready" % port, flush=True)
sys.stdin.read()
