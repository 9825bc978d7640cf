"Many tenants, one worker: whose turn it is, who is ill, what is seen, and what is let go"
import asyncio,os,threading,time
from collections import Counter
from contextlib import asynccontextmanager
from datetime import datetime,timedelta

import pytest
from fastlite import database
from helpers import manager_at,open_db,script,write_lock

from tenant_tasks import BackgroundTaskManager,TenantJob,TenantMap,TenantNotFound,Tenants,Worker,lease,owner_id,task,timestamp,utcnow

ran = []

@task(name='w.note')
def note(n=0): ran.append(n)

@task(name='w.sleep')
async def asleep(secs): await asyncio.sleep(secs)

@pytest.fixture(autouse=True)
def fresh(): ran.clear()

@pytest.fixture
def tenants(tmp_path):
    for o in ('acme', 'globex', 'initech'): database(tmp_path/f'{o}.db')
    return Tenants(tmp_path)

def working(tenants, **kw): return asynccontextmanager(Worker(tenants, **{**dict(look_every=.05, grace=2), **kw}).lifespan)()

async def until(cond, timeout=10):
    end = time.monotonic()+timeout
    while not cond():
        assert time.monotonic()<end, 'it never came true'
        await asyncio.sleep(.005)

async def test_bg_task_is_a_nudge(tenants):
    "The response's background task returns at once, and the worker runs the job, registered or not"
    async with working(tenants):
        await asyncio.sleep(.1)
        for func in (note, lambda n: ran.append(n)):
            job_id,bg_task = tenants['acme'].submit('note', func, n=7)
            start = time.monotonic()
            await bg_task()
            await until(lambda: tenants['acme'].get_job(job_id).status=='completed')
            assert time.monotonic()-start<.4
    assert ran==[7, 7]

async def test_nudge_does_not_wait_for_the_job(tenants):
    async with working(tenants):
        _,bg_task = tenants['acme'].submit('sleep', asleep, secs=.5)
        start = time.monotonic()
        await bg_task()
        assert time.monotonic()-start<.3

async def test_managers_of_other_databases_run_their_own_jobs(tenants, path):
    async with working(tenants):
        _,bg_task = BackgroundTaskManager(database(':memory:')).submit('note', note, n=1)
        await bg_task()
        assert ran==[1]

@pytest.mark.parametrize('concurrency,per_tenant,most,each', [(4, 2, 4, 2), (2, 5, 2, 2), (20, 3, 9, 3)])
async def test_caps(tenants, concurrency, per_tenant, most, each):
    now,peak,peaks = Counter(),[0],Counter()
    def slow(tenant):
        now[tenant] += 1
        peak[0],peaks[tenant] = max(peak[0], sum(now.values())),max(peaks[tenant], now[tenant])
        time.sleep(.03)
        now[tenant] -= 1
    for o in tenants: tenants[o].submit_many('slow', slow, [dict(tenant=o)]*6)
    async with working(tenants, concurrency=concurrency, per_tenant=per_tenant):
        await until(lambda: sum(tenants[o].job_stats()['completed'] for o in tenants)==18)
    assert peak[0]<=most and max(peaks.values())<=each
    assert peak[0]>=most-1

async def test_order_within_a_tenant(tenants):
    "Priority first, then the earlier time, then the older job"
    manager,now = tenants['acme'],utcnow()
    manager.submit('note', note, n='plain')
    manager.using(run_at=now-timedelta(hours=1)).submit('note', note, n='earlier')
    manager.using(priority=1).submit('note', note, n='urgent')
    manager.using(priority=-1).submit('note', note, n='idle')
    async with working(tenants, concurrency=1): await until(lambda: len(ran)==4)
    assert ran==['urgent', 'earlier', 'plain', 'idle']

