"Hold a claim in the database named on the command line, and fork; print who parent and child are, and what it holds"
import os,sys,time

from helpers import manager_at

from tenant_tasks.run.peers import WorkerSign
from tenant_tasks.run.process import this_process

manager = manager_at(sys.argv[1])
manager.claim(manager.submit('wait', print)[0])
WorkerSign(this_process)
print(this_process.id, flush=True)
if os.fork(): time.sleep(60)
p = this_process
parts = 'locks', 'claims', 'listeners', 'signs', 'warned', '_functions', '_ended', 'observed', '_heart'
held = sum(bool(getattr(p, o)) for o in parts)
p.announce_alive(manager.folder)
print(p.id, os.getpid(), held, flush=True)
time.sleep(60)
