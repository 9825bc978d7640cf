"Batches whose processes may die at `KILL_POINT`. Arguments: a directory of tenants, and `work` or `submit TENANT N`"
import logging,os,random,sys

import tasks

from tenant_tasks.db import store
from tenant_tasks.run.current import current_job
from tenant_tasks.run.attempt import Attempt
from tenant_tasks.jobs.task import task
from tenant_tasks.fleet.tenants import Tenants
from tenant_tasks.fleet.worker import Worker

follow,ended = store._follow,Attempt.ended

def dying_follow(*args):
    "The last job has been moved in this transaction, and the follower not yet"
    tasks.maybe_die('between')
    follow(*args)
    tasks.maybe_die('written')

def dying_end(self, *args):
    tasks.maybe_die('settled')
    ended(self, *args)

store._follow,Attempt.ended = dying_follow,dying_end

@task(max_retries=10)
def tell():
    tasks.note('begin')
    tasks.maybe_die('task')
    counts = current_job().batch.counts
    tasks.note('end')
    return counts

def submit(manager, n):
    accepted = os.open(os.environ['ACCEPTED'], os.O_WRONLY|os.O_APPEND|os.O_CREAT)
    for i in range(n):
        size = random.randrange(6)
        func,tries = random.choice([(tasks.work, 10), (tasks.awork, 10), (tasks.flaky, 1), (tasks.flaky, 10)])
        subs = manager.submit_many('member', func, [dict(n=o) for o in range(size)], tries, then=tell)
        os.write(accepted, f'{manager.store.link.path} {subs.batch}\n'.encode())
        if size and i%4==0: manager.cancel_job(subs[0][0])

if __name__=='__main__':
    logging.basicConfig(level=logging.INFO, format='%(levelname)s %(message)s')
    folder,what,*rest = sys.argv[1:]
    tenants = Tenants(folder)
    if what=='submit': submit(tenants[rest[0]], int(rest[1]))
    else:
        print('up', flush=True)
        Worker(tenants, concurrency=6, look_every=.05).main()
