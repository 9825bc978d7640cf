"The pages as hostile and as ordinary clients meet them: who sees what, who may change what, and what a million rows cost"
import html,json,re,time
from dataclasses import replace

import pytest
from fasthtml.common import Client,FastHTML,JSONResponse,Redirect,fast_app
from fastcore.xml import to_xml
from fastlite import database
from helpers import open_db

from tenant_tasks import *
from tenant_tasks.ui import _state

@task(name='ui.sync')
def sync(user_id=None, password=None): return dict(user=user_id)

@task(name='ui.broken')
def broken(password=None): raise ValueError(f'{password} is wrong')

htmx = {'hx-request':'true'}

class Place:
    "An app with two tenants, an operator and people who may read, act, or nothing"
    def __init__(self, folder):
        self.tenants = Tenants(folder, backoff=lambda n: 0)
        for o in ('acme','globex'): self.tenants.create(o)
        self.app,rt = fast_app(secret_key='x')
        @rt('/login', methods=['get'])
        def login(session, tenant:str='', may:str='', operator:str=''):
            session.clear()
            session.update(tenant=tenant, may=may, operator=operator)
            return 'welcome'
        @rt('/one/{job_id}', methods=['get'])
        def one(session, job_id:str): return self.tenants[session['tenant']].get_job(job_id)
        jobs_ui(self.app, lambda req: self.tenants[req.session['tenant']], lambda req: req.session.get('may'), secret=['iban'])
        operator_ui(self.app, self.tenants, lambda req: req.session.get('operator'))

    def client(self, **who):
        res = Client(self.app)
        res.get('/login', params=who)
        return res

    def job(self, tenant='acme', func=sync, **kw): return self.tenants[tenant].submit('sync', func, **kw)

@pytest.fixture
def place(tmp_path): return Place(tmp_path)

def token(client, url): return re.search(r'name="csrf" value="([^"]+)"', client.get(url).text)[1]

def everything(do, *ids, **kw): return dict(kw, do=do, shown=' '.join(ids), all='1')

def changing(job_id, prefix='/jobs'):
    "All routes that change something: path and form"
    return [(f'{prefix}/{job_id}/cancel', {}), (f'{prefix}/{job_id}/retry', {}), (f'{prefix}/bulk', dict(do='cancel', id=job_id)),
        (f'{prefix}/bulk', everything('cancel', job_id))]

def reading(job_id, prefix='/jobs'): return [prefix, f'{prefix}/{job_id}', f'{prefix}/{job_id}/card', f'{prefix}?status=failed&id={job_id}']

async def test_strangers_get_nothing(place):
    "Each page and each form of a tenant, asked for by the other tenant, by somebody without rights, and by somebody unknown"
    job_id,_ = place.job('acme', user_id='top-secret-user')
    crafted = place.client(tenant='globex', may='act')
    nobodys = [place.client(tenant='acme', may=''), place.client()]
    lost = crafted.get('/jobs/nobody')
    for client in nobodys:
        for path in reading(job_id):
            for headers in ({}, htmx):
                res = client.get(path, headers=headers)
                assert (res.status_code, res.text)==(404, lost.text), path
        for path,form in changing(job_id): assert client.post(path, data=form).status_code==404
    for path in reading(job_id)[1:3]: assert (crafted.get(path).status_code, crafted.get(path).text)==(404, lost.text)
    for path in ('/jobs', f'/jobs?id={job_id}'): assert not re.search(rf'href="/jobs/{job_id}|value="{job_id}" aria|top-secret', crafted.get(path).text)
    own,_ = place.job('globex')
    csrf = token(crafted, f'/jobs/{own}')
    for path,form in changing(job_id):
        res = crafted.post(path, data=dict(form, csrf=csrf))
        assert res.status_code==404, path
    assert place.tenants['acme'].get_job(job_id).status=='pending'

async def test_the_other_way_round(place):
    "A tenant that names the other tenant's operator page, prefix or file gets nothing, whatever it holds"
    job_id,_ = place.job('globex')
    ann = place.client(tenant='acme', may='act')
    own,_ = place.job('acme')
    csrf = token(ann, f'/jobs/{own}')
    paths = [p for base in ('/ops/globex', '/ops/acme', '/jobs/../ops/globex', '/jobs/globex', '/jobs/%2e%2e/globex') for p in reading(job_id, base)]
    for path in ['/ops', *paths]: assert ann.get(path).status_code==404, path
    for base in ('/ops/globex', '/ops/acme', '/jobs/globex'):
        for path,form in changing(job_id, base): assert ann.post(path, data=dict(form, csrf=csrf)).status_code in (404, 405), path
    for extra in (dict(tenant='globex'), dict(job_id=job_id), dict(manager='globex')):
        assert f'/jobs/{job_id}' not in ann.get('/jobs', params=extra).text
        assert ann.post(f'/jobs/{job_id}/cancel', data=dict(extra, csrf=csrf)).status_code==404
    assert place.tenants['globex'].get_job(job_id).status=='pending'

