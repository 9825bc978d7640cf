"One connection for many threads: what locks and forks do to it, and how threads share one commit"
import os,random,time
from contextlib import contextmanager,suppress
from threading import Event

import apsw,pytest
from fastlite import Database,database
from helpers import Call,SyncVFS,in_threads,wait_until,work,write_lock

from tenant_tasks.db.link import DbLink
from tenant_tasks.db.sqlite import Mode,caller,retry_busy,runner
from tenant_tasks.manager.manager import BackgroundTaskManager

def mode(patience): return Mode(durable=False, joins=False, patience=patience)
def insert(a): return lambda conn: list(conn.execute('INSERT INTO t VALUES (?) RETURNING a', (a,)))
def numbers(manager): return [o for o, in manager.store.link.open().execute('SELECT a FROM t ORDER BY rowid')]

@contextmanager
def in_line(link, *calls):
    "Threads for `calls` get in line, in this order, while the connection is taken"
    res = []
    with link.use():
        for f,*args in calls:
            n = len(link.queue)
            res.append(Call(f, *args))
            wait_until(lambda: len(link.queue)>n or not res[-1].is_alive(), every=.001)
        yield res

@pytest.fixture
def table(manager):
    manager.db.execute('CREATE TABLE t (a INTEGER UNIQUE)')
    return manager

# -- one commit for all threads that wait

def test_one_sync_for_all_who_wait(path):
    vfs = SyncVFS('counting_together')
    db = Database(apsw.Connection(path, vfs=vfs.name))
    db.enable_wal()
    manager = BackgroundTaskManager(db)
    alone = vfs.syncs(manager.submit, 'sync', work)
    def together():
        with in_line(manager.store.link, *[(manager.submit, 'sync', work)]*16) as calls: pass
        assert len({o.answer()[0] for o in calls})==16
    assert vfs.syncs(together)==alone>0
    assert manager.job_stats()['pending']==17

def test_a_change_that_fails_fails_alone(table):
    "A single statement and a longer change fail, between others that don't"
    link = table.store.link
    def two(conn):
        insert(8)(conn)
        insert(1)(conn)
    calls = [(insert(1), caller, True)]*2+[(two,), (lambda conn: 1/0,), (insert(2), runner, True)]
    with in_line(link, *[(link.write, *o) for o in calls]) as calls: pass
    first,twin,both,bug,last = [o.answer() for o in calls]
    assert first==[(1,)] and last==[(2,)] and isinstance(bug, ZeroDivisionError)
    assert {type(twin), type(both)}=={apsw.ConstraintError} and numbers(table)==[1, 2]

def test_a_commit_that_fails_fails_for_all(table):
    link = table.store.link
    with in_line(link, *[(link.write, insert(o)) for o in range(3)]) as calls: link.open().set_commit_hook(lambda: True)
    assert all(isinstance(o.answer(), apsw.ConstraintError) for o in calls)
    link.open().set_commit_hook(None)
    assert numbers(table)==[] and link.write(insert(5))==[(5,)]

@pytest.mark.parametrize('single', [True, False])
def test_an_error_that_ends_the_transaction(table, single):
    "As a full disk may: it fails for all, and no change is made behind it in a transaction of its own"
    link = table.store.link
    def fatal(conn):
        conn.execute('ROLLBACK')
        raise apsw.IOError('disk I/O error')
    calls = (insert(1),),(fatal, runner, single),(insert(2),)
    with in_line(link, *[(link.write, *o) for o in calls]) as calls: pass
    assert all(isinstance(o.answer(), apsw.IOError) for o in calls)
    assert numbers(table)==[] and link.write(insert(5))==[(5,)]

# -- threads that lose patience

def test_a_thread_that_waits_too_long_leaves_the_line(table):
    link = table.store.link
    with in_line(link, (link.write, insert(1), mode(.05)), (link.write, insert(2))) as (short, long):
        assert isinstance(short.answer(), apsw.BusyError)
    assert long.answer()==[(2,)] and numbers(table)==[2]

@pytest.fixture
def slow_leave(table, monkeypatch):
    "A thread that has lost patience pauses before it leaves the line: when it pauses, and when it may go on"
    paused,go_on,leave = Event(),Event(),table.store.link._leave
    def late(write):
        paused.set()
        go_on.wait(60)
        return leave(write)
    monkeypatch.setattr(table.store.link, '_leave', late)
    return paused,go_on

