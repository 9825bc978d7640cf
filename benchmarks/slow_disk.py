"The row slow_disk, and the slow file system that it uses"
import time

import apsw

from bare import Bare
from commits import full,threaded_submits
from rates import app_db,locked,our_rate
from rows import line,row
from tasks import noop
from tenant_tasks import BackgroundTaskManager

delay = .005 # Seconds added to each sync

class SlowDisk(apsw.VFS):
    "A file system with slow syncs"
    name = 'slow_disk'
    def __init__(self): super().__init__(self.name, '')
    def xOpen(self, name, flags): return SlowFile('', name, flags)

class SlowFile(apsw.VFSFile):
    "A file with slow syncs"
    def xSync(self, flags):
        time.sleep(delay)
        super().xSync(flags)

@row
def slow_disk(b):
    "Rows `submit` and `run` where each sync takes 5 ms longer, against bare commits on the same disk; Huey can't use this file system"
    disk,folder,n = SlowDisk(),b.dir(),b.n(60, 15)
    manager,bare = BackgroundTaskManager(app_db(folder, disk.name)),Bare(folder, disk.name)
    def ours(): return manager.submit('noop', noop)
    got = b.calls(n, ours=ours, bare=bare.submit)
    about = dict(against='bare commit', durable=full)
    res = [line('submit', got['ours'], got['bare'], unit='µs', budget=('<=', 1.35), **about)]
    res += threaded_submits(b, b.n(320, 64), ours=ours, bare=locked(bare.submit))
    n = b.n(200, 40)
    for workers in (1, 8):
        def ours(): return our_rate(b.dir(), n, workers, vfs=disk.name)
        got = b.interleave(ours=ours, bare=lambda: Bare(b.dir(), disk.name).rate(n))
        res.append(line(f"submit and run, {workers} worker{'s'*(workers>1)}", got['ours'], got['bare'], unit='jobs/s',
            against='bare commits', durable='both FULL, NORMAL, NORMAL'))
    return res
