"Many databases by name: no name leads out of the directory, few stay open, and a look reads only what has changed"
import os,signal,time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Timer

import pytest
from fastlite import database
from helpers import Call,end,program,running_row,slow,tell,wait_until,work,write_lock
from hypothesis import HealthCheck,given,settings,strategies as st

from tenant_tasks import BackgroundTaskManager,BadTenantName,JobStateError,TenantMap,TenantNotFound,Tenants,task
from tenant_tasks.fleet import tenants as module
from tenant_tasks.fleet.mapping import as_tenants
from tenant_tasks.fleet.health import Overview
from tenant_tasks.jobs.job import utcnow
from tenant_tasks.run.peers import WorkerSign
from tenant_tasks.run.process import Process,this_process

@task(name='tenants.twice')
def twice(n): return 2*n

@pytest.fixture
def tenants(tmp_path):
    (tmp_path/'data').mkdir()
    database(tmp_path/'outside.db')
    return Tenants(tmp_path/'data')

# -- names

bad_names = ['', '.', '..', '.hidden', '-x', '_x', 'a b', 'a/b', 'a\\b', '../outside', '..\\outside', '/etc/passwd',
    'acme/../../outside', 'a\0', 'acme\n', '\nacme', 'a\u0308', 'ａｃｍｅ', 'x²', 'a\u200b', 'a\u202eb', 'a\ud800',
    '@a', '+a', 'ż'*101, '語'*67, 'a'*101, 'a%2fb', '~', '*', 'a:b', None, 7, True, b'acme', Path('acme'), ['acme'],
    ('a',)]
good_names = ['acme', 'A-1', 'a.b', '0', 'x'*100, 'acme.db', 'a..b', 'ä', 'ann@acme.com', 'a+b', 'żółć@acme+1', '株式会社',
    'ż'*100, '語'*66]

@pytest.mark.parametrize('name', bad_names, ids=repr)
def test_what_can_not_be_a_name(tenants, tmp_path, name):
    "Each way to a tenant refuses the name, and makes nothing"
    for f in (tenants.file, tenants.create, tenants.may_have_work, lambda o: tenants[o]):
        with pytest.raises((BadTenantName, TypeError)): f(name)
    with pytest.raises(BadTenantName) as e: tenants.file(name)
    assert isinstance(e.value, (ValueError, TenantNotFound)) and str(e.value).endswith(f', got {name!r}')
    assert os.listdir(tmp_path/'data')==[]

@given(name=st.one_of(st.text(), st.text('./\\ab\0\n-_~', max_size=8), st.from_regex(r'[\w./-]{1,8}')))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_name_of_any_kind_stays_in_the_directory(tenants, name):
    try: path = tenants.file(name)
    except BadTenantName: return
    assert os.path.dirname(os.path.realpath(path))==os.path.realpath(tenants.path)
    assert os.path.basename(path)==f'{name}.db'
    assert name.isprintable() and len(name)<=100 and len(name.encode())<=200 and name[0].isalnum()
    assert all(o.isalnum() or o in '_.-@+' for o in name)

def test_what_can_be_a_name(tenants, tmp_path):
    "Files with names that no tenant can have, other files, and directories are no tenants"
    database(tmp_path/'data'/'a b.db')
    (tmp_path/'data'/'folder.db').mkdir()
    (tmp_path/'data'/'notes.txt').write_text('notes')
    for o in good_names:
        manager = tenants.create(o)
        assert tenants.name_of(manager)==o and tenants[o] is manager
    assert sorted(tenants)==sorted(tenants.changed({}))==sorted(good_names)

