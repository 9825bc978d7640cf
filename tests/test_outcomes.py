"What an attempt leaves behind: its outcome is written once and truly, and nothing that it opened stays open"
import asyncio,gc,logging,sys,threading,weakref
from contextlib import suppress

import apsw,pytest
from fastlite import Database,database
from helpers import Call,SyncFile,SyncVFS,manager_at,open_db,run,wait_until,work

from tenant_tasks import BackgroundTaskManager,Cancel,Tenants,current_job,task
from tenant_tasks.db import link
from tenant_tasks.db.events import flush,off_event,on_event

@pytest.fixture
def shared(path):
    "A link to a database with a table"
    db = database(path)
    db.execute('CREATE TABLE t (a)')
    return link.link_for(db)

def put(shared, a, after=None):
    return shared.write(lambda conn: conn.execute('INSERT INTO t VALUES (?)', (a,)) and a, after=after)
def kept(shared):
    with shared.use() as conn: return sorted(a for a, in conn.execute('SELECT a FROM t'))

@pytest.mark.parametrize('n', [1, 3])
def test_what_follows_a_commit_undoes_nothing(shared, n, caplog):
    "What is called after the commit raises: the writes are there, and each thread hears so"
    def broken(): raise OSError('broken')
    with shared.use():
        calls = [Call(put, shared, i, broken) for i in range(n)]
        wait_until(lambda: len(shared.queue)==n)
    assert [o.answer() for o in calls]==list(range(n))==kept(shared)
    assert len([o for o in caplog.records if 'follows a commit' in o.getMessage()])==n

class Interrupted(BaseException): pass

def interrupted_at(n, code, f):
    "Call `f`, with an `Interrupted` after the n-th call that a function makes, if there is one: is there?"
    seen = []
    def profile(frame, event, arg):
        made = frame if event=='c_return' else frame.f_back if event=='return' else None
        if made is None or made.f_code is not code: return
        seen.append(1)
        if len(seen)==n: raise Interrupted
    sys.setprofile(profile)
    try: f()
    except Interrupted: pass
    finally: sys.setprofile(None)
    return len(seen)>=n

@pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning')
@pytest.mark.parametrize('where', ['write', '_follow', '_make_all', '_pass_on'])
def test_ctrl_c_leaves_no_queue_without_a_leader(shared, where):
    "Wherever it comes, other threads write on"
    code,n = getattr(link.DbLink, where).__code__,0
    assert put(shared, 0)==0
    def alone(): put(shared, n)
    def behind():
        shared.lock.acquire()
        first = Call(put, shared, -n)
        wait_until(lambda: len(shared.queue)==1)
        threading.Timer(.02, shared.lock.release).start()
        alone()
        first.answer()
    def ahead():
        led,others = threading.Event(),[]
        shared.lock.acquire()
        def follow():
            wait_until(lambda: shared.queue or led.is_set())
            others.append(Call(put, shared, -n))
            wait_until(lambda: len(shared.queue)>1 or led.is_set())
            shared.lock.release()
        follower = Call(follow)
        try: alone()
        finally:
            led.set()
            follower.answer()
            others[0].answer()
    seen = 0
    for f in (alone, behind, ahead):
        n = 1
        while interrupted_at(n, code, f):
            assert Call(put, shared, 0).answer()==0 and not shared.queue and not shared.lock.locked(), (f, n)
            n,seen = n+1,seen+1
    assert seen

odd = [apsw.NoMemError('out of memory'), apsw.ProtocolError('locking protocol'), apsw.InterruptError('interrupted'),
    MemoryError(), OSError(5, 'Input/output error'), apsw.InternalError('who knows')]

@pytest.mark.parametrize('error', odd, ids=lambda e: type(e).__name__)
async def test_what_may_pass_is_waited_for(manager, clock, error):
    "The outcome of a function that returned is written in the end, and the function isn't called again"
    calls,settle,errors = [],manager.store.settle,[error]*6
    def refused(*args, **kw):
        if errors: raise errors.pop()
        return settle(*args, **kw)
    manager.store.settle = refused
    job = await run(manager, lambda: calls.append(1) or 7)
    assert (job.status, job.value, job.retry_count, calls)==('completed', 7, 0, [1]) and not manager.process.claims

class Big: "Something that a function has at hand"

@pytest.mark.parametrize('kind', ['sync', 'async', 'caught', 'cause', 'group'])
async def test_a_failed_attempt_holds_nothing_of_its_function(manager, clock, kind):
    "Without a run of the garbage collector, although a variable of the frame is the exception itself"
    seen,gone = [],[]
    def fail():
        if seen: gone.append(seen[-1]() is None)
        big = Big()
        seen.append(weakref.ref(big))
        try: raise OSError('no route to host')
        except OSError as e: last = e
        if kind=='cause': raise KeyError('x') from last
        if kind=='group': raise ExceptionGroup('both', [last])
        raise last
    async def afail(): fail()
    if kind=='group' and sys.version_info<(3,11): pytest.skip('no groups')
    gc.disable()
    try: job = await run(manager, afail if kind=='async' else fail)
    finally: gc.enable()
    assert job.status=='failed' and gone==[True, True] and seen[-1]() is None
    assert 'in fail' in job.error_log and 'no route to host' in job.error_log

