"Health for load balancers, and `tenant-tasks check`: what is wrong is found, in time, and nothing is told to strangers"
import json,os,re,threading
from datetime import timedelta

import pytest
from fasthtml.common import Client,Redirect,fast_app
from helpers import command,delete_db,end,program,wait_until

from tenant_tasks import TenantJob,Tenants,operator_ui,task
from tenant_tasks.db.sqlite import open_plain
from tenant_tasks.fleet import checks as module
from tenant_tasks.fleet.checks import Pulse,check_database,check_directory
from tenant_tasks.jobs.job import timestamp,utcnow
from tenant_tasks.web.pages import health_route

@pytest.fixture
def tenants(tmp_path):
    res = Tenants(tmp_path/'data')
    for o in ('acme','globex'): res.create(o).submit('note', print)
    return res

def found(tenants, name='acme', **kw): return {o.check:o for o in check_database(tenants.file(name), name, **kw)}

def spoil(tenants, name):
    tenants.drop(name)
    delete_db(tenants.file(name))
    with open(tenants.file(name), 'w') as f: f.write('no database, only text. '*400)

def due_since(tenants, ago, **kw):
    at = timestamp(utcnow()-ago)
    job = TenantJob('late', 'sync', 'pending', task='checks.sync', created_at=at, run_at=at, **kw)
    tenants['acme'].store.submit([job])

def site(tenants, guard=None, seconds=1.):
    app,_ = fast_app(secret_key='x')
    operator_ui(app, tenants, guard or (lambda req: None))
    health_route(app, tenants, seconds=seconds, **(dict(guard=guard) if guard else {}))
    return Client(app)

def health(*args, **kw):
    res = site(*args, **kw).get('/ops/health')
    assert res.headers['cache-control']=='no-store'
    return res.status_code,res.json()

# -- health

def test_who_sees_why(tenants, monkeypatch):
    "One damaged tenant takes no process out of service"
    spoil(tenants, 'acme')
    assert health(tenants)==(200, dict(ok=True))
    monkeypatch.setattr(module, 'check_directory', lambda o, **kw: [module.Finding('', 'disk', 'it is full')])
    for may in ('read', 'act', None, Redirect('/login')):
        why = dict(problems=['disk: it is full']) if may in ('read', 'act') else {}
        assert health(tenants, lambda req: may)==(503, dict(ok=False, **why))

def test_a_guard_that_raises_or_hangs(tenants):
    gate = threading.Event()
    def boom(req): raise OSError('secret path')
    def hang(req): gate.wait(60)
    try:
        for guard in (boom, hang): assert health(tenants, guard, seconds=.2)[1]==dict(ok=True)
    finally: gate.set() # The client waits for all threads

def test_a_disk_that_hangs(tenants, monkeypatch):
    "The answer is no, in time, and one thread waits, however often it is asked"
    gate,looks = threading.Event(),[]
    def hang(o, **kw):
        looks.append(o)
        gate.wait(60)
        return []
    monkeypatch.setattr(module, 'check_directory', hang)
    pulse = Pulse(tenants, seconds=.1)
    assert all('no answer within 0.1 s' in pulse.look()[0].text for _ in range(5))
    assert len(looks)==1
    gate.set()
    pulse._thread.join()
    assert pulse.look()==[]

# -- workers and schedules

@task(name='checks.nightly')
def nightly(): pass

def make_overdue(manager, name, ago):
    manager.schedule(name, nightly, cron='0 3 * * *')
    at = utcnow()-ago
    manager.store.set_paused(name, False, at)
    return timestamp(at)