def test_woken_too_late_it_wakes_the_next(table, slow_leave):
    "The second in line loses patience at the moment at which it becomes the first; the next one gets its turn"
    link,(paused,go_on),working,free = table.store.link,slow_leave,Event(),Event()
    def slow(conn):
        working.set()
        return free.wait(60)
    first = Call(link.write, slow, caller, True)
    assert working.wait(60)
    short = Call(link.write, insert(1), mode(.05))
    assert paused.wait(60)
    long = Call(link.write, insert(2), mode(60))
    wait_until(lambda: len(link.queue)==3)
    free.set()
    assert first.answer() and len(link.queue)==2
    go_on.set()
    assert isinstance(short.answer(), apsw.BusyError) and long.answer()==[(2,)]

def test_another_process_has_the_write_lock(table, path):
    link = table.store.link
    with write_lock(path) as release:
        with in_line(link, (link.write, insert(1), mode(.05)), (link.write, insert(2), mode(10))) as (short, long): pass
        assert isinstance(short.answer(), apsw.BusyError)
        release()
        assert long.answer()==[(2,)]
    assert numbers(table)==[2]

def pair(a): return lambda conn: insert(-a-1)(conn) and insert(a)(conn)

def write_impatiently(link, seed, written, gone):
    "Forty changes by one thread: those that were made, and whether as a single statement; and those that weren't"
    rnd = random.Random(seed)
    for a in range(seed*100, seed*100+40):
        how = Mode(durable=rnd.random()<.3, joins=False, patience=rnd.choice([.0005, .005, 5, 5]))
        single = rnd.random()<.7
        try: written.append((link.write(insert(a) if single else pair(a), how, single), single))
        except apsw.BusyError: gone.append(a)

@pytest.mark.parametrize('seed', range(3))
def test_crowd(table, path, seed):
    "Impatient threads, readers, another writer: a change that was answered is there once, and nothing else is"
    link,written,gone = table.store.link,[],[]
    def read():
        for _ in range(40): table.list_jobs()
    def disturb():
        conn = retry_busy(lambda: apsw.Connection(path), timeout=60)
        conn.set_busy_timeout(5000)
        for _ in range(20): retry_busy(lambda: conn.execute('BEGIN IMMEDIATE; COMMIT'), timeout=60) # Locks aren't fair
    writers = [(write_impatiently, link, seed*10+i, written, gone) for i in range(8)]
    assert in_threads(*writers, (read,), (disturb,))==[None]*10
    made = [row[0][0] for row,_ in written]
    both = [-row[0][0]-1 for row,single in written if not single]
    assert sorted(numbers(table))==sorted(made+both) and not {*made}&{*gone} and len(made)+len(gone)==320
    assert not link.queue and not link.lock.locked()

def test_a_connection_is_opened_with_patience(path):
    "A file that isn't in WAL mode is put into it; a link tries again while another process writes to it"
    db = database(path)
    db.execute('CREATE TABLE t (a)')
    db.conn.pragma('journal_mode', 'delete')
    db.conn.close()
    with write_lock(path) as release:
        with pytest.raises(apsw.BusyError): DbLink(path).connect()
        opening = Call(DbLink(path).open)
        time.sleep(.3)
        assert opening.is_alive()
        release()
        assert isinstance(opening.answer(), apsw.Connection)

def test_memory_db_in_many_threads():
    "Our connection is the app's, which uses it at the same time"
    manager,stop = BackgroundTaskManager(database(':memory:')),Event()
    def query():
        while not stop.wait(.0005):
            with suppress(apsw.ThreadingViolationError): list(manager.db.execute('SELECT count(*) FROM tenant_jobs'))
    def submit():
        for _ in range(25): manager.submit('sync', work)
    app = Call(query)
    assert in_threads(*[(submit,)]*4)==[None]*4
    stop.set()
    app.answer()
    assert len(manager.list_jobs(limit=1000))==100

@pytest.mark.filterwarnings('ignore:.*fork.*:DeprecationWarning')
def test_fork_while_another_thread_has_the_lock(manager):
    manager.submit('sync', work)
    with manager.store.link.lock:
        if not (pid := os.fork()):
            try: os._exit(0 if manager.submit('sync', work) and len(manager.list_jobs())==2 else 1)
            except BaseException: os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])==0
    manager.submit('sync', work)
    assert len(manager.list_jobs())==3 and manager.store.read('PRAGMA integrity_check')==[('ok',)]
