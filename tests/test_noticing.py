"What other processes write is noticed, also if a commit waits for the disk; what is gone is forgotten"
import asyncio,os,shutil,subprocess,sys,time
from datetime import datetime,timedelta
from threading import get_ident

import pytest
from fastlite import database
from helpers import Call,end,manager_at,note,program,ran,tell,until,wait_until,working

from tenant_tasks import BackgroundTaskManager,TenantMap,Tenants,Worker
from tenant_tasks.db import link as links
from tenant_tasks.fleet.lookout import Lookout
from tenant_tasks.fleet.health import Overview
from tenant_tasks.jobs.job import utcnow
from tenant_tasks.ops.backup import backup
from tenant_tasks.run.peers import WorkerSign
from tenant_tasks.run.process import Process,lock_dir,this_process
from tenant_tasks.testing import Clock
from tenant_tasks.web.live import file_version

def at_work(tenants, **kw): return working(Worker(tenants, **kw))

slow_sync = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
static int late(const char *name, int fd) {
    usleep(1000*atoi(getenv("SYNC_MS")));
    return ((int (*)(int))dlsym(RTLD_NEXT, name))(fd);
}
int fsync(int fd) { return late("fsync", fd); }
int fdatasync(int fd) { return late("fdatasync", fd); }
"""

@pytest.fixture(scope='session')
def slow_lib(tmp_path_factory):
    if sys.platform!='linux' or not shutil.which('cc'): pytest.skip('a slow disk needs Linux and a C compiler, `cc`')
    lib = tmp_path_factory.mktemp('slow')/'sync.so'
    cmd = ['cc', '-shared', '-fPIC', '-x', 'c', '-', '-o', lib, '-ldl']
    subprocess.run(cmd, input=slow_sync, text=True, check=True)
    return lib

@pytest.fixture
def slow_disk(slow_lib):
    "Start a program that waits so many milliseconds longer for each `fsync`"
    procs = []
    def start(folder, ms):
        procs.append(program('by_line', folder, forked=False, LD_PRELOAD=slow_lib, SYNC_MS=ms))
        return procs[-1]
    yield start
    for o in procs: end(o)

async def test_commits_that_wait_for_the_disk_are_noticed(tenants, slow_disk):
    "The files change before the commit can be seen, and not any more when it can: a job, a pause that ends, a schedule"
    writer = slow_disk(tenants.path, 200)
    def does(*words): return asyncio.to_thread(tell, writer, ' '.join(map(str, words)))
    async with at_work(tenants):
        for i,name in enumerate(['acme', 'globex', 'new_one', 'acme']):
            start = time.monotonic()
            await does(name, 'submit', i)
            assert time.monotonic()-start>=.2, 'the disk is slow indeed'
            await until(lambda: i in ran)
        for o in ('pause', 'submit 10', 'resume'): await does('globex', o)
        await until(lambda: 10 in ran)
        await does('initech', 'schedule', 20)
        await until(lambda: 20 in ran)

@pytest.mark.slow
async def test_no_job_goes_unnoticed_in_a_storm(tenants, slow_disk):
    "Four processes write 400 jobs to three tenants, each commit waits 50 ms"
    def write(i, writer):
        for n in range(100*i, 100*i+100):
            tell(writer, f'{list(tenants)[n%3]} submit {n}')
            if n%10==0: time.sleep(.3)
    async with at_work(tenants):
        writers = [slow_disk(tenants.path, 50) for _ in range(4)]
        await asyncio.gather(*[asyncio.to_thread(write, *o) for o in enumerate(writers)])
        await until(lambda: len(ran)==400)
    assert sorted(ran)==list(range(400))

def test_what_was_read_while_a_commit_waited_is_read_again(tmp_path, slow_disk):
    "By the next backup, by an overview, and by those who follow a job"
    (tmp_path/'data').mkdir()
    path,copies = str(tmp_path/'data/acme.db'),tmp_path/'copies'
    manager_at(path).submit('note', note, n=0)
    writer,before = slow_disk(tmp_path/'data', 1500),os.stat(path+'-wal').st_mtime_ns
    answer = Call(tell, writer, 'acme submit 1') # A commit that has been written and waits for the disk
    wait_until(lambda: os.stat(path+'-wal').st_mtime_ns!=before)
    time.sleep(.2) # The times of the files are no longer those of this moment
    overview,version = Overview(Tenants(tmp_path/'data')),file_version(path)
    def saved(): return [o.state for o in backup(tmp_path/'data', copies, clock=lambda: time.time()+60)]
    def pending(): return Tenants(copies)['acme'].job_stats()['pending'],overview.health(30)[0].counts['pending']
    assert saved()==['copied'] and pending()==(1, 1)
    answer.answer()
    assert saved()==['copied'] and pending()==(2, 2)
    assert saved()==['unchanged'] and (not version or file_version(path)!=version)

async def test_a_write_within_the_same_tick_is_noticed(tenants):
    "A commit that leaves time and size of the files as they were at the look"
    path,found = tenants.file('acme'),{}
    manager,note_down = tenants['acme'],found.__setitem__
    lookout = Lookout(Tenants(tenants.path), due=note_down, ill=note_down)
    manager.pause()
    # The next write begins at the start of the `-wal`
    manager_at(path).db.conn.execute('PRAGMA wal_checkpoint(RESTART)')
    running = asyncio.ensure_future(lookout.run())
    await asyncio.sleep(.2)
    def looked():
        os.utime(path+'-wal')
        lookout.look('acme')
        return time.time()-os.stat(path+'-wal').st_mtime<.04
    def files(): return [(o, os.stat(o)) for o in (path, path+'-wal')]
    while not looked(): pass
    before = files()
    manager.submit('note', note, n=1)
    manager.resume()
    for o,st in before: os.utime(o, ns=(st.st_atime_ns, st.st_mtime_ns))
    assert [st.st_size for _,st in before]==[st.st_size for _,st in files()] and not found
    try: await until(lambda: 'acme' in found)
    finally: running.cancel()

async def test_one_bad_entry_is_the_fault_of_one_tenant(tenants, tmp_path_factory, logs):
    "A link in a loop is named, and the others start, are listed and are backed up"
    os.symlink('loop.db', tenants.path/'loop.db')
    names = ['acme', 'globex', 'initech', 'loop']
    assert list(tenants)==sorted(tenants.changed({}))==names
    assert [o.name for o in Overview(tenants).health(30) if 'symbolic links' in o.error]==['loop']
    for i,o in enumerate(names[:3]): tenants[o].submit('note', note, n=i)
    async with at_work(tenants): await until(lambda: sorted(ran)==[0, 1, 2] and logs('WARNING'))
    assert all(o.startswith('tenant loop: OSError: [Errno 40]') for o in logs('WARNING'))
    saved = backup(tenants, tmp_path_factory.mktemp('copies'))
    assert [o.state for o in saved]==['copied']*3+['failed'] and 'symbolic links' in saved[3].error

def test_a_tenant_made_anew_gets_its_schedules(tenants, monkeypatch):
    "A file may have the device and inode of one that is gone"
    worker = Worker(tenants)
    worker.schedule('nightly', note, every=3600, n=1)
    monkeypatch.setattr(links, 'file_at', lambda path: (1, 1))
    for _ in range(2):
        worker.lookout.look('acme')
        assert [o.name for o in tenants['acme'].schedules()]==['nightly']
        tenants.remove('acme')
        tenants.create('acme')

@pytest.mark.parametrize('change', ['renamed', 'less', 'more', 'paused'])
def test_one_job_a_tick_whatever_becomes_of_the_spread(tmp_path, change):
    "A change at any hour makes no job twice and leaves none out"
    clock = Clock()
    tenants = Tenants(tmp_path, clock=clock)
    def put(name, spread): tenants[name].schedule('nightly', note, cron='0 0 * * *', spread=spread, n=1)
    spread = dict(less=0, more=22*3600, paused=22*3600).get(change, 12*3600)
    for i in range(12):
        name,clock.now = f't{i}',clock.now.replace(hour=0, minute=30)
        tenants.create(name)
        put(name, 12*3600)
        for hour in range(4*24):
            if hour==24+2*i:
                if change=='renamed': tenants.rename(name, name := f'{name}.new')
                if change=='paused': tenants[name].pause_schedule('nightly')
                put(name, spread)
                if change=='paused': tenants[name].resume_schedule('nightly')
            tenants[name].tick()
            for o in tenants[name].list_jobs(status='pending'): tenants[name].cancel_job(o.id)
            clock.now += timedelta(hours=1)
        days = sorted(datetime.fromisoformat(o.tick).toordinal() for o in tenants[name].list_jobs())
        assert days==list(range(days[0], days[0]+len(days))) and len(days)>=3

async def test_no_directory_is_read_on_the_event_loop(tmp_path, monkeypatch):
    "A job of any tenant tells the workers that are known; a thread looks for those that aren't"
    scans,process,scan = [],Process(),os.scandir
    monkeypatch.setattr(os, 'scandir', lambda *args: scans.append(get_ident()) or scan(*args))
    sign = WorkerSign(process)
    sign.show({str(tmp_path): r'.*\.db'}, ['w.note'])
    scans.clear()
    managers = [BackgroundTaskManager(database(tmp_path/f'{n}.db')) for n in range(20)]
    for o in managers: await o.submit('note', note, n=1)[1]()
    assert scans and get_ident() not in scans and len(scans)<20
    sign.close()
    job_id,bg_task = managers[0].submit('note', note, n=1)
    request = asyncio.ensure_future(bg_task())
    await asyncio.sleep(0)
    request.cancel() # While workers are looked for
    await until(lambda: managers[0].get_job(job_id).status=='completed')

async def test_a_clock_that_is_set(tmp_path, monkeypatch):
    "Back by an hour, while a tenant's database can't be had: the back-off is no longer. Forward: its later job is due"
    real,skew,down,db = time.time,[0],[],database(tmp_path/'acme.db')
    monkeypatch.setattr(time, 'time', lambda: real()+skew[0])
    manager = manager_at(tmp_path/'acme.db')
    manager.submit('note', note, n=1)
    manager.using(delay=3600).submit('note', note, n=2)
    def get(name):
        if skew[0]: return db
        down.append(name)
        raise OSError('no such host')
    def clock(): return utcnow()+timedelta(seconds=max(skew[0], 0))
    worker = Worker(TenantMap(get, names=lambda: ['acme'], clock=clock))
    async with working(worker):
        await until(lambda: down)
        await asyncio.sleep(.1)
        skew[0] = -3600
        await until(lambda: ran==[1] and 'acme' in worker.agenda.due)
        skew[0] = 3700
        await until(lambda: ran==[1, 2])

def test_old_lock_files_are_removed_without_a_worker(tmp_path):
    "The next process that submits removes those of processes that died more than a day ago"
    manager_at(tmp_path/'acme.db').submit('note', note, n=1)
    folder,alive = tmp_path/lock_dir,Process()
    alive.announce_alive(tmp_path)
    dead = [this_process.id[:-8]+f'{i:08x}.lock' for i in range(3)]
    for o in dead: (folder/o).touch()
    for o in [*dead[:2], f'{alive.id}.lock']: os.utime(folder/o, (1, 1))
    manager_at(tmp_path/'acme.db', process=Process()).submit('note', note, n=2)
    left = set(os.listdir(folder))
    assert not left & {*dead[:2]} and {dead[2], f'{alive.id}.lock'}<=left