async def test_reading_is_not_acting(place):
    "Who may only read has no buttons, and a form of theirs is refused before any id is looked at"
    job_id,_ = place.job()
    rita,ann = place.client(tenant='acme', may='read'), place.client(tenant='acme', may='act')
    for path in reading(job_id)[:2]: assert rita.get(path).status_code==200 and 'csrf' not in rita.get(path).text
    csrf = token(ann, f'/jobs/{job_id}')
    answers = {(res.status_code, res.text) for o in (job_id, 'nobody') for path,form in changing(o) for res in [rita.post(path, data=dict(form, csrf=csrf))]}
    assert len(answers)==1 and answers.pop()[0]==403
    assert place.tenants['acme'].get_job(job_id).status=='pending'

async def test_token_is_the_sessions(place):
    "No token, an empty one, another session's, a file in its place: nothing changes; and a GET never does"
    job_id,_ = place.job()
    ann,ben = place.client(tenant='acme', may='act'), place.client(tenant='acme', may='act')
    csrf = token(ann, f'/jobs/{job_id}')
    for path,form in changing(job_id):
        for bad in ({}, dict(csrf=''), dict(csrf=token(ben, f'/jobs/{job_id}')), dict(csrf='ключ')):
            assert ann.post(path, data={**form, **bad}).status_code==403
        assert ann.post(path, data=form, files=dict(csrf=b'x')).status_code==403
        assert ann.get(path, params=dict(form, csrf=csrf)).status_code in (404, 405)
    assert place.tenants['acme'].get_job(job_id).status=='pending'
    assert ann.post(f'/jobs/{job_id}/cancel', data=dict(csrf=csrf), follow_redirects=False).status_code==303
    assert place.tenants['acme'].get_job(job_id).status=='cancelled'

async def test_everything_is_text(place):
    "A script in each text that a job can hold, on each page"
    evil = '"\'><script>alert(1)</script>&amp;'
    acme = place.tenants['acme']
    for status in ('pending','running','completed','failed','cancelled'):
        job = TenantJob(new_id(), evil, status, json.dumps({evil:[evil]}), json.dumps(evil), add_error(None, 1, utcnow(), evil), 1,
            created_at=timestamp(utcnow()), progress=.5, progress_note=evil, function=evil, unique_key=evil+status, owner=evil)
        acme.store.submit([job])
        for path in (f'/jobs/{job.id}', f'/jobs/{job.id}/card?seen='+evil, '/jobs', '/jobs?type='+evil.replace('&', '%26'), '/jobs?id='+evil, f'/one/{job.id}'):
            for headers in ({}, htmx):
                text = place.client(tenant='acme', may='act').get(path, headers=headers).text
                assert '<script>alert' not in text and 'alert(1)' in text or 'card' in path or 'id=' in path, path
                assert '<script>alert' not in text
    ops = place.client(operator='act').get('/ops/acme').text
    assert '<script>alert' not in ops

async def test_secrets_are_dots_everywhere(place):
    "In payload, error and result, by their look or by the app's list, deep inside, and where the app returns the job itself"
    acme = place.tenants['acme']
    job_id,_ = acme.submit('login', broken, 1, password='hunter42')
    await acme.drain()
    deep = TenantJob(new_id(), 'x', 'completed', json.dumps(dict(a=[dict(apiKey='s3cr3t-1')], iban='DE00-1234', monkey='visible')),
        json.dumps(dict(said='s3cr3t-1', token=['t0k3n-9'])), created_at=timestamp(utcnow()))
    acme.store.submit([deep])
    ann = place.client(tenant='acme', may='act')
    for o in (job_id, deep.id):
        for path in (f'/jobs/{o}', f'/jobs/{o}/card', f'/one/{o}', '/jobs'):
            text = ann.get(path, headers=htmx if 'card' in path else {}).text
            assert not [s for s in ('hunter42','s3cr3t-1','DE00-1234','t0k3n-9') if s in text], path
    assert 'visible' in ann.get(f'/jobs/{deep.id}').text

