"Backups while others write, and the way back: nothing is missed, mixed up or lost, even by kills"
import asyncio,json,os,shutil,stat,subprocess,sys,threading,time
from datetime import timedelta
from pathlib import Path

import pytest
from books import Shop,names
from fastlite import database
from helpers import command,end,program,root,running_row,wait_until

from tenant_tasks import BackgroundTaskManager,TenantMap,TenantNotFound,Tenants,task
from tenant_tasks.db.sqlite import open_plain
from tenant_tasks.ops import backup as module
from tenant_tasks.ops.backup import backup,restore,restore_live
from tenant_tasks.run.process import this_process

@task(name='backup.note')
def note(n=0): return n

def later(): return time.time()+60 # All that has been written by now has settled

@pytest.fixture
def data(tmp_path):
    tenants = Tenants(tmp_path/'data')
    for o in ('acme','globex'):
        tenants.create(o).submit('note', note)
        put(tenants, o, 'old')
    return tenants

def put(tenants, name, text):
    "Fill a table of a tenant's own, over many pages, and close the file"
    tenants.drop(name)
    conn = open_plain(tenants.file(name))
    conn.execute('CREATE TABLE IF NOT EXISTS notes (text, pad); DELETE FROM notes')
    conn.execute('BEGIN')
    for _ in range(200): conn.execute('INSERT INTO notes VALUES (?, randomblob(900))', (text,))
    conn.execute('COMMIT')
    conn.close()

def write(path, sql):
    conn = open_plain(str(path))
    conn.execute(sql)
    conn.close()

def damage(path, whole=False):
    "Put text in the place of a database, or noise into it"
    if whole: return Path(path).write_text('no database, only text. '*400)
    with open(path, 'r+b') as f:
        f.seek(3*4096)
        f.write(os.urandom(20*4096))

def texts(path):
    conn = open_plain(str(path))
    try:
        assert list(conn.execute('PRAGMA integrity_check'))==[('ok',)]
        return [o for o, in conn.execute('SELECT DISTINCT text FROM notes')]
    finally: conn.close()

def save(data, dest, **kw): return {o.tenant:o.state for o in backup(data, dest, **{'clock':later, **kw})}

# -- only what has changed

def test_only_what_has_changed(data, tmp_path):
    "As well if it is in the `-wal` alone; a copy that was touched or is gone is made again"
    dest,old = tmp_path/'copies',data.file('globex')
    def saved(): return [*save(data, dest).values()]
    assert saved()==['copied']*2 and saved()==['unchanged']*2
    inode = (dest/'globex.db').stat().st_ino
    put(data, 'acme', 'new')
    assert saved()==['copied', 'unchanged'] and texts(dest/'acme.db')==['new']
    assert (dest/'globex.db').stat().st_ino==inode
    conn,before = open_plain(old),os.stat(old).st_mtime_ns
    conn.execute("UPDATE notes SET text='in the wal'")
    for state in ('copied', 'unchanged'): # As root, SQLite sets the owner of the `-wal` at each opening
        assert saved()==['unchanged', state] and os.path.getsize(old+'-wal')>0 and os.stat(old).st_mtime_ns==before
    assert texts(dest/'globex.db')==['in the wal']
    conn.close()
    write(dest/'acme.db', "UPDATE notes SET text='spoilt'")
    (dest/'globex.db').unlink()
    assert saved()==['copied']*2 and texts(dest/'acme.db')==['new']
    (dest/'.backup.json').write_text('{"acme": 7')
    assert saved()==['copied']*2
    data.remove('globex')
    assert saved()==['unchanged', 'gone'] and texts(dest/'globex.db')==['in the wal']
    with module._only(dest), pytest.raises(BlockingIOError, match='in use by another backup'): backup(data, dest)

def test_a_write_that_hides_itself(data, tmp_path):
    path = data.file('acme')
    save(data, tmp_path/'copies')
    before,header = os.stat(path),open(path, 'rb').read(100)
    write(path, "UPDATE notes SET text='hid'")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = os.stat(path)
    assert (after.st_size, after.st_mtime_ns)==(before.st_size, before.st_mtime_ns)
    assert open(path, 'rb').read(100)[24:28]==header[24:28]
    assert save(data, tmp_path/'copies')['acme']=='copied' and texts(tmp_path/'copies/acme.db')==['hid']

