"Pauses: nothing of a paused type starts, by any way, until it is resumed or the time has come; and it is shown"
import asyncio,re
from datetime import timedelta

import pytest
from fasthtml.common import Client,fast_app
from helpers import command,data,manager_at,note,open_db,ran,until,working

from tenant_tasks import BackgroundTaskManager,Tenants,Worker,current_job,jobs_ui,task
from tenant_tasks.db.queue import glance
from tenant_tasks.db.store import JobStore
from tenant_tasks.jobs.job import timestamp,utcnow
from tenant_tasks.run.process import Process

hour = timedelta(hours=1)

@task(name='pause.anote')
async def anote(n=0): ran.append(n)

@pytest.mark.parametrize('func', [note, lambda n: ran.append(n)])
@pytest.mark.parametrize('job_type', [None, 'note'])
async def test_nothing_starts(manager, clock, func, job_type):
    "Not by its id, not as the next one, not together, not in a drain; the same after a release and a rescue"
    job_id,_ = manager.submit('note', func, n=1)
    manager.claim(job_id).release()
    manager.pause(job_type)
    assert manager.claim(job_id) is None is manager.claim() and manager.claim_next(1)==[]==manager.claim_next(9)
    assert manager.next_due() is None and await manager.drain()==0
    seen = glance(manager.store.link, manager.process.id, ['w.note'], clock())
    assert seen.first is None and not seen.unknown
    assert manager.resume(job_type) and manager.next_due()==clock() and await manager.drain()==1 and ran==[1]

def test_other_types_go_on(manager):
    "In the same task, in front and behind, async ones together too; and in their order"
    manager.using(priority=3).submit_many('a', anote, [dict(n=o) for o in (1, 2)])
    manager.submit_many('b', anote, [dict(n=o) for o in (3, 4)])
    manager.submit('c', note, n=5)
    manager.pause('a')
    assert [[o.job.kwargs['n'] for o in manager.claim_next(9)] for _ in range(3)]==[[3, 4], [5], []]
    manager.resume('a')
    assert len(manager.claim_next(9))==2

def test_functions_of_other_processes_are_left_alone(manager):
    "A job that only another process can run isn't claimed while something else is paused"
    away = BackgroundTaskManager(manager.db, clock=manager.clock, process=Process())
    away.submit('x', lambda: None)
    manager.pause('a')
    assert not manager.claim() and manager.next_due() is None and away.next_due()==manager.clock() and away.claim()

def test_pauses_are_apart(manager, clock):
    manager.submit('a', note)
    manager.pause('a', reason='first')
    manager.pause()
    assert [o.job_type for o in manager.pauses()]==['', 'a'] and not manager.resume('b')
    assert manager.resume() and not manager.claim() and not manager.resume()
    before = manager.pauses()[0]
    clock.advance(5)
    assert manager.pause('a', reason='second')==before._replace(reason='second')
    with pytest.raises(ZeroDivisionError), manager.transaction():
        manager.resume('a')
        1/0
    assert not manager.claim() and manager.resume('a') and manager.claim()

def test_until(manager, clock):
    "The end of a pause is the time of its jobs, with that of other pauses and their own; then it is gone by itself"
    manager.submit('a', note)
    manager.using(delay=2*hour).submit('a', note)
    manager.pause('a', clock()+hour)
    assert manager.next_due()==clock()+hour
    manager.pause(until=clock()+3*hour)
    assert manager.next_due()==clock()+3*hour
    manager.resume()
    clock.advance(hour)
    assert manager.pauses()==[] and not manager.resume('a') and manager.claim() and not manager.claim()
    assert manager.next_due()==clock()+hour

def test_running_jobs_go_on_and_may_ask(manager):
    seen = []
    @task(name='pause.asks')
    def asks():
        for act,*args in (manager.pause, 'other'),(manager.pause, 'asks'),(manager.resume, 'asks'),(manager.pause,):
            act(*args)
            current_job().check()
            seen.append(current_job().paused)
    manager.submit('asks', asks)
    a = manager.claim()
    a.call()
    assert seen==[False, True, False, True] and a.settle().status=='completed'

async def test_background_task_waits(path, monkeypatch):
    "Without a worker the job's own background task runs it, soon after the pause ends; meanwhile it looks now and then"
    manager,asked,claim = manager_at(path),[],JobStore.claim
    monkeypatch.setattr(JobStore, 'claim', lambda self, *args: asked.append(1) or claim(self, *args))
    manager.pause('note')
    job_id,bg_task = manager.submit('note', note, n=1)
    waits = asyncio.ensure_future(bg_task())
    await asyncio.sleep(.4)
    assert manager.get_job(job_id).status=='pending' and not waits.done() and len(asked)<=4
    assert BackgroundTaskManager(open_db(path), process=Process()).resume('note')
    await asyncio.wait_for(waits, 5)
    assert manager.get_job(job_id).status=='completed'

