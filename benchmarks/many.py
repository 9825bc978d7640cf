"Rows about the work of many tenants: backlog, processes"
import shutil,time
from contextlib import ExitStack

from bare import connect,finish
from copies import count_completed,ids_of,make_tenants
from processes import go_on,process,read_line,wait_for
from rows import line,row
from tasks import noop
from tenant_tasks.jobs.job import timestamp,utcnow

# -- a backlog

def drain_rate(
    b, # The bench
    tenants:int, # Number of tenants
    jobs:int, # Jobs of each
    workers:int=1, # Worker processes
)->float: # Jobs per second, from the start of the workers until the last job is called
    "Let worker processes, which have imported everything, run no-op jobs that are there"
    folder,count,n = make_tenants(b.dir(), tenants, noop, jobs),b.dir()/'count',tenants*jobs
    count.touch()
    with ExitStack() as stack:
        procs = [stack.enter_context(process('programs.py', 'backlog', folder, count)) for _ in range(workers)]
        for o in procs: read_line(o)
        start = time.perf_counter()
        for o in procs: go_on(o)
        wait_for(lambda: count.stat().st_size>=n, 300)
        took = time.perf_counter()-start
        for o in procs: o.terminate()
        for o in procs: o.wait(20)
    if (done := count_completed(folder))!=n: raise RuntimeError(f'{done} of {n} jobs are completed')
    shutil.rmtree(folder)
    return n/took

def bare_drain_rate(b, tenants, jobs):
    "Jobs per second if each is the least that SQLite allows: open the file, claim, settle, close"
    folder,now = make_tenants(b.dir(), tenants, noop, jobs),timestamp(utcnow())
    ids = ids_of(folder/'t0.db')
    start = time.perf_counter()
    for i in range(tenants):
        for job_id in ids:
            conn = connect(folder/f't{i}.db', 'NORMAL')
            finish(conn, job_id, now)
            conn.close()
    took = time.perf_counter()-start
    shutil.rmtree(folder)
    return tenants*jobs/took

@row
def backlog(b):
    "A worker process runs no-op jobs that are there, of 1, 300 and 3,000 tenants: against one tenant with as many jobs, and against opening the file, two bare commits and closing it for each job"
    many = b.n({300:20, 3000:1}, {20:10, 80:1})
    shapes = [o for k,v in many.items() for o in ((1, k*v), (k, v))]
    beside_bare = [shapes[0], *many.items()] # For one tenant, once is enough
    ours = {f'ours {o}':lambda o=o: drain_rate(b, *o) for o in shapes}
    got = b.interleave(**ours, **{f'bare {o}':lambda o=o: bare_drain_rate(b, *o) for o in beside_bare})
    res,(several,most) = [],many
    def name(t, j): return f"{t:,} tenant{'s'*(t>1)} × {j:,} job{'s'*(j>1)}"
    for o in shapes:
        def add(other, text, durable, **kw):
            res.append(line(name(*o), got[f'ours {o}'], got[other], unit='jobs/s', against=text, durable=durable, **kw))
        t,j = o
        if t>1: add(f'ours {(1, t*j)}', f'{name(1, t*j)}', 'both NORMAL, NORMAL', budget=('>=', .75) if t==several else None)
        safe = 'both NORMAL, NORMAL; theirs and a checkpoint for each job'
        if o in beside_bare: add(f'bare {o}', 'bare open, claim, settle, close', safe, budget=('>=', .8) if t==most else None)
    return res

@row
def processes(b):
    "Two worker processes over 1,000 tenants with five no-op jobs each, against one process"
    n,jobs = b.n((1000, 5), (100, 2))
    got = b.interleave(two=lambda: drain_rate(b, n, jobs, workers=2), one=lambda: drain_rate(b, n, jobs))
    return [line(f'2 worker processes, {n:,} tenants', got['two'], got['one'], unit='jobs/s',
        against='1 worker process', durable='both NORMAL, NORMAL', budget=('>=', 1.6))]
