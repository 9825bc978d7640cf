"A worker that declares a schedule of one second for all tenants, and may kill itself around or within a tick"
import logging,sys

from tasks import maybe_die,work

from tenant_tasks.db import ticks
from tenant_tasks.db.store import JobStore
from tenant_tasks.fleet.worker import Worker

tick,add = JobStore.tick,ticks.add_job

def dying_tick(self, *args):
    maybe_die('before')
    res = tick(self, *args)
    maybe_die('after')
    return res

def dying_add(conn, job):
    "The schedule has moved on in this transaction, and its job isn't there yet"
    maybe_die('middle')
    return add(conn, job)

JobStore.tick,ticks.add_job = dying_tick,dying_add
logging.basicConfig(level=logging.INFO, format='%(levelname)s %(message)s')
worker = Worker(sys.argv[1], concurrency=4, look_every=.05)
worker.schedule('beat', work, every=1, catch_up='all', overlap='allow', n=1)
print('up', flush=True)
worker.main()
