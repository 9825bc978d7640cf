"Several worker processes under a supervisor: deaths, restarts, signals, and the end of the supervisor itself"
import os,re,shutil,signal,subprocess,sys
from pathlib import Path

import pytest
from chaos import Chaos,check_ledger,executions
from helpers import Stopwatch,end,manager_at,programs,root,slow,wait_until

from tenant_tasks.supervisor import Place,Supervisor
from tenant_tasks.worker import Worker

pytestmark = pytest.mark.skipif(sys.platform=='win32', reason='needs signals')

# -- restarts, without processes

class Fake:
    "A process that ends with `code` after `life` seconds on a stopwatch"
    def __init__(self, pid, watch, life, code=1):
        self.pid = pid
        self.watch = watch
        self.code = code
        self.end = watch.secs+life

    def poll(self): return self.code if self.watch.secs>=self.end else None

class Starts:
    "Starts fake processes with the given lives (the last one again and again), and notes when"
    def __init__(self, *lives):
        self.watch = Stopwatch()
        self.lives = lives
        self.times = []

    def __call__(self, cmd, **kw):
        self.times.append(self.watch.secs)
        life = self.lives[min(len(self.times), len(self.lives))-1]
        if isinstance(life, Exception): raise life
        return Fake(len(self.times), self.watch, life)

    def supervisor(self, n): return Supervisor(n, start=self, monotonic=self.watch)

def run_for(supervisor, watch, secs, step=.25):
    "Tick at each step, and once more, as the signal of a death makes a supervisor do"
    for _ in range(int(secs/step)):
        for _ in range(2): supervisor.tick()
        watch.secs += step

def gaps(times): return [b-a for a,b in zip(times, times[1:])]

def test_one_that_dies_over_and_over_waits_longer_each_time():
    starts = Starts(0)
    run_for(starts.supervisor(1), starts.watch, 300)
    assert gaps(starts.times)==[1, 2, 4, 8, 16, 32, 60, 60, 60]

def test_a_minute_of_life_ends_a_row_of_deaths():
    starts = Starts(0, 0, 0, Place.settled, 0, Place.settled-1, 0)
    run_for(starts.supervisor(1), starts.watch, 200)
    assert gaps(starts.times)[:6]==[1, 2, 4, 61, 2, 63]

def test_others_go_on():
    "One of three dies each time it starts; the other two are started once"
    starts = Starts(1e9, 1e9, 0)
    supervisor = starts.supervisor(3)
    run_for(supervisor, starts.watch, 20)
    assert starts.times==[0, 0, 0, 1, 3, 7, 15] and [o.deaths for o in supervisor.places]==[0, 0, 5]
    assert [o.proc.pid for o in supervisor.places[:2]]==[1, 2]

def test_a_process_that_cannot_be_started_is_tried_again(logs):
    refusals = BlockingIOError(11, 'Resource temporarily unavailable'),OSError(12, 'Cannot allocate memory')
    starts = Starts(1e9, *refusals, 1e9)
    supervisor = starts.supervisor(2)
    run_for(supervisor, starts.watch, 10)
    assert starts.times==[0, 0, 1, 3] and all(o.proc for o in supervisor.places)
    first,second = logs('WARNING')
    assert 'temporarily unavailable' in first and 'memory' in second and second.endswith('starts in 2 s')

def test_deaths_are_reported(logs):
    codes = iter([3, -9, -35, 0])
    watch = Stopwatch()
    supervisor = Supervisor(4, start=lambda cmd, **kw: Fake(7, watch, 0, next(codes)), monotonic=watch)
    supervisor.tick()
    assert supervisor.tick()==1
    hows = 'ended with exit code 3', 'was killed by SIGKILL', 'was killed by 35', 'ended with exit code 0'
    assert logs('WARNING')==[f'process {i+1} (pid 7) {o}; the next one starts in 1 s' for i,o in enumerate(hows)]

def test_how_many_must_be_a_number(tmp_path):
    worker = Worker(tmp_path)
    for o in (0, -1, '2', 2.0, True, None):
        with pytest.raises(ValueError, match='`processes` must be an int ≥ 1, got'): worker.main(processes=o)
        with pytest.raises(ValueError, match='`processes` must be an int ≥ 1, got'): Supervisor(o)

# -- real processes

