"Submit jobs to tenants, joined by commas, and note each id once `submit` has returned; then end, die or stay"
import os,sys,time
from datetime import timedelta
from inspect import signature

import tasks

from tenant_tasks.jobs.job import utcnow
from tenant_tasks.fleet.tenants import Tenants

folder,names,n,kind,secs,attempts,then = sys.argv[1:]
skew = timedelta(seconds=float(os.environ.get('SKEW', 0))) # How far this process's clock is ahead
tenants = Tenants(folder, clock=lambda: utcnow()+skew)
accepted = os.open(os.environ['ACCEPTED'], os.O_WRONLY|os.O_APPEND|os.O_CREAT)
kw = dict(secs=float(secs)) if 'secs' in signature(getattr(tasks, kind)).parameters else {}
for name,i in [(o, i) for i in range(int(n)) for o in names.split(',')]:
    job_id,_ = tenants[name].submit(kind, getattr(tasks, kind), int(attempts), n=i, **kw)
    os.write(accepted, f'{name} {job_id}\n'.encode())
    os.fsync(accepted)
if then=='die': os.kill(os.getpid(), 9)
if then=='stay': time.sleep(600)
