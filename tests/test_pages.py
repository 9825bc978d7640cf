"The pages as hostile and as ordinary clients meet them: who sees what, and who may change what"
import html,re
from itertools import product

import apsw,pytest
from fasthtml.common import A,Beforeware,Client,FastHTML,JSONResponse,P,Redirect,Titled,fast_app
from helpers import command,delete_db,until,write_lock
from starlette.applications import Starlette
from starlette.routing import Mount
from web import Guarded

from tenant_tasks import *
from tenant_tasks.web.pages import health_route

@task(name='pages.sync')
def sync(user_id=None, iban=None): return dict(user=user_id)

@task(name='ops.vacuum')
def vacuum(full=False): raise ValueError('vacuum of the operator')

@task(name='pages.broken')
def broken(password=None): raise ValueError(f'{password} is wrong')

htmx = {'hx-request':'true'}
script = {'tt-live':'1'} # What the script of the pages sends

class Site(Guarded):
    def job(self, tenant='acme', func=sync, **kw): return self.tenants[tenant].submit('sync', func, **kw)

@pytest.fixture
def site(tmp_path): return Site(tmp_path)

def token(client, url): return re.search(r'name="csrf" value="([^"]+)"', client.get(url).text)[1]

def everything(do, *ids, **kw): return dict(kw, do=do, shown=' '.join(ids), all='1')

def changing(job_id):
    "All routes that change a job: path and form"
    buttons = [(f'/jobs/{job_id}/{o}', {}) for o in ('cancel','retry','restart','run')]
    return [*buttons, ('/jobs/bulk', dict(do='cancel', id=job_id)), ('/jobs/bulk', everything('cancel', job_id))]

# All routes that change something else of a tenant
acting = [('/jobs/all?status=pending', dict(do='cancel', sure='1')), ('/jobs/pause', {}), ('/jobs/resume', {}),
    *[(f'/jobs/~schedules/{o}', dict(name='report', sure='1')) for o in ('run', 'pause', 'resume', 'redeclare')]]

def unchanged(manager, job_id):
    "Is a tenant with one job and one schedule as it was?"
    job, = manager.list_jobs()
    paused = manager.pauses() or manager.get_schedule('report').paused
    return (job.id, job.status)==(job_id, 'pending') and not paused

def changes(job_id, prefix='/jobs'):
    return f'{prefix}/~live?p=job:{job_id}%20&p=details:{job_id}%20&p=page:{job_id}%20&p=log:{job_id}%20'

def reading(job_id, prefix='/jobs'):
    "All routes that show something: the list, the job, what has changed in its card, a filtered list, other pages"
    panels = [f'{prefix}/~{o}' for o in ('numbers','schedules','limits','batches')]
    return [prefix, f'{prefix}/{job_id}', changes(job_id, prefix), f'{prefix}?status=failed&id={job_id}', *panels]

async def test_strangers_get_nothing(site):
    "Each page and form of a tenant, asked for by the other tenant, a visitor without rights, and one without a login"
    job_id,_ = site.job('acme', user_id='top-secret-user')
    site.tenants['acme'].schedule('report', sync, every=3600)
    other = site.client(tenant='globex', may='act')
    lost = other.get('/jobs/unknown')
    for client in (site.client(tenant='acme', may=''), site.client()):
        for path,headers in product(reading(job_id), ({}, htmx)):
            res = client.get(path, headers=headers)
            assert (res.status_code, res.text)==(404, lost.text), path
        for path,form in (*changing(job_id), *acting): assert client.post(path, data=form).status_code==404
    assert (other.get(f'/jobs/{job_id}').status_code, other.get(f'/jobs/{job_id}').text)==(404, lost.text)
    assert other.get(changes(job_id)).text==other.get(changes('unknown')).text.replace('unknown', job_id)
    for path in ('/jobs', f'/jobs?id={job_id}', '/jobs/~schedules'):
        text = other.get(path).text
        assert not re.search(rf'href="/jobs/{job_id}|value="{job_id}" aria|top-secret|type=report', text)
    csrf = token(other, f'/jobs/{site.job("globex")[0]}')
    for path,form in changing(job_id): assert other.post(path, data=dict(form, csrf=csrf)).status_code==404, path
    for path,form in acting: other.post(path, data=dict(form, csrf=csrf))
    assert unchanged(site.tenants['acme'], job_id)