def test_redact_can_do_more_and_may_fail():
    "What `redact` takes away is gone; one that fails, or answers nonsense, shows no texts at all"
    job = TenantJob('1', 'x', 'completed', '{"a": "visible"}', '"visible"', 'visible', progress_note='visible')
    assert 'visible' in to_xml(JobDetails(job, View()))
    for redact in (lambda job: replace(job, payload=None, error_log=None, result=None, progress_note=None), lambda job: 1/0, lambda job: None):
        assert 'visible' not in to_xml((JobCard(job, View(redact=redact)), JobDetails(job, View(redact=redact))))

def test_unreadable_rows_are_shown_all_the_same():
    "Rows that somebody else wrote: no JSON, no times, states that nobody knows"
    odd = TenantJob('../x?y#z', '', 'weird', 'oops', 'oops', 'plain text', None, None, run_at='tomorrow', created_at='yesterday', started_at='x', completed_at='y')
    for status in (*statuses, 'weird', ''):
        o = replace(odd, status=status)
        assert 'oops' not in to_xml((JobCard(o), JobDetails(o), JobTable([o], View('/jobs', True, 't'), Query())))
    lone = TenantJob('1', 'x', 'completed', '{"a": "\\ud800"}', '"\\ud800"')
    to_xml((JobCard(lone), JobDetails(lone))).encode()

async def test_guards(tmp_path):
    "A guard may be async, may answer with a response of its own, and must not answer nonsense; none at all is an error at start"
    app,_ = fast_app(secret_key='x')
    manager = BackgroundTaskManager(open_db(str(tmp_path/'a.db')))
    said = {}
    async def guard(req): return said['may']
    async def manager_for(req): return said.get('manager', manager)
    jobs_ui(app, manager_for, guard)
    client = Client(app)
    for may,code in (('read', 200), ('act', 200), (None, 404), (False, 404), ('', 404), (JSONResponse({}, 418), 418)):
        said['may'] = may
        assert client.get('/jobs').status_code==code
    said['may'] = Redirect('/login')
    assert client.get('/jobs', follow_redirects=False).status_code==303 and client.get('/jobs', headers=htmx).headers['hx-redirect']=='/login'
    for nonsense in (True, 1, 'admin', object()):
        said['may'] = nonsense
        with pytest.raises(ValueError, match="guard answered"): client.get('/jobs')
    said.update(may='read', manager=None)
    assert client.get('/jobs').status_code==404
    said.update(manager='acme')
    with pytest.raises(TypeError, match="manager_for answered 'acme'"): client.get('/jobs')
    for bad in (dict(), dict(guard=None), dict(guard='admin')):
        with pytest.raises(TypeError, match='guard'): jobs_ui(app, manager_for, **bad)
        with pytest.raises(TypeError, match='guard'): operator_ui(app, str(tmp_path), **bad)
    for prefix in ('jobs', '/jobs/', '', None):
        with pytest.raises(ValueError, match='prefix'): jobs_ui(app, manager_for, guard, prefix)
    with pytest.raises(TypeError, match='app'): jobs_ui('app', manager_for, guard)

async def test_pages_without_sessions_say_so(manager):
    app = FastHTML(secret_key='x', sess_cls=None)
    jobs_ui(app, lambda req: manager, lambda req: 'act')
    with pytest.raises(RuntimeError, match='session'): Client(app).get('/jobs')

async def test_prefix_with_a_tenant_and_a_mounted_app(tmp_path):
    "Links lead where the app really is: under a path parameter, under a root path"
    from starlette.applications import Starlette
    from starlette.routing import Mount
    tenants = Tenants(tmp_path)
    app,rt = fast_app(secret_key='x')
    jobs_ui(app, lambda req: tenants[req.path_params['tenant']], lambda req: 'act', '/t/{tenant}/jobs')
    @rt('/t/{tenant}/go', methods=['get'])
    def go(tenant:str):
        job_id,bg_task = tenants[tenant].submit('sync', sync)
        return tenants[tenant].get_job(job_id), bg_task
    tenants.create('acme')
    outer = Client(Starlette(routes=[Mount('/app', app)]))
    card = outer.get('/app/t/acme/go', headers=htmx).text
    url = html.unescape(re.search('hx-get="([^"]+)"', card)[1])
    assert url.startswith('/app/t/acme/jobs/') and outer.get(url, headers=htmx).status_code==200
    assert 'href="/app/t/acme/jobs?' in outer.get('/app/t/acme/jobs').text
    for bad in ('hooli', '..%2Facme', '%00', 'a'*200): assert outer.get(f'/app/t/{bad}/jobs').status_code==404