async def test_delayed_and_retried_jobs_are_punctual(tenants):
    "Within 0.2 s of being due, also where a retry makes them due"
    fails = []
    @task(name='w.flaky', backoff=lambda n: .3)
    def flaky():
        fails.append(time.monotonic())
        if len(fails)<2: raise ValueError
    when = utcnow()+timedelta(seconds=.5)
    job_id,_ = tenants['globex'].using(run_at=when).submit('note', note)
    tenants['acme'].submit('flaky', flaky)
    async with working(tenants): await until(lambda: ran and len(fails)==2)
    late = datetime.fromisoformat(tenants['globex'].get_job(job_id).started_at)-when
    assert timedelta(0)<=late<timedelta(seconds=.2)
    assert .3<=fails[1]-fails[0]<.5

async def test_writes_of_another_process_and_new_tenants_are_seen(tenants, tmp_path):
    src = """
import sys
from fastlite import database
from tenant_tasks import BackgroundTaskManager,task
@task(name='w.note')
def note(n): pass
BackgroundTaskManager(database(sys.argv[1])).submit('note', note, n=sys.argv[2])
"""
    async with working(tenants):
        await asyncio.sleep(.2)
        for o in ('acme', 'new_one'):
            proc = script(src, tmp_path/f'{o}.db', o)
            await until(lambda: proc.poll() is not None)
            seen = time.monotonic()
            await until(lambda: o in ran)
            assert time.monotonic()-seen<2

@pytest.mark.parametrize('clock,looks', [(time.monotonic, range(3, 20)), (time.thread_time, range(1, 2))])
async def test_pause_after_a_look(tmp_path, clock, looks):
    "A look that had to wait for the disk is soon followed by another, one that kept the processor busy isn't"
    seen = []
    class Slow(Tenants):
        def changed(self, before):
            seen.append(1)
            start = clock()
            while clock()-start<.03: clock is time.monotonic and time.sleep(.01)
            return super().changed(before)
    async with working(Slow(tmp_path), look_every=.01): await asyncio.sleep(.7)
    assert len(seen) in looks

async def test_idle_tenants_get_no_table(tenants):
    tenants['acme'].submit('note', note)
    async with working(tenants): await until(lambda: ran)
    assert 'tenant_jobs' not in database(tenants.file('globex')).t

async def test_few_files_open_at_a_time(tmp_path):
    "Two hundred tenants with a job each"
    tenants = Tenants(tmp_path, max_open=16)
    def files(): return len(os.listdir('/proc/self/fd')) if os.path.isdir('/proc/self/fd') else 0
    before,most = files(),[]
    for i in range(200): tenants.create(f't{i}').submit('note', note, n=i)
    async with working(tenants, concurrency=4):
        while len(ran)<200:
            most.append(files())
            await asyncio.sleep(.02)
    assert sorted(ran)==list(range(200)) and len(tenants._open)<=16
    assert max(most)-before<(16+64)*6

# -- tenants that are ill

@pytest.mark.parametrize('ill', ['junk', 'torn', 'locked', 'gone', 'replaced', 'full', 'read-only'])
async def test_one_tenant_is_ill(tenants, ill, logs):
    "The others run as if nothing were; and it runs again when it is well, where it can be"
    bad,path = tenants['acme'],tenants.file('acme')
    bad.submit('note', note, n='bad')
    for o in ('globex', 'initech'): tenants[o].submit_many('note', note, [dict(n=o)]*20)
    if ill=='junk':
        del bad
        tenants.drop('acme')
        for o in ('-wal', '-shm'): os.path.exists(path+o) and os.remove(path+o)
        with open(path, 'wb') as f: f.write(b'This is no database. '*300)
    if ill=='torn':
        database(path).execute('PRAGMA wal_checkpoint(TRUNCATE)')
        with open(path, 'r+b') as f:
            f.seek(4096)
            f.write(b'\xff'*4096*3)
    if ill=='gone':
        for o in ('', '-wal', '-shm'): os.path.exists(path+o) and os.remove(path+o)
    if ill=='replaced':
        for o in ('', '-wal', '-shm'): os.path.exists(path+o) and os.remove(path+o)
        manager_at(path).submit('note', note, n='new file')
    if ill=='full':
        conn = bad.store.link.open()
        conn.pragma('max_page_count', conn.pragma('page_count'))
        bad.store.link.open().execute('PRAGMA wal_checkpoint(TRUNCATE)')
    if ill=='read-only': bad.store.link.open().pragma('query_only', True)
    def told(): return any('acme' in o and 'next look in' in o for o in logs('WARNING'))
    async def others_finish():
        async with working(tenants):
            await until(lambda: len([o for o in ran if o in ('globex', 'initech')])==40, 8)
            if ill in ('junk', 'torn', 'locked', 'read-only'): await until(told)
    if ill=='locked':
        with write_lock(path): await others_finish()
    else: await others_finish()
    if ill=='locked':
        async with working(tenants): await until(lambda: 'bad' in ran)
    if ill=='replaced': assert 'new file' in ran
    if ill=='read-only':
        bad.store.link.open().pragma('query_only', False)
        async with working(tenants): await until(lambda: 'bad' in ran)