async def test_jobs_of_the_operator_are_not_visible(tmp_path):
    "On no page of customers and in no answer to the script; no button finds them, those for all jobs leave them out"
    acme = Tenants(tmp_path, backoff=lambda n: 0).create('acme')
    app,_ = fast_app(secret_key='x')
    jobs_ui(app, lambda req: acme, lambda req: 'act', visible=lambda job: not job.task.startswith('ops.'))
    jobs_ui(app, lambda req: acme, lambda req: 'act', '/failing', visible=lambda job: job.no_such_field)
    for o in (vacuum, broken): acme.submit(o.__name__, o, 1)
    acme.submit_many('vacuum', vacuum, [{}], 1)
    await acme.drain()
    acme.schedule('vacuum', vacuum, every=3600)
    acme.pause('vacuum')
    hidden,mine = acme.submit('vacuum', vacuum)[0],acme.submit('sync', sync)[0]
    ann = Client(app)
    csrf = token(ann, f'/jobs/{mine}')
    kinds = 'list','failures','times','schedules','queues','batches','pauses'
    live = '/jobs/~live?'+'&'.join(f'p={o}:%20' for o in kinds)
    for path in ('/jobs', *reading(hidden)[-4:], live): assert 'vacuum' not in ann.get(path).text, path
    queries = 'status=failed','type=vacuum','text=vacuum',f'id={hidden[:8]}'
    for path in (*[f'/jobs?{o}' for o in queries], changes(hidden)):
        assert 'vacuum of' not in (text := ann.get(path).text) and f'{hidden}"' not in text, path
    assert re.search(r'Pending<span[^>]*>\s*1<', re.sub(r'>\s+', '>', ann.get('/jobs?status=pending').text))
    for path in (f'/jobs/{hidden}', f'/failing/{mine}'): assert ann.get(path).status_code==404
    assert mine in ann.get('/jobs').text and mine not in ann.get('/failing').text
    both = '/jobs/bulk',everything('cancel', mine, hidden)
    for path,form in (*changing(hidden), both, ('/jobs/resume', dict(job_type='vacuum'))):
        assert ann.post(path, data=dict(form, csrf=csrf)).status_code==404, path
    for o in ('run', 'pause'):
        res = ann.post(f'/jobs/~schedules/{o}', data=dict(name='vacuum', csrf=csrf), headers=script)
        assert 'no such schedule' in res.text
    ann.post('/jobs/all?status=pending', data=dict(do='cancel', sure='1', csrf=csrf))
    assert (acme.get_job(hidden).status, acme.get_job(mine).status)==('pending', 'cancelled')
    assert acme.pauses() and not acme.get_schedule('vacuum').paused

async def test_reading_is_not_acting(site):
    "A viewer who may only read has no buttons, and their form is refused before any id is looked at"
    job_id,_ = site.job()
    site.tenants['acme'].schedule('report', sync, every=3600)
    rita,ann = site.client(tenant='acme', may='read'),site.client(tenant='acme', may='act')
    for path in reading(job_id):
        res = rita.get(path)
        assert res.status_code==200 and 'csrf' not in res.text and 'method="post"' not in res.text
        assert (res.headers['cache-control'], res.headers['x-frame-options'])==('no-store', 'SAMEORIGIN'), path
    csrf = token(ann, f'/jobs/{job_id}')
    forms = *changing(job_id),*changing('unknown'),*acting
    answers = {(o.status_code, o.text) for o in [rita.post(path, data=dict(form, csrf=csrf)) for path,form in forms]}
    assert len(answers)==1 and answers.pop()[0]==403
    site.may = 'read'
    assert ann.post(f'/jobs/{job_id}/cancel', data=dict(csrf=csrf)).status_code==403, 'the token alone is not enough'
    assert unchanged(site.tenants['acme'], job_id)

async def test_token_is_the_sessions(site):
    "No token, an empty one, another session's, a file in its place: nothing changes; and a GET never does"
    job_id,_ = site.job()
    site.tenants['acme'].schedule('report', sync, every=3600)
    ann,ben = site.client(tenant='acme', may='act'),site.client(tenant='acme', may='act')
    csrf = token(ann, f'/jobs/{job_id}')
    for path,form in (*changing(job_id), *acting):
        for bad in ({}, dict(csrf=''), dict(csrf=token(ben, f'/jobs/{job_id}')), dict(csrf='ключ')):
            assert ann.post(path, data={**form, **bad}).status_code==403
        assert ann.post(path, data=form, files=dict(csrf=b'x')).status_code==403
        assert ann.get(path, params=dict(form, csrf=csrf)).status_code in (404, 405)
    assert unchanged(site.tenants['acme'], job_id)
    assert ann.post(f'/jobs/{job_id}/cancel', data=dict(csrf=csrf), follow_redirects=False).status_code==303
    assert site.tenants['acme'].get_job(job_id).status=='cancelled'

