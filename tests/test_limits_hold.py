"A rate holds in reality: by the starts themselves, as the database sees them, over waits for the lock and several processes"
import threading,time
from datetime import timedelta

import apsw,pytest
from helpers import Call,end,manager_at,open_db,program,wait_until,write_lock

from tenant_tasks.job import TenantJob,new_id,timestamp,utcnow
from tenant_tasks.process import Process
from tenant_tasks.task import task

@task(name='hold.rated', rate=(1, 10))
def rated(): pass

@pytest.fixture
def asked(manager, monkeypatch):
    "Set when a claim has done all but the claim itself"
    res = threading.Event()
    monkeypatch.setattr(manager.process, 'announce_alive', lambda folder: res.set())
    return res

def claim_behind_a_lock(manager, clock, asked, wait):
    "Claim while another process holds the write lock, for a time by the manager's clock: the job as claimed"
    with write_lock(manager.store.link.path) as free:
        call = Call(manager.claim)
        asked.wait(60)
        time.sleep(.05)
        clock.advance(wait)
        free()
        return call.answer().job

def test_a_start_is_dated_when_the_lock_is_had(manager, clock, asked):
    manager.submit('rated', rated)
    assert claim_behind_a_lock(manager, clock, asked, 5).started_at==timestamp(clock())

def test_a_claim_that_waited_counts_for_the_next(path, manager, clock, asked):
    manager.submit_many('rated', rated, [{}]*2)
    assert claim_behind_a_lock(manager, clock, asked, 60)
    other = manager_at(path, clock, process=Process())
    assert not other.claim() and other.next_due()==clock()+timedelta(seconds=10)

def test_what_a_clock_dated_ahead_counts_too(path, manager, clock):
    "The clock was an hour ahead for a moment; what waits then waits for a period, and not for an hour"
    manager.submit_many('rated', rated, [{}]*3)
    clock.advance(3600)
    assert manager.claim()
    clock.now -= timedelta(seconds=3600)
    assert not manager.claim() and manager.next_due()==clock()+timedelta(seconds=10)
    clock.advance(10)
    assert manager.claim() and not manager.claim()

ledger = """CREATE TRIGGER ledger AFTER UPDATE OF claim ON tenant_jobs WHEN NEW.status='running' AND NEW.task='limits.rated'
    BEGIN INSERT INTO seen VALUES (unixepoch('subsec')); END"""

def hold_now_and_then(path, done):
    "Keep the write lock for most of the time, so that claims wait for it"
    conn = apsw.Connection(path)
    conn.set_busy_timeout(5000)
    while not done():
        conn.execute('BEGIN IMMEDIATE')
        time.sleep(.3)
        conn.execute('COMMIT')
        time.sleep(.03)

@pytest.mark.slow
def test_no_more_starts_than_allowed(tmp_path, path):
    "Three workers whose claims wait for the lock: five starts in half a second, by SQLite's clock in the transaction that claims"
    manager = manager_at(path)
    for sql in ('CREATE TABLE starts (at)', 'CREATE TABLE seen (at)', ledger): manager.db.execute(sql)
    jobs = [TenantJob(new_id(), 'rated', task='limits.rated', run_at=timestamp(utcnow()), max_retries=99) for _ in range(25)]
    manager.store.submit(jobs)
    procs = [program('limit_worker', tmp_path, 60, stderr=None) for _ in range(3)]
    def done(): return manager.job_stats()['completed']==len(jobs)
    try:
        holder = Call(hold_now_and_then, path, done)
        wait_until(done, 60)
        holder.answer()
    finally:
        for o in procs: end(o)
    starts = sorted(o for o, in open_db(path).conn.execute('SELECT at FROM seen'))
    assert len(starts)>=len(jobs) and all(b-a>=.45 for a,b in zip(starts, starts[5:])), starts
