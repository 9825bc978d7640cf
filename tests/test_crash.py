"Processes that are killed, stopped and asked to end; many of them on the same files; and what the books say afterwards"
import asyncio,signal,time

import pytest
from crash import Arena,compare,crash_round
from fastlite import database

from tenant_tasks import Tenants,Worker,task

@pytest.fixture
def arena():
    with Arena() as res: yield res

@pytest.mark.parametrize('seed', [1, 2])
def test_killed_at_every_seam(seed):
    figures,bad = crash_round(seed, jobs=300, workers=2)
    print(figures)
    assert not bad
    assert figures['accepted']==300 and figures['completed']+figures['failed']==300 and figures['kills']>12

@pytest.mark.parametrize('workers', [2, 4])
def test_many_workers_on_the_same_files(arena, workers):
    "Two thousand jobs, each exactly once; no statement finds a database locked, but for the driver's own when it opens one"
    procs = [arena.worker() for _ in range(workers)]
    subs = [arena.start('submitter', 'data', o, 500, 'work', 0, 3) for o in arena.names]
    for o in subs: o.wait(60)
    arena.until(lambda: arena.over() and arena.stats()['completed']==2000)
    figures,bad = compare(arena)
    assert not bad and figures['executions']==2000
    assert not [o for o in arena.log().splitlines() if ('locked' in o or 'Busy' in o) and 'pragma "optimize"' not in o]
    assert len({o[3] for o in arena.lines('ledger')})==len(procs)

def test_poison_stops(arena):
    "A job that kills its process ends `failed` after three deaths; the others finish"
    arena.submit('t0', 1, 'poison', attempts=3)
    arena.submit('t1', 40)
    deaths = 0
    proc = arena.worker()
    def go_on():
        nonlocal proc,deaths
        if proc.poll() is not None:
            arena.buried(proc, 'poison')
            deaths += 1
            proc = arena.worker()
        return arena.over()
    arena.until(go_on)
    job, = arena.manager('t0').list_jobs()
    assert (job.status, job.retry_count, deaths)==('failed', 3, 3) and 'died while it ran' in job.error_log
    assert arena.stats()['completed']==40

def test_lost_function_is_told(arena):
    "A job whose function has no registered name can't be resumed, and says what to do"
    proc = arena.submit('t0', 1, 'unregistered', then='stay')
    arena.until(lambda: arena.stats()['pending']==1)
    owner = arena.manager('t0').list_jobs()[0].owner
    arena.worker()
    time.sleep(.3)
    assert arena.stats()['pending']==1
    arena.kill(proc)
    arena.until(arena.over)
    job, = arena.manager('t0').list_jobs()
    assert job.status=='failed' and all(o in job.error_log for o in ('tasks.unregistered', owner, '@task'))

def test_resumes_within_a_second_of_the_next_start(arena):
    "From the moment that the new process is up to the second execution of the job"
    arena.submit('t0', 1, 'work', secs=30)
    first = arena.worker()
    arena.until(lambda: len(arena.lines('ledger'))==1)
    arena.kill(first)
    arena.worker()
    up = time.monotonic()
    arena.until(lambda: len(arena.lines('ledger'))==2)
    wait = float(arena.lines('ledger')[1][4])-up
    print(f'resumed after {wait:.2f} s')
    assert wait<1

def test_stalled_process_writes_nothing(arena):
    "It is stopped until its lease has run out; another one does the job; when it wakes up, its claim is void"
    arena.submit('t0', 1, 'work', secs=1)
    first = arena.worker(LEASE=.6)
    arena.until(lambda: len(arena.lines('ledger'))==1)
    first.send_signal(signal.SIGSTOP)
    arena.worker(LEASE=.6)
    arena.until(arena.over)
    row, = arena.manager('t0').list_jobs()
    first.send_signal(signal.SIGCONT)
    arena.until(lambda: "is somebody else's by now" in arena.log())
    assert arena.manager('t0').list_jobs()==[row] and row.retry_count==1
    assert 'gave no sign of life' in row.error_log

def test_sigterm_and_restart(arena):
    "The worker ends in its grace with nothing running, and the next one picks up where it stopped"
    for o in arena.names: arena.submit(o, 5, 'awork', secs=20)
    first = arena.worker(GRACE=.3)
    arena.until(lambda: arena.stats()['running']==6)
    start = time.monotonic()
    first.send_signal(signal.SIGTERM)
    assert first.wait(5)==0 and time.monotonic()-start<2
    assert arena.stats()['pending']==20 and {o.retry_count for o in arena.jobs().values()}=={0}
    arena.worker()
    arena.until(lambda: arena.stats()['running']==6)

def test_second_signal_ends_it_at_once(arena):
    arena.submit('t0', 1, 'work', secs=30)
    proc = arena.worker(GRACE=60)
    arena.until(lambda: arena.stats()['running']==1)
    proc.send_signal(signal.SIGTERM)
    time.sleep(.3)
    assert proc.poll() is None
    proc.send_signal(signal.SIGINT)
    assert proc.wait(2)!=0

async def test_a_flood_starves_nobody(tmp_path):
    "One tenant has submitted 1,000 jobs; another submits one, and few of the flood run before it"
    ran = []
    @task(name='crash.flood')
    def flood(n): # long enough for what is counted to be turns, and not how fast this machine commits
        time.sleep(.01)
        ran.append(n)
    database(tmp_path/'heavy.db')
    tenants = Tenants(tmp_path)
    tenants['heavy'].submit_many('flood', flood, [dict(n=i) for i in range(1000)])
    worker = Worker(tenants, concurrency=2, look_every=.05)
    running = asyncio.ensure_future(worker.run())
    while len(ran)<20: await asyncio.sleep(.005)
    _,bg_task = tenants.create('light').submit('flood', flood, n='light')
    before = len(ran) # the threads go on while this one makes a database
    await bg_task()
    while 'light' not in ran: await asyncio.sleep(.001)
    between = ran.index('light')-before
    worker.stop()
    await running
    print(f'{between} jobs of the flood ran before it')
    assert between<=20 and len(ran)<1000
