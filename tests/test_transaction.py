"The app's own rows and its jobs, all or nothing: from threads, from asyncio tasks, beside other processes"
import asyncio,os,random,sqlite3,time,weakref
from contextlib import nullcontext,suppress
from threading import Event,Timer

import apsw,pytest
from helpers import Call,in_threads,manager_at,unstopped,work,write_lock

from tenant_tasks import Tenants,current_job
from tenant_tasks.db import link,transaction

class Undone(Exception): pass

invoices = 'CREATE TABLE invoices (number INTEGER PRIMARY KEY, job TEXT)'
def invoice(manager, db, undo=False):
    "Read the last number, write the next one, and submit its job"
    n, = next(iter(list(db.execute('SELECT coalesce(max(number), 0)+1 FROM invoices'))))
    job_id,_ = manager.submit('invoice', work, number=n)
    assert manager.get_job(job_id).status=='pending' and manager.list_jobs(limit=1)[0].id==job_id
    db.execute('INSERT INTO invoices VALUES (?,?)', (n, job_id))
    if undo: raise Undone

def balanced(manager):
    "How many invoices there are, each with its job"
    made = dict(manager.store.read('SELECT number, job FROM invoices'))
    assert made=={o.kwargs['number']:o.id for o in manager.list_jobs('invoice', limit=10**6)}
    assert sorted(made)==list(range(1, len(made)+1))
    return len(made)

@pytest.fixture
def books(path):
    "A manager of a database with invoices, in real time"
    manager = manager_at(path)
    manager.db.execute(invoices)
    return manager

# -- threads and tasks

def from_thread(manager, n, rnd):
    "Make `n` invoices, some of which are undone: how many were made"
    made = 0
    for _ in range(n):
        with suppress(Undone), manager.transaction() as db:
            invoice(manager, db, rnd.random()<.3)
            made += 1
    return made

async def from_task(manager, rnd):
    try:
        async with manager.transaction() as db:
            if rnd.random()<.5: await asyncio.sleep(.001)
            invoice(manager, db, rnd.random()<.3)
    except Undone: return 0
    return 1

def from_tasks(manager, n, rnd):
    async def main(): return sum(await asyncio.gather(*[from_task(manager, rnd) for _ in range(n)]))
    return asyncio.run(main())

@pytest.mark.parametrize('seed', range(2))
def test_the_books_are_right(books, path, seed):
    "Four threads and two event loops, each with its own manager of the file or with a shared one, beside other submits"
    rnd = random.Random(seed)
    def beside():
        for _ in range(20): manager_at(path).submit('other', work)
    calls = [(from_thread, o, 15, rnd) for o in (books, books, manager_at(path), manager_at(path))]
    made = in_threads(*calls, (from_tasks, books, 20, rnd), (from_tasks, manager_at(path), 20, rnd), (beside,))
    assert balanced(books)==sum(made[:-1])>20 and len(books.list_jobs('other'))==20

@pytest.mark.parametrize('where', ['acme.db', ':memory:'])
def test_a_child_is_not_in_the_transaction(tmp_path, where):
    "Tasks and threads that are started inside inherit its context, but what they submit isn't undone with it"
    manager = manager_at(where if where==':memory:' else tmp_path/where)
    manager.db.execute(invoices)
    async def late():
        async with manager.transaction(): manager.submit('child', work)
    async def main():
        with suppress(Undone):
            async with manager.transaction() as db:
                thread = asyncio.to_thread(manager.submit, 'child', work)
                children = [asyncio.ensure_future(o) for o in (late(), thread)]
                await asyncio.sleep(.05)
                assert not any(o.done() for o in children)
                invoice(manager, db, undo=True)
        await asyncio.gather(*children)
    asyncio.run(main())
    assert balanced(manager)==0 and len(manager.list_jobs('child'))==2
    with manager.store.link.use() if where==':memory:' else nullcontext(): # A transaction in memory waits for others
        calls = [Call(f, manager, 1, random.Random(2)) for f in (from_thread, from_tasks)]
        time.sleep(.1)
        assert where!=':memory:' or all(o.is_alive() for o in calls)
    assert [o.answer() for o in calls]==[1, 1] and balanced(manager)==2