def test_tenants_of_a_mapping(tmp_path):
    "A name is a str; where one can't be asked, the others are read, their workers are shown, and a nudge finds its own"
    dbs = {o:database(tmp_path/f'{o}.db') for o in ('acme', 'beta', 'gone')}
    with pytest.raises(BadTenantName, match='^a tenant name must be a str of valid Unicode, got 7$'):
        as_tenants({7:dbs['acme']})
    down = {'beta'}
    def get(name):
        if name in down: raise ValueError('no such host')
        return dbs[name]
    tenants = TenantMap(get, names=lambda: list(dbs))
    for o in (7, '\udcff'):
        dbs[o] = dbs['acme']
        with pytest.raises(BadTenantName, match='a tenant name must be a str of valid Unicode, got '): tenants[o]
    assert list(tenants)==tenants.changed({})==['acme', 'beta', 'gone'] and 7 not in tenants
    overview = Overview(tenants)
    assert {o.name:o.error for o in overview.health(30)}==dict(acme='', beta='ValueError: no such host', gone='')
    assert tenants.name_of(BackgroundTaskManager(dbs['acme']))=='acme'
    sign = WorkerSign(Process())
    sign.show({str(tmp_path): r'.*\.db'}, [])
    down.add('gone')
    tenants.drop('gone')
    assert [o.tenants for o in overview.workers()]==[1]
    sign.close()
    down.clear()
    assert not [o for o in overview.health(30) if o.error]

def test_what_can_not_be_tenants(tmp_path):
    "Without a suffix, no tenant is made that could not be listed; a file that is there is found by its name"
    (tmp_path/'file').write_text('')
    for o in ('nowhere/data', 'file', 'file/data'):
        with pytest.raises(NotADirectoryError, match='`path` must be a directory of tenants, got '):
            as_tenants(str(tmp_path/o))
    assert os.listdir(tmp_path)==['file']
    with pytest.raises(ValueError, match='`max_open` must be an int ≥ 1, got 0'): Tenants(tmp_path, max_open=0)
    database(tmp_path/'acme')
    tenants = Tenants(tmp_path, suffix='')
    for f in (lambda: tenants.create('beta'), lambda: list(tenants), Overview(tenants).health):
        with pytest.raises(ValueError, match="^`suffix` must be the end of a file's name, like '.db', got ''$"): f()
    assert tenants['acme'].job_stats()['pending']==0 and not (tmp_path/'beta').exists()

def test_a_relative_directory_stays_the_same_one(tmp_path, monkeypatch):
    "A process changes its working directory: the tenants are where they were, and are named as before"
    monkeypatch.chdir(tmp_path)
    tenants = Tenants('data')
    tenants.create('acme').submit('sync', work)
    (tmp_path/'elsewhere'/'data').mkdir(parents=True)
    monkeypatch.chdir(tmp_path/'elsewhere')
    assert list(tenants)==tenants.changed({})==['acme'] and tenants['acme'].job_stats()['pending']==1
    tenants.create('beta')
    assert tenants['beta'].store.link.path==os.path.realpath(tmp_path/'data/beta.db') and os.listdir('data')==[]
    with pytest.raises(TenantNotFound, match="^no tenant 'hooli' in 'data'$"): tenants['hooli']
    assert repr(tenants)=="Tenants('data')"

# -- renamed and removed

@contextmanager
def onlooker(tenants, name):
    "Another process has the tenant open; calling what this gives tells it what to do"
    proc = program('looks_on', tenants.path, name)
    assert proc.stdout.readline()=='open\n'
    try: yield lambda line: tell(proc, line).strip()
    finally: end(proc)

@pytest.mark.parametrize('change', ['remove', *slow('rename')])
def test_a_change_under_a_process_that_looks_on(tenants, change):
    "It notices, finds the data under the new name, if there is one, and makes another tenant of the old one"
    held = tenants.create('acme')
    ids = {o for o,_ in held.submit_many('sync', work, [{}]*3)}
    with onlooker(tenants, 'acme') as ask:
        assert ask('submit')=='ok'
        if change=='rename':
            tenants.rename('acme', 'beta')
            assert list(tenants)==['beta'] and 'acme' not in tenants
            assert {o.id for o in tenants['beta'].list_jobs()}>ids and ask('count beta')=='4'
        else:
            tenants.remove('acme')
            assert os.listdir(tenants.path) in ([], ['.tenant_tasks'])
        with pytest.raises(FileNotFoundError, match='is gone'): held.submit('sync', work)
        assert [ask(o) for o in ('submit', 'claim', 'count acme')]==['FileNotFoundError']*2+['TenantNotFound']
        assert (ask('create acme'), ask('submit'), ask('count acme'))==('ok', 'ok', '2')
        tenants['acme'].submit('sync', work)
    assert len(tenants['acme'].list_jobs())==len(Tenants(tenants.path)['acme'].list_jobs())==3

