"Connections of ours: what opening one does and doesn't do, how many stay open, and who waits for whom"
import asyncio,json,os,re,shutil
from threading import Event

import apsw,pytest
from fastlite import database
from helpers import Call,end,in_threads,manager_at,program,work,write_lock

from tenant_tasks import TenantNotFound,Tenants,current_job
from tenant_tasks.db import files,link as links,queue as queues,schema,search
from tenant_tasks.db.sqlite import open_plain
from tenant_tasks.db.store import JobStore
from tenant_tasks.db.transaction import ThreadDb
from tenant_tasks.fleet.checks import check_database
from tenant_tasks.fleet.health import Overview
from tenant_tasks.jobs.job import utcnow
from tenant_tasks.ops.backup import backup

@pytest.fixture
def hooked(monkeypatch):
    "A hook of the app, which registers a function that its triggers call; what statements ran on connections"
    ran = []
    def trace(cursor, sql, args): return ran.append(sql) or True
    def hook(conn):
        conn.create_scalar_function('noted', lambda o: ran.append(f'noted {o}'), 1)
        conn.exec_trace = trace
    monkeypatch.setattr(apsw, 'connection_hooks', [hook, *apsw.connection_hooks])
    return ran

def test_hooks_of_the_app_stay_in_force_and_none_writes(tmp_path, hooked):
    db = database(tmp_path/'acme.db')
    manager = Tenants(tmp_path)['acme']
    manager.db.execute("CREATE TRIGGER audit AFTER UPDATE ON tenant_jobs BEGIN SELECT noted(new.status); END")
    assert [o for o in hooked if 'optimize' in o]
    hooked.clear()
    def note(): return [*current_job().db.execute("SELECT noted('job')")] and None
    job_id,bg_task = manager.submit('note', note)
    asyncio.run(bg_task())
    manager.list_jobs()
    with manager.transaction() as own: own.q("SELECT noted('own')")
    assert [o for o in hooked if o.startswith('noted')]==['noted running', 'noted job', 'noted completed', 'noted own']
    assert not [o for o in hooked if re.search('optimize|journal_mode"? *=', o)]

def test_a_read_waits_for_no_writer(tenants):
    "While another process holds the write lock, and while this one does: in a new thread, in a job, on pages"
    manager = tenants['acme']
    manager.submit_many('sync', work, [{}]*300)
    def other(): return Tenants(tenants.path)['acme'].db.t.tenant_jobs.count
    def query(): return tenants['acme'].db.q('SELECT count(*) AS n FROM tenant_jobs')[0]['n']
    reads = other,query,lambda: manager.job_stats()['pending'],lambda: len(manager.list_jobs(limit=500))
    with write_lock(tenants.file('acme')): assert in_threads(*[(o,) for o in reads])==[300]*4
    with manager.transaction(): assert [o() for o in reads]==[300]*4

def test_a_with_block_that_reads_first_and_then_writes(tenants):
    "Threads count in the tenant's database: none gets BUSY, and no number is lost"
    tenants['acme'].db.execute('CREATE TABLE counter (n)')
    tenants['acme'].db.execute('INSERT INTO counter VALUES (0)')
    def count():
        for _ in range(15):
            with tenants['acme'].db.conn as conn:
                (n,), = conn.execute('SELECT n FROM counter')
                conn.execute('UPDATE counter SET n=?', (n+1,))
    assert in_threads(*[(count,)]*4)==[None]*4
    assert tenants['acme'].db.q('SELECT n FROM counter')==[dict(n=60)]

def look_in_thread(f):
    call = Call(f)
    e = call.answer()
    if isinstance(e, BaseException): raise e

ways = dict( # What a running job may do with its tenant's database: from the job, the tenants, and what it has kept
    query=lambda job, *_: job.db.q('SELECT 1 AS a'),
    write=lambda job, *_: job.db.execute('CREATE TABLE t (a)'),
    rows=lambda job, *_: job.db.t.customers.insert(dict(name='Ann')),
    kept_db=lambda job, tenants, db, conn: db.q('SELECT 1 AS a'),
    kept_conn=lambda job, tenants, db, conn: conn.execute('CREATE TABLE t (a)'),
    again=lambda job, tenants, *_: tenants['acme'].db.q('SELECT 1 AS a'),
    manager=lambda job, tenants, *_: job.manager.list_jobs(),
    transaction=lambda job, *_: job.transaction().__enter__(),
    step=lambda job, *_: job.step('one', dict),
    progress=lambda job, *_: job.progress(.5),
    check=lambda job, *_: job.check(),
    executor=lambda job, *_: JobStore(ThreadDb(job.store.link.path)).db.conn,
    tick=lambda job, *_: job.manager.tick(),
    thread=lambda job, *_: look_in_thread(lambda: job.db.q('SELECT 1 AS a')),
    backup=lambda job, tenants, *_: backup(tenants, tenants.path.parent/'copies', ['acme']),
    checks=lambda job, tenants, *_: check_database(tenants.file('acme')),
    health=lambda job, tenants, *_: Overview(tenants).health(30))

