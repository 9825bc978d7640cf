"How many jobs of a task run at once, and how many start within a time: by rows, over kills and lost leases"
import asyncio,json,os,signal,threading,time
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from fasthtml.common import to_xml
from helpers import Call,end,manager_at,open_db,program,running_row,until,wait_until,working,write_lock

from tenant_tasks import BackgroundTaskManager,TenantJob,Tenants,View,Worker,task
from tenant_tasks.db.queue import glance
from tenant_tasks.db.store import JobStore
from tenant_tasks.jobs.job import new_id,parse_time,timestamp,utcnow
from tenant_tasks.jobs.task import Limits
from tenant_tasks.run.process import Process,this_process
from tenant_tasks.web.controls import control_parts

ran = []

@task(name='lim.two', limit=2)
def two(n=0): ran.append(n)

@task(name='lim.atwo', limit=2)
async def atwo(n=0): ran.append(n)

@task(name='lim.each', limit=2, limit_by='account')
def each(account=None, n=0): ran.append(account)

@task(name='lim.aeach', limit=1, limit_by='account')
async def aeach(account=None): ran.append(account)

@task(name='lim.rated', rate=(3, 10), backoff=lambda n: 0, max_retries=9)
def rated(): raise OSError('again')

@task(name='lim.free')
def free(n=0): ran.append(n)

@task(name='lim.afree')
async def afree(n=0): ran.append(n)

@pytest.fixture(autouse=True)
def fresh(): ran.clear()

def other(manager): return manager_at(manager.store.link.path, manager.clock, process=Process())

def claims(manager): return [a.job.task[4:] for a in iter(manager.claim, None)]

# -- limits

def test_two_processes_share_a_limit(manager):
    ids = [o for o,_ in manager.submit_many('two', two, [{}]*4)]
    a,b = manager.claim(),other(manager).claim()
    assert a and b and not manager.claim() and not other(manager).claim() and not other(manager).claim(ids[3])
    assert manager.next_due() is None
    a.release()
    assert manager.next_due()==manager.clock() and other(manager).claim(ids[3]) and not manager.claim()

def test_what_waits_holds_nothing_up(manager):
    "Not what is behind it, not what has a lower priority; and the order stays"
    manager.using(priority=5).submit_many('two', two, [{}]*3)
    manager.submit_many('two', two, [{}]*3)
    manager.submit('free', free)
    manager.using(priority=7).submit('free', free)
    assert claims(manager)==['free', 'two', 'two', 'free']

def test_jobs_claimed_together_keep_the_limit(manager):
    "Async jobs are claimed many at a time: two that are limited, then what is behind them; a sync one ends the row"
    def together(*ended): return [o.job.task[4:] for o in manager.claim_next(50, ended)]
    manager.submit_many('atwo', atwo, [{}]*4)
    manager.submit_many('afree', afree, [{}]*2)
    assert together()==['atwo', 'atwo', 'afree', 'afree'] and not together()
    manager.submit_many('afree', afree, [{}]*2)
    manager.submit('free', free)
    manager.submit('afree', afree)
    assert [together() for _ in range(3)]==[['afree', 'afree'], ['free'], ['afree']]
    manager.submit_many('aeach', aeach, [dict(account=o) for o in 'aabba'])
    assert [o.job.kwargs['account'] for o in manager.claim_next(50)]==['a', 'b'] and not together()
    manager.submit_many('each', each, [dict(account='a')]*3)
    a,_ = manager.claim(),manager.claim()
    a.call()
    assert not together() and together(a)==['each']

def test_rows_of_other_processes_count(manager):
    "Also those from before the limit; a rescued job frees its place"
    dead = [running_row(manager, 'host~0~1~x', -timedelta(minutes=9), task='lim.two') for _ in range(2)]
    job_id,_ = manager.submit('two', two)
    assert not manager.claim() and not manager.claim(job_id) and manager.next_due() is None
    for o in dead: assert manager.store.settle(o, 'fail', manager.clock(), as_read=True)
    assert manager.claim()

# -- limits by an argument

def test_each_value_has_a_limit(manager):
    "A flood of one value holds up no other, in this process or another, nor jobs of a lower priority; and none spins"
    manager.submit_many('each', each, [dict(account='a')]*20)
    b,late = (o for o,_ in manager.submit_many('each', each, [dict(account='b'), dict(account='a')]))
    manager.using(priority=-1).submit('each', each)
    got = [manager.claim(), other(manager).claim(), manager.claim()]
    assert [o.job.kwargs['account'] for o in got]==['a', 'a', 'b'] and manager.next_due()==manager.clock()
    assert manager.claim().job.kwargs=={} and not manager.claim() and not other(manager).claim(late)
    assert manager.next_due() is None
    got[1].release()
    assert other(manager).claim(late)

@pytest.mark.parametrize('account', [0, '', 7, 'ä"x', None, ['a', 1], 1.5, True])
def test_any_value_has_a_limit(manager, account):
    manager.submit_many('each', each, [dict(account=account)]*3)
    assert manager.claim() and manager.claim() and not manager.claim()

