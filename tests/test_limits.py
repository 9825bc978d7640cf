"How many jobs of a task run at once, and how many start within a time: by rows, over kills and lost leases"
import asyncio,json,os,random,signal,time
from collections import Counter
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from helpers import end,manager_at,open_db,program,running_row,until,wait_until

from tenant_tasks.job import TenantJob,new_id,parse_time,timestamp,utcnow
from tenant_tasks.manager import BackgroundTaskManager
from tenant_tasks.process import Process
from tenant_tasks.store import JobStore,glance
from tenant_tasks.task import task
from tenant_tasks.tenants import Tenants
from tenant_tasks.testing import run
from tenant_tasks.worker import Worker

ran = []

@task(name='lim.two', limit=2)
def two(n=0): ran.append(n)

@task(name='lim.atwo', limit=2)
async def atwo(n=0): ran.append(n)

@task(name='lim.rated', rate=(3, 10), backoff=lambda n: 0, max_retries=9)
def rated(fails=0):
    if len(ran)<fails:
        ran.append(1)
        raise OSError('again')

@task(name='lim.free')
def free(n=0): ran.append(n)

@task(name='lim.afree')
async def afree(n=0): ran.append(n)

@pytest.fixture(autouse=True)
def fresh(): ran.clear()

def other(manager): return BackgroundTaskManager(open_db(manager.store.link.path), clock=manager.clock, process=Process())

def claims(manager, n=9):
    "The tasks of the next jobs, as they are claimed"
    return [a.job.task[4:] for a in iter(manager.claim, None)][:n]

# -- limits

def test_two_processes_share_a_limit(manager):
    ids = [o for o,_ in manager.submit_many('two', two, [{}]*4)]
    a,b = manager.claim(),other(manager).claim()
    assert a and b and not manager.claim() and not other(manager).claim() and not other(manager).claim(ids[3])
    assert manager.next_due() is None
    a.release()
    assert manager.next_due()==manager.clock() and other(manager).claim(ids[3]) and not manager.claim()

def test_counted_in_the_transaction_that_claims(manager):
    "No other process can claim between the count and the claim"
    conn,seen = manager.store.link.open(),[]
    def trace(cursor, sql, args):
        if "WHERE status='running'" in sql: seen.append(conn.in_transaction)
        return True
    job_id,_ = manager.submit('two', two)
    conn.exec_trace = trace
    for o in (lambda: manager.claim(job_id), manager.claim, lambda: manager.claim_next(1), lambda: manager.claim_next(5)): o()
    conn.exec_trace = None
    assert len(seen)>=4 and all(seen)

def test_what_waits_holds_nothing_up(manager):
    "Not what is behind it, not what has a lower priority; and the order stays"
    manager.using(priority=5).submit_many('two', two, [{}]*3)
    manager.submit_many('two', two, [{}]*3)
    manager.submit('free', free)
    manager.using(priority=7).submit('free', free)
    assert claims(manager)==['free', 'two', 'two', 'free']

def test_jobs_claimed_together_keep_the_limit(manager):
    "Async jobs are claimed many at a time: two that are limited, then what is behind them; a sync one ends the row"
    manager.submit_many('atwo', atwo, [{}]*4)
    manager.submit_many('afree', afree, [{}]*2)
    assert [o.job.task[4:] for o in manager.claim_next(50)]==['atwo', 'atwo', 'afree', 'afree'] and not manager.claim_next(50)
    manager.submit_many('afree', afree, [{}]*2)
    manager.submit('free', free)
    manager.submit('afree', afree)
    assert [[o.job.task[4:] for o in manager.claim_next(50)] for _ in range(3)]==[['afree', 'afree'], ['free'], ['afree']]

def test_limit_behind_free_jobs_in_one_claim(manager):
    "The first claim takes the free jobs at the head; what is behind is counted one by one"
    manager.submit_many('afree', afree, [{}]*2)
    manager.submit_many('atwo', atwo, [{}]*5)
    assert Counter(o.job.task[4:] for _ in range(4) for o in manager.claim_next(3))==dict(afree=2, atwo=2)

def test_settle_and_claim_in_one_transaction(manager):
    "The place of a job that ends is free for the claim that is made with it"
    manager.submit_many('two', two, [{}]*3)
    a,_ = manager.claim(),manager.claim()
    a.call()
    assert [o.job.task for o in manager.claim_next(1, [a])]==['lim.two']