class Kept:
    "A script under a supervisor, and what its log says"
    def __init__(self, chaos, processes=2, grace=5, **env):
        self.chaos = chaos
        self.proc = chaos.start('kept', processes, grace, **env)
        self.log = Path(chaos.logs[-1].name)
        self.until_up(processes)

    def text(self): return self.log.read_text()
    def pids(self): return [int(o) for o in re.findall(r'process \d+ starts, pid (\d+)', self.text())]
    def up(self): return [int(o) for o in re.findall(r'(\d+) INFO Worker.* starts as', self.text())]
    def until(self, cond): wait_until(cond, why=self.text)
    def until_up(self, n): self.until(lambda: len(self.up())>=n)
    def alive(self): return [o for o in self.pids() if is_alive(o)]

    def stop(self, sig=signal.SIGTERM):
        "Send a signal: the exit code"
        self.proc.send_signal(sig)
        return self.proc.wait(60)

    def close(self):
        for o in [self.proc.pid, *self.alive()]:
            try: os.kill(o, signal.SIGKILL)
            except ProcessLookupError: pass
        self.proc.wait()
        self.until(lambda: not self.alive())

def state(pid):
    "What the kernel says a process does: R, S, T (stopped), Z …; '' if it is gone"
    try: return Path(f'/proc/{pid}/stat').read_text().rpartition(') ')[2][0]
    except (FileNotFoundError,ProcessLookupError): return ''

def is_alive(pid): return state(pid) not in ('', 'Z')

@pytest.fixture
def kept():
    "Makes scripts with supervisors, and ends them and all their processes"
    with Chaos() as chaos:
        made = []
        def make(*args, **kw):
            made.append(Kept(chaos, *args, **kw))
            return made[-1]
        try: yield make
        finally:
            for o in made: o.close()

def workers_of(chaos): return {o[3] for o in chaos.lines('ledger')}

@pytest.mark.slow
def test_each_job_runs_once_over_many_tenants():
    "Twenty tenants with twenty jobs each, two processes: both take part, and nothing runs twice"
    with Chaos(tenants=20) as chaos:
        for o in chaos.names: chaos.submit(o, 20)
        kept = Kept(chaos)
        try:
            chaos.until(chaos.finished)
            assert kept.stop()==0
        finally: kept.close()
        figures,wrong = check_ledger(chaos)
        assert not wrong and figures['completed']==figures['executions']==400
        assert workers_of(chaos)=={str(o) for o in kept.pids()}
        assert not [o for o in chaos.log().splitlines() if 'locked' in o or 'Busy' in o]

def test_the_parent_only_watches(kept):
    "It has one thread, and neither a database nor a lock file open; what its processes inherit is the end of one pipe"
    k = kept()
    k.chaos.submit('t0', 10)
    k.chaos.submit('t0', 1, 'environment')
    k.chaos.until(k.chaos.finished)
    assert k.chaos.manager('t0').list_jobs('environment')[0].value==[], 'a program that a job starts is no child'
    def files(pid): return [os.readlink(o) for o in Path(f'/proc/{pid}/fd').iterdir()]
    assert len(os.listdir(f'/proc/{k.proc.pid}/task'))==1
    mine = files(k.proc.pid)
    assert not [o for o in mine if '.db' in o or '.lock' in o or str(k.chaos.data) in o]
    pipes = {o for o in mine if o.startswith('pipe:')}
    shared = [pipes & {o for o in files(pid) if o.startswith('pipe:')} for pid in k.pids()]
    std = {os.readlink(f'/proc/{k.proc.pid}/fd/{o}') for o in (0, 1)}
    assert len(set(map(frozenset, shared)))==1 and len(shared[0])==len(std)+1

def test_the_job_of_a_killed_process_is_finished_by_the_others(kept):
    "And another process is started in its place"
    k = kept()
    k.chaos.submit('t0', 1, secs=2)
    k.until(lambda: k.chaos.lines('ledger'))
    victim = int(k.chaos.lines('ledger')[0][3])
    os.kill(victim, signal.SIGKILL)
    k.until_up(3)
    k.chaos.until(k.chaos.finished)
    job, = k.chaos.manager('t0').list_jobs()
    first,second = executions(k.chaos)[job.id]
    assert job.status=='completed' and job.retry_count==1 and second['pid']!=first['pid']
    assert f'(pid {victim}) was killed by SIGKILL; the next one starts in 1 s' in k.text()
    assert len(k.alive())==2 and victim not in k.alive()
    assert k.stop()==0

@pytest.mark.slow
def test_poison_stops_and_the_others_go_on(kept):
    "A job that kills its process ends `failed` after three deaths; all others complete, and two processes run"
    k = kept()
    k.chaos.submit('t0', 1, 'poison', attempts=3)
    for o in ('t1', 't2'): k.chaos.submit(o, 30)
    k.chaos.until(k.chaos.finished)
    job, = k.chaos.manager('t0').list_jobs()
    assert (job.status, job.retry_count)==('failed', 3) and k.chaos.stats()['completed']==60
    k.until_up(5)
    assert k.text().count('was killed by SIGKILL')==3 and len(k.alive())==2