async def test_guards(manager):
    "A guard may be async, may return a response, and must not return nonsense; none at all is an error at start"
    app,_ = fast_app(secret_key='x')
    said = {}
    async def guard(req): return said['may']
    async def manager_for(req): return said.get('manager', manager)
    jobs_ui(app, manager_for, guard)
    client = Client(app)
    for may,code in (('read', 200), ('act', 200), (None, 404), (False, 404), ('', 404), (JSONResponse({}, 418), 418)):
        said['may'] = may
        assert client.get('/jobs').status_code==code
    said['may'] = Redirect('/login')
    assert client.get('/jobs', follow_redirects=False).status_code==303
    assert client.get('/jobs', headers=htmx).headers['hx-redirect']=='/login'
    said['may'] = True
    with pytest.raises(ValueError, match="`guard` must return"): client.get('/jobs')
    said.update(may='read', manager='acme')
    with pytest.raises(TypeError, match="`manager_for` must return .*, got 'acme'"): client.get('/jobs')
    for bad in (dict(), dict(guard=None), dict(guard='admin')):
        with pytest.raises(TypeError, match='guard'): jobs_ui(app, manager_for, **bad)
        with pytest.raises(TypeError, match='guard'): operator_ui(app, {}, **bad)
    for o in ('jobs', '/jobs/', '', None, '/a b', '/jobs?x', '/{}', '/{a', '/a%20b', '/jobs//x', '/é', '/jobs'):
        with pytest.raises(ValueError, match='prefix'): jobs_ui(app, manager_for, guard, o)
    with pytest.raises(TypeError, match='app'): jobs_ui('app', manager_for, guard)
    bare = FastHTML(secret_key='x', sess_cls=None)
    jobs_ui(bare, lambda req: manager, lambda req: 'act')
    with pytest.raises(RuntimeError, match='session'): Client(bare).get('/jobs')

async def test_prefix_with_a_tenant_and_a_mounted_app(tmp_path):
    "Links lead where the app really is: under a path parameter, under a root path"
    tenants = Tenants(tmp_path)
    app,rt = fast_app(secret_key='x')
    jobs_ui(app, lambda req: tenants[req.path_params['tenant']], lambda req: 'act', '/t/{tenant}/jobs')
    @rt('/t/{tenant}/go', methods=['get'])
    def go(tenant:str):
        job_id,bg_task = tenants[tenant].submit('sync', sync)
        return tenants[tenant].get_job(job_id), bg_task
    @rt('/about', methods=['get'])
    def about(): return P('no tenant here')
    tenants.create('acme')
    outer = Client(Starlette(routes=[Mount('/app', app)]))
    url = re.search('data-tt-url="([^"]+)"', outer.get('/app/t/acme/go', headers=htmx).text)[1]
    assert url=='/app/t/acme/jobs/~live' and outer.get(url).status_code==204
    files = re.findall('(?:href|src)="(/app/t/jobs/~[^"]+)"', outer.get('/app/about').text)
    assert [outer.get(o).headers['content-type'].split(';')[0] for o in files]==['text/css', 'text/javascript']
    assert 'href="/app/t/acme/jobs?' in outer.get('/app/t/acme/jobs').text
    for bad in ('hooli', '..%2Facme', '%00', 'a'*200): assert outer.get(f'/app/t/{bad}/jobs').status_code==404

async def test_files_and_health_are_there_before_a_login(manager):
    "The app's beforeware sends strangers to the login, and its routes take every path that comes after"
    app,rt = fast_app(before=Beforeware(lambda session: Redirect('/login'), skip=['/login']))
    @rt('/login', methods=['get'])
    def login(): return Titled('Log in')
    @rt('/{path:path}', methods=['get'])
    def other(path:str): return path
    jobs_ui(app, lambda req: manager, lambda req: 'act')
    health_route(app, {'acme': manager.store.link.path})
    eve = Client(app)
    files = re.findall('(?:href|src)="(/jobs/~[^"]+)"', eve.get('/login').text)
    found = [eve.get(o, follow_redirects=False) for o in files]
    assert [o.headers['content-type'].split(';')[0] for o in found]==['text/css', 'text/javascript']
    assert eve.get('/ops/health').json()==dict(ok=True)
    assert eve.get('/jobs', follow_redirects=False).status_code==303