def test_a_rescued_job_frees_its_place(manager):
    dead = [running_row(manager, 'host~0~1~x', -timedelta(minutes=9), task='lim.two') for _ in range(2)]
    manager.submit('two', two)
    assert not manager.claim() and manager.next_due() is None
    for o in dead: assert manager.store.settle(o, 'fail', manager.clock(), as_read=True)
    assert manager.claim()

def test_a_job_submitted_before_the_limit_counts(manager):
    for _ in range(2): running_row(manager, 'p', timedelta(minutes=1), task='lim.two')
    job_id,_ = manager.submit('two', two)
    assert not manager.claim(job_id)

# -- rates

async def test_no_more_starts_than_the_rate(manager, clock):
    "`run` moves the clock to the next start: three at once, three after ten seconds, one after twenty"
    manager.submit_many('rated', rated, [{}]*7)
    began = clock()
    await run(manager)
    starts = sorted((parse_time(o.started_at)-began).total_seconds() for o in manager.list_jobs())
    assert starts==[0, 0, 0, 10, 10, 10, 20]

async def test_each_start_of_one_job_counts(manager, clock):
    "A job that fails and is retried at once has one row and many starts"
    manager.submit('rated', rated, fails=5)
    assert await manager.drain()==3
    assert manager.next_due()==clock()+timedelta(seconds=10)
    clock.advance(10)
    assert await manager.drain()==3 and manager.list_jobs()[0].status=='completed'

def test_few_starts_are_kept(manager, clock):
    manager.submit_many('rated', rated, [{}]*40)
    for _ in range(12):
        while a := manager.claim(): a.release()
        clock.advance(10)
    assert manager.store.read('SELECT count(*) FROM tenant_starts')[0][0]<=6

def test_prune_frees_no_start(manager, clock):
    for _ in range(3): manager.submit('rated', rated)
    while a := manager.claim():
        a.call()
        a.settle()
    assert manager.prune(timedelta(0))==3 and manager.submit('rated', rated) and not manager.claim()

@pytest.mark.parametrize('back', [5, 3600])
def test_clock_set_back(manager, clock, back):
    "The rate holds, and after a whole period at the new time, jobs start again"
    manager.using(run_at=clock()-timedelta(days=1)).submit_many('rated', rated, [{}]*20)
    assert claims(manager)==['rated']*3
    clock.now -= timedelta(seconds=back)
    assert claims(manager)==[] and manager.next_due()==clock()+timedelta(seconds=10)
    clock.advance(9.9)
    assert claims(manager)==[]
    clock.advance(.1)
    assert claims(manager)==['rated']*3

# -- what it costs

def steps(store, f):
    "Hundreds of instructions of SQLite's machine that `f` takes: a cost that no load of the machine changes"
    conn,n = store.link.open(),[0]
    def count():
        n[0] += 1
        return False
    conn.set_progress_handler(count, 20)
    f()
    conn.set_progress_handler(None)
    return n[0]

def test_claim_behind_many_that_wait(tmp_path):
    "At most twice the cost with none in front; the look for the next time doesn't grow with them either"
    cost,now,limits = {},utcnow(),{'lim':(2, None)}
    for n in (0, 100, 20_000):
        store = manager_at(tmp_path/f'{n}.db').store
        def rows(n, task, **kw): return [TenantJob(new_id(), task, task=task, run_at=timestamp(now), **kw) for _ in range(n)]
        store.submit(rows(n, 'lim')+rows(2, 'lim', status='running')+rows(50, 'free'))
        store.claim_due('p', ['lim', 'free'], now, limits=limits)
        cost[n] = [steps(store, lambda: f()) for f in (lambda: store.claim_due('p', ['lim', 'free'], now, limits=limits),
            lambda: store.next_due('p', ['lim', 'free'], limits=limits, now=now), lambda: glance(store.link, 'p', ['lim', 'free'], now, limits))]
        assert store.get(store.find(status='running')[0].id).task=='free'
    assert all(many<=2*none for many,none in zip(cost[20_000], cost[0])), cost
    assert all(abs(many-few)<=2 for many,few in zip(cost[20_000], cost[100])), cost

# -- workers