@pytest.mark.slow
def test_what_the_app_of_another_process_writes_moves_along(tenants):
    "Through a connection of its own, which it has kept: it is in the renamed database, also after it was opened there"
    tenants.create('acme').db.execute('CREATE TABLE notes (a)')
    def notes(): return tenants['beta'].db.execute('SELECT count(*) FROM notes').fetchone()[0]
    with onlooker(tenants, 'acme') as ask:
        assert ask('note')=='ok'
        tenants.rename('acme', 'beta')
        assert (ask('note'), notes())==('FileNotFoundError', 1), "the manager's connection notices"
        assert [(ask('own'), notes()) for _ in range(3)]==[('ok', 2), ('ok', 3), ('ok', 4)]
        tenants['beta'].submit('sync', work)
        assert (ask('own'), notes())==('ok', 5)
    tenants.drop('beta')
    assert notes()==5 and tenants['beta'].db.execute('PRAGMA integrity_check').fetchone()==('ok',)

@pytest.mark.parametrize('change', ['rename', 'remove'])
@pytest.mark.parametrize('late', ['submit', 'claim'])
def test_a_write_that_waits_for_the_lock_meanwhile(tenants, monkeypatch, change, late):
    "Another process waits to write to the file while it is renamed or removed: it fails, and nothing is written"
    tenants.create('acme').submit('sync', twice, n=1)
    exclusive = module.exclusive
    with onlooker(tenants, 'acme') as ask:
        @contextmanager
        def slowly(path):
            with exclusive(path) as running:
                calls.append(Call(ask, late))
                time.sleep(.25) # A claim waits half a second
                yield running
        calls = []
        monkeypatch.setattr(module, 'exclusive', slowly)
        tenants.rename('acme', 'beta') if change=='rename' else tenants.remove('acme')
        assert calls[0].answer()=='FileNotFoundError'
    if change=='rename': assert [o.status for o in tenants['beta'].list_jobs()]==['pending']

@pytest.mark.parametrize('change', ['rename', 'remove'])
def test_running_jobs_and_writers_hold_a_tenant(tenants, change):
    "The error says how many; with time to wait, they may end first"
    manager = tenants.create('acme')
    jobs = [running_row(manager, 'other~process~1~aa') for _ in range(2)]
    act = partial(tenants.rename, 'acme', 'beta') if change=='rename' else partial(tenants.remove, 'acme')
    with pytest.raises(JobStateError, match="must have no running jobs to be re.*, and 'acme' has 2"): act()
    start = time.monotonic()
    with pytest.raises(JobStateError, match="'acme' has 2"): act(wait=.2)
    assert time.monotonic()-start>=.2 and list(tenants)==['acme'] and len(manager.list_jobs())==2
    with write_lock(tenants.file('acme')) as free:
        Timer(.15, free).start()
        Timer(.3, lambda: [manager.store.settle(o, 'complete', utcnow()) for o in jobs]).start()
        start = time.monotonic()
        act(wait=10)
        assert time.monotonic()-start>=.25
    assert list(tenants)==(['beta'] if change=='rename' else [])

def test_what_can_not_be_renamed(tenants, tmp_path, monkeypatch):
    "A name that is taken, a bad one, no tenant, a disk that is full half way: everything stays as it was"
    for o in ('acme', 'beta'): tenants.create(o).submit('sync', work)
    def unchanged():
        there = sorted(o for o in os.listdir(tenants.path) if o.endswith('.db'))
        return there==['acme.db', 'beta.db'] and [len(tenants[o].list_jobs()) for o in ('acme', 'beta')]==[1, 1]
    bad = dict.fromkeys([('acme', 'beta'), ('acme', 'acme')], ValueError)
    bad |= dict.fromkeys([('acme', '../x'), ('acme', None), ('../outside', 'x')], BadTenantName)
    for (old,new),error in {**bad, ('hooli', 'x'):TenantNotFound}.items():
        with pytest.raises(error): tenants.rename(old, new)
        assert unchanged()
    for o in ('hooli', '../outside', None):
        with pytest.raises(TenantNotFound): tenants.remove(o)
    assert unchanged() and (tmp_path/'outside.db').exists()
    link = os.link
    def full(a, b):
        if a.endswith('-shm'): raise OSError('no space')
        link(a, b)
    monkeypatch.setattr(os, 'link', full)
    with pytest.raises(OSError, match='no space'): tenants.rename('acme', 'gamma')
    assert unchanged() and not [o for o in os.listdir(tenants.path) if 'gamma' in o]

