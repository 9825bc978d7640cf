"What several test files use: a clock that only `sleep` moves, and a way to run a script in a process of its own"
import asyncio,subprocess,sys
from contextlib import contextmanager
from datetime import datetime,timedelta,timezone
from pathlib import Path

import apsw
from fastlite import database

from tenant_tasks import BackgroundTaskManager,patiently

root = Path(__file__).parent.parent

class Clock:
    "A clock that only `sleep` moves"
    def __init__(self): self.now,self.slept = datetime(2026, 11, 23, 12, tzinfo=timezone.utc),[]
    def __call__(self): return self.now
    async def sleep(self, secs):
        self.slept.append(round(secs, 3))
        self.now += timedelta(seconds=secs)
        await asyncio.sleep(0)

def open_db(path):
    "The database at `path`; opening one that another process writes to may need a second try"
    return patiently(lambda: database(path), apsw.BusyError)

def manager_at(path, clock=None, **kw):
    "A manager on the file at `path`, with time in the hands of `clock` if there is one"
    if clock: kw.update(clock=clock, sleep=clock.sleep)
    return BackgroundTaskManager(open_db(path), **kw)

def script(src, *args):
    "Start `src` as a Python process of its own, with pipes to talk to it"
    pipes = dict.fromkeys(('stdin', 'stdout', 'stderr'), subprocess.PIPE)
    return subprocess.Popen([sys.executable, '-c', src, *map(str, args)], text=True, **pipes)

@contextmanager
def write_lock(path):
    "Another process holds the write lock of the database at `path`; what is given lets go of it"
    proc = script("""
import apsw,sys
conn = apsw.Connection(sys.argv[1])
conn.execute('BEGIN IMMEDIATE')
print('locked', flush=True)
sys.stdin.readline()
conn.execute('COMMIT')
print('free', flush=True)
""", path)
    assert proc.stdout.readline()=='locked\n'
    def release():
        proc.stdin.write('\n')
        proc.stdin.flush()
        proc.stdout.readline()
    try: yield release
    finally:
        proc.kill()
        proc.communicate()