@pytest.mark.parametrize('how', ['the app', 'both', 'the manager'])
def test_all_calls_join(books, path, how):
    "Nothing that an app may call inside its transaction waits for the app itself, and all is undone with it"
    job_id,_ = books.submit('other', work)
    before = books.list_jobs()
    with suppress(Undone), nullcontext() if how=='the manager' else books.db.conn:
        with nullcontext(books.db) if how=='the app' else books.transaction() as db:
            assert (db is books.db)==(how!='the manager')
            invoice(books, db)
            books.cancel_job(job_id)
            books.retry_job(job_id)
            books.submit_many('other', work, [{}, {}])
            assert books.job_stats()['pending']==4 and books.cancel_job(job_id).status=='cancelled'
            raise Undone
    assert balanced(books)==0 and books.list_jobs()==before

# -- waiting

@pytest.mark.parametrize('first', [True, False], ids=['first', 'later'])
def test_the_loop_goes_on_while_another_process_has_the_lock(books, path, first):
    "The first transaction opens a connection, for which SQLite may want the lock, too"
    async def main():
        async with unstopped(.45):
            Timer(.7, release).start()
            async with books.transaction() as db: invoice(books, db)
    if not first:
        with books.transaction(): pass
    with write_lock(path) as release: asyncio.run(main())
    assert balanced(books)==1

def test_patience_ends(books, path, monkeypatch):
    for o in (link,transaction): monkeypatch.setattr(o, 'caller', o.caller._replace(patience=.1))
    async def apart():
        async with books.transaction(): pass
    with write_lock(path):
        with pytest.raises(apsw.BusyError), books.transaction(): pass
        with pytest.raises(apsw.BusyError): asyncio.run(apart())
    with books.transaction(): # Of another thread
        both = in_threads((from_thread, books, 1, random), (asyncio.run, apart()))
        assert [type(o) for o in both]==[apsw.BusyError]*2
    assert from_thread(books, 1, random.Random(2))==balanced(books)==1

def test_cancelled(books):
    "A request that goes away while it waits, or in the body, leaves no lock behind, and no gap in the line"
    async def long():
        async with books.transaction() as db:
            invoice(books, db)
            await asyncio.sleep(60)
    async def main():
        async with books.transaction() as db:
            waiting = [asyncio.ensure_future(from_task(books, random.Random(1))) for _ in range(3)]
            await asyncio.sleep(.02)
            for o in waiting[::2]: o.cancel()
            await asyncio.sleep(.02)
            invoice(books, db)
        body = asyncio.ensure_future(long())
        await asyncio.sleep(.05)
        body.cancel()
        return await asyncio.gather(*waiting, body, from_task(books, random.Random(1)), return_exceptions=True)
    first,second,third,body,after = asyncio.run(main())
    assert {type(o) for o in (first, third, body)}=={asyncio.CancelledError} and second==after==1 and balanced(books)==3

# -- the connection

def test_one_connection_serves_many(books):
    "Unless a query is left unfinished, the app has closed it, or the file was replaced"
    conns = []
    for _ in range(3):
        with books.transaction() as db: conns.append(db.conn)
    assert len(set(conns))==1 and conns[0] is not books.db.conn and conns[0].pragma('synchronous')==2
    with books.transaction() as db:
        for i in range(3): invoice(books, db)
        rows = db.execute('SELECT * FROM invoices')
        next(rows)
    books.submit('other', work)
    with books.transaction() as db: assert db.conn is not conns[0] and len(list(rows))==2
    with suppress(apsw.Error), books.transaction() as db: db.conn.close()
    assert from_thread(books, 1, random.Random(2))==1 and balanced(books)==4

@pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork on this system')
@pytest.mark.filterwarnings('ignore:.*fork.*:DeprecationWarning')
def test_fork(books, tmp_path):
    "A child leaves the parent's open transaction alone; forked outside of one, it has its own connections"
    tenants = Tenants(tmp_path)
    def count(): return tenants['acme'].db.q('SELECT count(*) AS n FROM invoices')[0]['n']
    def child(pid, f):
        if pid: return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        try: os._exit(f())
        except BaseException: os._exit(99)
    assert count()==0
    opened,done = Event(),Event()
    refs = [weakref.ref(tenants['acme'].db.conn)]
    def another():
        refs.append(weakref.ref(tenants['acme'].db.conn))
        opened.set()
        done.wait(20)
    call = Call(another)
    assert opened.wait(10)
    with books.transaction() as db:
        invoice(books, db)
        pid = os.fork()
        if not pid:
            for o in (db.conn.set_commit_hook, db.conn.set_rollback_hook): o(lambda: os._exit(77))
    assert child(pid, lambda: books.store.link.holder is not None)==0 and balanced(books)==1
    assert child(os.fork(), lambda: 10*from_thread(books, 1, random.Random(2))+count())==12
    assert child(os.fork(), lambda: count()+sum(o() is not None for o in refs))==4 # None is closed in a child
    done.set()
    call.answer()
    assert balanced(books)==count()==2 and from_thread(books, 1, random.Random(2))==1
    assert books.store.read('PRAGMA integrity_check')==[('ok',)]

# -- threads and other readers of the file

def test_a_dropped_tenant_is_closed_in_all_threads(tenants):
    if not os.path.isdir('/proc/self/fd'): pytest.skip('no /proc on this system')
    def opened():
        links = [f'/proc/self/fd/{o}' for o in os.listdir('/proc/self/fd')]
        return sum(tenants.file('acme') in os.readlink(o) for o in links if os.path.exists(o))
    ready,done = Event(),Event()
    def use():
        tenants['acme'].db.q('SELECT 1 AS a')
        ready.set()
        done.wait(60)
    tenants['acme'].db.q('SELECT 1 AS a')
    call = Call(use)
    assert ready.wait(60)
    before = opened()
    tenants.drop('acme')
    assert opened()<=before-2 # The -wal, for two threads; SQLite keeps the file's descriptor as long as it has locks
    done.set()
    call.answer()

def test_jobs_that_read_and_then_write_lose_no_attempt(books):
    "A hundred jobs in ten threads, each with the write lock before it reads, beside transactions of the app"
    def count():
        db = current_job().db
        db.execute('BEGIN IMMEDIATE')
        (n,), = db.execute('SELECT coalesce(max(number), 0)+1 FROM invoices')
        db.execute('INSERT INTO invoices VALUES (?,NULL)', (n,))
        db.execute('COMMIT')
    subs = books.submit_many('count', count, [{}]*100)
    async def main():
        app = asyncio.to_thread(from_thread, books, 10, random.Random(2))
        return (await asyncio.gather(app, *[o() for _,o in subs]))[0]
    made = asyncio.run(main())
    assert {(o.status, o.retry_count) for o in books.list_jobs('count')}=={('completed', 0)}
    assert [*books.store.read('SELECT count(*), max(number) FROM invoices')]==[(100+made, 100+made)]

def test_pythons_own_sqlite_is_warned_of_by_any_name(books, path, logs, tmp_path):
    "Only if we have the file open; what `sqlite3` refuses has its own error alone"
    for o in (None, 7, ['a'], 'a\0b'):
        with pytest.raises((TypeError, ValueError, sqlite3.Error)): sqlite3.connect(o)
    os.symlink(path, tmp_path/'alias.db')
    for o in (':memory:', tmp_path/'other.db', tmp_path/'alias.db', os.fsencode(path)): sqlite3.connect(o).close()
    warning, = [o for o in logs('WARNING') if 'sqlite3' in o]
    assert path in warning and 'corrupt' in warning
