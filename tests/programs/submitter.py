"Submit jobs of one kind to one tenant, and note each id once `submit` has returned; then end, die or stay"
import os,sys,time
from datetime import timedelta
from inspect import signature

import tasks

from tenant_tasks.job import utcnow
from tenant_tasks.tenants import Tenants

folder,tenant,n,kind,secs,attempts,then = sys.argv[1:]
skew = timedelta(seconds=float(os.environ.get('SKEW', 0))) # How far this process's clock is ahead
manager = Tenants(folder, clock=lambda: utcnow()+skew)[tenant]
accepted = os.open(os.environ['ACCEPTED'], os.O_WRONLY|os.O_APPEND|os.O_CREAT)
for i in range(int(n)):
    kw = dict(secs=float(secs)) if 'secs' in signature(getattr(tasks, kind)).parameters else {}
    job_id,_ = manager.submit(kind, getattr(tasks, kind), int(attempts), n=i, **kw)
    os.write(accepted, f'{tenant} {job_id}\n'.encode())
    os.fsync(accepted)
if then=='die': os.kill(os.getpid(), 9)
if then=='stay': time.sleep(600)
