"Which tenants are looked at, and when; how claims and settles go together"
import asyncio,os,threading,time
from contextlib import asynccontextmanager,suppress
from datetime import timedelta
from time import monotonic
from types import SimpleNamespace

import apsw,pytest
from fastlite import database
from helpers import manager_at,note,open_db,program,until

from tenant_tasks import BackgroundTaskManager,TenantJob,Worker,statuses
from tenant_tasks.db.files import may_have_work
from tenant_tasks.db.link import link_at
from tenant_tasks.fleet.lookout import Lookout
from tenant_tasks.jobs.job import timestamp,utcnow

def lookout_of(tenants, **kw):
    found = {}
    return found,Lookout(tenants, due=found.__setitem__, ill=found.__setitem__, **kw)

@asynccontextmanager
async def looking(lookout):
    "A lookout that runs in the background"
    running = asyncio.ensure_future(lookout.run())
    try: yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError): await running

def test_a_look_leaves_no_trace(tenants):
    "Neither a table, nor an open database if it has no live job, nor a file beside it"
    found,lookout = lookout_of(tenants)
    tenants['acme'].submit('note', note)
    path = tenants.file('globex')
    before = set(os.listdir(tenants.path))
    lookout.look_at(list(tenants), from_outside=True)
    assert list(found)==['acme'] and tenants.link('globex').conn is None
    assert set(os.listdir(tenants.path))==before and 'tenant_jobs' not in open_db(path).t

def test_idle_tenants_are_pruned_once_a_day_and_not_together(tenants, monkeypatch):
    "Nor by a restart; one with work is pruned by the first look at it"
    now,looked = [10.**6],[]
    monkeypatch.setattr('tenant_tasks.fleet.lookout.time', SimpleNamespace(monotonic=lambda: now[0], time=time.time))
    monkeypatch.setattr(Lookout, 'look', lambda self,name,look=Lookout.look: looked.append(name) or look(self, name))
    names,old = [f't{i}' for i in range(24)],timestamp(utcnow()-timedelta(days=31))
    for o in names: tenants.create(o).store.submit([TenantJob('1', 'note', 'failed', completed_at=old)])
    busy = {'t0'}
    monkeypatch.setattr(tenants, 'may_have_work', busy.__contains__)
    _,lookout = lookout_of(tenants, keep=timedelta(days=30))
    lookout.look_at(names, from_outside=True)
    assert looked==['t0'] and tenants['t0'].list_jobs()==[]
    busy.clear()
    for day in range(2):
        looked.clear()
        for _ in range(48):
            before,now[0] = len(looked),now[0]+1800
            lookout.look_at(names, from_outside=True)
            assert len(looked)-before<6
        assert sorted(looked)==sorted(names)
    assert not any(tenants[o].list_jobs() for o in names[1:])

@pytest.mark.parametrize('status', statuses)
def test_what_is_seen_from_outside(path, status):
    "Only live jobs count, in a file that was closed properly as in one whose changes are still beside it"
    manager = manager_at(path)
    manager.store.submit([TenantJob('1', 'note', status, created_at=timestamp(utcnow()))])
    assert may_have_work(path) # There is a `-wal`, so a look in full must tell
    link_at(path).close()
    manager.db.conn.close()
    for _ in range(2):
        assert not os.path.exists(path+'-wal') and may_have_work(path)==(status in ('pending', 'running'))

def test_due_at_once_and_later(tenants):
    "A row without a time is due at once; a job that this process can't run is left alone"
    found,lookout = lookout_of(tenants)
    now,later = utcnow(),utcnow()+timedelta(hours=1)
    def put(name, **kw): tenants[name].store.submit([TenantJob('1', 'x', created_at=timestamp(now), **kw)])
    put('acme', task='w.note', run_at='')
    tenants['globex'].using(run_at=later).submit('note', note)
    put('initech', task='not.deployed', run_at=timestamp(later))
    lookout.look_at(list(tenants))
    assert found=={'acme': 0., 'globex': later.timestamp()}

