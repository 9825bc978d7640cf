"Health for load balancers, and `tenant-tasks check`: what is wrong is found, in time, and nothing is told to strangers"
import json,os,subprocess,sys,threading,time
from datetime import timedelta

import pytest
from fasthtml.common import Client,Redirect,fast_app
from helpers import program,root

from tenant_tasks import checks as module
from tenant_tasks.checks import Pulse,check_database,check_directory,fs_type
from tenant_tasks.cli import main
from tenant_tasks.job import TenantJob,timestamp,utcnow
from tenant_tasks.link import open_plain
from tenant_tasks.operators import operator_ui
from tenant_tasks.pages import health_route
from tenant_tasks.tenants import Tenants

@pytest.fixture
def tenants(tmp_path):
    res = Tenants(tmp_path/'data')
    for o in ('acme','globex'): res.create(o).submit('note', print)
    return res

def found(tenants, name='acme', **kw): return {o.check:o for o in check_database(tenants.file(name), name, **kw)}

def spoil(tenants, name):
    "Put text in the place of a database"
    tenants.drop(name)
    for o in ('-wal','-shm'): os.path.exists(tenants.file(name)+o) and os.unlink(tenants.file(name)+o)
    with open(tenants.file(name), 'w') as f: f.write('no database, only text. '*400)

def due_since(tenants, ago, **kw):
    at = timestamp(utcnow()-ago)
    tenants['acme'].store.submit([TenantJob('late', 'sync', 'pending', task='checks.sync', created_at=at, run_at=at, **kw)])

def site(tenants, guard=None, seconds=1.):
    app,rt = fast_app(secret_key='x')
    operator_ui(app, tenants, guard or (lambda req: None))
    pulse = health_route(app, tenants, seconds=seconds, **(dict(guard=guard) if guard else {}))
    return Client(app),pulse

# -- health

def test_a_load_balancer_sees_yes_or_no(tenants):
    client,_ = site(tenants)
    res = client.get('/ops/health')
    assert (res.status_code, res.json(), res.headers['cache-control'])==(200, dict(ok=True), 'no-store')

@pytest.mark.parametrize('may,more', [('read',True), ('act',True), (None,False), (Redirect('/login'),False)], ids=['read','act','none','redirect'])
def test_who_sees_why(tenants, monkeypatch, may, more):
    client,pulse = site(tenants, lambda req: may)
    monkeypatch.setattr(module, 'check_directory', lambda o, **kw: [module.Finding('', 'disk', 'it is full')])
    res = client.get('/ops/health')
    assert res.status_code==503 and res.json()==(dict(ok=False, problems=['disk: it is full']) if more else dict(ok=False))

def test_a_guard_that_raises_or_hangs(tenants):
    gate = threading.Event()
    def boom(req): raise OSError('secret path')
    def hang(req): gate.wait(20)
    try:
        for guard in (boom, hang):
            start = time.monotonic()
            assert site(tenants, guard, seconds=.2)[0].get('/ops/health').json()==dict(ok=True)
            gate.set() # The client waits for all threads
            assert time.monotonic()-start<10
            gate.clear()
    finally: gate.set()

def test_a_disk_that_hangs(tenants, monkeypatch):
    "The answer is no, in time, and one thread waits, however often it is asked"
    gate,looks = threading.Event(),[]
    def hang(o, **kw):
        looks.append(o)
        gate.wait(20)
        return []
    monkeypatch.setattr(module, 'check_directory', hang)
    pulse = Pulse(tenants, seconds=.1)
    start = time.monotonic()
    assert all('no answer within 0.1 s' in pulse.look()[0].text for _ in range(5)) and time.monotonic()-start<5
    assert len(looks)==1
    gate.set()
    pulse._thread.join()
    assert pulse.look()==[]

def test_a_directory_that_is_gone(tmp_path):
    client,_ = site(Tenants(tmp_path/'data'))
    os.rmdir(tmp_path/'data')
    assert client.get('/ops/health').status_code==503

def test_one_damaged_tenant_takes_no_process_out_of_service(tenants):
    spoil(tenants, 'acme')
    assert site(tenants)[0].get('/ops/health').status_code==200

# -- checks

def test_nothing_is_wrong(tenants):
    before = {o:os.stat(tenants.file(o)).st_mtime_ns for o in tenants}
    assert check_directory(tenants.path, least_free=0, least_files=1)==[] and found(tenants)=={}
    assert {o:os.stat(tenants.file(o)).st_mtime_ns for o in tenants}==before

def test_damage(tenants):
    spoil(tenants, 'acme')
    assert found(tenants)['integrity'].text=='the file is not a database'