@pytest.mark.parametrize('moved', (False, True))
def test_a_running_job_never_makes_its_tenant_anew(tmp_path, moved):
    "Its files are deleted or moved: every way to a connection fails or shows nothing, and makes no file"
    (tmp_path/'data').mkdir()
    tenants,did = Tenants(tmp_path/'data'),{}
    def remove():
        for o in tenants.path.glob('acme.db*'): o.rename(tmp_path/o.name) if moved else o.unlink()
    for name,way in ways.items():
        manager = tenants.create('acme')
        def use():
            job = current_job()
            db,conn = tenants['acme'].db,tenants['acme'].db.conn
            job.manager = manager
            remove()
            try: did[name] = way(job, tenants, db, conn)
            except Exception as e: did[name] = type(e) # Without its frames
        job_id,bg_task = manager.submit('use', use)
        asyncio.run(bg_task())
        assert [*tenants.path.glob('*.db*')]==[] and list(tenants)==[], (name, os.listdir(tenants.path))
        for o in tmp_path.glob('acme.db*'): o.unlink()
    for name,o in did.items():
        assert o in (FileNotFoundError, TenantNotFound) or name in ('backup', 'checks', 'health'), (name, o)

def test_a_long_read_holds_up_no_claim(manager, monkeypatch):
    "While `failures` reads errors, jobs are submitted, claimed and settled, and other pages are shown"
    asked,go_on = Event(),Event()
    def slow(log):
        asked.set()
        return go_on.wait(60) and ''
    manager.submit('sync', work)
    job = manager.store.claim_due(manager.process.id, [], utcnow())
    manager.store.settle(job, 'fail', utcnow(), error_log='no route')
    monkeypatch.setattr(search, 'error_line', slow)
    call = Call(manager.failures)
    try:
        assert asked.wait(60)
        manager.submit('sync', work)
        job = manager.store.claim_due(manager.process.id, [], utcnow())
        assert manager.store.settle(job, 'complete', utcnow()).status=='completed'
        assert len(manager.list_jobs())==2 and manager.job_stats()['failed']==1
    finally: go_on.set()
    assert len(call.answer())==1

def test_what_is_dropped_comes_back(tmp_path):
    "A DBA drops each index and each table under an open process: whatever comes next goes on"
    manager = Tenants(tmp_path).create('acme')
    store,link = manager.store,manager.store.link
    uses = [manager.list_jobs, manager.batches, manager.queues, manager.failures, lambda: manager.submit('sync', work),
        lambda: manager.pause('sync'), lambda: store.claim_due('p1', ['sync'], utcnow()),
        lambda: queues.glance(link, 'p1', ['sync'], utcnow()), lambda: store.ended_in(['2020', '2030']),
        lambda: store.next_due('p1', ['sync'], now=utcnow()), lambda: files.quick_state(link.path)]
    tables = 'tenant_jobs', 'tenant_pauses', 'tenant_steps'
    names = [*[f'INDEX {o}' for o in schema.indexes], *[f'TABLE {o}' for o in tables]]
    dba = open_plain(link.path)
    for o in names:
        for use in uses:
            with link.use(): assert schema.ensure_schema(dba) is None
            dba.execute(f'DROP {o}')
            use()
    dba.execute('DROP TABLE tenant_jobs')
    assert manager.list_jobs()==[] and schema.schema_state(dba)=='current'

def test_others_close_what_a_thread_doesnt_use(tmp_path, monkeypatch):
    "Twenty connections of a waiting thread: all but those with an open transaction or an unfinished query"
    monkeypatch.setattr(links, '_most_open', lambda: 3)
    links._open_links.forget()
    tenants,ready,done = Tenants(tmp_path),Event(),Event()
    dbs = [tenants.create(f't{i}').db for i in range(20)]
    def use():
        for o in dbs: o.q('SELECT 1 AS a')
        dbs[0].execute('BEGIN IMMEDIATE')
        dbs[0].execute('CREATE TABLE t (a)')
        query = dbs[1].execute('SELECT 1 UNION ALL SELECT 2')
        next(query)
        ready.set()
        assert done.wait(60)
        assert next(query)==(2,)
        dbs[0].commit()
        return sum(o.open_conn() is not None for o in dbs)
    call = Call(use)
    assert ready.wait(60)
    for _ in range(3):
        for o in dbs: o.q('SELECT 1 AS a')
    done.set()
    assert call.answer()<=3 and dbs[0].t.t.exists()

@pytest.mark.parametrize('n', (20, 40))
def test_threads_over_many_tenants(tmp_path, n):
    "At `ulimit -n 1024`, each thread of a web process goes around thirty tenants: nothing fails, and files are left"
    db = manager_at(tmp_path/'model.db').db
    db.execute('CREATE TABLE visits (id INTEGER PRIMARY KEY, thread)')
    db.conn.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    (tmp_path/'data').mkdir()
    for i in range(30): shutil.copy(tmp_path/'model.db', tmp_path/f'data/t{i:02}.db')
    proc = program('many_threads', tmp_path/'data', 1024, n)
    try: out,err = proc.communicate(timeout=60)
    finally: end(proc)
    res = json.loads(out)
    assert res['wrong']==[] and res['most']<1000, (res, err)

def test_the_limit_is_named(tenants):
    "With no file left: what is idle is closed for it; if that isn't enough, the error says why"
    for o in tenants: tenants.create(o)
    out,err = program('no_files', tenants.path).communicate(timeout=60)
    lines = out.split('\n')
    assert lines[0]=='0' and lines[2]=='0', (out, err)
    says = r"CantOpenError .*acme.db can't be opened: the limit of 100 open files \(`ulimit -n`\) is reached"
    assert re.match(says, lines[1])