def test_a_write_in_the_same_tick(data, tmp_path, monkeypatch):
    "Even if all times stay as they are, because a write came at once: a fresh state isn't trusted"
    real = os.stat
    class Frozen:
        "A state of a file whose times stand still"
        def __init__(self, st): self.st = st
        st_mtime_ns = st_ctime_ns = int(time.time()*1e9)
        def __getattr__(self, k): return getattr(self.st, k)
    def stat(o, **kw): return Frozen(real(o, **kw)) if str(o).endswith('data/acme.db') else real(o, **kw)
    monkeypatch.setattr(module.os, 'stat', stat)
    for o in ('one', 'two'):
        write(data.file('acme'), f"UPDATE notes SET text='{o}'")
        assert save(data, tmp_path/'copies', clock=time.time)['acme']=='copied'
        assert texts(tmp_path/'copies/acme.db')==[o]

# -- one tenant stops no other

def test_a_tenant_that_fails_stops_no_other(data, tmp_path, monkeypatch):
    "Locked, damaged, no database at all, renamed in the middle: each is named and keeps its last copy"
    dest,ill = tmp_path/'copies',('broken', 'damaged', 'locked', 'moved')
    for o in ill:
        data.create(o)
        put(data, o, 'old')
    save(data, dest)
    for o in data: put(data, o, 'new')
    for o in ill[:2]: damage(data.file(o), whole=o=='broken')
    locked = open_plain(data.file('locked'))
    list(locked.execute('PRAGMA locking_mode=exclusive; PRAGMA journal_mode=delete; BEGIN EXCLUSIVE'))
    monkeypatch.setattr(module, 'caller', module.caller._replace(patience=.05))
    real = module._check
    def check(path):
        if 'moved' in path: os.rename(data.file('moved'), data.file('other'))
        real(path)
    monkeypatch.setattr(module, '_check', check)
    res = {o.tenant:o for o in backup(data, dest, clock=later)}
    assert {k:o.state for k,o in res.items()}==dict(acme='copied', globex='copied', **dict.fromkeys(ill, 'failed'))
    for o,says in zip(ill, ('database', 'damaged', 'locked', 'gone')): assert says in res[o].error
    assert [texts(dest/f'{o}.db') for o in ('acme', *ill)]==[['new'], *[['old']]*4]
    assert not list(dest.glob('.*.new*'))

def test_the_working_directory_changes_during_a_backup(data, tmp_path, monkeypatch):
    "Relative directories are those of the call, and the next backup finds its list"
    monkeypatch.chdir(tmp_path)
    (tmp_path/'elsewhere').mkdir()
    def moves():
        os.chdir(tmp_path/'elsewhere')
        return later()
    first = {o.state for o in backup(os.path.basename(data.path), 'copies', clock=moves)}
    assert first=={'copied'} and os.listdir(tmp_path/'elsewhere')==[]
    assert {*save(data, tmp_path/'copies').values()}=={'unchanged'}

def test_tenants_of_a_mapping(data, tmp_path):
    "One in memory has no file to copy, and the app's function may raise whatever it likes: the others are copied"
    dbs = {'acme':data['acme'].db, 'Acme Inc':database(tmp_path/'1.sqlite'), 'memory':database(':memory:')}
    BackgroundTaskManager(dbs['memory']).submit('note', note)
    def get(name):
        if name=='hooli': raise ValueError('no such host')
        return dbs[name]
    saved = {o.tenant:o for o in backup(TenantMap(get, names=lambda: ['hooli', *dbs]), tmp_path/'copies')}
    assert saved['hooli'].error=='ValueError: no such host'
    assert [o for o in saved if saved[o].state=='copied']==['acme']
    assert len(saved)==4 and len(Tenants(tmp_path/'copies')['acme'].list_jobs())==1

# -- restore

def test_restore(data, tmp_path):
    "To the time of the backup, with the jobs; a deleted tenant is there again, a newer one stays; modes of files stay"
    dest = tmp_path/'copies'
    def mode(path): return stat.S_IMODE(os.stat(path).st_mode)
    os.chmod(data.file('acme'), 0o640)
    save(data, dest)
    assert mode(dest/'acme.db')==0o640
    asyncio.run(data['acme'].drain())
    job, = data['acme'].list_jobs()
    put(data, 'acme', 'new')
    os.chmod(data.file('acme'), 0o600)
    data.remove('globex')
    data.create('later')
    acme,globex = restore(dest, data)
    assert (acme.error, acme.pending, acme.running, acme.compared)==('', 1, 0, True)
    assert acme.again==[(job.id, 'note', 'completed')]
    assert (globex.error, globex.again, globex.compared)==('', [], False)
    assert texts(data.file('acme'))==['old'] and list(data)==['acme', 'globex', 'later']
    assert mode(data.file('acme'))==0o600
    assert asyncio.run(data['acme'].drain())==1 and data['acme'].get_job(job.id).status=='completed'
    data['acme'].prune(timedelta(0))
    data.drop('acme')
    assert restore(dest, data, ['acme'])[0].again==[(job.id, None, None)], 'a job that was deleted since'
    damage(data.file('acme'), whole=True)
    res, = restore(dest, data, ['acme'])
    assert (res.error, res.compared)==('', False) and texts(data.file('acme'))==['old']
    put(data, 'acme', 'new')
    damage(dest/'acme.db')
    assert 'damaged' in restore(dest, data, ['acme'])[0].error and texts(data.file('acme'))==['new']