def raises(error):
    def f(self, *_): raise error
    return f

def hostile(name, **methods): return type(name, (OSError,), methods)

hostiles = [hostile('Mute', __str__=raises(KeyError('mute'))), hostile('Stubborn', __str__=raises(KeyboardInterrupt())),
    hostile('Deaf', __getattr__=raises(RuntimeError('deaf'))),
    hostile('Shut', __getattribute__=raises(RuntimeError('shut'))),
    hostile('Masked', __class__=property(raises(RuntimeError('no class'))))]

@pytest.mark.parametrize('error', hostiles, ids=lambda e: e.__name__)
@pytest.mark.parametrize('is_async', [False, True], ids=['sync', 'async'])
async def test_an_exception_that_cannot_be_shown_is_named(manager, clock, caplog, error, is_async):
    "By its type, with the frame that raised it; and the policy of its task is kept"
    def fails(): raise error('x')
    async def afails(): fails()
    func = afails if is_async else fails
    async def ends(**policy):
        task(name=f'outcomes_{error.__name__}_{is_async}', max_retries=2, **policy)(func)
        caplog.clear()
        clock.slept.clear()
        return await run(manager, func)
    job = await ends(backoff=lambda n: 7)
    assert (job.status, job.retry_count, clock.slept)==('failed', 2, [7]), job.error_log
    assert all(error.__name__ in o['error'] and 'in fails' in o['error'] for o in job.errors)
    logged, = [o for o in caplog.records if o.levelno==logging.ERROR]
    assert error.__name__ in caplog.text and 'in fails' in caplog.text
    assert (await ends(retry_on=(KeyError,))).retry_count==1 and (await ends(retry_on=(OSError,))).retry_count==2
    assert (await ends(cancel_on=(OSError,))).status=='cancelled'

@pytest.fixture
def acme(tmp_path):
    "A tenant with a table"
    manager = Tenants(tmp_path).create('acme')
    manager.db.execute('CREATE TABLE t (a)')
    return manager

kept_alive = []

def insert(db): db.execute('INSERT INTO t VALUES (1)')

def half_done():
    "Stops in the middle of a transaction"
    with current_job().transaction() as db:
        insert(db)
        yield

def in_a_traceback():
    rows = half_done()
    next(rows)
    raise OSError('after the first')

def in_a_list():
    kept_alive.append(half_done())
    next(kept_alive[-1])

def without_end(): insert(current_job().transaction().__enter__())
def of_the_manager(): insert(kept_alive[0].transaction().__enter__())

async def of_a_child():
    async def child():
        async with current_job().transaction() as db:
            insert(db)
            kept_alive.append(db)
            await asyncio.sleep(60)
    kept_alive.append(asyncio.ensure_future(child()))
    await asyncio.sleep(.05)

def in_a_thread():
    job,ready,done = current_job(),threading.Event(),threading.Event()
    def other():
        with job.transaction() as db:
            insert(db)
            ready.set()
            done.wait(60)
            insert(db)
    kept_alive.extend([Call(other), done])
    ready.wait(60)

def begun(): kept_alive[0].db.begin()
async def abegun(): insert(kept_alive[0].db.begin() or kept_alive[0].db)

def of_the_job():
    kept_alive.append(current_job().db)
    kept_alive[-1].execute('BEGIN IMMEDIATE')
    insert(kept_alive[-1])

async def aof_the_job(): of_the_job()
def awaitable(): return aof_the_job()

leaves = [in_a_traceback, in_a_list, without_end, of_the_manager, of_the_job, aof_the_job, awaitable, of_a_child,
    in_a_thread, begun, abegun]

@pytest.mark.parametrize('func', leaves, ids=lambda f: f.__name__)
async def test_what_a_function_leaves_open_is_rolled_back(acme, func):
    "Before its outcome is written, which is never a part of it: the tenant goes on at once"
    kept_alive[:] = [acme]
    failed = func is in_a_traceback
    try:
        for o in range(2):
            job = await run(acme, func, 1)
            assert job.status==('failed' if failed else 'completed'), job.error_log
            with acme.transaction() as db: assert list(db.execute('SELECT * FROM t'))==[]
        assert (await run(acme, work)).status=='completed'
    finally:
        for o in kept_alive[1:]:
            if isinstance(o, threading.Event): o.set()
            elif hasattr(o, 'cancel'): o.cancel()
            elif hasattr(o, 'answer') and kept_alive[-1].is_set(): assert isinstance(o.answer(), (apsw.Error, Cancel))
    assert acme.db.q('SELECT * FROM t')==[]

