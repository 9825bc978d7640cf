"Processes that are killed, many of them on the same files"
import time

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
