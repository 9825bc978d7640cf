"Hold a claim in the database named on the command line, and fork; print what parent and child are called, and what the child holds"
import os,sys,time

from helpers import manager_at

from tenant_tasks.peers import WorkerSign
from tenant_tasks.process import this_process

manager = manager_at(sys.argv[1])
manager.claim(manager.submit('wait', print)[0])
WorkerSign(this_process)
print(this_process.id, flush=True)
if os.fork(): time.sleep(60)
p = this_process
held = sum(map(bool, (p.locks, p.claims, p.listeners, p.signs, p.warned, p.running, p._functions, p._ended, p._observed, p._heart)))
p.announce_alive(manager.folder)
print(p.id, os.getpid(), held, flush=True)
time.sleep(60)
