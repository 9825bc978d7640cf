"Jobs in `Processes` while the processes on both sides are killed, stopped and asked to end: ledger and rows agree"
import os,signal,subprocess,sys,time
from collections import Counter,defaultdict
from contextlib import contextmanager,suppress
from urllib.request import urlopen

import pytest
from chaos import Chaos
from fastcore.net import free_port
from helpers import is_alive,manager_at,programs,root,wait_until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not os.path.isdir('/proc/self/fd'), reason='needs Linux')]

# Where a process of the executor dies
there = 'starting','arrived','received','begin','inside','between','middle','done','sent'
here = 'submit','asked','answered','settle','settled' # Where the process that claims jobs dies

class Remote(Chaos):
    "A chaos whose workers run jobs in `Processes`"
    command = 'seams','work'

    def submit_jobs(self, jobs, effects, *kinds):
        "Of each kind so many jobs in each tenant"
        for o in self.names: assert self.start('seams', 'submit', o, jobs, effects, *kinds).wait(60)==0

    def events(self, *kinds): return [o for o in self.lines('ledger') if o[0] in kinds]
    def children(self): return {int(o[3]) for o in self.events('start')}
    def died_at(self): return Counter(o[1] for o in self.events('die'))

    def stop(self, proc, *signals):
        "Ask a worker to end: its exit code"
        for o in signals or [signal.SIGTERM]:
            proc.send_signal(o)
            with suppress(subprocess.TimeoutExpired): proc.wait(.3)
        return proc.wait(20)

    def job(self): return self.manager('t0').list_jobs()[0]

def no_orphans(chaos): wait_until(lambda: not any(map(is_alive, chaos.children())), why=chaos.children)

def claims_of(chaos):
    "The claims of each job, in order, and the processes that had each claim: the worker, then one of its executor"
    order,had = defaultdict(list),defaultdict(list)
    for event,job_id,claim,pid,_ in chaos.events('claim', 'got', 'begin'):
        if event=='claim': order[job_id].append(claim)
        had[claim].append((event, pid))
    return order,had

def check(chaos):
    order,had = claims_of(chaos)
    dead = {o[3] for o in chaos.events('die')}
    for name in chaos.names:
        manager = chaos.manager(name)
        rows = Counter(manager.store.read('SELECT job, n FROM effects'))
        yield from (f'{job}: effect {n} is there {k} times' for (job,n),k in rows.items() if k!=1)
        for o in manager.list_jobs(limit=100_000):
            claims,spent,done = order[o.id],o.retry_count+o.deaths,{n for job,n in rows if job==o.id}
            if o.status!='completed': yield f'{o.id} is {o.status}'
            if o.job_type=='remote' and done!=set(range(o.kwargs['n'])): yield f'{o.id}: effects are missing'
            if len(claims)!=spent+1: yield f'{o.id} was claimed {len(claims)} times, and {spent} attempts were spent'
            for c in claims:
                alive = not {pid for _,pid in had[c]} & dead
                if c!=claims[-1] and alive: yield f'{o.id} ran again, but no process that had it was killed'
                if Counter(e for e,_ in had[c])['begin']>1: yield f'{o.id} ran twice under one claim'
        yield from (f'{name}: {o}' for o, in manager.store.read('PRAGMA integrity_check') if o!='ok')

def work(chaos, points='', secs=60, **kw):
    "Keep a worker running, which dies and is started again, until all is done"
    proc,end = chaos.worker(points, **kw),time.monotonic()+secs
    while not chaos.finished() and time.monotonic()<end:
        if proc.poll() is not None: proc = chaos.worker(points, **kw)
        time.sleep(.02)
    chaos.stop(proc)

@pytest.fixture
def chaos():
    with Remote(1) as res: yield res

@pytest.fixture
def marks(chaos):
    (chaos.dir/'marks').mkdir()
    return chaos.dir/'marks'

@pytest.mark.parametrize('points', [there, here], ids=['there', 'here'])
def test_a_process_is_killed_once_at_each_seam(chaos, marks, points):
    """Over there a death spends one attempt of the job that ran; before the call, after the answer and after progress,
    none. Here another process brings the jobs to their end; the processes of the dead one end with it"""
    chaos.submit_jobs(10, 3, 'remote', 'plain')
    work(chaos, ','.join(points), MARKS=marks)
    assert chaos.died_at()==dict.fromkeys(points, 1) and not list(check(chaos))
    jobs = chaos.jobs().values()
    if points is there:
        assert sum(o.deaths for o in jobs)<=3 and sum(o.deaths+o.retry_count for o in jobs)==len(there)-3
        assert max(o.deaths+o.retry_count for o in jobs if o.job_type=='plain')<=4
    no_orphans(chaos)