async def test_a_worker_waits_and_wakes(tmp_path, monkeypatch):
    "A resume by another process and a time that comes both wake it; before that it doesn't claim again and again"
    tenants,asked,claiming = Tenants(tmp_path),[],JobStore.settle_and_claim
    acme = tenants.create('acme')
    away = BackgroundTaskManager(open_db(tmp_path/'acme.db'), process=Process())
    monkeypatch.setattr(JobStore, 'settle_and_claim', lambda self, *a, **k: asked.append(1) or claiming(self, *a, **k))
    away.pause(reason='by hand')
    acme.submit('note', note, n=1)
    async with working(Worker(tenants, look_every=.05)):
        await asyncio.sleep(.5)
        asked.clear()
        await asyncio.sleep(.5)
        assert not asked and not ran
        away.resume()
        await until(lambda: ran==[1])
        end = utcnow()+timedelta(seconds=.6)
        away.pause('note', end)
        away.submit('note', note, n=2)
        await until(lambda: ran==[1, 2])
        await until(lambda: acme.job_stats()['completed']==2)
    assert acme.list_jobs()[0].started_at>=timestamp(end)

def test_pages(manager):
    "Who may act pauses and resumes with the token of the session; who may read sees it; no markup, no secret is shown"
    acme,(app,rt) = manager,fast_app(secret_key='x')
    jobs_ui(app, lambda req: acme, lambda req: req.headers['may'])
    ann,gus,guest = [Client(app) for _ in range(3)]
    for c,may in ((ann, 'act'), (gus, 'read'), (guest, '')): c.cli.headers['may'] = may
    good = dict(job_type='note', reason='<b>full</b> disk')
    token = dict(csrf=re.search(r'name="csrf" value="([^"]+)"', ann.get('/jobs').text)[1])
    def post(c, act, **data): return c.post(f'/jobs/{act}', data=data, follow_redirects=False).status_code
    for act in ('pause', 'resume'):
        assert [post(ann, act, **good), *[post(o, act, **good, **token) for o in (gus, guest)]]==[403, 403, 404]
    assert acme.pauses()==[] and post(ann, 'pause', **good, **token)==303
    assert [(o.job_type, o.reason) for o in acme.pauses()]==[('note', '<b>full</b> disk')]
    for c in (ann, gus): assert 'Jobs of type note are paused</span>: &lt;b&gt;full' in c.get('/jobs').text
    assert '/jobs/resume' in ann.get('/jobs').text
    assert not re.search('/jobs/(resume|pause)', gus.get('/jobs').text)
    assert post(ann, 'resume', **good, **token)==303 and acme.pauses()==[]
    assert post(ann, 'pause', job_type='', **token)==303 and 'All jobs are paused' in gus.get('/jobs').text
    assert post(ann, 'resume', job_type='', **token)==303 and acme.pauses()==[]
    acme.pause('note', reason='password=hunter2hunter2 is wrong')
    acme.pause('api_key=s3cr3t-s3cr3t')
    page = ann.get('/jobs').text
    assert page.count('are paused')==2 and 'hunter2' not in page and 's3cr3t' not in page

def test_command(tmp_path):
    tenants = Tenants(tmp_path)
    acme,_ = tenants.create('acme'),tenants.create('globex')
    why = 'the \x1b[31mCRM'
    assert command('pause', tmp_path, '--tenant', 'acme', '--type', 'note', '--for', '2h', '--reason', why).code==0
    p, = acme.pauses()
    assert (p.job_type, p.reason)==('note', why) and p.until and tenants['globex'].pauses()==[]
    out = command('pauses', tmp_path).out
    assert 'acme' in out and 'globex' not in out and '\\x1b' in out and '1h' in out
    assert data('pauses', tmp_path)==[dict(tenant='acme', **p._asdict())]
    assert command('resume', tmp_path).code==0 and acme.pauses()==[p]
    assert command('pause', tmp_path).code==0 and [len(tenants[o].pauses()) for o in tenants]==[2, 1]
    assert command('resume', tmp_path).code==0
    assert command('resume', tmp_path, '--type', 'note')==(0, 'nothing is paused\n', '')
    assert command('pause', tmp_path, '--for', '2 hours').code==2==command('pause', tmp_path, '--type', '').code
    assert acme.pauses()==[]