@pytest.mark.parametrize('sig', [signal.SIGTERM, *slow(signal.SIGINT)])
def test_a_signal_stops_all(kept, sig):
    "No job stays `running`, and no attempt is counted"
    k = kept(grace=.3)
    for o in k.chaos.names: k.chaos.submit(o, 5, 'awork', secs=30)
    k.chaos.until(lambda: k.chaos.stats()['running']==12)
    assert k.stop(sig)==0 and not k.alive()
    assert k.chaos.stats()=={'pending':20} and {o.retry_count for o in k.chaos.jobs().values()}=={0}
    assert f'{sig.name}: the processes get 5.3 s to stop' in k.text() and k.text().count('ended with exit code 0')==3

@pytest.mark.slow
def test_a_signal_to_the_whole_group_counts_once(kept):
    "A service manager or a terminal tells parent and children alike, and running jobs still get their grace"
    k = kept()
    k.chaos.submit('t0', 1, secs=1.5)
    k.chaos.until(lambda: k.chaos.stats()['running']==1)
    for o in k.pids(): os.kill(o, signal.SIGTERM)
    assert k.stop()==0 and k.chaos.stats()=={'completed':1}

@pytest.mark.slow
def test_a_signal_during_a_pause(kept):
    k = kept()
    os.kill(k.pids()[0], signal.SIGKILL)
    k.until(lambda: 'the next one starts' in k.text())
    assert k.stop()==0 and not k.alive() and len(k.pids())==2

@pytest.mark.slow
def test_a_second_signal_kills_at_once(kept):
    k = kept(grace=60)
    k.chaos.submit('t0', 1, secs=30)
    k.chaos.until(lambda: k.chaos.stats()['running']==1)
    k.proc.send_signal(signal.SIGTERM)
    k.until(lambda: 'get 65.0 s to stop' in k.text())
    k.until(lambda: len(k.alive())==1) # The idle one
    assert k.stop(signal.SIGINT)==1 and not k.alive() and 'still runs, and is killed' in k.text()

@pytest.mark.parametrize('busy', [True, *slow(False)])
def test_children_stop_when_the_parent_is_killed(kept, busy):
    "With their grace: a running job ends, and what can't is released"
    k = kept(grace=1)
    if busy: k.chaos.submit('t0', 1, 'awork', secs=30)
    k.chaos.until(lambda: k.chaos.stats()['running']==busy)
    pids = k.alive()
    assert len(pids)==2
    k.proc.kill()
    k.proc.wait()
    k.until(lambda: not k.alive())
    assert k.chaos.stats()==({'pending':1} if busy else {}) and k.text().count('the supervisor stops or is gone')==2

@pytest.mark.slow
def test_the_parent_is_killed_while_children_start(kept):
    "Those whose interpreter is still starting notice as soon as they run"
    k = kept()
    for o in k.pids(): os.kill(o, signal.SIGKILL)
    k.until(lambda: len(k.pids())==4)
    k.proc.kill()
    k.proc.wait()
    k.until(lambda: not k.alive())

@pytest.mark.slow
def test_a_stopped_process_is_left_alone(kept):
    "It isn't dead, so no other one is started; at the end of the grace it is killed"
    k = kept(grace=.2)
    first = k.pids()[0]
    os.kill(first, signal.SIGSTOP)
    k.until(lambda: state(first)=='T')
    k.chaos.submit('t0', 5)
    k.chaos.until(k.chaos.finished)
    assert len(k.pids())==2 and 'the next one' not in k.text()
    assert k.stop()==1 and not k.alive() and f'process 1 (pid {first}) still runs, and is killed' in k.text()

# -- the command

def test_the_command(tmp_path):
    "`--processes` runs that many, which share the jobs; SIGTERM ends all with exit code 0"
    shutil.copy(programs/'myapp.py', tmp_path)
    env = dict(os.environ, PYTHONPATH=str(root))
    manager = manager_at(tmp_path/'idle.db')
    args = 'worker', 'myapp:worker', '--processes', '2', '--concurrency', '3'
    log,pipe = tmp_path/'log',subprocess.PIPE
    with open(log, 'w') as f:
        cmd = [sys.executable, '-m', 'tenant_tasks.cli', *args]
        proc = subprocess.Popen(cmd, cwd=tmp_path, env=env, stderr=f, stdin=pipe, stdout=pipe)
    try:
        wait_until(lambda: log.read_text().count(' starts as ')==2, why=log.read_text)
        subprocess.run([sys.executable, 'myapp.py'], cwd=tmp_path, env=env, check=True)
        wait_until(lambda: manager.job_stats()['completed']+manager.job_stats()['failed']==2)
        proc.send_signal(signal.SIGTERM)
        assert proc.wait(60)==0
    finally: end(proc)
    text = log.read_text()
    assert text.count('concurrency=3')>=2 and 'INFO Supervisor(2) has ended with exit code 0' in text