async def test_a_page_gets_what_has_changed(site):
    "Nothing while the row is the same, the card when it is another, and no more asking at the end"
    acme,ann = site.tenants['acme'],site.client(tenant='acme', may='act')
    job_id,_ = site.job()
    page = ann.get(f'/one/{job_id}').text
    def tokens(text): return re.findall('data-tt-part="([^"]+)".*? data-tt-token="([^"]+)"', text)
    def ask(have, **kw): return ann.get('/jobs/~live', params=[('p', ' '.join(o)) for o in have]+[*kw.items()])
    assert len(tokens(page))==1 and 'Cancel' in page, 'the card has its button from the start'
    same = ask(tokens(page))
    assert (same.status_code, same.text)==(204, '')
    await acme.drain()
    last = ask(tokens(page))
    assert last.status_code==200 and 'completed' in last.text and 'data-tt-every' not in last.text
    assert last.text.count('<section')==1
    assert ask(tokens(last.text)).status_code==204
    assert 'can no longer be followed' in ask([('job:unknown', 'x')]).text
    assert ask([('weird:1', 'x'), ('', '')]).status_code==204

async def test_buttons(site):
    "By the script and without, one by one and in bulk, where a page asks first; what can't be done is said"
    acme,ann = site.tenants['acme'],site.client(tenant='acme', may='act')
    ids = [site.job(func=broken)[0] for _ in range(14)]
    csrf = token(ann, '/jobs')
    def post(path, headers={}, **form):
        return ann.post(f'/jobs/{path}', data=dict(form, csrf=csrf), headers=headers, follow_redirects=True)
    def bulk(do='cancel', headers={}, **kw): return post('bulk?status=pending', headers, do=do, **kw)
    assert post(f'{ids[0]}/cancel', script).status_code==204
    res = bulk()
    assert str(res.url).endswith('/jobs?status=pending') and res.history[0].status_code==303
    assert 'No jobs are selected' in res.text and 'No jobs are' not in ann.get('/jobs').text
    assert bulk(headers=script).status_code==409
    assert 'Cancel 13 jobs?' in bulk(id=ids[1:]).text and bulk(id=ids[1:], headers=script).status_code==428
    assert acme.job_stats()['pending']==13
    assert '13 jobs cancelled.' in bulk(id=ids[1:], sure='1').text and acme.job_stats()['cancelled']==14
    done,_ = site.job()
    await acme.drain()
    said = '1 job cancelled. 1 job left unchanged: a job must be pending or running'
    assert said in html.unescape(bulk(id=[site.job()[0], done]).text)
    assert bulk('retry', script, id=ids[:3]).text=='3 jobs retried.'
    retried = acme.list_jobs(status='failed')
    assert [(o.status, o.retry_count) for o in retried]==[('failed', 3)]*3, 'run after the response'
    refusal = f'a job must be pending or running to be cancelled, and job {ids[0]} is failed'
    for how,status in ((script, 409), ({}, 200)):
        res = post(f'{ids[0]}/cancel', how)
        assert res.status_code==status and refusal in res.text and how.keys()<={*res.headers}
        assert ('<' in res.text)!=bool(how), 'the script gets the words alone'
    many = dict(id=['x']*1001),everything('cancel', *['x']*1001)
    assert [bulk(**o).status_code for o in (dict(do='delete', id=ids), dict(do='', id=ids), *many)]==[400]*4
    assert post(f'{ids[0]}/delete').status_code==404

async def test_functions_of_the_app_that_fail(manager, caplog):
    "A clean 500, with the reason in the log alone; a card on the app's own page is shown without buttons"
    job_id,_ = manager.submit('sync', sync)
    def fails(req): raise RuntimeError('the table of users is gone')
    def acme(req): return manager
    async def async_fails(req): fails(req)
    for manager_for,guard in ((fails, lambda req: 'act'), (acme, fails), (acme, async_fails)):
        app,rt = fast_app(secret_key='x')
        @rt('/one', methods=['get'])
        def one(): return manager.get_job(job_id)
        jobs_ui(app, manager_for, guard)
        client = Client(app)
        caplog.clear()
        res,card = client.get('/jobs'),client.get('/one').text
        assert res.status_code==500 and 'gone' not in res.text and 'gone' in caplog.text
        assert f'job-{job_id}' in card and ('<button' in card)==(guard not in (fails, async_fails))