def test_an_index_that_does_not_match_needs_a_full_check(tenants):
    conn = open_plain(tenants.file('globex'))
    conn.execute('CREATE TABLE t (a); INSERT INTO t VALUES (1),(2); CREATE INDEX ta ON t(a)')
    conn.execute('PRAGMA writable_schema=1')
    conn.execute("UPDATE sqlite_schema SET sql='CREATE INDEX ta ON t(-a)' WHERE name='ta'")
    conn.close()
    assert found(tenants, 'globex')=={} and 'integrity' in found(tenants, 'globex', full=True)

def test_jobs_of_a_dead_process(tenants):
    program('claim_and_die', tenants.path, 'acme').communicate(timeout=30)
    assert found(tenants)['stuck'].text=='1 running jobs of a process that has died'

def test_late_jobs(tenants):
    "Without a worker a problem; paused ones and recent ones are none"
    due_since(tenants, timedelta(minutes=20))
    assert found(tenants)['late'].level=='problem' and found(tenants, late=timedelta(hours=1))=={}
    tenants['acme'].pause('sync')
    assert found(tenants)=={}

def test_a_large_wal(tenants):
    conn = open_plain(tenants.file('acme'))
    conn.execute('CREATE TABLE t (a); INSERT INTO t VALUES (randomblob(2000000))')
    assert 'wal' in found(tenants, largest_wal=1<<20)

def test_tables_of_an_older_version_are_a_note(tenants, tmp_path):
    conn = open_plain(tenants.file('acme'))
    conn.execute('DROP INDEX tenant_jobs_due')
    conn.close()
    assert found(tenants)['schema'].level=='note' and found(tenants)['schema'] # Looking changes nothing

def test_network_file_systems(tmp_path, monkeypatch):
    mounts = tmp_path/'mounts'
    mounts.write_text(f'a / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n')
    assert fs_type(tmp_path/'data', str(mounts))=='nfs4' and fs_type('/', str(mounts))=='ext4'
    monkeypatch.setattr(module, 'fs_type', lambda o: 'nfs4')
    assert 'locks' in [o.check for o in check_directory(tmp_path)]

# -- the command

def run(*args):
    cmd = [sys.executable, '-m', 'tenant_tasks.cli', *map(str, args)]
    return subprocess.run(cmd, capture_output=True, text=True, timeout=30, env=dict(os.environ, PYTHONPATH=str(root)))

def test_check_and_its_exit_codes(tenants):
    res = run('check', tenants.path)
    assert (res.returncode, res.stdout)==(0, 'no problems\n'), res.stdout
    due_since(tenants, timedelta(minutes=20))
    res = run('check', tenants.path, '--json')
    assert res.returncode==1 and [(o['tenant'], o['check']) for o in json.loads(res.stdout)]==[('acme', 'late')]
    assert run('check', tenants.path, '--tenant', 'globex').returncode==0
    assert run('check', tenants.path/'nowhere').returncode==2

def test_backup_and_restore(tenants, tmp_path, capsys):
    dest = str(tmp_path/'copies')
    assert main(['backup', str(tenants.path), dest, '--json'])==0
    assert [o['state'] for o in json.loads(capsys.readouterr().out)]==['copied', 'copied']
    job, = tenants['acme'].list_jobs()
    tenants['acme'].cancel_job(job.id)
    spoil(tenants, 'globex')
    assert main(['backup', str(tenants.path), dest])==1
    assert 'globex is not copied: the file is not a database' in capsys.readouterr().err
    assert main(['restore', dest, str(tenants.path), '--tenant', 'globex', '--paused'])==0
    assert 'tenant-tasks resume' in capsys.readouterr().out and tenants['globex'].pauses()[0].job_type==''
    conn = open_plain(tenants.file('acme'))
    list(conn.execute('SELECT count(*) FROM tenant_jobs'))
    assert main(['restore', dest, str(tenants.path), '--tenant', 'acme'])==1
    assert 'is open: stop the processes' in capsys.readouterr().err
    for o in (['restore', dest, str(tenants.path), '--tenant', 'hooli'], ['restore', dest+'x', str(tenants.path)], ['backup', dest+'x', dest],
        ['backup', str(tenants.path), str(tenants.path)]): assert main(o)==2

def test_backup_of_one_file(tenants, tmp_path, capsys):
    assert main(['backup', tenants.file('acme'), str(tmp_path/'copies')])==0
    assert list(Tenants(tmp_path/'copies'))==['acme']
    assert main(['restore', str(tmp_path/'copies/acme.db'), str(tmp_path/'new')])==0 and list(Tenants(tmp_path/'new'))==['acme']
