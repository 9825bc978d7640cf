"What `submit` promises: the row is on disk when it returns, or part of the caller's transaction; whoever else is at the database"
import asyncio,os,threading,time
from contextlib import contextmanager,suppress

import apsw,pytest
from fastlite import Database,database
from helpers import manager_at,open_db,script,write_lock

from tenant_tasks import BackgroundTaskManager,BadPayload,columns,max_json,utcnow

def work(**kw): return kw

class SyncVFS(apsw.VFS):
    "A file system that counts how often each file is synced to disk"
    def __init__(self, name):
        self.name,self.synced = name,0
        super().__init__(name, '')
    def xOpen(self, name, flags): return SyncFile(self, name, flags)

class SyncFile(apsw.VFSFile):
    def __init__(self, vfs, name, flags):
        self.vfs = vfs
        super().__init__('', name, flags)
    def xSync(self, flags):
        self.vfs.synced += 1
        super().xSync(flags)

def test_submit_syncs_and_later_moves_need_not(path):
    vfs = SyncVFS('counting')
    db = Database(apsw.Connection(path, vfs='counting'))
    db.enable_wal()
    manager = BackgroundTaskManager(db)
    manager.submit('sync', work)
    def one(): return manager.submit('sync', work)[0]
    def many(): manager.submit_many('sync', work, [{}]*10)
    for f in (one, many, lambda: manager.cancel_job(one())):
        before = vfs.synced
        f()
        assert vfs.synced>before
    before,job_id = vfs.synced,manager.list_jobs(status='pending')[0].id
    job = manager.store.claim(job_id, 'p1', utcnow())
    manager.store.settle(job, 'complete', utcnow(), result='1')
    assert vfs.synced==before

def test_killed_after_submit(path):
    "The process dies without a chance to close anything: each id that it printed is there"
    proc = script("""
import os,signal,sys
from fastlite import database
from tenant_tasks import BackgroundTaskManager
manager = BackgroundTaskManager(database(sys.argv[1]))
for i in range(20): print(manager.submit('sync', print, i=i)[0], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
""", path)
    ids = proc.communicate(timeout=30)[0].split()
    assert len(ids)==20 and proc.returncode==-9
    jobs = manager_at(path).list_jobs()
    assert [o.id for o in jobs]==ids[::-1] and {o.status for o in jobs}=={'pending'}

def test_joins_the_callers_transaction(path):
    db = database(path)
    manager = BackgroundTaskManager(db)
    db.t.users.create(name=str, pk='name')
    with suppress(ZeroDivisionError), db.conn:
        db.t.users.insert(dict(name='ann'))
        gone,_ = manager.submit('welcome', work, name='ann')
        assert manager.get_job(gone).status=='pending'
        1/0
    with db.conn:
        db.t.users.insert(dict(name='bob'))
        kept,_ = manager.submit('welcome', work, name='bob')
        assert [o.id for o in manager.list_jobs()]==[kept]
    assert [o.id for o in manager_at(path).list_jobs()]==[kept]
    assert [o['name'] for o in db.t.users()]==['bob']

def test_first_manager_inside_a_transaction(path):
    "The table is made in the transaction too, so there is no wait for a lock that this thread holds itself"
    db = database(path)
    db.begin()
    db.execute('CREATE TABLE t (a)')
    job_id,_ = BackgroundTaskManager(db).submit('sync', work)
    db.rollback()
    manager = BackgroundTaskManager(db)
    assert manager.list_jobs()==[]
    db.begin()
    job_id,_ = BackgroundTaskManager(db).submit('sync', work)
    db.commit()
    assert manager.get_job(job_id).id==job_id

def test_all_user_calls_join(path):
    "Nothing that an app may call inside its transaction waits for the app itself"
    db = database(path)
    manager = BackgroundTaskManager(db)
    done,_ = manager.submit('sync', work)
    with db.conn:
        db.execute('CREATE TABLE t (a)')
        manager.cancel_job(done)
        manager.retry_job(done)
        manager.submit_many('sync', work, [{}, {}])
        assert manager.job_stats()['pending']==3
        with pytest.raises(BadPayload): manager.submit_many('sync', work, [{}, dict(a={1})])
    assert len(manager_at(path).list_jobs())==3

async def test_run_after_rollback(manager, logs):
    with suppress(ZeroDivisionError), manager.db.conn:
        _,bg_task = manager.submit('sync', work)
        1/0
    await bg_task()
    assert 'rolled back' in logs('INFO')[0]

def test_lock_held_for_seconds(path):
    "Another process holds the write lock: submit waits for it, reading and making a manager don't"
    manager_at(path).submit('sync', work)
    db = database(path)
    with write_lock(path) as release:
        start = time.monotonic()
        manager = BackgroundTaskManager(db)
        assert len(manager.list_jobs())==1
        assert time.monotonic()-start<.9
        timer = threading.Timer(1, release)
        timer.start()
        manager.submit('sync', work)
        timer.join()
        assert time.monotonic()-start>.9
    assert len(manager.list_jobs())==2