def test_what_was_left_beside_a_file_does_not_come_back(data, tmp_path):
    save(data, tmp_path/'copies')
    path = data.file('acme')
    conn = open_plain(path)
    conn.execute("UPDATE notes SET text='new'")
    for o in ('-wal','-shm'): shutil.copy(path+o, tmp_path/f'left{o}')
    conn.close()
    os.unlink(path)
    for o in ('-wal','-shm'): shutil.copy(tmp_path/f'left{o}', path+o)
    restore(tmp_path/'copies', data, ['acme'])
    assert texts(path)==['old']

@pytest.mark.parametrize('how', ['idle','reading','writing'])
def test_refused_while_another_process_has_the_file_open(data, tmp_path, how):
    save(data, tmp_path/'copies')
    put(data, 'acme', 'new')
    sql = dict(idle='SELECT count(*) FROM notes', reading='BEGIN; SELECT count(*) FROM notes',
        writing='BEGIN IMMEDIATE; DELETE FROM notes')[how]
    src = f"import apsw; c = apsw.Connection({data.file('acme')!r}); list(c.execute({sql!r})); print('open'); input()"
    proc = subprocess.Popen([sys.executable, '-uc', src], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert proc.stdout.readline()=='open\n'
        acme,globex = restore(tmp_path/'copies', data)
        assert 'is open: stop the processes that use it' in acme.error and globex.error==''
    finally: end(proc)
    assert texts(data.file('acme'))==['new'] and list((tmp_path/'data').glob('.*.new*'))==[]
    assert restore(tmp_path/'copies', data, ['acme'])[0].error=='' and texts(data.file('acme'))==['old']

def test_running_jobs(data, tmp_path):
    "Of a dead process they are taken over; a live one refuses the restore, even if it has closed the file meanwhile"
    program('claim_and_die', data.path, 'acme').communicate(timeout=30)
    save(data, tmp_path/'copies')
    res, = restore(tmp_path/'copies', data, ['acme'])
    assert (res.error, res.running)==('', 1) and [o.status for o in data['acme'].rescue()]==['pending']
    this_process.announce_alive(str(data.link('acme').folder))
    running_row(data['acme'], this_process.id)
    data.drop('acme')
    res, = restore(tmp_path/'copies', data, ['acme'])
    assert 'has running jobs: stop the process' in res.error and this_process.id in res.error

# -- while a worker runs

live_app = """
import time
from tenant_tasks import *
@task(name='backup.note')
def note(n=0): time.sleep(n)
worker = Worker('data', look_every=.05)
"""

def statuses_in(path):
    conn = open_plain(str(path))
    try: return dict(conn.execute('SELECT id, status FROM tenant_jobs'))
    finally: conn.close()

class Feeding(threading.Thread):
    "Submits jobs to both tenants until `done`: the ids of those that were accepted"
    def __init__(self, data):
        super().__init__(daemon=True)
        self.data = data
        self.done = threading.Event()
        self.ids = dict(acme=set(), globex=set())
        self.start()

    def run(self):
        while not self.done.wait(.01):
            for o,ids in self.ids.items():
                try: ids.add(self.data[o].submit('note', note)[0])
                except (FileNotFoundError,TenantNotFound): continue # In the moment between the two files

def test_one_tenant_is_restored_while_a_worker_runs(data, tmp_path):
    "The other one goes on; a running job ends first; each accepted job is in the old file or in the new one"
    save(data, tmp_path/'copies')
    copied, = data['acme'].list_jobs()
    (tmp_path/'app.py').write_text(live_app)
    put(data, 'acme', 'new')
    cmd,env = [sys.executable, '-m', 'tenant_tasks'],dict(os.environ, PYTHONPATH=str(root))
    with open(tmp_path/'log.txt', 'w') as log:
        proc = subprocess.Popen([*cmd, 'worker', 'app:worker'], cwd=tmp_path, env=env, stderr=log)
    feeding = Feeding(data)
    try:
        slow_id,_ = data['acme'].using(priority=1).submit('slow', note, n=1)
        wait_until(lambda: data['acme'].get_job(slow_id).status=='running')
        args = 'restore', 'copies', 'data', 'acme', '--json'
        res = subprocess.run([*cmd, *args], cwd=tmp_path, env=env, capture_output=True, text=True)
        assert res.returncode==0, res.stderr
        row, = json.loads(res.stdout)
        n = len(feeding.ids['acme'])
        wait_until(lambda: len(feeding.ids['acme'])>n+5)
        feeding.done.set()
        feeding.join()
        for o in data: wait_until(lambda: set(statuses_in(data.file(o)).values())=={'completed'})
    finally:
        feeding.done.set()
        end(proc)
    old,now = statuses_in(row['old']),statuses_in(data.file('acme'))
    assert texts(row['old'])==['new'] and texts(data.file('acme'))==['old'] and sorted(data)==['acme', 'globex']
    assert old[slow_id]=='completed' and now[copied.id]=='completed' and 'running' not in old.values()
    assert feeding.ids['acme']<=old.keys()|now.keys() and not feeding.ids['acme']&old.keys()&now.keys()
    assert feeding.ids['globex']<=statuses_in(data.file('globex')).keys()

def test_a_live_restore_that_cannot_be(data, tmp_path):
    "A job that doesn't end: the tenant stays as it was, and isn't paused; a damaged file is replaced; a shell is told"
    save(data, tmp_path/'copies')
    running_row(data['acme'], this_process.id)
    put(data, 'acme', 'new')
    res = restore_live(tmp_path/'copies', data, 'acme', wait=.1)
    assert 'must have no running jobs' in res.error and texts(data.file('acme'))==['new']
    assert data['acme'].pauses()==[]
    damage(data.file('globex'), whole=True)
    assert restore_live(tmp_path/'copies', data, 'globex').error=='' and texts(data.file('globex'))==['old']
    res = command('restore', tmp_path/'copies', data.path, 'globex', '--paused')
    assert 'The old database is ' in res.out and res.out.endswith(f'tenant-tasks resume {data.path} --tenant globex\n')
    assert [o for o in data if data[o].pauses()]==['globex']

# -- kills, and many who write

@pytest.mark.slow
@pytest.mark.parametrize('what', ['backup','restore','paused'])
def test_a_kill_at_each_line(data, tmp_path, what):
    "The file that is replaced holds the old state or the new one, and the next try does it all"
    data.remove('globex')
    save(data, tmp_path/'copies')
    put(data, 'acme', 'new')
    (tmp_path/'models').mkdir()
    for o in ('data','copies'): shutil.copytree(tmp_path/o, tmp_path/'models'/o)
    out,err = program('kill_at', what, tmp_path/'models', tmp_path/'work').communicate(timeout=250)
    found = json.loads(out)
    print(len(found), 'kills')
    final = ['new','new'] if what=='backup' else ['old','old']
    assert len(found)>(60 if what=='backup' else 40), err
    for n,(killed,again,after,rest) in enumerate(found):
        assert killed in (['new','old'], final), (n, killed)
        assert after==final and rest==[], (n, again, after, rest)
    assert found[0][0]==['new','old'] and found[-1][0]==final

def balance(path):
    "How many jobs a tenant has, one for each invoice, and those that have ended without one that was sent"
    conn = open_plain(str(path))
    try:
        assert list(conn.execute('PRAGMA integrity_check'))==[('ok',)]
        invoices = dict(conn.execute('SELECT id, sent FROM invoices'))
        has_jobs = list(conn.execute("SELECT 1 FROM sqlite_master WHERE name='tenant_jobs'"))
        sql = "SELECT payload->>'invoice_id', status FROM tenant_jobs"
        jobs = list(conn.execute(sql)) if has_jobs else []
    finally: conn.close()
    assert sorted(o for o,_ in jobs)==sorted(invoices)
    return len(jobs),[o for o,status in jobs if status=='completed' and not invoices[o]]

@pytest.mark.slow
def test_books_balance_in_each_copy(tmp_path):
    "Processes write and are killed while one backup follows another; the last copies are restored elsewhere"
    shop = Shop(tmp_path, seed=3)
    sizes,dest = [],tmp_path/'copies'
    selling = threading.Thread(target=shop.run, args=(4,))
    try:
        selling.start()
        while selling.is_alive():
            res = backup(shop.data, dest)
            assert not [o for o in res if o.state not in ('copied','unchanged')], res
            for o in names:
                n,wrong = balance(dest/f'{o}.db')
                sizes.append(n)
                assert not wrong
    finally:
        selling.join()
        shop.close()
    assert not shop.check()[1][:5] and len(sizes)>5 and len(set(sizes))>2, sizes
    assert [(o.error, o.compared) for o in restore(dest, tmp_path/'new')]==[('', False)]*3
    assert all(balance(tmp_path/f'new/{o}.db')==balance(dest/f'{o}.db') for o in names)