# -- open databases and changed ones

@pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork here')
def test_a_fork_while_another_thread_looks_up_a_tenant(tenants):
    "The child has locks of its own: it opens the tenant, and reads how all are doing"
    tenants.create('acme').submit('sync', work)
    overview = Overview(tenants)
    def child():
        signal.alarm(5)
        os._exit(tenants['acme'].job_stats()['pending']==1 and overview.health(5)[0].counts['pending']==1)
    with tenants._lock,overview._lock:
        pid = os.fork()
        if not pid: child()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])==1

def aged(folder):
    "As if nothing was written to its files for a long time"
    for o in folder.glob('*.*'): os.utime(o, (1, 1))

def test_a_file_on_another_disk(tmp_path):
    "A link to a database elsewhere is a tenant in all that counts: its name, its changes, its workers"
    (tmp_path/'big').mkdir()
    (tmp_path/'data').mkdir()
    path,seen = os.path.realpath(tmp_path/'big')+'/1.sqlite',{}
    database(path).execute('CREATE TABLE notes (a)')
    (tmp_path/'data'/'acme.db').symlink_to(path)
    tenants,shop = Tenants(tmp_path/'data'),Tenants(tmp_path/'data')
    assert tenants.changed(seen)==tenants.elsewhere()==['acme'] and tenants.name_at(path)=='acme'
    aged(tmp_path/'big')
    tenants.changed(seen)
    assert tenants.changed(seen)==[]
    before = tenants.state('acme')
    shop['acme'].submit('sync', work)
    assert tenants.changed(seen)==['acme'] and tenants.state('acme')!=before and tenants.name_of(shop['acme'])=='acme'
    process = Process()
    sign = WorkerSign(process)
    sign.show(tenants.served(), ['t'])
    assert this_process.other_workers(path, 't')==[sign.name]
    overview = Overview(tenants)
    known, = overview.health(30)
    assert known.wal and [o.tenants for o in overview.workers()]==[1]
    sign.close()
    (tmp_path/'data'/'acme.db').unlink()
    assert tenants.elsewhere()==tenants.changed(seen)==[] and tenants.name_at(path) is None
    assert list(tenants.served())==[os.path.realpath(tmp_path/'data')]

# -- health

def test_an_overview_is_brought_up_to_date(tmp_path):
    "A tenant fails, one comes, one goes, one breaks and is whole again; a call reads only what has changed"
    tenants = Tenants(tmp_path)
    for i in range(30): tenants.create(f't{i:02}').submit('sync', work)
    overview = Overview(tenants)
    job = tenants['t07'].claim().job
    tenants['t07'].store.settle(job, 'fail', utcnow())
    assert [o.name for o in overview.health(30)][:2]==['t07', 't00']
    aged(tmp_path)
    overview._next_scan = 0. # A scan that took long isn't repeated at once
    overview.health(30)
    asked,read = [],Overview._read
    overview._read = lambda name: asked.append(name) or read(overview, name)
    tenants['t20'].submit('sync', work)
    (tmp_path/'broken.db').write_text('no database '*200)
    (tmp_path/'t29.db').unlink()
    wait_until(lambda: overview.health(30)[0].name=='broken')
    names = [o.name for o in overview.health(30)]
    assert 't29' not in names and {'t20'}<set(asked)<={'t20', 'broken', 't29'}
    (tmp_path/'broken.db').unlink()
    tenants.create('broken')
    wait_until(lambda: not any(o.error for o in overview.health(30)))