async def test_an_app_shows_results_and_is_linked_back_to(manager, caplog):
    "Whatever `render` returns, for completed jobs alone; JSON where it returns nothing or fails"
    def render(job):
        if job.kwargs['user_id']=='fails': raise ValueError(job.id)
        return A('Download', href=f'/files/{job.value["user"]}') if job.kwargs['user_id']=='ann' else None
    app,_ = fast_app(secret_key='x')
    jobs_ui(app, lambda req: manager, lambda req: 'act', home='/start', render=render)
    ids = [manager.submit('sync', sync, user_id=o)[0] for o in ('ann', 'bob', 'fails')]
    client = Client(Starlette(routes=[Mount('/app', app)]))
    def shown(): return [client.get(f'/app/jobs/{o}').text for o in ids]
    assert not any('Download' in o for o in shown())
    await manager.drain()
    assert ['href="/files/ann"' in o for o in shown()]==[True, False, False]
    assert ['>Result<' in o for o in shown()]==[False, True, True] and 'rendering the result' in caplog.text
    for o in (*shown(), client.get('/app/jobs').text): assert 'href="/app/start"' in o

async def test_customers_see_no_code(site):
    "Operators do, in the traceback of a failed job; and a card has buttons from the start, as its viewer's rights say"
    job_id,_ = site.job(func=broken)
    def buttons(may):
        return re.findall('/(cancel|retry)"', site.client(tenant='acme', may=may).get(f'/one/{job_id}').text)
    assert [buttons(o) for o in ('act', 'read', '')]==[['cancel'], [], []]
    await site.tenants['acme'].drain()
    assert [buttons(o) for o in ('act', 'read', '')]==[['retry'], [], []]
    ann,olga = site.client(tenant='acme', may='act').get(f'/jobs/{job_id}').text,site.client(operator='act')
    for o in ('in broken', 'None is wrong'): assert o in ann
    assert 'raise ValueError' not in ann and 'raise ValueError' in olga.get(f'/ops/acme/jobs/{job_id}').text

async def test_a_database_that_is_locked_or_broken(site, tmp_path):
    "Cancel, retry and the list say so, without its path; the page of all tenants goes on with what it knew"
    job_id,_ = site.job()
    ann,olga = site.client(tenant='acme', may='act'),site.client(operator='act')
    csrf = token(ann, f'/jobs/{job_id}')
    assert 'href="/ops/acme/jobs"' in olga.get('/ops').text
    with write_lock(tmp_path/'acme.db'):
        for how in (script, {}): # Neither waits for the end of the lock
            res = ann.post(f'/jobs/{job_id}/cancel', data=dict(csrf=csrf), headers=how)
            assert res.status_code==503 and 'busy' in res.text and 'try again' in res.text
        assert res.headers['retry-after']=='1'
        assert ann.get('/jobs').status_code==200, 'reading goes on'
    assert site.tenants['acme'].get_job(job_id).status=='pending'
    conn = apsw.Connection(str(tmp_path/'hooli.db'))
    for o in ('CREATE TABLE own (id)', 'PRAGMA journal_mode=DELETE', 'BEGIN EXCLUSIVE'): list(conn.execute(o))
    await until(lambda: 'not read yet' in olga.get('/ops').text) # A page has a moment to read them
    assert olga.get('/ops/hooli/jobs').status_code==503
    conn.close()
    delete_db(tmp_path/'acme.db')
    (tmp_path/'acme.db').write_bytes(b'no database '*200)
    res = ann.get('/jobs?status=failed')
    assert res.status_code==503 and str(tmp_path) not in res.text

def test_a_title_is_seen_instead_of_the_type(site, tmp_path):
    "On card, list and page, in the tab and in a terminal; the list finds it, and a secret of the app's list is masked"
    acme = site.tenants['acme'].using(title='Contacts of Ann, hunter42')
    job_id,_ = acme.submit('sync', sync, iban='hunter42')
    ann = site.client(tenant='acme', may='act')
    page = ann.get(f'/jobs/{job_id}').text
    assert '<dt>Type</dt>' in re.sub(r'\s', '', page)
    assert 'Contacts of Ann' in re.search('<title>(.*?)</title>', page)[1]
    for text in (page, *[ann.get(o).text for o in (f'/one/{job_id}', '/jobs?text=contacts', changes(job_id))]):
        assert 'Contacts of Ann, ••••••' in html.unescape(text) and 'hunter42' not in text
        assert 'aria-label="Cancel sync"' not in text
    assert 'No jobs' in ann.get('/jobs?text=bob').text and 'Contacts of Ann' in command('ls', tmp_path).out