# -- limits that tasks and tenants share

def smtp(n=0):
    time.sleep(.005)
    ran.append(n)

async def asmtp(n=0):
    await asyncio.sleep(.005)
    ran.append(n)

@pytest.fixture
def mails(monkeypatch):
    "Tasks with a shared limit, which a worker of another test doesn't have"
    module = import_module('tenant_tasks.jobs.task')
    monkeypatch.setattr(module, '_tasks', dict(module._tasks))
    monkeypatch.setattr(this_process, 'limits', {})
    for o in (smtp, asmtp): task(o, name=f'lim.{o.__name__}', limit='smtp')

@pytest.fixture
def mailers(tmp_path, mails):
    "Managers of two tenants in a process with the limit"
    process = Process()
    process.limits['smtp'] = 2
    return [manager_at(tmp_path/f'{o}.db', process=process) for o in 'ab']

def test_tenants_and_tasks_share_a_limit(mailers):
    "A slot is free when an attempt ends, however it ends; the other jobs go on"
    a,b = mailers
    for o in mailers:
        o.submit_many('mail', smtp, [{}]*4)
        o.submit('mail', asmtp)
        o.submit('free', free)
    one,two = a.claim(),b.claim()
    assert claims(a)==['free'] and not b.claim(b.list_jobs('mail')[0].id) and a.next_due() is None
    one.call()
    assert [o.job.task for o in b.claim_next(5)]==['lim.smtp'] and [o.job.task for o in b.claim_next(5)]==['lim.free']
    two.release()
    assert a.claim() and not a.claim() and b.next_due() is None

def test_idle_tasks_tell_that_they_share_a_limit(mailers):
    found = {o.task:o.shared for o in mailers[0].queues()}
    assert found['lim.smtp']==found['lim.asmtp']=='smtp' and found['lim.two'] is None
    assert 'shares smtp' in to_xml(control_parts(mailers[0], View('/jobs'))['queues']())

def test_jobs_claimed_together_keep_a_shared_limit(mailers, monkeypatch):
    "A claim that fails frees its slot"
    mailers[0].submit_many('mail', asmtp, [{}]*4)
    mailers[0].submit_many('free', afree, [{}])
    with monkeypatch.context() as m, pytest.raises(OSError):
        m.setattr('tenant_tasks.db.claims._claim', lambda *a: (_ for _ in ()).throw(OSError('disk')))
        mailers[0].claim()
    assert [o.job.task for o in mailers[0].claim_next(50)]==['lim.asmtp', 'lim.asmtp', 'lim.afree']

@pytest.mark.parametrize('func', [smtp, asmtp])
async def test_a_flood_leaves_slots_to_other_tenants(tmp_path, mails, func):
    tenants = Tenants(tmp_path)
    a,b = map(tenants.create, 'ab')
    a.submit_many('mail', func, [dict(n=1)]*40)
    async with working(Worker(tenants, limits=dict(smtp=1))):
        await until(lambda: ran)
        b.submit_many('mail', func, [dict(n=2)]*3)
        await until(lambda: len(ran)==43)
    assert max(i for i,o in enumerate(ran) if o==2)<40

def test_a_process_without_the_limit(manager, mails):
    "It leaves the jobs alone, and a worker in it doesn't start; it names the task"
    manager.submit('mail', smtp)
    assert not manager.claim() and manager.next_due() is None
    with pytest.raises(ValueError, match="`limit` of task 'lim.smtp' must be .* got 'smtp', known: none"):
        manager.process.check_tasks()

# -- rates

async def test_each_start_of_one_job_counts(manager, clock):
    "Also of a job that is deleted"
    manager.submit('rated', rated, 6)
    assert await manager.drain()==3 and manager.next_due()==clock()+timedelta(seconds=10)
    clock.advance(10)
    assert await manager.drain()==3 and manager.list_jobs()[0].status=='failed'
    assert manager.prune(timedelta(0))==1 and manager.submit('rated', rated) and not manager.claim()

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

def test_a_claim_that_waited_counts_from_its_start(path, clock):
    "It waits for another process's write lock, for a minute by the manager's clock, and is dated when it has the lock"
    manager,asked = manager_at(path, clock, process=Process()),threading.Event()
    manager.submit_many('rated', rated, [{}]*4)
    manager.process.announce_alive = lambda folder: asked.set() # The last thing before the claim
    with write_lock(path) as free:
        call = Call(manager.claim)
        asked.wait(60)
        time.sleep(.05)
        clock.advance(60)
        free()
        assert call.answer().job.started_at==timestamp(clock())
    assert claims(other(manager))==['rated']*2 and other(manager).next_due()==clock()+timedelta(seconds=10)

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
    cost,now,limits,names = {},utcnow(),{'lim':Limits(2)},['lim', 'free']
    def rows(n, task, **kw): return [TenantJob(new_id(), task, task=task, run_at=timestamp(now), **kw) for _ in range(n)]
    for n in (0, 100, 20_000):
        store = manager_at(tmp_path/f'{n}.db').store
        def claim(): return store.claim_due('p', names, now, limits=limits)
        looks = [claim, lambda: store.next_due('p', names, limits=limits, now=now),
            lambda: glance(store.link, 'p', names, now, limits)]
        store.submit(rows(n, 'lim')+rows(2, 'lim', status='running')+rows(50, 'free'))
        assert claim().task=='free'
        cost[n] = [steps(store, o) for o in looks]
    assert all(many<=2*none for many,none in zip(cost[20_000], cost[0])), cost
    assert all(abs(many-few)<=2 for many,few in zip(cost[20_000], cost[100])), cost

