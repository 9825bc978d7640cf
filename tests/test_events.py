"Each move is told once, after its commit; what is rolled back or lost isn't"
import asyncio,os,signal,threading,time
from collections import Counter,defaultdict
from contextlib import suppress
from datetime import timedelta
from itertools import product

import apsw,pytest
from helpers import boom,manager_at,program,until,wait_until,work,working
from hypothesis import HealthCheck,given,settings,strategies as st

from tenant_tasks import Cancel,Snooze,TenantJob,Tenants,Worker,on_event,task,transitions
from tenant_tasks.db.events import flush,off_event,teller
from tenant_tasks.jobs.retry import ProcessDied,Returned
from tenant_tasks.testing import Clock,run

froms = {k:v[0] for k,v in transitions.items()}
to = {k:v[1] for k,v in transitions.items()}
ends = dict(completed='complete', failed='fail', cancelled='cancel')

@pytest.fixture
def seen():
    "The events of a test"
    res = []
    on_event(res.append)
    yield res
    flush()
    off_event(res.append)

def moves(seen, job_id=None):
    assert flush(10)
    return [o.move for o in seen if job_id in (None, o.job.id)]

def check_path(names, row):
    "The moves of a job lead from its submission to the row as it is"
    status = None
    for o in names:
        assert o=='submit' if status is None else status in froms[o], (names, o)
        status = to.get(o, 'pending')
    assert status==(row and row.status), (names, row)

def check_paths(seen, *managers):
    assert flush(10)
    rows,by_job = {o.id:o for m in managers for o in m.list_jobs(limit=100_000)},defaultdict(list)
    for o in seen: by_job[o.job.id].append(o.move)
    assert by_job.keys()==rows.keys()
    for k,v in by_job.items(): check_path(v, rows[k])

# -- what is told

async def test_run_hands_events_over_and_ends_within_a_day(manager, clock, seen):
    "What a listener submits runs, too; its retries of twelve days don't keep a test busy"
    def alert(event):
        if event.move=='fail' and event.job.job_type=='sync': manager.submit('alert', boom, 20)
    on_event(alert)
    start = clock()
    try:
        manager.submit('sync', boom, 1)
        job, = await run(manager)
        assert (job.job_type, seen[-1].job.job_type, seen[-1].move)==('sync', 'alert', 'retry')
    finally: off_event(alert)
    left, = manager.list_jobs('alert')
    assert left.status=='pending' and 3<left.retry_count<20 and clock()-start<=timedelta(days=1)

async def test_the_moves_of_a_job(manager, clock, seen):
    job_id,_ = manager.submit('sync', boom, 2)
    clock.advance(3)
    a = manager.claim()
    a.call()
    clock.advance(5)
    a.settle()
    clock.advance(4)
    await manager.drain()
    assert moves(seen)==['submit', 'claim', 'retry', 'claim', 'fail'] and {o.tenant for o in seen}=={'acme'}
    assert [o.queued for o in seen]==[None, 3, 3, 2, 2] and [o.duration for o in seen]==[None, None, 5, None, 0]
    assert [bool(o.error) for o in seen]==[False, False, True, False, True]
    assert 'OSError: no route to host' in seen[-1].error and seen[-1].job==manager.get_job(job_id)

async def test_each_job_is_told_once(manager, seen):
    "Also those of a batch; a submit that finds its job isn't told; a cancel has the reason, if there is one"
    def stops(): raise Cancel('enough')
    subs = manager.submit_many('a', stops, [{}]*5)
    keyed = manager.using(unique_key='k')
    assert keyed.submit('b', work)[0]==keyed.submit('b', work)[0]
    manager.cancel_job(subs[0][0])
    await manager.drain()
    assert [o.error for o in seen if o.move=='cancel' and flush()]==[None]+['cancelled: enough']*4
    check_paths(seen, manager)
    lost,_ = manager.submit('c', work)
    a = manager.claim()
    manager.db.execute("UPDATE tenant_jobs SET claim='of another' WHERE id=?", (lost,))
    a.call()
    assert a.settle() is None and moves(seen, lost)==['submit', 'claim'], 'a lost claim tells nothing'