async def test_deleted_while_running(tenants, logs):
    "The file goes while the worker has it open; it isn't made again, and comes back when it is made"
    async with working(tenants):
        tenants['acme'].submit('note', note, n=1)
        await until(lambda: ran)
        for o in ('', '-wal', '-shm'):
            if os.path.exists(tenants.file('acme')+o): os.remove(tenants.file('acme')+o)
        tenants['globex'].submit('note', note, n=2)
        await until(lambda: 2 in ran)
        assert not os.path.exists(tenants.file('acme'))
        tenants.drop('acme')
        tenants.create('acme').submit('note', note, n=3)
        await until(lambda: 3 in ran)

# -- what nobody can run

async def test_unknown_task_waits_and_then_fails(tenants, logs):
    manager = tenants['acme']
    job, = manager.store.submit([TenantJob('u1', 'sync', task='not.deployed', created_at=timestamp(utcnow()))])
    async with working(tenants): await until(lambda: any("'not.deployed'" in o for o in logs('WARNING')))
    assert manager.get_job('u1').status=='pending'
    async with working(tenants, unknown_after=timedelta(0)): await until(lambda: manager.get_job('u1').status=='failed')
    assert "no process that knows the task 'not.deployed'" in manager.get_job('u1').error_log

async def test_only_registered_names_are_run(tenants, tmp_path):
    "A name from the database is looked up, never imported"
    for i,o in enumerate(['os.system', 'builtins.exec', '__import__', 'tests.evil']): 
        tenants['acme'].store.submit([TenantJob(str(i), 'x', task=o, payload='{"command": "touch evil"}', created_at=timestamp(utcnow()))])
    async with working(tenants): await asyncio.sleep(.3)
    assert {o.status for o in tenants['acme'].list_jobs()}=={'pending'} and not os.path.exists('evil')

# -- rescue

def running_row(manager, owner, until=None, **kw):
    now = utcnow()
    kw = dict(dict(task='w.note', max_retries=3, payload='{"n": 1}'), **kw)
    kw.update(created_at=timestamp(now), started_at=timestamp(now-timedelta(seconds=1)))
    job = TenantJob(f'r{len(manager.list_jobs())}', 'note', 'running', owner=owner,
        claim=f'c{len(manager.list_jobs())}', lease_until=until and timestamp(now+until), **kw)
    return manager.store.submit([job])[0]

def test_rescue_knows_the_dead_from_the_living(tenants):
    manager = tenants['acme']
    host,kernel,*_ = owner_id().split('~')
    soon,past = timedelta(minutes=1),timedelta(minutes=-1)
    cases = dict(rebooted=running_row(manager, f'{host}~other~1~aa', soon), elsewhere=running_row(manager, 'far~other~1~aa', soon),
        elsewhere_late=running_row(manager, 'far~other~1~aa', past), no_file=running_row(manager, f'{host}~{kernel}~1~aa', soon),
        no_file_late=running_row(manager, f'{host}~{kernel}~1~aa', past), mine=running_row(manager, owner_id(), soon),
        mine_forgotten=running_row(manager, owner_id(), past), old_version=running_row(manager, None, None),
        old_version_late=running_row(manager, None, None))
    manager.db.execute('UPDATE tenant_jobs SET started_at=? WHERE id=?', (timestamp(utcnow()-2*lease), cases['old_version_late'].id))
    rescued = {o.id for o in manager.rescue()}
    lost = {'rebooted', 'elsewhere_late', 'no_file_late', 'mine_forgotten', 'old_version_late'}
    assert {k for k,v in cases.items() if v.id in rescued}==lost
    for o in manager.list_jobs(status='pending'): assert o.retry_count==1 and 'process' in o.error_log

