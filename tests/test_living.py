"The living are left alone: a second execution is due to a death, or to a whole lease without any sign of life"
import errno,os,signal,time
from pathlib import Path

import pytest
from chaos import Chaos,check_ledger,executions
from helpers import Stopwatch,manager_at,slow,wait_until,write_lock

from tenant_tasks.run.process import Process

@pytest.fixture
def chaos():
    with Chaos(tenants=2) as res: yield res

@pytest.fixture
def unseen_locks(monkeypatch):
    "All other processes are on another host"
    monkeypatch.setattr('tenant_tasks.run.rescue.is_dead', lambda owner, folder: None)

def runs_of(chaos): return [o for v in executions(chaos).values() for o in v]

def started(chaos, n=1): chaos.until(lambda: len(runs_of(chaos))>=n)

def test_tasks_that_disturb_their_own_locks(chaos):
    "One copies the data directory, one keeps the write lock, one forks, for three leases; another worker looks on"
    for tenant,kind in (('t0', 'copying'), ('t1', 'locking'), ('t0', 'forking')): chaos.submit(tenant, 1, kind, secs=3)
    first = chaos.worker(LEASE=1)
    started(chaos, 3)
    chaos.worker(LEASE=1)
    chaos.until(chaos.finished)
    assert first.poll() is None
    try:
        figures,wrong = check_ledger(chaos)
        assert not wrong and figures['executions']==3 and {o['pid'] for o in runs_of(chaos)}=={str(first.pid)}, runs_of(chaos)
    finally: os.kill(int((chaos.dir/'child').read_text()), signal.SIGKILL)

def test_a_job_that_holds_pythons_lock_is_left_alone(chaos):
    "For five leases, with a job beside it, while another worker looks on: each runs once"
    chaos.submit('t1', 1, 'work', secs=5)
    first = chaos.worker(LEASE=1)
    started(chaos)
    chaos.submit('t0', 1, 'gripping', secs=5)
    started(chaos, 2)
    chaos.worker(LEASE=1)
    chaos.until(chaos.finished)
    figures,wrong = check_ledger(chaos)
    assert not wrong and figures['executions']==2 and {o['pid'] for o in runs_of(chaos)}=={str(first.pid)}

def test_a_child_is_no_sign_of_its_parents_life(chaos):
    "The parent is killed: its job is taken over though its child lives, its lease has an hour, and clocks differ"
    chaos.submit('t0', 1, 'forking', secs=30)
    first = chaos.worker(LEASE=3600)
    def child(): return (chaos.dir/'child').exists() and (chaos.dir/'child').read_text()
    chaos.until(child)
    first_child = child()
    try:
        chaos.kill(first)
        chaos.worker(LEASE=3600, SKEW=-600)
        started(chaos, 2)
        os.kill(int(first_child), 0) # It lives
        chaos.until(lambda: child() not in ('', first_child))
        os.kill(int(child()), signal.SIGKILL)
    finally: os.kill(int(first_child), signal.SIGKILL)

@pytest.mark.parametrize('first,second', [(0, 600), *slow((0, -600))])
def test_clocks_that_differ_by_ten_minutes(chaos, first, second):
    "Jobs that run for three leases under one clock, while a worker with another clock looks on"
    for o in chaos.names: chaos.submit(o, 1, 'awork', secs=3, SKEW=min(first, second))
    chaos.worker(LEASE=1, SKEW=first)
    started(chaos, 2)
    chaos.worker(LEASE=1, SKEW=second)
    chaos.until(chaos.finished)
    figures,wrong = check_ledger(chaos)
    assert not wrong and figures['executions']==2

def test_a_process_that_was_stopped_for_more_than_a_lease(chaos):
    "SIGSTOP: after a whole lease without a sign of life the job runs again; the first one's outcome is refused"
    chaos.submit('t0', 1, 'work', secs=1)
    first = chaos.worker(LEASE=1)
    started(chaos)
    with write_lock(chaos.manager('t0').store.link.path): # Not while it holds the lock itself
        first.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        wait_until(lambda: 'T' in Path(f'/proc/{first.pid}/stat').read_text().rpartition(')')[2].split()[0])
    chaos.worker(LEASE=1)
    started(chaos, 2)
    assert runs_of(chaos)[1]['begin']-stopped>1
    chaos.until(chaos.finished)
    job, = chaos.jobs().values()
    first.send_signal(signal.SIGCONT)
    chaos.until(lambda: 'taken over by another process' in chaos.log())
    after, = chaos.jobs().values()
    assert (job.status, job.retry_count)==('completed', 1) and after==job
    assert 'gave no sign of life for a whole lease' in job.error_log
    assert len(runs_of(chaos))==2

@pytest.fixture
def two(path, clock, unseen_locks):
    "Managers on two hosts; the first runs a job whose lease is over, as a clock that is ahead sees it; how to look"
    watch = Stopwatch()
    first,second = [manager_at(path, clock, process=Process(monotonic=watch)) for _ in range(2)]
    job_id = first.claim(first.submit('sync', print)[0]).id
    clock.advance(3600)
    def look(secs=None):
        watch.secs += first.process.lease.total_seconds()/3 if secs is None else secs
        return [o.id for o,_ in second.process.orphans(second.store, clock())]
    return first,job_id,look

def test_a_suspended_machine(two, clock):
    "An observer has seen an expired lease, sleeps for an hour, wakes up first, and takes nothing"
    first,job_id,look = two
    assert look(0)==[] and look(3600)==[] and look(1)==[]
    first.process.beat()
    clock.advance(120)
    assert [look(20) for _ in range(5)]==[[]]*4+[[job_id]]

def test_a_beat_reaches_observers_while_the_disk_is_full(two, monkeypatch):
    "It is full from before the first beat: the lock file may not grow, and nothing is renewed"
    first,_,look = two
    pwrite = os.pwrite
    def full(fd, data, at):
        if at+len(data)>os.fstat(fd).st_size: raise OSError(errno.ENOSPC, 'No space left on device')
        return pwrite(fd, data, at)
    monkeypatch.setattr(os, 'pwrite', full)
    monkeypatch.setattr(first.store, 'renew', lambda *a: 1/0)
    for _ in range(9):
        first.process.beat()
        assert look()==[]

@pytest.mark.parametrize('alive', [True, False])
def test_a_beat_reaches_observers_while_the_database_is_locked(two, path, alive):
    first,job_id,look = two
    with write_lock(path):
        for _ in range(5):
            if alive: first.process.beat()
            seen = look()
    assert seen==([] if alive else [job_id]) and first.process.claims
