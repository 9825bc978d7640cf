"Hold the write lock of the database named on the command line until a line comes in"
import sys

import apsw

apsw.connection_hooks.clear() # fastlite's put the file into WAL mode
conn = apsw.Connection(sys.argv[1])
conn.execute('BEGIN IMMEDIATE')
print('locked', flush=True)
sys.stdin.readline()
conn.execute('COMMIT')
print('free', flush=True)
sys.stdin.readline()