def test_a_new_owner_is_never_taken_for_dead(tmp_path):
    "Processes that start and show that they live, one after the other, while this one examines every lock file that it sees"
    from tenant_tasks import is_dead
    src = """
import sys
from tenant_tasks import owner
keep = []
for _ in range(300):
    owner._held.clear()
    owner._me = None
    owner.hold(sys.argv[1])
    keep += owner._held.values()
sys.stdin.read()
"""
    proc,locks = script(src, tmp_path),tmp_path/'.tenant_tasks'
    seen,dead = set(),set()
    while proc.poll() is None and len(seen)<300:
        for o in locks.glob('*.lock') if locks.exists() else ():
            if o.stem not in seen and is_dead(o.stem, tmp_path): dead.add(o.stem)
            seen.add(o.stem)
    proc.kill()
    proc.communicate()
    assert len(seen)==300 and not dead

def test_rescue_honours_attempts_and_wishes(tenants):
    manager = tenants['acme']
    host,_,*_ = owner_id().split('~')
    dead = f'{host}~other~1~aa'
    last = running_row(manager, dead, retry_count=2)
    stopped = running_row(manager, dead, cancel_requested=1)
    lost = running_row(manager, dead, task=None, function='myapp.sync_data')
    waits, = manager.store.submit([TenantJob('p', 'note', owner=dead, function='myapp.later', created_at=timestamp(utcnow()))])
    manager.rescue()
    got = {o.id:o for o in manager.list_jobs()}
    assert [got[o.id].status for o in (last, stopped, lost, waits)]==['failed', 'cancelled', 'failed', 'failed']
    for o in (lost, waits):
        for text in (o.function, dead, '@task'): assert text in got[o.id].error_log

async def test_living_processes_keep_their_jobs(tenants):
    "Another process runs a job and has one waiting; neither is touched while it lives"
    src = """
import asyncio,sys
from fastlite import database
from tenant_tasks import BackgroundTaskManager
manager = BackgroundTaskManager(database(sys.argv[1]))
async def wait(): await asyncio.sleep(60)
async def main():
    _,bg_task = manager.submit('wait', wait)
    manager.using(delay=60).submit('later', wait)
    task = asyncio.ensure_future(bg_task())
    while manager.job_stats()['running']<1: await asyncio.sleep(.01)
    print('running', flush=True)
    await task
asyncio.run(main())
"""
    proc = script(src, tenants.file('acme'))
    assert proc.stdout.readline()=='running\n'
    manager = BackgroundTaskManager(open_db(tenants.file('acme')))
    assert manager.rescue()==[] and manager.job_stats()['running']==1
    proc.kill()
    proc.communicate()
    assert sorted(o.status for o in manager.rescue())==['failed', 'failed']

# -- registered tasks

async def run(manager, func, *args, **kw):
    job_id,bg_task = manager.submit('t', func, *args, **kw)
    await bg_task()
    return manager.get_job(job_id)

async def test_policies(manager, clock):
    @task(name='w.hopeless', retry_on=(OSError,), cancel_on=KeyError, backoff=lambda n: 5)
    def pick(what): raise dict(os=OSError, value=ValueError, key=KeyError)[what](what)
    for what,status,n in (('os', 'failed', 3), ('value', 'failed', 1), ('key', 'cancelled', 0)):
        clock.slept.clear()
        job = await run(manager, pick, what=what)
        assert (job.status, job.retry_count, job.task)==(status, n, 'w.hopeless') and clock.slept==[5]*max(n-1, 0)

async def test_timeout_of_an_async_task(manager):
    @task(name='w.slow', timeout=.02)
    async def slow(): await asyncio.sleep(60)
    job = await run(manager, slow, 1)
    assert job.status=='failed' and 'took longer than 0.02 s' in job.error_log

