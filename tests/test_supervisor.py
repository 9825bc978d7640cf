"Several worker processes under a supervisor: deaths, restarts, signals, and the end of the supervisor itself"
import os,re,signal,sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from chaos import Chaos,executions
from helpers import Stopwatch,is_alive,slow

from tenant_tasks.fleet.supervisor import Supervisor
from tenant_tasks.run.process import is_stopped

pytestmark = pytest.mark.skipif(sys.platform=='win32', reason='needs signals')

def test_a_process_that_cannot_be_started_is_tried_again(logs):
    "After pauses that grow, as after deaths"
    watch,times,proc = Stopwatch(),[],SimpleNamespace(pid=1, poll=lambda: None)
    refusals = BlockingIOError(11, 'Resource temporarily unavailable'),OSError(12, 'Cannot allocate memory')
    answers = iter([proc, *refusals, proc])
    def start(cmd, **kw):
        times.append(watch.secs)
        if isinstance(res := next(answers), Exception): raise res
        return res
    supervisor = Supervisor(2, start=start, monotonic=watch)
    while watch.secs<10: watch.secs += supervisor.tick() or .25
    assert times==[0, 0, 1, 3] and all(o.proc for o in supervisor.places)
    first,second = logs('WARNING')
    assert 'temporarily unavailable' in first and 'memory' in second and second.endswith('starts in 2 s')

class Kept(Chaos):
    "Two workers under a supervisor, which end with it, and what their log says"
    def __init__(self, grace=5):
        super().__init__()
        self.proc = self.start('kept', 2, grace)
        self.until_up(2)

    def pids(self): return [int(o) for o in re.findall(r'process \d+ starts, pid (\d+)', self.log())]
    def until_up(self, n): self.until(lambda: len(re.findall(r'INFO Worker.* starts as', self.log()))>=n)
    def alive(self): return [o for o in self.pids() if is_alive(o)]
    def running(self): return self.stats()['running']

    def stop(self, sig=signal.SIGTERM):
        "Send a signal: the exit code"
        self.proc.send_signal(sig)
        return self.proc.wait(60)

    def kill_parent(self):
        self.proc.kill()
        self.proc.wait()
        self.until(lambda: not self.alive())

    def close(self):
        for o in [self.proc.pid, *self.alive()]:
            with suppress(ProcessLookupError): os.kill(o, signal.SIGKILL)
        self.kill_parent()
        super().close()

@pytest.fixture
def kept(request):
    "Workers under a supervisor, with the grace that a test names"
    with Kept(*getattr(request, 'param', ())) as res: yield res

def with_grace(secs): return pytest.mark.parametrize('kept', [(secs,)], indirect=True, ids=[''])

def test_the_parent_only_watches(kept):
    "It has one thread, and neither a database nor a lock file open; its processes inherit the end of one pipe"
    kept.submit('t0', 10)
    kept.submit('t0', 1, 'environment')
    kept.until(kept.finished)
    assert kept.manager('t0').list_jobs('environment')[0].value==[], 'a program that a job starts is no child'
    def files(pid): return [os.readlink(o) for o in Path(f'/proc/{pid}/fd').iterdir()]
    def pipes(pid): return {o for o in files(pid) if o.startswith('pipe:')}
    parent = kept.proc.pid
    assert len(os.listdir(f'/proc/{parent}/task'))==1
    assert not [o for o in files(parent) if '.db' in o or '.lock' in o or str(kept.data) in o]
    first,second = [pipes(parent) & pipes(o) for o in kept.pids()]
    std = {os.readlink(f'/proc/{parent}/fd/{o}') for o in (0, 1)}
    assert first==second and len(first)==len(std)+1

def test_the_job_of_a_killed_process_is_finished_by_the_others(kept):
    "And another process is started in its place"
    kept.submit('t0', 1, secs=2)
    kept.until(lambda: kept.lines('ledger'))
    victim = int(kept.lines('ledger')[0][3])
    os.kill(victim, signal.SIGKILL)
    kept.until_up(3)
    kept.until(kept.finished)
    job, = kept.manager('t0').list_jobs()
    first,second = executions(kept)[job.id]
    assert job.status=='completed' and job.retry_count==1 and second['pid']!=first['pid']
    assert f'(pid {victim}) was killed by SIGKILL; the next one starts in 1 s' in kept.log()
    assert len(kept.alive())==2 and victim not in kept.alive() and kept.stop()==0

@with_grace(.3)
@pytest.mark.parametrize('sig', [signal.SIGTERM, *slow(signal.SIGINT)])
def test_a_signal_stops_all(kept, sig):
    "No job stays `running`, and no attempt is counted"
    for o in kept.names: kept.submit(o, 5, 'awork', secs=30)
    kept.until(lambda: kept.running()==12)
    assert kept.stop(sig)==0 and not kept.alive()
    assert kept.stats()=={'pending':20} and {o.retry_count for o in kept.jobs().values()}=={0}
    log = kept.log()
    assert f'{sig.name}: the processes get 5.3 s to stop' in log and log.count('ended with exit code 0')==3

@pytest.mark.slow
def test_a_signal_to_the_whole_group_counts_once(kept):
    "A service manager or a terminal tells parent and children alike, and running jobs still get their grace"
    kept.submit('t0', 1, secs=1.5)
    kept.until(lambda: kept.running()==1)
    for o in kept.pids(): os.kill(o, signal.SIGTERM)
    assert kept.stop()==0 and kept.stats()=={'completed':1}

@pytest.mark.slow
@with_grace(60)
def test_a_second_signal_kills_at_once(kept):
    kept.submit('t0', 1, secs=30)
    kept.until(lambda: kept.running()==1)
    kept.proc.send_signal(signal.SIGTERM)
    kept.until(lambda: 'get 65.0 s to stop' in kept.log() and len(kept.alive())==1) # The idle one
    assert kept.stop(signal.SIGINT)==1 and not kept.alive() and 'still runs, and is killed' in kept.log()

@with_grace(1)
@pytest.mark.parametrize('starting', [False, *slow(True)])
def test_children_stop_when_the_parent_is_killed(kept, starting):
    "With their grace: a running job is released. Those whose interpreter is still starting notice as soon as they run"
    if starting:
        for o in kept.pids(): os.kill(o, signal.SIGKILL)
        kept.until(lambda: len(kept.pids())==4)
        return kept.kill_parent()
    kept.submit('t0', 1, 'awork', secs=30)
    kept.until(lambda: kept.running()==1)
    assert len(kept.alive())==2
    kept.kill_parent()
    assert kept.stats()=={'pending':1} and kept.log().count('the supervisor stops or is gone')==2

@pytest.mark.slow
@with_grace(.2)
def test_a_stopped_process_is_left_alone(kept):
    "It isn't dead, so no other one is started; at the end of the grace it is killed"
    first = kept.pids()[0]
    os.kill(first, signal.SIGSTOP)
    kept.until(lambda: is_stopped(f'~~{first}~'))
    kept.submit('t0', 5)
    kept.until(kept.finished)
    assert len(kept.pids())==2 and 'the next one' not in kept.log()
    assert kept.stop()==1 and not kept.alive() and f'process 1 (pid {first}) still runs, and is killed' in kept.log()
