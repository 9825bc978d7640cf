"Many databases by name: no name leads out of the directory, few stay open, and a look reads only what has changed"
import os,signal,time
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest
from fasthtml.common import Client,Response,fast_app
from fastlite import database
from helpers import end,program,running_row,tell,work,write_lock
from hypothesis import HealthCheck,given,settings,strategies as st

from tenant_tasks import tenants as module
from tenant_tasks.job import utcnow
from tenant_tasks.manager import BackgroundTaskManager,JobStateError
from tenant_tasks.peers import WorkerSign
from tenant_tasks.process import Process,this_process
from tenant_tasks.task import task
from tenant_tasks.tenants import BadTenantName,Overview,TenantMap,TenantNotFound,Tenants,as_tenants

@task(name='tenants.twice')
def twice(n): return 2*n

@pytest.fixture
def tenants(tmp_path):
    (tmp_path/'data').mkdir()
    database(tmp_path/'outside.db')
    return Tenants(tmp_path/'data')

# -- names

bad_names = ['', '.', '..', '.hidden', '-x', '_x', 'a b', 'a/b', 'a\\b', '../outside', '..\\outside', '/etc/passwd', 'acme/../../outside',
    'a\0', 'acme\n', '\nacme', 'a\u0308', 'ａｃｍｅ', 'x²', 'a\u200b', 'a\u202eb', 'a\ud800', '@a', '+a', 'ż'*101, '語'*67, 'a'*101, 'a%2fb', '~', '*', 'a:b', None, 7, True, b'acme', Path('acme'), ['acme'], ('a',)]

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
    assert os.path.dirname(os.path.realpath(path))==os.path.realpath(tenants.path) and os.path.basename(path)==f'{name}.db'
    assert name.isprintable() and len(name)<=100 and len(name.encode())<=200 and name[0].isalnum()
    assert all(o.isalnum() or o in '_.-@+' for o in name)

@pytest.mark.parametrize('name', ['acme', 'A-1', 'a.b', '0', 'x'*100, 'acme.db', 'a..b', 'ä', 'ann@acme.com', 'a+b', 'żółć@acme+1', '株式会社', 'ż'*100, '語'*66])
def test_what_can_be_a_name(tenants, name):
    manager = tenants.create(name)
    assert list(tenants)==[name] and tenants.name_of(manager)==name and tenants[name] is manager

def test_asking_makes_no_tenant(tenants, tmp_path):
    with pytest.raises(TenantNotFound, match="no tenant 'acme' in"): tenants['acme']
    assert os.listdir(tmp_path/'data')==[] and list(tenants)==[]

def test_other_files_are_no_tenants(tenants, tmp_path):
    "Files with names that no tenant can have, other files, and directories"
    database(tmp_path/'data'/'a b.db')
    (tmp_path/'data'/'folder.db').mkdir()
    (tmp_path/'data'/'notes.txt').write_text('notes')
    manager = tenants.create('acme')
    manager.submit('sync', work)
    assert list(tenants)==['acme']==tenants.changed({})

@pytest.mark.parametrize('kind', ['dict', 'function'])
def test_own_mapping_lookup(tmp_path, kind):
    dbs = {'red':database(tmp_path/'red.sqlite')}
    tenants = TenantMap(dbs) if kind=='dict' else TenantMap(dbs.__getitem__, names=lambda: list(dbs))
    assert list(tenants)==['red'] and tenants.file('red')==os.path.realpath(tmp_path/'red.sqlite')
    for name in ('green', '../red', None):
        with pytest.raises(TenantNotFound): tenants[name]

def test_a_name_in_a_mapping_is_a_str(tmp_path):
    "It is refused where it is given; one that comes later is left out, and says so once"
    dbs = {o:database(tmp_path/f'{o}.db') for o in ('acme', 7)}
    with pytest.raises(BadTenantName, match='^a tenant name must be a str of valid Unicode, got 7$'): as_tenants(dbs)
    tenants = TenantMap(dbs.__getitem__, names=lambda: list(dbs))
    dbs['\udcff'] = dbs['acme']
    for o in (7, '\udcff'):
        with pytest.raises(BadTenantName, match='a tenant name must be a str of valid Unicode, got '): tenants[o]
    assert list(tenants)==tenants.changed({})==['acme'] and 7 not in tenants
    assert [o.name for o in Overview(tenants).health(30)]==['acme']

def test_an_overview_has_names_of_any_kind(tmp_path):
    "Of a mapping, with the workers that serve them"
    names = ['acme', 'Acme Inc', 'a/b', '_x', 'org:7']
    tenants = TenantMap({o:database(tmp_path/f'{i}.db') for i,o in enumerate(names)})
    overview = Overview(tenants)
    assert [o.name for o in overview.health(30)]==sorted(names)
    sign = WorkerSign(Process())
    sign.show(tenants.served(), [])
    assert [o.tenants for o in overview.workers()]==[len(names)]
    sign.close()

