"Threads that wait for one database have one commit: each with an answer of its own, none left waiting"
import random,time
from contextlib import contextmanager
from threading import Event,Thread

import apsw,pytest
from fastlite import Database
from helpers import write_lock
from test_submit import SyncVFS

from tenant_tasks import BackgroundTaskManager,Returned

def work(**kw): return kw

class Asked(Thread):
    "A call in a thread of its own: what it returned or raised"
    def __init__(self, f, *args, **kw):
        super().__init__(daemon=True)
        self.f,self.args,self.kw,self.value,self.error = f,args,kw,None,None
        self.start()
    def run(self):
        try: self.value = self.f(*self.args, **self.kw)
        except BaseException as e: self.error = e
    def answer(self):
        self.join(20)
        assert not self.is_alive(), 'left waiting'
        return self.error or self.value

@contextmanager
def in_line(link, *calls):
    "Threads for `calls` get in line, in this order, while the connection is taken"
    res = []
    with link.use():
        for f,*args in calls:
            n = len(link.turns)
            res.append(Asked(f, *args))
            end = time.monotonic()+10
            while len(link.turns)==n and time.monotonic()<end: time.sleep(.001)
        yield res

def insert(a): return lambda conn: list(conn.execute('INSERT INTO t VALUES (?) RETURNING a', (a,)))
def numbers(manager): return [o for o, in manager.store.link.open().execute('SELECT a FROM t ORDER BY rowid')]

@pytest.fixture
def table(manager):
    manager.db.execute('CREATE TABLE t (a INTEGER UNIQUE)')
    return manager

def test_one_sync_for_all_who_wait(path):
    vfs = SyncVFS('counting_together')
    db = Database(apsw.Connection(path, vfs=vfs.name))
    db.enable_wal()
    manager = BackgroundTaskManager(db)
    def syncs(f):
        before = vfs.synced
        f()
        return vfs.synced-before
    alone = syncs(lambda: manager.submit('sync', work))
    def together():
        with in_line(manager.store.link, *[(manager.submit, 'sync', work)]*16) as asked: pass
        assert len({o.answer()[0] for o in asked})==16
    assert syncs(together)==alone>0
    assert manager.job_stats()['pending']==17

def test_moves_of_one_line(manager):
    "A claim, a settle, a submit and another claim are one transaction, in the order in which they came"
    first,second = [manager.submit('sync', work)[0] for _ in range(2)]
    job,link,commits = manager._claim(first),manager.store.link,[]
    link.open().set_commit_hook(lambda: bool(commits.append(1)))
    with in_line(link, (manager._claim, second), (manager._settle, job, Returned(7)), (manager.submit, 'sync', work), (manager._claim, second)) as asked: pass
    claimed,settled,(third,_),again = [o.answer() for o in asked]
    assert len(commits)==1
    assert claimed.status=='running' and (settled.status, settled.value)==('completed', 7) and again is None
    assert manager.get_job(third).status=='pending'

def test_who_fails_fails_alone(table):
    "A single statement and a longer change that fail, between others that don't"
    link = table.store.link
    def two(conn):
        insert(8)(conn)
        insert(1)(conn)
    with in_line(link, (link.change, insert(1), True, None, True), (link.change, insert(1), True, None, True),
        (link.change, two), (link.change, lambda conn: 1/0), (link.change, insert(2), False, None, True)) as asked: pass
    first,twin,both,bug,last = [o.answer() for o in asked]
    assert first==[(1,)] and last==[(2,)]
    assert isinstance(twin, apsw.ConstraintError) and isinstance(both, apsw.ConstraintError) and isinstance(bug, ZeroDivisionError)
    assert numbers(table)==[1, 2]

def test_a_commit_that_fails_fails_for_all(table):
    link = table.store.link
    with in_line(link, *[(link.change, insert(o)) for o in range(3)]) as asked: link.open().set_commit_hook(lambda: True)
    assert all(isinstance(o.answer(), apsw.ConstraintError) for o in asked)
    link.open().set_commit_hook(None)
    assert numbers(table)==[] and link.change(insert(5))==[(5,)]