@pytest.fixture
def seen():
    "The moves that are told during a test"
    res = []
    def note(event): res.append(event.job.job_type)
    on_event(note)
    yield lambda: flush(60) and list(res)
    off_event(note)

back = ['ROLLBACK TO s', 'rollback to s', ' /* x */ RollBack\n TO savepoint s',
    'ROLLBACK TRANSACTION TO SAVEPOINT s', '-- x\nrollback to s']

@pytest.mark.parametrize('sql', back)
def test_what_a_savepoint_took_back_is_not_told(path, seen, sql):
    manager,names = manager_at(path),'abcdefg'
    for o in ('BEGIN', 'a', 'SAVEPOINT r; SAVEPOINT s', 'b', 'c', sql, 'd', 'SAVEPOINT inner', 'e', 'RELEASE inner',
        'RELEASE s; RELEASE r', 'COMMIT', 'SAVEPOINT s', 'f', sql, 'g', 'RELEASE s'):
        if o in names: manager.submit(o, work)
        else: manager.db.conn.execute(o)
    assert seen()==['a', 'd', 'e', 'g']==sorted(o.job_type for o in manager.list_jobs())

class FullVFS(SyncVFS):
    "A file system that is full once it is told to be"
    is_full = False
    def xOpen(self, name, flags): return FullFile(self, name, flags)

class FullFile(SyncFile):
    def xWrite(self, *args):
        if self.vfs.is_full: raise apsw.FullError('no space left')
        super().xWrite(*args)

ends = {'rollback':'rollback', 'or rollback':'INSERT OR ROLLBACK INTO p VALUES (1)'}

@pytest.mark.parametrize('how', ['rollback', 'or rollback', 'foreign key', 'commit hook', 'full disk', 'close'])
def test_a_commit_that_fails_is_not_told(path, seen, how):
    "Whatever ended the transaction, SQLite is asked"
    vfs,db = FullVFS('outcomes_full'),open_db(path)
    if how=='full disk': db = Database(apsw.Connection(path, vfs='outcomes_full'))
    manager,conn = BackgroundTaskManager(db),db.conn
    conn.execute('CREATE TABLE p (a PRIMARY KEY); INSERT INTO p VALUES (1)')
    conn.execute('CREATE TABLE c (a REFERENCES p(a) DEFERRABLE INITIALLY DEFERRED)')
    conn.execute('BEGIN')
    manager.submit('a', work)
    if how=='foreign key': conn.execute('INSERT INTO c VALUES (5)')
    if how=='commit hook': conn.set_commit_hook(lambda: True)
    vfs.is_full = how=='full disk'
    with suppress(apsw.Error):
        if how=='close': conn.close()
        else: conn.execute(ends.get(how, 'COMMIT'))
    vfs.is_full = False
    if how!='close':
        conn.set_commit_hook(None)
        if conn.in_transaction: conn.execute('ROLLBACK')
    other = manager_at(path)
    assert seen()==[]==[o.job_type for o in other.list_jobs()]
    other.submit('b', work)
    assert seen()==['b']

def test_a_submit_on_a_shared_connection_says_that_it_may_be_lost(path):
    "Two threads share one `Database`: who has begun its transaction can't be known, but that there is one"
    manager = manager_at(path)
    assert manager.submit('a', work)[0].is_durable
    with suppress(KeyError), manager.db.conn:
        lost,_ = Call(manager.submit, 'b', work).answer()
        assert not lost.is_durable and not manager.submit('c', work)[0].is_durable
        raise KeyError
    assert manager.submit('d', work)[0].is_durable and sorted(o.job_type for o in manager.list_jobs())==['a', 'd']

@pytest.mark.parametrize('how', ['by hand', 'transaction'])
async def test_a_task_joins_only_its_own_transaction(acme, how):
    "One awaits in a transaction of `tenants[…].db`, another submits: it is refused at once, and joins nothing"
    entered,go = asyncio.Event(),asyncio.Event()
    async def first():
        with acme.db.conn if how=='by hand' else acme.transaction():
            if how=='by hand': insert(acme.db)
            assert not acme.submit('mine', work)[0].is_durable
            entered.set()
            await go.wait()
            raise KeyError
    async def waits():
        async with acme.transaction(): acme.submit('waits', work)
    task = asyncio.ensure_future(first())
    await entered.wait()
    refused = pytest.raises(apsw.BusyError, match='async with manager.transaction')
    with refused: acme.submit('other', work)
    if how=='transaction':
        with refused, acme.transaction(): pass
    assert acme.list_jobs()==[]
    waiting = asyncio.ensure_future(waits())
    await asyncio.sleep(.05)
    go.set()
    with pytest.raises(KeyError): await task
    await waiting
    assert acme.submit('other', work)[0].is_durable
    assert sorted(o.job_type for o in acme.list_jobs())==['other', 'waits']