def test_a_tenant_of_a_mapping_that_cannot_be_asked_stops_no_other(tmp_path):
    "The app's function fails for it: the others are read, their workers are shown, and a nudge finds its tenant"
    dbs = {o:database(tmp_path/f'{o}.db') for o in ('acme', 'beta', 'gone')}
    down = {'beta'}
    def get(name):
        if name in down: raise ValueError('no such host')
        return dbs[name]
    tenants = TenantMap(get, names=lambda: list(dbs))
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
    with pytest.raises(TypeError, match='`tenants` must be Tenants, a directory, a dict of databases, or .*, got 7'): as_tenants(7)
    with pytest.raises(NotADirectoryError, match='`path` must be a directory of tenants, got '): as_tenants(str(tmp_path/'nowhere'/'data'))
    (tmp_path/'file').write_text('')
    for o in ('file', 'file/data'):
        with pytest.raises(NotADirectoryError, match='`path` must be a directory of tenants, got '): Tenants(tmp_path/o)
    assert os.listdir(tmp_path)==['file']
    with pytest.raises(ValueError, match='`max_open` must be an int ≥ 1, got 0'): Tenants(tmp_path, max_open=0)

def test_files_without_a_suffix_can_not_be_listed(tmp_path):
    "So no tenant is made that is then missing; a file that is there is found by its name"
    database(tmp_path/'acme')
    tenants = Tenants(tmp_path, suffix='')
    for f in (lambda: tenants.create('beta'), lambda: list(tenants), lambda: tenants.changed({}), lambda: Overview(tenants).health()):
        with pytest.raises(ValueError, match="^`suffix` must be the end of a file's name, like '.db', got ''$"): f()
    assert tenants['acme'].job_stats()['pending']==0 and not (tmp_path/'beta').exists()

def test_the_first_run_makes_the_directory(tmp_path):
    Tenants(tmp_path/'data').create('acme')
    assert list(Tenants(tmp_path/'data'))==['acme']

def test_a_relative_directory_stays_the_same_one(tmp_path, monkeypatch):
    "A process changes its working directory, for instance in a job: the tenants are where they were, and are named as before"
    monkeypatch.chdir(tmp_path)
    tenants = Tenants('data')
    tenants.create('acme').submit('sync', work)
    (tmp_path/'elsewhere'/'data').mkdir(parents=True)
    monkeypatch.chdir(tmp_path/'elsewhere')
    assert list(tenants)==tenants.changed({})==['acme'] and tenants['acme'].job_stats()['pending']==1
    tenants.create('beta')
    assert tenants['beta'].store.link.path==os.path.realpath(tmp_path/'data'/'beta.db') and os.listdir('data')==[]
    with pytest.raises(TenantNotFound, match="^no tenant 'hooli' in 'data'$"): tenants['hooli']
    assert repr(tenants)=="Tenants('data')"

def test_a_route_answers_404(tenants):
    "For a tenant that isn't there, for a name that can't be one, and for a tenant that is gone"
    tenants.create('acme').submit('sync', work)
    def no_tenant(req, exc): return Response(str(exc), status_code=404)
    app,rt = fast_app(exception_handlers={TenantNotFound: no_tenant})
    @rt('/{tenant}', methods=['get'])
    def jobs(tenant:str): return str(len(tenants[tenant].list_jobs()))
    client = Client(app)
    assert '1' in client.get('/acme').text
    for o in tenants.path.glob('acme.db*'): o.unlink()
    for name,why in (('hooli', 'no tenant'), ('.hidden', 'a tenant name must be'), ('acme', 'no tenant')):
        res = client.get(f'/{name}')
        assert res.status_code==404 and res.text.startswith(why)

def test_a_file_that_goes_while_it_is_opened(tenants, monkeypatch):
    "Opening it doesn't make it again"
    tenants.create('acme')
    tenants.drop('acme')
    open_it = module.ThreadDb
    def late(path):
        for o in tenants.path.glob('acme.db*'): o.unlink()
        return open_it(path)
    monkeypatch.setattr(module, 'ThreadDb', late)
    with pytest.raises(TenantNotFound, match="no tenant 'acme' in"): tenants['acme']
    assert list(tenants)==[] and os.listdir(tenants.path)==[]

def test_a_replaced_file_has_another_manager(tenants):
    old = tenants.create('acme')
    for o in tenants.path.glob('acme.db*'): o.unlink()
    database(tenants.file('acme'))
    assert tenants['acme'] is not old and tenants['acme'] is tenants['acme']

# -- renamed and removed

