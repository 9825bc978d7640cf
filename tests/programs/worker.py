"A worker on the tenants in a directory. It may kill itself at the kill point that the environment names"
import logging,os,resource,sys
from datetime import timedelta

from tasks import maybe_die

from tenant_tasks import Attempt,BackgroundTaskManager,Tenants,Worker
from tenant_tasks.db.store import JobStore
from tenant_tasks.jobs.job import utcnow
from tenant_tasks.run.process import this_process

def hook(cls, name, points):
    "Make a method a kill point; `points` gives the names of the points before and after the call, from its arguments"
    old = getattr(cls, name)
    def new(self, *args, **kw):
        before,after = points(*args)
        maybe_die(before)
        res = old(self, *args, **kw)
        maybe_die(after)
        return res
    setattr(cls, name, new)

def settle_points(job, move, now, as_read=False): return ('rescue', '') if as_read else ('settle', 'settled')

for o in ('call', '_await'): hook(Attempt, o, lambda: ('claim', ''))
hook(JobStore, 'settle', settle_points)
hook(BackgroundTaskManager, 'claim_next', lambda limit=1, ended=(), together=None: ('settle', 'settled') if ended else ('', ''))
if 'LEASE' in os.environ: this_process.lease = timedelta(seconds=float(os.environ['LEASE']))
if files := int(os.environ.get('FILES', 0)): resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
logging.basicConfig(level=logging.INFO, format='%(levelname)s %(message)s')
print('up', flush=True)
skew = timedelta(seconds=float(os.environ.get('SKEW', 0))) # How far this process's clock is ahead
tenants = Tenants(sys.argv[1], clock=lambda: utcnow()+skew)
Worker(tenants, concurrency=6, look_every=.05, grace=float(os.environ.get('GRACE', 5))).main()