async def test_card_answers_with_what_has_changed(place):
    "The live part while the state is the same, all of the body when it is another, and no more asking at the end"
    acme,ann = place.tenants['acme'],place.client(tenant='acme', may='act')
    job_id,_ = place.job()
    def card(**kw): return ann.get(f'/jobs/{job_id}/card', params=kw, headers=htmx)
    seen = _state(acme.get_job(job_id), View(act=True))
    same,first = card(seen=seen),card()
    assert 'hx-retarget' not in same.headers and f'id="job-{job_id}-live"' in same.text and 'button' not in same.text
    assert first.headers['hx-retarget']==f'#job-{job_id}-body' and 'hx-swap-oob="innerHTML"' in first.text and 'Cancel' in first.text
    await acme.drain()
    last = card(seen=seen)
    assert 'hx-retarget' in last.headers and 'hx-get' not in last.text and 'completed' in last.text
    assert ann.get(f'/jobs/{job_id}/card', follow_redirects=False).status_code==303

async def test_buttons(place):
    "Cancel and retry, with htmx and without, one by one and in bulk; what can't be done is said"
    acme,ann = place.tenants['acme'],place.client(tenant='acme', may='act')
    ids = [place.job(func=broken)[0] for _ in range(3)]
    csrf = token(ann, f'/jobs/{ids[0]}')
    res = ann.post(f'/jobs/{ids[0]}/cancel', data=dict(csrf=csrf), headers=htmx)
    assert res.status_code==200 and 'cancelled' in res.text and f'id="job-{ids[0]}-body"' in res.text
    ann.post('/jobs/bulk', data=dict(csrf=csrf, do='cancel', id=ids[1:]))
    assert acme.job_stats()['cancelled']==3
    res = ann.post('/jobs/bulk?status=cancelled', data=everything('retry', *ids, csrf=csrf), follow_redirects=False)
    assert (res.status_code, res.headers['location'])==(303, '/jobs?status=cancelled')
    jobs = acme.list_jobs()
    assert [(o.status, o.retry_count) for o in jobs]==[('failed', 3)]*3, 'retried jobs are run after the response'
    for how in (htmx, {}):
        res = ann.post(f'/jobs/{ids[0]}/cancel', data=dict(csrf=csrf), headers=how)
        assert res.status_code==(200 if how else 409) and 'is failed; allowed: pending or running' in res.text
    res = ann.post('/jobs/bulk', data=dict(csrf=csrf, do='cancel', id=ids))
    assert res.status_code==409 and '0 of 3 jobs done' in res.text
    for form in (dict(do='delete', id=ids), dict(id=ids), dict(do='cancel', id=['x']*1001)):
        assert ann.post('/jobs/bulk', data=dict(form, csrf=csrf)).status_code==400
    assert ann.post(f'/jobs/{ids[0]}/delete', data=dict(csrf=csrf)).status_code==404

def fill(path, n):
    "A table with `n` jobs, without `n` submits"
    manager = BackgroundTaskManager(open_db(path))
    manager.store.link.conn.execute("""WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n+1 FROM i WHERE n<?-1)
        INSERT INTO tenant_jobs (id, job_type, status, payload, created_at, started_at, completed_at)
        SELECT printf('%032x', n), 'type'||(n%7), CASE n%50 WHEN 0 THEN 'failed' WHEN 1 THEN 'pending' ELSE 'completed' END, '{}',
            '2026-11-23T12:00:00.000000+00:00', '2026-11-23T12:00:00.000000+00:00', CASE n%50 WHEN 1 THEN NULL ELSE '2026-11-23T12:00:01.000000+00:00' END FROM i""", (n,))
    return manager

def test_pages_walk_through_a_large_table_once(tmp_path):
    "Keyset pages: each job once, newest first, in each filter, while new ones come in; and no page scans or sorts the table"
    manager = fill(str(tmp_path/'big.db'), 30_000)
    for query,n in ((Query(size=500), 30_000), (Query(status='failed', size=100), 600), (Query(type='type3', status='failed', size=7), 86)):
        seen = []
        while query:
            jobs,query = query.jobs(manager.store)
            seen += [o.id for o in jobs]
            manager.submit('type3', sync)
        assert len(seen)==len(set(seen))==n and seen==sorted(seen, reverse=True)
    conn,sql = manager.store.link.conn,[]
    conn.exec_trace = lambda c,s,b: sql.append((s,b)) or True
    for q in (Query(), Query(below=500), Query(status='failed', below=500), Query(type='type3', status='failed', below=9), Query(id='0000')):
        q.jobs(manager.store)
    manager.store.types()
    manager.store.stats(10_000)
    conn.exec_trace = None
    plans = [[o[3] for o in conn.execute('EXPLAIN QUERY PLAN '+s, b)] for s,b in sql if 'SELECT' in s]
    assert [o for o in plans[0]]==['SCAN tenant_jobs'], 'the newest page reads the table from its end'
    assert not [o for plan in plans[1:] for o in plan if 'TEMP B-TREE' in o or o=='SCAN tenant_jobs'], plans