def test_one_db_in_many_threads(path):
    db = database(path)
    BackgroundTaskManager(db)
    db.t.other.create(id=int, pk='id')
    errors,ids = [],[]
    def go(n):
        try:
            for i in range(25):
                manager = BackgroundTaskManager(db)
                ids.append(manager.submit('sync', work, n=n, i=i)[0])
                manager.list_jobs(limit=3)
        except BaseException as e: errors.append(e)
    threads = [threading.Thread(target=go, args=(n,)) for n in range(8)]
    for o in threads: o.start()
    for o in threads: o.join()
    assert not errors
    assert sorted(ids)==sorted(o.id for o in BackgroundTaskManager(db).list_jobs(limit=1000))

@contextmanager
def busy_app(db, pause):
    "Another thread of the app uses its connection all the time"
    stop = threading.Event()
    def query():
        while not stop.wait(pause):
            with suppress(apsw.ThreadingViolationError): list(db.execute('SELECT count(*) FROM tenant_jobs'))
    thread = threading.Thread(target=query)
    thread.start()
    try: yield
    finally:
        stop.set()
        thread.join()

def submit_in_threads(manager, threads=4, n=25):
    errors = []
    def go():
        try:
            for _ in range(n): manager.submit('sync', work)
        except BaseException as e: errors.append(e)
    ts = [threading.Thread(target=go) for _ in range(threads)]
    for o in ts: o.start()
    for o in ts: o.join()
    return errors

def test_memory_db_in_many_threads():
    "Here our connection is the app's, which uses it at the same time"
    manager = BackgroundTaskManager(database(':memory:'))
    with busy_app(manager.db, .0005): errors = submit_in_threads(manager)
    assert not errors and len(manager.list_jobs(limit=1000))==100

def test_app_thread_that_never_pauses(manager):
    "Without a pause the connection is always in use when we look at it; ours isn't"
    with busy_app(manager.db, 0): errors = submit_in_threads(manager, n=3)
    assert not errors and len(manager.list_jobs())==12

def test_many_managers_open_at_once(path):
    "A new file, and sixteen threads that all want its table made"
    errors = []
    dbs = [open_db(path) for _ in range(16)]
    def go(db):
        try: BackgroundTaskManager(db).submit('sync', work)
        except BaseException as e: errors.append(e)
    threads = [threading.Thread(target=go, args=(o,)) for o in dbs]
    for o in threads: o.start()
    for o in threads: o.join()
    assert not errors and len(manager_at(path).list_jobs())==16

def test_processes_on_one_file(path):
    database(path)
    src = """
import apsw,sys
from fastlite import database
from tenant_tasks import BackgroundTaskManager,patiently
manager = BackgroundTaskManager(patiently(lambda: database(sys.argv[1]), apsw.BusyError))
for i in range(50): manager.submit('sync', print, i=i)
"""
    procs = [script(src, path) for _ in range(4)]
    errs = [o.communicate(timeout=60)[1] for o in procs]
    assert [o.returncode for o in procs]==[0]*4, errs
    assert manager_at(path).job_stats()['pending']==200

@pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork on this system')
@pytest.mark.filterwarnings('ignore:.*fork.*:DeprecationWarning')
def test_fork_after_use(path):
    "A child uses the parent's manager while another thread of the parent may hold its lock"
    manager = manager_at(path)
    manager.submit('sync', work)
    held = manager.store.link.lock
    held.acquire()
    pid = os.fork()
    if not pid:
        try:
            manager.submit('sync', work)
            os._exit(0 if len(manager.list_jobs())==2 else 1)
        except BaseException: os._exit(2)
    held.release()
    for _ in range(1000):
        done,status = os.waitpid(pid, os.WNOHANG)
        if done: break
        time.sleep(.01)
    assert done and os.waitstatus_to_exitcode(status)==0
    manager.submit('sync', work)
    assert len(manager.list_jobs())==3
    assert manager.db.q('PRAGMA integrity_check')==[dict(integrity_check='ok')]

def test_file_replaced_or_gone(path):
    manager = manager_at(path)
    manager.submit('sync', work)
    for o in ('', '-wal', '-shm'): os.remove(path+o)
    with pytest.raises(FileNotFoundError, match='acme.db'): manager.submit('sync', work)
    db = database(path)
    manager = BackgroundTaskManager(db)
    manager.submit('sync', work)
    assert [o['job_type'] for o in db.t.tenant_jobs()]==['sync']

def test_older_tables_gain_columns(path):
    "With the first eight, eleven or seventeen columns, and a row in each"
    for n in (8, 11, 17):
        os.path.exists(path) and os.remove(path)
        for o in ('-wal', '-shm'): os.path.exists(path+o) and os.remove(path+o)
        db = database(path)
        names = list(columns)[:n]
        db.execute(f"CREATE TABLE tenant_jobs ({', '.join(columns[o] for o in names)})")
        db.execute("INSERT INTO tenant_jobs (id, job_type, payload) VALUES ('old', 'sync', '{\"a\": 1}')")
        manager = BackgroundTaskManager(db)
        job = manager.get_job('old')
        assert job.kwargs=={'a':1} and job.status=='pending'
        assert manager.store.due(utcnow())==['old']
        assert manager.store.claim('old', 'p1', utcnow()).status=='running'
        del manager,db

