"Processes that are killed, stopped and asked to end, many of them on the same files"
import signal,time

import pytest
from chaos import Chaos,check_ledger,crash_round

@pytest.fixture
def chaos():
    with Chaos() as res: yield res

@pytest.mark.slow
def test_killed_at_every_kill_point():
    figures,wrong = crash_round(seed=1, jobs=300, workers=2)
    print(figures)
    assert not wrong
    assert figures['accepted']==300 and figures['completed']+figures['failed']==300 and figures['kills']>12

@pytest.mark.slow
def test_many_workers_on_the_same_files(chaos):
    "A thousand jobs run exactly once. No statement finds a database locked, but for the driver's own when it opens one"
    procs = [chaos.worker() for _ in range(4)]
    submitters = [chaos.start('submitter', o, 250, 'work', 0, 3, 'end') for o in chaos.names]
    for o in submitters: o.wait(60)
    chaos.until(lambda: chaos.finished() and chaos.stats()['completed']==1000)
    figures,wrong = check_ledger(chaos)
    assert not wrong and figures['executions']==1000
    assert not [o for o in chaos.log().splitlines() if 'locked' in o or 'Busy' in o]
    assert len({o[3] for o in chaos.lines('ledger')})==len(procs)

def test_poison_stops(chaos):
    "A job that kills its process ends `failed` after three deaths; the others finish"
    chaos.submit('t0', 1, 'poison', attempts=3)
    chaos.submit('t1', 40)
    deaths = 0
    proc = chaos.worker()
    def go_on():
        nonlocal proc,deaths
        if proc.poll() is not None:
            chaos.reap(proc, 'poison')
            deaths += 1
            proc = chaos.worker()
        return chaos.finished()
    chaos.until(go_on)
    job, = chaos.manager('t0').list_jobs()
    assert (job.status, job.retry_count, deaths)==('failed', 3, 3) and 'died while it ran' in job.error_log
    assert chaos.stats()['completed']==40

@pytest.mark.slow
def test_a_lost_function_is_reported(chaos):
    "A job whose function has no registered name can't be resumed, and its error log says what to do"
    proc = chaos.submit('t0', 1, 'unregistered', then='stay')
    chaos.until(lambda: chaos.stats()['pending']==1)
    owner = chaos.manager('t0').list_jobs()[0].owner
    chaos.worker()
    time.sleep(.3)
    assert chaos.stats()['pending']==1
    chaos.kill(proc)
    chaos.until(chaos.finished)
    job, = chaos.manager('t0').list_jobs()
    assert job.status=='failed' and all(o in job.error_log for o in ('tasks.unregistered', owner, '@task'))

def test_resumes_within_a_second_of_the_next_start(chaos):
    "Measured from when the new process is up to the second execution of the job"
    chaos.submit('t0', 1, 'work', secs=30)
    first = chaos.worker()
    chaos.until(lambda: len(chaos.lines('ledger'))==1)
    chaos.kill(first)
    chaos.worker()
    up = time.monotonic()
    chaos.until(lambda: len(chaos.lines('ledger'))==2)
    wait = float(chaos.lines('ledger')[1][4])-up
    print(f'resumed after {wait:.2f} s')
    assert wait<1

def test_a_stalled_process_writes_nothing(chaos):
    "A process is stopped until another one has done its job; when it goes on, its claim is void"
    chaos.submit('t0', 1, 'work', secs=1)
    first = chaos.worker(LEASE=.6)
    chaos.until(lambda: len(chaos.lines('ledger'))==1)
    first.send_signal(signal.SIGSTOP)
    chaos.worker(LEASE=.6)
    chaos.until(chaos.finished)
    row, = chaos.manager('t0').list_jobs()
    first.send_signal(signal.SIGCONT)
    chaos.until(lambda: 'was taken over by another process' in chaos.log())
    assert chaos.manager('t0').list_jobs()==[row] and row.retry_count==1
    assert 'gave no sign of life' in row.error_log

@pytest.mark.slow
def test_sigterm_and_restart(chaos):
    "The worker ends within its grace with nothing running, and the next one continues"
    for o in chaos.names: chaos.submit(o, 5, 'awork', secs=20)
    first = chaos.worker(GRACE=.3)
    chaos.until(lambda: chaos.stats()['running']==6)
    start = time.monotonic()
    first.send_signal(signal.SIGTERM)
    assert first.wait(5)==0 and time.monotonic()-start<2
    assert chaos.stats()['pending']==20 and {o.retry_count for o in chaos.jobs().values()}=={0}
    chaos.worker()
    chaos.until(lambda: chaos.stats()['running']==6)

@pytest.mark.slow
def test_a_second_signal_ends_it_at_once(chaos):
    chaos.submit('t0', 1, 'work', secs=30)
    proc = chaos.worker(GRACE=60)
    chaos.until(lambda: chaos.stats()['running']==1)
    proc.send_signal(signal.SIGTERM)
    time.sleep(.3)
    assert proc.poll() is None
    proc.send_signal(signal.SIGINT)
    assert proc.wait(2)!=0