def test_a_process_that_starts_when_its_parent_is_dead_runs_nothing(chaos, marks):
    "It has the call already, and hears only now that nothing waits for the answer"
    chaos.submit_jobs(1, 1, 'remote')
    first = chaos.worker('asked', MARKS=marks, SLOW_START=1)
    first.wait(20)
    wait_until(lambda: chaos.events('start'))
    no_orphans(chaos)
    assert not chaos.events('got', 'begin')
    work(chaos)
    assert not list(check(chaos)) and chaos.job().retry_count==1

def test_processes_that_never_start_fail_a_job_in_the_end(chaos):
    chaos.submit_jobs(1, 1, 'plain')
    proc = chaos.worker('starting')
    chaos.until(lambda: len(chaos.events('claim'))==2)
    assert len(chaos.events('die'))==5 and 'was killed by SIGKILL' in chaos.job().error_log
    chaos.stop(proc)

@pytest.mark.parametrize('first', ['child', 'parent'])
def test_a_zombie_is_refused(chaos, first):
    "Worker and process are stopped, another worker completes the job, then they go on: nothing more is written"
    chaos.submit_jobs(1, 1, 'hold')
    zombie = chaos.worker(LEASE=.6)
    chaos.until(lambda: chaos.events('begin'))
    child, = chaos.children()
    pair = [zombie.pid, child] if first=='parent' else [child, zombie.pid]
    for o in pair: os.kill(o, signal.SIGSTOP)
    (chaos.dir/'go').touch()
    other = chaos.worker(LEASE=.6)
    chaos.until(chaos.finished)
    row = chaos.job()
    for o in pair:
        with suppress(ProcessLookupError): os.kill(o, signal.SIGCONT) # A worker that goes on first kills its process
        time.sleep(.2)
    chaos.until(lambda: 'was taken over by another process' in chaos.log())
    assert chaos.job()==row and (row.status, row.retry_count)==('completed', 1)
    assert 'gave no sign of life' in row.error_log
    assert chaos.manager('t0').store.read('SELECT n FROM effects')==[(0,)]
    for o in (zombie, other): assert chaos.stop(o)==0
    no_orphans(chaos)

def test_a_worker_that_ends_at_once_takes_its_processes_along(chaos):
    "A second signal doesn't wait for the grace period"
    chaos.submit_jobs(2, 1, 'forever')
    proc = chaos.worker(GRACE=60)
    chaos.until(lambda: len(chaos.events('begin'))==2)
    assert chaos.stop(proc, signal.SIGTERM, signal.SIGINT)!=0
    no_orphans(chaos)
    assert len(chaos.children())==2 and chaos.stats()['running']==2
    assert {(o.status, o.retry_count) for o in chaos.manager('t0').rescue()}=={('pending', 1)}

# -- a server

@contextmanager
def uvicorn(folder, workers):
    "The app of `heavy_server.py` under uvicorn's own command: its process, and the id of its job"
    port = free_port()
    cmd = [sys.executable, *'-m uvicorn heavy_server:app --log-level warning --timeout-graceful-shutdown 3'.split()]
    env = dict(os.environ, FOLDER=str(folder), PYTHONPATH=os.pathsep.join(map(str, (root, root/'tests', programs))))
    proc = subprocess.Popen([*cmd, '--workers', str(workers), '--port', str(port)], env=env, start_new_session=True)
    def job_id():
        with suppress(OSError): return urlopen(f'http://127.0.0.1:{port}/hang', timeout=60).read().decode()
    try:
        ids = []
        wait_until(lambda: proc.poll() is not None or ids.append(job_id()) or ids[-1])
        yield proc,ids[-1]
    finally:
        with suppress(ProcessLookupError): os.killpg(proc.pid, signal.SIGKILL)
        proc.wait()

@pytest.mark.parametrize('workers', [1, 2])
def test_a_server_that_is_asked_to_end_leaves_nothing_running(tmp_path, workers):
    with uvicorn(tmp_path, workers) as (proc,job_id):
        wait_until((tmp_path/'here').exists)
        proc.send_signal(signal.SIGTERM)
        proc.wait(20)
    job = manager_at(tmp_path/'acme.db').get_job(job_id)
    assert (job.status, job.retry_count)==('pending', 0)
    wait_until(lambda: not is_alive((tmp_path/'here').read_text().strip()))