def test_overdue_schedules_and_no_worker(tenants):
    "Told by the check, the list, the page and to alerts, until a worker is alive; a load balancer isn't told"
    acme,days = tenants['acme'],timedelta(days=3)
    since = make_overdue(acme, 'nightly', days)
    make_overdue(acme, 'young', timedelta(minutes=4))
    make_overdue(acme, 'paused', days)
    acme.pause_schedule('paused')
    res,why = command('check', tenants.path, '--json'),f"'nightly' is overdue since {since[:16]}"
    problems = ['worker: no worker is alive', f'schedule: acme: {why}']
    assert res.code==1 and [o['text'] for o in json.loads(res.out)]==['no worker is alive', why]
    assert command('check', tenants.path, '--tenant', 'globex').code==0
    res,client = command('schedules', tenants.path),site(tenants, lambda req: 'read')
    def alert(): return client.get('/ops/health?worker=1')
    assert res.out.count('overdue by 3d')==1 and 'no worker is alive' in res.err
    assert (alert().status_code, alert().json()['problems'])==(503, problems)
    assert client.get('/ops/health').json()['ok']
    def page_tells(): return 'nightly is overdue by 3 ' in client.get('/ops').text
    wait_until(page_tells)
    assert 'overdue by 3 ' in client.get('/ops/acme/jobs/~schedules').text
    worker = program('schedule_worker', tenants.path, LEDGER=tenants.path/'ledger')
    try:
        wait_until(lambda: alert().json()==dict(ok=True, problems=[]))
        wait_until(lambda: not page_tells())
        for o in ('check', 'schedules'): assert not re.search('overdue|alive', command(o, tenants.path).out)
    finally: end(worker)
    wait_until(lambda: alert().json().get('problems')==problems[:1])

# -- checks

def test_nothing_is_wrong(tenants):
    before = {o:os.stat(tenants.file(o)).st_mtime_ns for o in tenants}
    assert check_directory(tenants.path, least_free=0, least_files=1)==[] and found(tenants)=={}
    assert {o:os.stat(tenants.file(o)).st_mtime_ns for o in tenants}==before

def test_what_is_wrong_is_found(tenants, monkeypatch):
    "A dead process, late jobs, a large `-wal`, tables of an older version, a wrong index, a file system of a network"
    program('claim_and_die', tenants.path, 'globex').communicate(timeout=30)
    assert found(tenants, 'globex')['stuck'].text=='1 running jobs of a process that has died'
    due_since(tenants, timedelta(minutes=20))
    assert found(tenants)['late'].level=='problem' and found(tenants, late=timedelta(hours=1))=={}
    tenants['acme'].pause('sync')
    assert found(tenants)=={}
    conn = open_plain(tenants.file('acme'))
    conn.execute('CREATE TABLE t (a); INSERT INTO t VALUES (randomblob(2000000))')
    assert 'wal' in found(tenants, largest_wal=1<<20)
    conn.execute('DROP INDEX tenant_jobs_listed; CREATE INDEX ta ON t(a)')
    assert found(tenants)['schema'].level=='note' and found(tenants)['schema'] # Looking changes nothing
    conn.execute('PRAGMA writable_schema=1')
    conn.execute("UPDATE sqlite_schema SET sql='CREATE INDEX ta ON t(-a)' WHERE name='ta'")
    conn.close()
    assert 'integrity' not in found(tenants) and 'integrity' in found(tenants, full=True)
    monkeypatch.setattr(module, '_fs_type', lambda o: 'nfs4')
    assert 'locks' in [o.check for o in check_directory(tenants.path)]

# -- the command

def test_check_and_its_exit_codes(tenants):
    assert command('check', tenants.path)[:2]==(0, 'no problems\n')
    due_since(tenants, timedelta(minutes=20))
    res = command('check', tenants.path, '--json')
    assert res.code==1 and [(o['tenant'], o['check']) for o in json.loads(res.out)]==[('', 'worker'), ('acme', 'late')]
    assert command('check', tenants.path, '--tenant', 'globex').code==0
    assert command('check', tenants.path/'nowhere').code==2

def test_backup_of_one_file_and_what_fails(tenants, tmp_path):
    dest = tmp_path/'copies'
    assert command('backup', tenants.file('acme'), dest).code==0 and list(Tenants(dest))==['acme']
    assert command('restore', dest/'acme.db', tmp_path/'new').code==0 and list(Tenants(tmp_path/'new'))==['acme']
    spoil(tenants, 'globex')
    res = command('backup', tenants.path, dest)
    assert res.code==1 and 'globex is not copied: the file is not a database' in res.err
    conn = open_plain(tenants.file('acme'))
    list(conn.execute('SELECT count(*) FROM tenant_jobs'))
    res = command('restore', dest, tenants.path, '--tenant', 'acme')
    assert res.code==1 and 'is open: stop the processes' in res.err
    for o in (['restore', dest, tenants.path, '--tenant', 'hooli'], ['restore', f'{dest}x', tenants.path],
        ['backup', f'{dest}x', dest], ['backup', tenants.path, tenants.path]):
        assert command(*o).code==2