def test_a_death_is_told(tmp_path, seen):
    manager = manager_at(tmp_path/'acme.db')
    job_id,_ = manager.submit('a', named, 2)
    for move in 'rescue','fail':
        pid = os.fork()
        if not pid:
            try: claimed = manager.claim(job_id)
            except BaseException: os._exit(2)
            os.kill(os.getpid(), signal.SIGKILL) if claimed else os._exit(3)
        assert os.waitpid(pid, 0)[1]==signal.SIGKILL
        assert manager.rescue()
        assert moves(seen)[-1]==move and 'died while it ran this job' in seen[-1].error and seen[-1].duration>0
    assert moves(seen)==['submit', 'rescue', 'fail']

@task(name='events_named')
def named(**kw): pass

# -- transactions of the app

@pytest.mark.parametrize('commit', [True, False])
def test_own_transactions(tmp_path, seen, commit):
    "By hand, with apsw's `with`, with the manager's: told after the commit, and not after a rollback"
    managers = Tenants(tmp_path).create('acme'),manager_at(tmp_path/'beta.db'),manager_at(':memory:')
    for manager,how in product(managers, (by_hand, lambda m: m.db.conn, lambda m: m.transaction())):
        with suppress(ZeroDivisionError), how(manager):
            manager.submit('a', work)
            assert flush(10) and not seen
            if not commit: raise ZeroDivisionError
        assert moves(seen)==['submit']*commit
        seen.clear()

class by_hand:
    def __init__(self, manager): self.conn = manager.db.conn
    def __enter__(self): self.conn.execute('BEGIN')
    def __exit__(self, *exc): self.conn.execute('ROLLBACK' if exc[0] else 'COMMIT')

def test_a_move_that_was_followed_by_another_is_told(manager, seen):
    "The function of an earlier move takes its time, and meanwhile the job goes on: none is taken for rolled back"
    gate = threading.Event()
    waits = on_event(lambda event: gate.wait(20))
    try:
        with manager.transaction():
            job_id,_ = manager.submit('a', work)
            manager.cancel_job(job_id)
        manager.retry_job(job_id)
        manager.cancel_job(job_id)
        manager.prune(timedelta(0))
    finally:
        gate.set()
        off_event(waits)
    assert moves(seen)==['submit', 'cancel', 'reset', 'cancel']

# -- any history

names = 'submit claim finish fail snooze release cancel reset die commit rollback'.split()
ops = st.lists(st.tuples(st.sampled_from(names), st.integers(0, 3)), max_size=25)

@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ops)
def test_any_history(tmp_path_factory, ops):
    "Whatever happens, in a transaction of the app or not: the events of each job lead to its row"
    seen,clock = [],Clock()
    manager = manager_at(tmp_path_factory.mktemp('h')/'acme.db', clock, backoff=lambda n: 0)
    on_event(seen.append)
    ids,running,part = [],[],None
    def settle(op):
        a = running.pop()
        a.outcome = dict(fail=OSError(), snooze=Snooze(1), die=ProcessDied('gone'), finish=Returned(1))[op]
        try: a.settle()
        except apsw.BusyError: running.append(a) # The app's transaction has the lock
    try:
        for op,n in ops:
            clock.advance(1)
            busy = part is not None
            if op=='submit': ids.append(manager.submit('a', boom)[0])
            elif op=='claim' and not busy and (a := manager.claim()): running.append(a)
            elif op in ('finish', 'fail', 'snooze', 'die') and running and not busy: settle(op)
            elif op=='release' and running and not busy: running.pop().release()
            elif op in ('cancel', 'reset') and ids: getattr(manager.store, op)(ids[n%len(ids)], clock())
            elif op=='commit' and n%2==0 and not busy: (part := manager.transaction()).__enter__()
            elif op in ('commit', 'rollback') and busy: part = end_part(part, op)
        if part: end_part(part, 'rollback')
        check_paths(seen, manager)
    finally:
        for a in running: a.close()
        off_event(seen.append)

def end_part(part, op):
    part.__exit__(*((None,)*3 if op=='commit' else (ZeroDivisionError, ZeroDivisionError(), None)))

# -- workers

