"""Jobs whose effects are counted. Arguments: a directory, and `submit TENANT JOBS EFFECTS`, `work`, or `die` at each
boundary in turn, which prints JSON. Where and how a worker dies is in the environment: KILL_POINT, CHANCE, SIGNAL."""
import asyncio,json,os,random,sys
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from signal import pthread_kill
from threading import get_ident

from helpers import manager_at

from tenant_tasks.run.current import current_job
from tenant_tasks.run.process import this_process
from tenant_tasks.run.atomic import JobTransaction
from tenant_tasks.db.store import JobStore
from tenant_tasks.jobs.task import task
from tenant_tasks.fleet.tenants import Tenants
from tenant_tasks.fleet.worker import Worker

point,chance = os.environ.get('KILL_POINT', ''),float(os.environ.get('CHANCE', 1))
signal = int(os.environ.get('SIGNAL', 9))
passes = 0 # How often the point is passed before the signal

def maybe(here):
    "Send this process its signal, if it is at its kill point and as chance will have it; a stop happens once"
    global passes,point
    if not here or here!=point or random.random()>=chance: return
    passes -= 1
    if passes>=0: return
    if signal==9: os.kill(os.getpid(), 9)
    point = ''
    with current_job().store.link.lock: pthread_kill(get_ident(), signal) # While no other thread writes

def hook(cls, name, before='', after=''):
    old = getattr(cls, name)
    def new(self, *args, **kw):
        maybe(before)
        res = old(self, *args, **kw)
        maybe(after)
        return res
    setattr(cls, name, new)

hook(JobStore, 'hold', 'guard', 'commit')
hook(JobStore, 'put_step', 'put', 'written')
hook(JobStore, 'settle', 'settle', 'settled')
hook(JobTransaction, '__exit__', '', 'after')
log = None

def charge(n):
    "A call to the world outside, in a log of its own"
    maybe('effect')
    os.write(log, f'{current_job().id} {n}\n'.encode())
    maybe('charged')
    return n

def add(db, n): db.execute('INSERT INTO effects VALUES (?,?)', (current_job().id, n))

@task(backoff=lambda n: .01)
def rows(n):
    job = current_job()
    job.step('charge', charge, n)
    for i in range(job.checkpoint('rows') or 0, n):
        maybe('before')
        with job.transaction() as db:
            add(db, i)
            maybe('inside')
            job.checkpoint('rows', i+1)

@task(backoff=lambda n: .01)
async def arows(n):
    job = current_job()
    for i in range(job.checkpoint('rows') or 0, n):
        maybe('before')
        async with job.transaction() as db:
            job.checkpoint('rows', i+1)
            maybe('inside')
            await asyncio.sleep(0)
            add(db, i)

@task(backoff=lambda n: .01, atomic=True)
def at_once(n):
    for i in range(n):
        add(current_job().db, i)
        maybe('inside')

def prepare(path, funcs, n_jobs, n, retries):
    "A table of effects, and jobs of each function"
    manager = manager_at(path)
    manager.db.execute('CREATE TABLE IF NOT EXISTS effects (job, n)')
    for f in funcs: manager.submit_many(f.__name__, f, [dict(n=n)]*n_jobs, retries)

def in_child(f, *args):
    child = get_context('fork').Process(target=f, args=args)
    child.start()
    child.join()
    return child.exitcode

def run(path):
    "Take over what dead processes left, then run all that is due"
    manager = manager_at(path)
    manager.rescue()
    asyncio.run(manager.drain())

def die_at(folder, where, n, f):
    "A process dies at the n-th pass of a point, and another one brings the job to its end"
    global point,passes,log
    path = folder/f'{f.__name__}_{where}_{n}.db'
    log = os.open(f'{path}.log', os.O_WRONLY|os.O_APPEND|os.O_CREAT)
    in_child(prepare, path, [f], 1, 3, 1)
    point,passes = where,n
    died = in_child(run, path)
    point = ''
    in_child(run, path)
    print(json.dumps(dict(path=str(path), kind=f.__name__, point=where, died=died)), flush=True)

kinds = rows,arows,at_once

if __name__=='__main__':
    folder,what,*args = sys.argv[1:]
    folder = Path(folder)
    if what=='die':
        points = 'effect','charged','put','written','before','inside','guard','commit','after','settle','settled'
        for f in kinds:
            for o in points:
                for n in (0, 1)[:1+(f is rows)]: die_at(folder, o, n, f)
    elif what=='submit': prepare(folder/f'{args[0]}.db', kinds, int(args[1]), int(args[2]), 40)
    else:
        log = os.open(folder.parent/'charges', os.O_WRONLY|os.O_APPEND|os.O_CREAT)
        if 'LEASE' in os.environ: this_process.lease = timedelta(seconds=float(os.environ['LEASE']))
        print('up', flush=True)
        Worker(Tenants(folder), concurrency=4, look_every=.05, grace=5).main()