async def test_no_worker_spins(tmp_path, monkeypatch):
    "One job runs and three wait for it: the worker claims only when something has changed, and then all run"
    tenants,asked,go = Tenants(tmp_path),[],asyncio.Event()
    acme,claiming = tenants.create('acme'),JobStore.claiming
    monkeypatch.setattr(JobStore, 'claiming', lambda self, *args: asked.append(time.monotonic()) or claiming(self, *args))
    @task(name='lim.waits', limit=1)
    async def waits():
        ran.append(1)
        await go.wait()
    acme.submit_many('waits', waits, [{}]*4)
    async with asynccontextmanager(Worker(tenants, look_every=.05).lifespan)():
        await until(lambda: ran)
        await asyncio.sleep(.3)
        quiet = time.monotonic()
        await asyncio.sleep(.5)
        assert len([o for o in asked if o>quiet])<=2 and len(ran)==1
        go.set()
        await until(lambda: acme.job_stats()['completed']==4)

async def test_background_tasks_keep_the_limit(path):
    "Without a worker, the responses' own background tasks wait for each other"
    manager,now,most = manager_at(path),[0],[0]
    @task(name='lim.one', limit=1)
    async def one():
        now[0] += 1
        most[0] = max(most[0], now[0])
        await asyncio.sleep(.02)
        now[0] -= 1
    todo = [o for _,o in manager.submit_many('one', one, [{}]*3)]
    await asyncio.wait_for(asyncio.gather(*[o() for o in todo]), 20)
    assert most==[1] and manager.job_stats()['completed']==3

@pytest.fixture
def fleet(tmp_path):
    "Start workers as processes; all are killed at the end"
    procs = []
    def start(lease=60):
        procs.append(program('limit_worker', tmp_path, lease, stderr=None))
        return procs[-1]
    yield start
    for o in procs: end(o)

def ledger(path):
    db = open_db(path)
    db.execute('CREATE TABLE ledger (n, seen, slot, pid)')
    db.execute('CREATE TABLE starts (at)')
    return BackgroundTaskManager(db)

def submit_all(manager, secs=.01, **kinds):
    args = dict(few=json.dumps(dict(n=1, secs=secs)))
    jobs = [TenantJob(new_id(), k, task=f'limits.{k}', run_at=timestamp(utcnow()), max_retries=99, payload=args.get(k, '{}'))
        for k,n in kinds.items() for _ in range(n)]
    manager.store.submit(jobs)

def done(manager): return manager.job_stats()['completed']==sum(manager.store.stats()[0].values())

def test_never_more_than_allowed_over_kills(path, fleet):
    "Two workers, one killed again and again: as many jobs run as may run, and the killed ones' places are free again"
    manager = ledger(path)
    submit_all(manager, secs=.03, few=150, rated=20, free=100)
    procs,kills = [fleet(), fleet()],0
    while not done(manager):
        time.sleep(random.Random(kills).uniform(.1, .4))
        if kills>=6: continue
        proc = procs.pop(0)
        proc.kill()
        proc.wait()
        procs.append(fleet())
        kills += 1
    rows = manager.store.read('SELECT seen, slot FROM ledger')
    assert kills==6 and len(rows)>=150 and 2 in {o for o,_ in rows}<={1, 2} and all(slot for _,slot in rows)
    starts = sorted(parse_time(o) for o, in manager.store.read('SELECT at FROM starts'))
    assert len(starts)>=20 and all((b-a).total_seconds()>=.5 for a,b in zip(starts, starts[5:]))

@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, 'SIGSTOP'), reason='no SIGSTOP on this system')
def test_never_more_than_allowed_over_a_lost_lease(path, fleet):
    "A process is stopped beyond its lease; another takes its jobs over; it wakes up and writes nothing"
    manager = ledger(path)
    submit_all(manager, few=2, secs=1.5)
    first = fleet(lease=1)
    wait_until(lambda: manager.store.read('SELECT count(*) FROM ledger')[0][0]==2, 30)
    with manager.db.conn: # It isn't stopped with the write lock
        manager.db.execute('INSERT INTO starts VALUES (1)')
        os.kill(first.pid, signal.SIGSTOP)
    submit_all(manager, few=30)
    second = fleet(lease=1)
    wait_until(lambda: manager.store.read('SELECT count(*) FROM ledger WHERE pid=?', (second.pid,))[0][0]>=2, 30)
    os.kill(first.pid, signal.SIGCONT)
    wait_until(lambda: done(manager), 30)
    assert {o for o, in manager.store.read('SELECT seen FROM ledger')}<={1, 2}