@pytest.mark.parametrize('one', [True, False])
def test_an_error_that_ends_the_transaction(table, one):
    "As a full disk may: it fails for all, and nobody's change is made in a transaction of its own behind it"
    link = table.store.link
    def fatal(conn):
        conn.execute('ROLLBACK')
        raise apsw.IOError('disk I/O error')
    with in_line(link, (link.change, insert(1)), (link.change, fatal, False, None, one), (link.change, insert(2))) as asked: pass
    assert all(isinstance(o.answer(), apsw.IOError) for o in asked)
    assert numbers(table)==[] and link.change(insert(5))==[(5,)]

def test_interrupted_for_others(table):
    "Ctrl-C hits the thread that works for all: the others hear that the database is busy, and nothing is written"
    link = table.store.link
    def stop(conn): raise KeyboardInterrupt
    with in_line(link, (link.change, insert(1)), (link.change, stop), (link.change, insert(2))) as asked: pass
    got = [o.answer() for o in asked]
    assert numbers(table)==[] and all(isinstance(o, (apsw.BusyError, KeyboardInterrupt)) for o in got)
    assert link.change(insert(5))==[(5,)]

def test_who_waits_too_long_leaves_the_line(table):
    link = table.store.link
    with in_line(link, (link.change, insert(1), False, .05), (link.change, insert(2))) as (short, long):
        assert isinstance(short.answer(), apsw.BusyError)
    assert long.answer()==[(2,)] and numbers(table)==[2]

def test_who_is_woken_too_late_wakes_the_next(table):
    "The connection is let go of after the first in line has run out of patience, and before it has left the line"
    link,given_up,free = table.store.link,Event(),Event()
    take = link._take
    def late(turn):
        if not given_up.is_set():
            given_up.set()
            free.wait(10)
        return take(turn)
    link._take = late
    with in_line(link, (link.change, insert(1), False, .05), (link.change, insert(2), False, 60)) as (short, long): assert given_up.wait(10)
    free.set()
    assert isinstance(short.answer(), apsw.BusyError) and long.answer()==[(2,)]

def test_another_process_has_the_write_lock(table, path):
    "The first in line gives up after its own patience; the next one's is longer"
    link = table.store.link
    with write_lock(path) as release:
        with in_line(link, (link.change, insert(1), False, .05), (link.change, insert(2), True, 10)) as (short, long): pass
        assert isinstance(short.answer(), apsw.BusyError)
        release()
        assert long.answer()==[(2,)]
    assert numbers(table)==[2]

@pytest.mark.parametrize('seed', range(3))
def test_crowd(table, path, seed):
    "Many threads with little patience, readers between them, another writer on the file: all that was answered is there once, and nothing else"
    link,said,gone = table.store.link,[],[]
    def write(seed):
        rnd = random.Random(seed)
        for i in range(40):
            a,wait = seed*100+i,rnd.choice([.0005, .005, 5, 5])
            def two(conn): return insert(-a-1)(conn) and insert(a)(conn)
            one = rnd.random()<.7
            try: said.append((link.change(insert(a) if one else two, rnd.random()<.3, wait, one), one))
            except apsw.BusyError: gone.append(a)
    def read():
        for _ in range(40): table.list_jobs()
    def disturb():
        conn = apsw.Connection(path)
        conn.set_busy_timeout(5000)
        for _ in range(20): conn.execute('BEGIN IMMEDIATE; COMMIT')
    threads = [Asked(write, seed*10+i) for i in range(8)]+[Asked(read), Asked(disturb)]
    assert [o.answer() for o in threads]==[None]*10
    made = {row[0][0] for row,_ in said}
    both = {row[0][0] for row,one in said if not one}
    there = numbers(table)
    assert len(there)==len(set(there))==len(made)+len(both) and {o for o in there if o>=0}==made and {-o-1 for o in there if o<0}==both
    assert not made&set(gone) and len(made)+len(gone)==320 and not link.turns and not link.lock.locked()