async def test_a_write_elsewhere_is_found_soon(tenants, tmp_path):
    "By the watch; the kernel tells of one directory alone, so tenants on another disk are looked at all the time"
    (tmp_path/'big').mkdir()
    found,lookout = lookout_of(tenants, look_every=600)
    def link(name):
        path = tmp_path/f'big/{name}.db'
        database(path)
        (tmp_path/f'{name}.db').symlink_to(path)
        return path
    paths = dict(acme=tmp_path/'acme.db', hooli=link('hooli'))
    async with looking(lookout):
        await asyncio.sleep(2) # It looks at the files once more after a second, in case the watch began late
        for name,path in [*paths.items(), ('new_one', link('new_one'))]:
            program('submit', path, 1, 'end').communicate()
            await until(lambda: isinstance(found.get(name), float), 5)

async def test_the_first_look_waits_for_a_crowd(tenants, monkeypatch):
    "Many tenants have work to do: no more are opened, but for a change elsewhere; the queue is read on the loop alone"
    monkeypatch.setattr(Lookout, 'waits', 30)
    monkeypatch.setattr(Lookout, 'enough', 0)
    crowd,threads = ['initech'],set()
    found,lookout = lookout_of(tenants, queue=lambda: threads.add(threading.get_ident()) or crowd)
    for o in tenants: tenants[o].submit('note', note)
    async with looking(lookout):
        await asyncio.sleep(.3)
        assert not found
        tenants.create('new_one').submit('note', note)
        await until(lambda: 'new_one' in found, 5)
        assert len(found)==1
        crowd.clear()
        await until(lambda: len(found)==4, 5)
    assert threads=={threading.get_ident()}
    monkeypatch.undo() # A crowd that stays, because it has a backlog for hours, doesn't hide the others
    monkeypatch.setattr(Lookout, 'enough', 0)
    found,lookout = lookout_of(tenants, queue=lambda: ['crowd'])
    async with looking(lookout): await until(lambda: len(found)==4, 5)

async def test_a_watched_tenant_that_cannot_be_asked_stops_no_other(tenants, monkeypatch):
    "Others with jobs of a dead process are taken over all the same"
    found,lookout = lookout_of(tenants)
    link = tenants.link
    def broken(name):
        if name=='acme': raise OSError('no such host')
        return link(name)
    monkeypatch.setattr(tenants, 'link', broken)
    for o in ('acme', 'globex'): lookout._watched[o] = {'h~k~1~a'},monotonic()-1e6
    assert lookout.left()==['acme', 'globex']

def test_a_schedule_that_is_declared_during_a_look(tenants, monkeypatch):
    "The look has read those that were there before: the next one writes the new one"
    worker = Worker(tenants)
    worker.schedule('first', note, every=3600)
    declare = BackgroundTaskManager.declare_schedules
    def slowly(manager, wanted):
        if len(wanted)==1: worker.schedule('second', note, every=3600)
        declare(manager, wanted)
    monkeypatch.setattr(BackgroundTaskManager, 'declare_schedules', slowly)
    for _ in range(2): worker.lookout.look('acme')
    assert {o.name for o in tenants['acme'].schedules()}=={'first', 'second'}

def test_a_settle_that_fails_leaves_the_claim(tenants):
    "The job that has ended can still be settled, and no other was claimed"
    manager = tenants['acme']
    manager.submit('note', note, n=1)
    manager.submit('note', note, n=2)
    a, = manager.claim_next()
    a.call()
    conn = manager.store.link.open()
    conn.set_commit_hook(lambda: True, id='refuse')
    with pytest.raises(apsw.ConstraintError): manager.claim_next(ended=[a])
    conn.set_commit_hook(None, id='refuse')
    assert not a.done and manager.job_stats()['running']==1
    assert a.settle().status=='completed' and manager.claim_next()[0].job.kwargs==dict(n=2)
