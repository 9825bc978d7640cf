"The app's own schema beside ours: foreign keys, triggers and views on our tables"
from datetime import timedelta

import apsw,pytest
from helpers import running_row

from tenant_tasks import Tenants,task
from tenant_tasks.db.store import JobStore
from tenant_tasks.fleet.lookout import Lookout

ran = []

@task(name='apps.note')
def note(n=0): ran.append(n)

@pytest.fixture(autouse=True)
def fresh(): ran.clear()

def ended(manager, n):
    "Jobs that have ended: their ids, the oldest first"
    ids = [o for o,_ in manager.submit_many('note', note, [{}]*n)]
    while a := manager.claim():
        a.call()
        a.settle()
    return ids

def left(manager): return {o.id for o in manager.list_jobs(limit=9999)}

invoices = 'CREATE TABLE invoices (job TEXT REFERENCES tenant_jobs(id){})'
in_invoices = 'INSERT INTO invoices VALUES (:id)'
later = ' DEFERRABLE INITIALLY DEFERRED'
kept_by = dict( # chkstyle: ignore-node
    foreign_key = [invoices.format(''), in_invoices],
    quoted = ['CREATE TABLE "a ""b" ("c d" TEXT REFERENCES Tenant_Jobs)', 'INSERT INTO "a ""b" VALUES (:id)'],
    restrict = [invoices.format(' ON DELETE RESTRICT'), in_invoices],
    deferred = [invoices.format(later), in_invoices])

@pytest.mark.parametrize('how', kept_by)
def test_prune_leaves_what_the_app_refers_to(manager, how):
    ids = ended(manager, 5)
    for sql in kept_by[how]: manager.db.execute(sql, dict(id=ids[2]) if ':id' in sql else {})
    manager.clock.advance(1)
    assert manager.store.prune(manager.clock(), batch=2)==4 and left(manager)=={ids[2]}
    assert manager.prune(timedelta(0))==0 and manager.store.db.q('PRAGMA foreign_key_check')==[]

def test_what_else_forbids_a_deletion_is_an_error(manager):
    "It fails before the commit, which other threads share"
    ids = ended(manager, 2)
    manager.db.execute('CREATE TABLE runs (id TEXT PRIMARY KEY REFERENCES tenant_jobs(id) ON DELETE CASCADE)')
    manager.db.execute(f'CREATE TABLE reports (run TEXT REFERENCES runs(id){later})')
    for table in ('runs', 'reports'): manager.db.execute(f'INSERT INTO {table} VALUES (?)', (ids[0],))
    with pytest.raises(apsw.ConstraintError, match='deferred foreign key of the app'): manager.prune(timedelta(0))
    assert left(manager)=={*ids}

def test_references_that_go_along(manager):
    ids = ended(manager, 3)
    for table,does in (('runs', 'CASCADE'), ('marks', 'SET NULL')):
        manager.db.execute(f'CREATE TABLE {table} (job TEXT REFERENCES tenant_jobs(id) ON DELETE {does})')
        for o in ids: manager.db.execute(f'INSERT INTO {table} VALUES (?)', (o,))
    assert manager.prune(timedelta(0))==3
    assert manager.db.q('SELECT * FROM runs')==[] and manager.db.q('SELECT DISTINCT job FROM marks')==[dict(job=None)]

def test_prune_in_the_apps_transaction(manager):
    ids = ended(manager, 4)
    manager.db.execute(invoices.format(later))
    with manager.transaction() as db:
        db.execute('INSERT INTO invoices VALUES (?)', (ids[1],))
        assert manager.prune(timedelta(0))==3
    assert left(manager)=={ids[1]}

# -- housekeeping and jobs

@pytest.fixture
def looks(tmp_path, clock):
    "A tenant whose old jobs can't be deleted, whose schedules can't be declared, and a lookout that cares for it"
    tenants,found,ill = Tenants(tmp_path, clock=clock),{},[]
    acme = tenants.create('acme')
    lookout = Lookout(tenants, found.__setitem__, lambda *args: ill.append(args), keep=timedelta(0))
    return acme,lookout,found,ill

def test_old_jobs_that_cannot_be_deleted_hold_up_no_job(looks, clock, logs):
    acme,lookout,found,ill = looks
    ended(acme, 3)
    acme.db.execute('CREATE TRIGGER gone AFTER DELETE ON tenant_jobs BEGIN SELECT no_such_function(OLD.id); END')
    acme.submit('note', note)
    clock.advance(60)
    for _ in range(3):
        lookout._pruned.clear()
        lookout.look_at(['acme'])
    assert ill==[] and found['acme']<=clock().timestamp()
    assert len([o for o in logs('ERROR') if 'prune failed' in o])==1

@pytest.mark.parametrize('part', ['rescue', 'declare_schedules', 'tick'])
def test_nothing_that_is_no_job_holds_up_jobs(looks, monkeypatch, part):
    acme,lookout,found,ill = looks
    acme.schedule('nightly', note, every=3600)
    acme.submit('note', note)
    running_row(acme, 'host~0~1~x')
    def fails(*args, **kw): raise apsw.ConstraintError('no')
    monkeypatch.setattr(type(acme), part, fails)
    acme.clock.advance(3601)
    lookout.look_at(['acme'])
    assert ill==[] and found['acme']<=acme.clock().timestamp()

def test_an_error_that_passes_ends_the_look(looks, monkeypatch):
    acme,lookout,found,ill = looks
    acme.submit('note', note)
    def fails(*args, **kw): raise apsw.BusyError('locked')
    monkeypatch.setattr(JobStore, 'prune_some', fails)
    lookout.look_at(['acme'])
    assert [name for name,_ in ill]==['acme']