# -- workers

async def test_no_worker_spins(tmp_path, monkeypatch):
    tenants,asked,go = Tenants(tmp_path),[],asyncio.Event()
    acme,claiming = tenants.create('acme'),JobStore.settle_and_claim
    monkeypatch.setattr(JobStore, 'settle_and_claim', lambda self, *a, **k: asked.append(1) or claiming(self, *a, **k))
    @task(name='lim.waits', limit=1)
    async def waits():
        ran.append(1)
        await go.wait()
    acme.submit_many('waits', waits, [{}]*4)
    async with working(Worker(tenants, look_every=.05)):
        await until(lambda: ran)
        await asyncio.sleep(.3)
        asked.clear()
        await asyncio.sleep(.5)
        assert len(asked)<=2 and len(ran)==1
        go.set()
        await until(lambda: acme.job_stats()['completed']==4)

async def test_background_tasks_keep_the_limit(path):
    manager,now,most = manager_at(path),[],[]
    @task(name='lim.one', limit=1)
    async def one():
        now.append(1)
        most.append(len(now))
        await asyncio.sleep(.02)
        now.pop()
    await asyncio.gather(*[o() for _,o in manager.submit_many('one', one, [{}]*3)])
    assert most==[1]*3 and manager.job_stats()['completed']==3

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
    "A tenant whose jobs note what they see"
    db = open_db(path)
    db.execute('CREATE TABLE ledger (n, seen, slot, pid)')
    db.execute('CREATE TABLE starts (at)')
    return BackgroundTaskManager(db)

def submit_all(manager, secs=.03, accounts='', **kinds):
    rows = [(k, dict(n=1, secs=secs) if k=='few' else {}) for k,n in kinds.items() for _ in range(n)]
    rows += [('each', dict(account=o)) for o in accounts]
    kw = dict(run_at=timestamp(utcnow()), max_retries=99)
    manager.store.submit([TenantJob(new_id(), k, task=f'limits.{k}', payload=json.dumps(v), **kw) for k,v in rows])

def done(manager): return manager.job_stats()['completed']==sum(manager.store.stats()[0].values())

def kill_at_work(manager, proc):
    "Kill a worker that runs a job at that moment; there is always something to do"
    def caught():
        if not manager.job_stats()['pending']: submit_all(manager, few=10)
        os.kill(proc.pid, signal.SIGSTOP)
        its = "SELECT 1 FROM tenant_jobs WHERE status='running' AND owner LIKE ?"
        if manager.store.read(its, (f'%~{proc.pid}~%',)): return True
        os.kill(proc.pid, signal.SIGCONT)
    wait_until(caught)
    proc.kill()
    proc.wait()

def test_never_more_than_allowed_over_kills(path, fleet):
    """Two workers, six are killed at work: of a task and of each account two jobs run at once, of tasks that share a
    limit two in each worker, and the killed ones' places are free again"""
    tenants,procs = [ledger(o) for o in (path, Path(path).with_name('b.db'))],[fleet(), fleet()]
    for _ in range(6):
        submit_all(tenants[0], few=20, rated=4, free=15, accounts='a'*6+'b'*3+'c')
        for o in tenants: submit_all(o, smtp=4, other_smtp=2, free=1)
        kill_at_work(tenants[0], procs.pop(0))
        procs.append(fleet())
    wait_until(lambda: all(map(done, tenants)))
    rows = [r for o in tenants for r in o.store.read('SELECT n, seen, slot FROM ledger')]
    assert all(slot for *_,slot in rows)
    for kinds,n in (('', 120), ('a b c', 60)):
        seen = [seen for of,seen,_ in rows if of in kinds.split(' ')]
        assert len(seen)>=n and 2 in {*seen}<={1, 2}
    mailers = [of for of,*_ in rows if of.startswith('pid')]
    assert len(mailers)>=72 and len({*mailers})>1
    starts = sorted(parse_time(o) for o, in tenants[0].store.read('SELECT at FROM starts'))
    assert len(starts)>=20 and all((b-a).total_seconds()>=.5 for a,b in zip(starts, starts[5:]))

@pytest.mark.slow
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