def test_rows_of_other_writers(path):
    "Columns of a newer version and empty old ones are no obstacle"
    manager = manager_at(path)
    manager.db.execute('ALTER TABLE tenant_jobs ADD COLUMN colour TEXT')
    manager.db.t.tenant_jobs.insert(dict(id='x', job_type='sync', status='pending', payload=None, colour='red'))
    assert manager.get_job('x').kwargs=={}

def test_rollback_journal(path):
    db = database(path)
    db.disable_wal()
    manager = BackgroundTaskManager(db)
    job_id,bg_task = manager.submit('sync', work, a=1)
    asyncio.run(bg_task())
    assert manager.get_job(job_id).value=={'a':1}

@pytest.mark.parametrize('bad,error,says', [
    (dict(job_type=''), ValueError, "job_type ''"), (dict(job_type=3), ValueError, 'job_type 3'),
    (dict(task_func=None), TypeError, "None can't be called"), (dict(max_retries=0), ValueError, 'max_retries 0'),
    (dict(max_retries=1.5), ValueError, 'max_retries 1.5'), (dict(max_retries=True), ValueError, 'max_retries True'),
    (dict(when=utcnow()), BadPayload, "argument 'when'"), (dict(rate=float('inf')), BadPayload, "argument 'rate'"),
    (dict(deep=[dict(a=b'x')]), BadPayload, "argument 'deep'"), (dict(text='x'*max_json), BadPayload, 'allowed: 1,048,576')])
def test_bad_input_writes_nothing(manager, bad, error, says):
    with pytest.raises(error, match=says.replace('(', r'\(')): manager.submit(**{**dict(job_type='sync', task_func=work), **bad})
    assert manager.list_jobs()==[]

def test_endless_nesting_is_refused(manager):
    loop = []
    loop.append(loop)
    with pytest.raises(BadPayload, match="argument 'loop'"): manager.submit('sync', work, loop=loop)

def test_manager_wants_a_database(path):
    with pytest.raises(TypeError, match='fastlite Database'): BackgroundTaskManager(path)

def test_unique_key_over_processes(path):
    "Eight threads with a connection each, one winner; and the key is free once the job has ended"
    database(path)
    ids = []
    def go(): ids.append(BackgroundTaskManager(open_db(path)).using(unique_key='daily').submit('report', work)[0])
    threads = [threading.Thread(target=go) for _ in range(8)]
    for o in threads: o.start()
    for o in threads: o.join()
    assert len(ids)==8 and len(set(ids))==1
    manager = manager_at(path)
    manager.cancel_job(ids[0])
    other,_ = manager.using(unique_key='daily').submit('report', work)
    assert other!=ids[0]
    with pytest.raises(ValueError, match="unique key 'daily'"): manager.retry_job(ids[0])

def test_no_question_sorts_or_searches_the_whole_table(manager):
    "The plan of every statement that a list, a claim or a worker makes: an index gives the rows in order"
    manager.submit('sync', work)
    asked,conn,store,now = [],manager.store.link.open(),manager.store,utcnow()
    def trace(cursor, sql, args):
        asked.append((sql, args))
        return True
    conn.exec_trace = trace
    for kw in (dict(), dict(job_type='sync'), dict(status='failed'), dict(job_type='sync', status='pending')): store.find(**kw)
    store.due(now)
    store.next_due('p1', ['sync'])
    store.unknown(['sync'], now)
    store.held_by_others('p1', now)
    store.get('x')
    store.claim_due('p1', ['sync'], now)
    conn.exec_trace = None
    selects = [(s,a) for s,a in asked if 'SELECT' in s and 'tenant_jobs' in s]
    assert len(selects)==10
    for sql,args in selects:
        plan = [o[3] for o in conn.execute('EXPLAIN QUERY PLAN '+sql, args)]
        whole = [o for o in plan if o.startswith('SCAN tenant_jobs') and 'INDEX' not in o]
        assert not [o for o in plan if 'TEMP B-TREE' in o] and (not whole or 'ORDER BY rowid' in sql), (sql, plan)

async def test_times_of_other_writers(manager):
    "Times without a zone, and things that are no times, in a table that somebody else has filled"
    for i,o in enumerate(['2026-11-23T11:00:00', '2026-11-23 11:00', 'yesterday', '', None]):
        manager.db.t.tenant_jobs.insert(dict(id=str(i), job_type='sync', status='pending', payload='{}', created_at=o))
        manager.db.t.tenant_jobs.insert(dict(id=f'r{i}', job_type='sync', status='running', payload='{}', started_at=o, created_at=o))
    assert manager.job_stats()['oldest_pending']>=3600
    assert {o.id for o in manager.rescue()}=={f'r{i}' for i in range(5)}
    for i in range(5): await manager._execute_with_retry(str(i), work)
    assert manager.job_stats()['completed']==5 and manager.list_jobs()._repr_html_()