async def test_a_worker_tells_in_order(tenants, seen):
    def submit():
        for i in range(60): tenants[('acme', 'globex')[i%2]].submit('a', named)
    async with working(Worker(tenants, concurrency=8)):
        await asyncio.gather(*[asyncio.to_thread(submit) for _ in range(3)])
        await until(lambda: sum(tenants[o].job_stats()['completed'] for o in tenants)==180)
    check_paths(seen, *[tenants[o] for o in tenants])
    assert len(seen)==3*180 and {o.tenant for o in seen}=={'acme', 'globex'}

def ledger(path): return [o.split() for o in path.read_text().splitlines()] if path.exists() else []

def listening(tmp_path, n):
    "A process that submits `n` jobs has ended: the tenants, the file with the events, and how to start workers"
    folder,out = tmp_path/'data',tmp_path/'out'
    folder.mkdir()
    assert program('listener', folder, out, 0, n).wait(60)==0
    return Tenants(folder),out,lambda chance: program('listener', folder, out, chance, 0)

def over(tenants): return sum(tenants[o].job_stats()[s] for o in tenants for s in ('pending', 'running'))==0

@pytest.mark.slow
@pytest.mark.parametrize('chance', [0, .06])
def test_kills_lose_at_most_the_events_of_the_killed(tmp_path, chance):
    "Two workers kill themselves again and again: no move is told twice, and only a killed one's are missing"
    (tenants,out,start),alive,killed = listening(tmp_path, 100),[],set()
    assert len(ledger(out))==100
    end_at = time.monotonic()+60
    while not over(tenants) and time.monotonic()<end_at:
        for o in [o for o in alive if o.poll() is not None]:
            killed.add(str(o.pid))
            alive.remove(o)
            o.communicate()
        while len(alive)<2: alive.append(start(chance))
        time.sleep(.02)
    assert over(tenants)
    for o in alive:
        o.send_signal(signal.SIGTERM)
        o.communicate(timeout=30)
        if o.returncode==-9: killed.add(str(o.pid))
    rows,by_job = {o.id:o for n in tenants for o in tenants[n].list_jobs(limit=1000)},defaultdict(Counter)
    for job_id,move,status,*_ in ledger(out):
        by_job[job_id][move] += 1
        assert status==to.get(move, 'pending')
    assert len(rows)==100 and (len(killed)>3 if chance else not killed)
    lost = 100
    for k,row in rows.items():
        n = by_job[k]
        left = sum(v for o,v in n.items() if 'running' in froms.get(o, ()))
        assert n['submit']==1 and n['retry']+n['rescue']+n['fail']<=row.retry_count and left<=n['claim']+len(killed)
        final = sum(n[o] for o in ends.values())
        assert final<=1 and n[ends[row.status]]==final
        lost -= final
    assert lost<=4*len(killed)

# -- functions that are slow, broken or gone

async def test_a_function_that_raises_or_hangs_holds_up_no_job(manager, seen, logs):
    gate,waiting = threading.Event(),type(teller)(places=5)
    def broken(event): raise KeyError('broken')
    on_event(broken)
    try:
        manager.submit('a', work)
        await manager.drain()
        assert moves(seen)==['submit', 'claim', 'complete']
    finally: off_event(broken)
    assert len([o for o in logs('ERROR') if 'broken' in o and 'failed on' in o])==3
    hangs = on_event(lambda event: gate.wait(20))
    try:
        for _ in range(10): manager.submit('a', work)
        assert await manager.drain()==10 and {o.status for o in manager.list_jobs()}=={'completed'}
        assert not gate.is_set() and not flush(0)
        for i in range(20): waiting.tell('acme', [('submit', TenantJob(str(i), 'a'), None, None)])
    finally:
        gate.set()
        off_event(hangs)
    assert flush(10) and waiting.flush(10)
    def lines(): return [o for o in logs('WARNING') if 'not told' in o]
    wait_until(lambda: len(lines())==2)
    assert lines()[1].startswith(('14 moves', '15 moves'))

def test_a_fork_takes_no_queue_along(manager, seen):
    gate = threading.Event()
    hangs = on_event(lambda event: gate.wait(20))
    for _ in range(3): manager.submit('a', work)
    pid = os.fork()
    if not pid: os._exit(0 if teller.queue.unfinished_tasks==0 and teller.thread is None and teller.flush(0) else 1)
    gate.set()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])==0
    off_event(hangs)
    assert moves(seen)==['submit']*3