@pytest.mark.parametrize('kind', ['sync', 'async'])
async def test_current_job(path, kind):
    from tenant_tasks import current_job
    manager = manager_at(path)
    def look():
        me = current_job()
        me.progress(.5, 'half')
        row = me.db.q('SELECT progress, progress_note, status FROM tenant_jobs WHERE id=?', (me.id,))
        me.progress(1, 'all')
        return [me.attempt, row]
    async def alook(): return look()
    job = await run(manager, look if kind=='sync' else alook)
    assert job.value==[1, [dict(progress=.5, progress_note='half', status='running')]]
    assert (job.progress, job.progress_note)==(1, 'all')

@pytest.mark.parametrize('kind', ['sync', 'async'])
async def test_check_ends_a_cancelled_job(path, kind):
    from tenant_tasks import current_job
    manager,started = manager_at(path),threading.Event()
    def loop():
        started.set()
        while True:
            current_job().check()
            time.sleep(.005)
    async def aloop():
        started.set()
        while True:
            current_job().check()
            await asyncio.sleep(.005)
    job_id,bg_task = manager.submit('loop', loop if kind=='sync' else aloop)
    running = asyncio.ensure_future(bg_task())
    await until(started.is_set)
    assert manager.cancel_job(job_id).cancel_requested
    await asyncio.wait_for(running, 5)
    assert manager.get_job(job_id).status=='cancelled'

async def test_sync_deadline(path):
    from tenant_tasks import current_job
    @task(name='w.deadline', timeout=.03)
    def loop():
        while True:
            current_job().check()
            time.sleep(.005)
    job = await run(manager_at(path), loop, 1)
    assert job.status=='failed' and 'time of this attempt is up' in job.error_log

# -- other ways to tenants, and the app

@pytest.mark.parametrize('kind', ['dict', 'function'])
async def test_own_mapping(tmp_path, kind):
    dbs = {o:database(tmp_path/f'{o}.sqlite') for o in ('red', 'blue')} | dict(mem=database(':memory:'))
    tenants = TenantMap(dbs) if kind=='dict' else TenantMap(dbs.__getitem__, names=lambda: list(dbs))
    async with working(tenants):
        for o in dbs:
            _,bg_task = BackgroundTaskManager(dbs[o]).submit('note', note, n=o)
            await bg_task()
        await until(lambda: sorted(ran)==sorted(dbs))
    with pytest.raises((KeyError, TenantNotFound)): tenants['green']

async def test_stop_releases(tenants):
    "An async job and a sync one outlast the grace: both are pending again with all attempts, and what the sync one writes later is refused"
    go,started = threading.Event(),[]
    @task(name='w.stuck')
    def stuck():
        started.append(1)
        go.wait(10)
    @task(name='w.forever')
    async def forever():
        started.append(2)
        await asyncio.sleep(60)
    manager = tenants['acme']
    for o in (stuck, forever): manager.submit('x', o)
    async with working(tenants, grace=.1): await until(lambda: len(started)==2)
    assert [(o.status, o.retry_count, o.claim) for o in manager.list_jobs()]==[('pending', 0, None)]*2
    go.set()
    await asyncio.sleep(.1)
    assert {o.status for o in manager.list_jobs()}=={'pending'}

async def test_a_worker_that_starts_again_looks_at_everything(tenants):
    "A second run of a worker on the same tenants knows nothing of what the first had seen"
    worker = Worker(tenants, look_every=.05)
    for n in (1, 2):
        async with asynccontextmanager(worker.lifespan)(): await asyncio.sleep(.2)
        tenants['acme'].submit('note', note, n=n)
        await asyncio.sleep(.1)
    assert ran==[1]
    async with asynccontextmanager(worker.lifespan)(): await until(lambda: 2 in ran, 3)

@pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork on this system')
def test_a_child_is_no_sign_of_its_parents_life(tmp_path):
    "The parent is killed, its forked child lives on, under a name of its own; and a pid that comes back is nobody's alibi"
    from tenant_tasks import is_dead
    src = """
import os,sys,time
from tenant_tasks.owner import *
hold(sys.argv[1])
print(owner_id(), flush=True)
if os.fork(): time.sleep(60)
hold(sys.argv[1])
print(owner_id(), os.getpid(), flush=True)
time.sleep(60)
"""
    proc = script(src, tmp_path)
    parent = proc.stdout.readline().strip()
    child,pid = proc.stdout.readline().split()
    try:
        assert parent!=child and [is_dead(o, tmp_path) for o in (parent, child)]==[False, False]
        proc.kill()
        proc.wait()
        assert [is_dead(o, tmp_path) for o in (parent, child)]==[True, False]
        host,kernel,_,token = parent.split('~')
        os.rename(tmp_path/'.tenant_tasks'/f'{parent}.lock', tmp_path/'.tenant_tasks'/f'{host}~{kernel}~{os.getpid()}~{token}.lock')
        assert is_dead(f'{host}~{kernel}~{os.getpid()}~{token}', tmp_path)
    finally: os.kill(int(pid), 9)

@pytest.mark.parametrize('attempts', [1, 3])
async def test_cancelling_stops_an_async_function(path, attempts):
    "From another thread, in its only attempt or one of several: cancelled, cleaned up, no attempt counted"
    manager,started,cleaned = manager_at(path),threading.Event(),[]
    async def forever():
        started.set()
        try: await asyncio.sleep(60)
        finally: cleaned.append(1)
    job_id,bg_task = manager.submit('forever', forever, attempts)
    running = asyncio.ensure_future(bg_task())
    await until(started.is_set)
    thread = threading.Thread(target=manager.cancel_job, args=(job_id,))
    thread.start()
    await asyncio.wait_for(running, 5)
    thread.join()
    job = manager.get_job(job_id)
    assert (job.status, job.retry_count, cleaned)==('cancelled', 0, [1]) and 'asked to stop' in job.error_log

def test_retry_needs_somebody_who_has_the_function(tenants):
    from tenant_tasks import JobStateError
    manager = tenants['acme']
    host,_,*_ = owner_id().split('~')
    job, = manager.store.submit([TenantJob('x', 'sync', 'failed', owner=f'{host}~other~1~aa', function='myapp.sync')])
    with pytest.raises(JobStateError, match='myapp.sync; allowed: functions registered with @task'): manager.retry_job(job.id)
    manager.db.execute("UPDATE tenant_jobs SET task='w.note' WHERE id='x'")
    assert manager.retry_job(job.id).status=='pending'

async def test_a_map_is_looked_at_from_the_start(tmp_path):
    "Jobs that wait in the databases of a dict when the worker starts, and in one that is added later"
    dbs = {o:database(tmp_path/f'{o}.sqlite') for o in ('red', 'blue')}
    BackgroundTaskManager(dbs['blue']).submit('note', note, n='blue')
    async with working(TenantMap(dbs)):
        await until(lambda: ran==['blue'], 3)
        green = database(':memory:')
        BackgroundTaskManager(green).submit('note', note, n='green')
        dbs['green'] = green
        await until(lambda: 'green' in ran, 3)

async def test_rows_that_somebody_set_back_by_hand(tenants):
    "`UPDATE … SET status='pending'` leaves the old claim behind; the job runs all the same, and the worker doesn't spin"
    manager,old = tenants['acme'],running_row(tenants['acme'], 'far~other~1~aa', timedelta(hours=1))
    manager.db.execute("UPDATE tenant_jobs SET status='pending'")
    async with working(tenants): await until(lambda: manager.get_job(old.id).status=='completed')
    assert ran==[1]

async def test_one_wake_up_a_tenant(tenants):
    "However often a tenant is looked at, the job that it has in a year is remembered once, and so is the look in a moment"
    manager,worker = tenants['acme'],Worker(tenants)
    manager.using(delay=365*86400).submit('note', note)
    for _ in range(50): await worker._turn('acme')
    assert len(worker._later)==2
    manager.using(delay=60).submit('note', note)
    for _ in range(50): await worker._turn('acme')
    assert len(worker._later)==2