@contextmanager
def onlooker(tenants, name):
    "Another process has the tenant open; calling what this gives tells it what to do"
    proc = program('looks_on', tenants.path, name)
    assert proc.stdout.readline()=='open\n'
    try: yield lambda line: tell(proc, line).strip()
    finally: end(proc)

@pytest.mark.slow
def test_rename_with_a_process_that_looks_on(tenants):
    "All data moves along; the other process notices, finds the new name, and makes a tenant of the old one, which stays whole"
    ids = [o for o,_ in tenants.create('acme').submit_many('sync', work, [{}]*3)]
    with onlooker(tenants, 'acme') as ask:
        assert ask('submit')=='ok'
        tenants.rename('acme', 'beta')
        assert list(tenants)==['beta'] and 'acme' not in tenants
        assert {o.id for o in tenants['beta'].list_jobs()}>set(ids)
        assert [ask(o) for o in ('submit', 'claim', 'count acme', 'count beta', 'create acme')]==['FileNotFoundError']*2+['TenantNotFound', '4', 'ok']
        assert ask('count acme')=='1'
        tenants['acme'].submit('sync', work)
    assert [len(Tenants(tenants.path)[o].list_jobs()) for o in ('acme', 'beta')]==[2, 4]

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

def test_remove_with_a_process_that_looks_on(tenants):
    tenants.create('acme').submit('sync', work)
    held = tenants['acme']
    with onlooker(tenants, 'acme') as ask:
        tenants.remove('acme')
        assert os.listdir(tenants.path) in ([], ['.tenant_tasks'])
        with pytest.raises(FileNotFoundError, match='is gone'): held.submit('sync', work)
        assert [ask(o) for o in ('submit', 'claim', 'count acme')]==['FileNotFoundError']*2+['TenantNotFound']
        tenants.create('acme').submit('sync', work)
        assert ask('submit')==ask('submit')=='ok' and ask('count acme')=='3'
    assert len(tenants['acme'].list_jobs())==len(Tenants(tenants.path)['acme'].list_jobs())==3

@pytest.mark.parametrize('change', ['rename', 'remove'])
@pytest.mark.parametrize('late', ['submit', 'claim'])
def test_a_write_that_waits_for_the_lock_meanwhile(tenants, monkeypatch, change, late):
    "The other process has found the file, and waits to write while it is renamed or removed: it fails, and nothing is written"
    tenants.create('acme').submit('sync', twice, n=1)
    proc = program('looks_on', tenants.path, 'acme')
    assert proc.stdout.readline()=='open\n'
    exclusive = module.exclusive
    @contextmanager
    def slow(path):
        with exclusive(path) as running:
            proc.stdin.write(f'{late}\n')
            proc.stdin.flush()
            time.sleep(.25) # A claim waits half a second
            yield running
    monkeypatch.setattr(module, 'exclusive', slow)
    tenants.rename('acme', 'beta') if change=='rename' else tenants.remove('acme')
    assert proc.stdout.readline()=='FileNotFoundError\n'
    if change=='rename': assert [o.status for o in tenants['beta'].list_jobs()]==['pending']
    end(proc)

def test_rename_waits_for_a_writer(tenants):
    tenants.create('acme').submit('sync', work)
    with write_lock(tenants.file('acme')) as free:
        Timer(.3, free).start()
        start = time.monotonic()
        tenants.rename('acme', 'beta')
        assert time.monotonic()-start>=.25
    assert len(tenants['beta'].list_jobs())==1

@pytest.mark.parametrize('change', ['rename', 'remove'])
def test_running_jobs_hold_a_tenant(tenants, change):
    "The error says how many; with time to wait, they may end first"
    manager = tenants.create('acme')
    jobs = [running_row(manager, 'other~process~1~aa') for _ in range(2)]
    act = (lambda **kw: tenants.rename('acme', 'beta', **kw)) if change=='rename' else lambda **kw: tenants.remove('acme', **kw)
    with pytest.raises(JobStateError, match="must have no running jobs to be re.*, and 'acme' has 2"): act()
    start = time.monotonic()
    with pytest.raises(JobStateError, match="'acme' has 2"): act(wait=.2)
    assert .2<=time.monotonic()-start<2 and list(tenants)==['acme'] and len(manager.list_jobs())==2
    Timer(.2, lambda: [manager.store.settle(o, 'complete', utcnow()) for o in jobs]).start()
    act(wait=10)
    assert list(tenants)==(['beta'] if change=='rename' else [])