def test_a_page_of_a_large_table_costs_what_one_of_a_small_table_does(tmp_path):
    "SQLite counts its own steps: the same for both, so no clock is needed"
    steps = {}
    for n in (5_000, 200_000):
        store = fill(str(tmp_path/f'{n}.db'), n).store
        for q in (Query(), Query(status='failed'), Query(type='type3', below=n//2), Query(id=f'{n//2:032x}'[:30])):
            def count():
                steps[n,str(q)[:6]] = steps.get((n,str(q)[:6]), 0)+1
                return False
            store.link.conn.set_progress_handler(count, 10)
            q.jobs(store)
            store.types()
            store.link.conn.set_progress_handler(None, 0)
    for _,q in {k for k in steps}: assert steps[200_000,q]<1.2*steps[5_000,q]+20, (q, steps)

def test_operator_sees_the_worst_first(tmp_path):
    "Many tenants, some failed, some late, one broken, one that comes and one that goes; a look reads only what has changed"
    tenants = Tenants(tmp_path)
    for i in range(30): tenants.create(f't{i:02}').submit('sync', sync)
    for o,n in (('t07', 3), ('t11', 1)):
        for _ in range(n):
            job = tenants[o].store.claim(tenants[o].submit('sync', sync, 1)[0], 'p', utcnow())
            tenants[o].store.settle(job, 'fail', utcnow())
    overview = Overview(tenants)
    assert [o.name for o in overview.look(30)][:3]==['t07', 't11', 't00']
    time.sleep(.1)
    overview.look(30)
    asked = []
    glance = Overview._health
    overview._health = lambda name: asked.append(name) or glance(overview, name)
    tenants['t20'].submit('sync', sync)
    (tmp_path/'broken.db').write_text('no database '*200)
    (tmp_path/'t29.db').unlink()
    names = [o.name for o in overview.look(30)]
    assert names[0]=='broken' and 't29' not in names and set(asked)<={'t20','broken','t29'} and 't20' in asked
    (tmp_path/'broken.db').unlink()
    tenants.create('broken')
    assert overview.look(30)[-1].error==''
    few = Overview(tenants)
    few.look(0)
    assert len(few.known)+len(few.todo)==30

async def test_operator_pages(tmp_path):
    "Any mapping of databases, more tenants than a page holds, a search, and the way into a tenant and back"
    dbs = {f'n{i:03}':database(':memory:') for i in range(120)}
    for o in ('n005', 'n119'): BackgroundTaskManager(dbs[o]).submit('sync', sync)
    app,_ = fast_app(secret_key='x')
    pages = operator_ui(app, dbs, lambda req: 'act')
    pages.overview.look(30)
    client = Client(app)
    links = lambda url: re.findall(r'href="/ops/(\w+)"', client.get(url).text)
    assert links('/ops')[:2]==['n005','n119'] and len(links('/ops'))==100 and len(links('/ops?page=1'))==20
    assert links('/ops?name=N11')==['n119', *[f'n11{i}' for i in range(9)]]
    inside = client.get('/ops/n005')
    assert 'href="/ops"' in inside.text and 'Jobs of n005' in inside.text
    job = BackgroundTaskManager(dbs['n005']).list_jobs()[0]
    assert client.get(f'/ops/n005/{job.id}').status_code==200 and client.get(f'/ops/n006/{job.id}').status_code==404
    client.post(f'/ops/n005/{job.id}/cancel', data=dict(csrf=token(client, f'/ops/n005/{job.id}')))
    assert BackgroundTaskManager(dbs['n005']).get_job(job.id).status=='cancelled'
    assert client.get('/ops/nobody').status_code==404

async def test_a_broken_database_is_a_503_and_tells_no_path(place, tmp_path):
    for o in tmp_path.glob('acme.db*'): o.unlink()
    (tmp_path/'acme.db').write_bytes(b'no database '*200)
    ann = place.client(tenant='acme', may='act')
    res = ann.get('/jobs')
    assert res.status_code==503 and str(tmp_path) not in res.text