def test_what_can_not_be_renamed(tenants, tmp_path):
    "A name that is taken, a bad one, no tenant, a database that can't be linked: everything stays as it was"
    for o in ('acme', 'beta'): tenants.create(o).submit('sync', work)
    def files(): return sorted(o for o in os.listdir(tenants.path) if o.endswith('.db'))
    for old,new,error in (('acme', 'beta', ValueError), ('acme', 'acme', ValueError), ('acme', '../x', BadTenantName), ('acme', None, BadTenantName),
        ('hooli', 'x', TenantNotFound), ('../outside', 'x', BadTenantName)):
        with pytest.raises(error): tenants.rename(old, new)
        assert files()==['acme.db', 'beta.db']
    for o in ('hooli', '../outside', None):
        with pytest.raises(TenantNotFound): tenants.remove(o)
    assert files()==['acme.db', 'beta.db'] and (tmp_path/'outside.db').exists()
    assert [len(tenants[o].list_jobs()) for o in ('acme', 'beta')]==[1, 1]

def test_a_rename_that_fails_half_way(tenants, monkeypatch):
    tenants.create('acme').submit('sync', work)
    link = os.link
    def full(a, b):
        if a.endswith('-shm'): raise OSError('no space')
        link(a, b)
    monkeypatch.setattr(os, 'link', full)
    with pytest.raises(OSError, match='no space'): tenants.rename('acme', 'beta')
    assert not [o for o in os.listdir(tenants.path) if 'beta' in o]
    assert len(tenants['acme'].list_jobs())==1 and tenants['acme'].submit('sync', work)

def test_the_app_renames_what_it_maps(tmp_path):
    tenants = TenantMap({'red':database(tmp_path/'red.db')})
    for act in (lambda: tenants.rename('red', 'blue'), lambda: tenants.remove('red')):
        with pytest.raises(NotImplementedError, match='must be called on Tenants'): act()
    assert 'red' in tenants and 'blue' not in tenants and (tmp_path/'red.db').exists()

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

def test_a_look_closes_what_is_gone(tmp_path):
    tenants,other = Tenants(tmp_path),Tenants(tmp_path)
    for o in ('acme', 'beta'): tenants.create(o).submit('sync', work)
    other['acme'],other['beta']
    tenants.remove('acme')
    other.changed({})
    assert list(other._open)==['beta']

def test_managers_are_forgotten_beyond_a_number(tmp_path):
    "Never the one that was asked for last"
    tenants = Tenants(tmp_path, max_open=2)
    managers = {o:tenants.create(o) for o in 'abc'}
    assert len(tenants._open)==2 and tenants['c'] is managers['c']
    assert [o for o in 'abc' if tenants[o] is not managers[o]]

def aged(folder):
    "As if nothing was written to its files for a long time"
    for o in folder.glob('*.*'): os.utime(o, (1, 1))

def test_a_look_tells_what_was_written_to(tmp_path):
    "New tenants, the latest write first, then only those that were written to since the last look"
    tenants,seen = Tenants(tmp_path),{}
    for o in 'abc':
        tenants.create(o).submit('sync', work)
        time.sleep(.01)
    assert tenants.changed(seen)==['c', 'b', 'a']
    aged(tmp_path) # A change just before a look is reported twice, so that none is missed
    tenants.changed(seen)
    assert tenants.changed(seen)==[]
    tenants['b'].submit('sync', work)
    assert tenants.changed(seen)==['b']

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
    assert tenants.elsewhere()==tenants.changed(seen)==[] and tenants.name_at(path) is None and list(tenants.served())==[os.path.realpath(tmp_path/'data')]

# -- health

def test_the_worst_first(tmp_path):
    "Many tenants, some failed, some late, one broken, one that comes and one that goes; a call reads only what has changed"
    tenants = Tenants(tmp_path)
    for i in range(30): tenants.create(f't{i:02}').submit('sync', work)
    for o,n in (('t07', 3), ('t11', 1)):
        for _ in range(n):
            job = tenants[o].store.claim(tenants[o].submit('sync', work, 1)[0], 'p', utcnow())
            tenants[o].store.settle(job, 'fail', utcnow())
    overview = Overview(tenants)
    assert [o.name for o in overview.health(30)][:3]==['t07', 't11', 't00']
    aged(tmp_path)
    overview.health(30)
    asked = []
    read = Overview._read
    overview._read = lambda name: asked.append(name) or read(overview, name)
    tenants['t20'].submit('sync', work)
    (tmp_path/'broken.db').write_text('no database '*200)
    (tmp_path/'t29.db').unlink()
    names = [o.name for o in overview.health(30)]
    assert names[0]=='broken' and 't29' not in names and set(asked)<={'t20','broken','t29'} and 't20' in asked
    (tmp_path/'broken.db').unlink()
    tenants.create('broken')
    assert overview.health(30)[-1].error==''
    few = Overview(tenants)
    few.health(0)
    assert len(few.known)+len(few.todo)==30
