"All routes of all pages under attack: found in the app itself, so a new route is attacked from its first day"
import json,re
from datetime import timedelta
from html.parser import HTMLParser
from itertools import product

import pytest
from fasthtml.common import Client
from fastlite import database
from web import Guarded

from tenant_tasks import TenantJob,statuses,task
from tenant_tasks.jobs.job import final_statuses,utcnow,timestamp,new_id
from tenant_tasks.jobs.history import add_error

@task(name='attacks.sync')
def sync(**kw): return kw

@task(name='attacks.broken', max_retries=1)
def broken(**kw): raise ValueError(f'no such thing: {kw}')

pytestmark = pytest.mark.slow # Each promise has a test of its own in test_pages

methods = 'GET','HEAD','POST','PUT','PATCH','DELETE','OPTIONS','TRACE','PROPFIND'
marks = dict(acme='acme-canary-7316', globex='globex-canary-9042')

class Site(Guarded):
    "Two tenants with jobs of all kinds, behind pages of their own and an operator's"
    def __init__(self, folder):
        super().__init__(folder)
        self.ids = {o:self.fill(self.tenants[o], marks[o]) for o in marks}

    def fill(self, manager, mark):
        "Jobs in each state, a batch, a schedule and a pause, all of which name the tenant: the ids"
        ids = [manager.submit(f'sync {mark}', sync, mark=mark)[0] for _ in range(3)]
        ids += [manager.using(delay=3600).submit('later', sync, mark=mark)[0]]
        ids += [o for o,_ in manager.submit_many('member', sync, [dict(mark=mark)]*2, then=sync,
            then_kwargs=dict(mark=mark))]
        failed,cancelled = manager.submit('broken', broken, 1, mark=mark)[0],manager.submit('sync', sync, mark=mark)[0]
        manager.cancel_job(cancelled)
        while (a := manager.claim(failed)): a.call(), a.settle()
        manager.schedule('nightly', sync, every=timedelta(days=1), mark=mark)
        manager.pause('later', reason=mark)
        return [*ids, failed, cancelled]

    def routes(self):
        "Path and the methods that it has, for each route of the pages"
        for o in [o for o in self.app.routes if id(o) not in self.own]: yield o.path,set(o.methods or ())

    def paths(self, tenant, job_id):
        "The address of each route, for a tenant and a job"
        for path,has in self.routes():
            vals = dict(tenant=tenant, job_id=job_id)
            yield re.sub(r'{(\w+)[^}]*}', lambda m: vals.get(m[1], 'nightly'), path),has

    async def client(self, **session):
        res = Client(self.app).cli
        await res.get('/login', params=session)
        return res

    def state(self):
        "All that is in the databases, but for the time of a heartbeat"
        def rows(db, table): return sorted(map(repr, db.q(f'SELECT * FROM {table}')))
        res = {}
        for o in marks:
            db = database(self.tenants.file(o))
            found = db.q("SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%'")
            res[o] = {r['name']:rows(db, r['name']) for r in found}
        return res

@pytest.fixture
def site(tmp_path): return Site(tmp_path)

async def token(client, path='/jobs'):
    found = re.search(r'name="csrf" value="([^"]+)"', (await client.get(path)).text)
    return found and found[1]

def send(client, method, path, form):
    "Send a form as a browser does"
    kw = dict(data=form) if method in ('POST', 'PUT', 'PATCH') else dict(params=form)
    return client.request(method, path, follow_redirects=False, **kw)

def form(site, tenant, **kw):
    return dict(kw, do='cancel', id=site.ids[tenant][0], all='1', shown=' '.join(site.ids[tenant]), sure='1')

async def test_only_those_who_may_change_anything(site):
    "Each route, method, visitor and token: no error of the server, no word of another tenant, and no row is touched"
    ann,ben = [await site.client(tenant='acme', may='act') for _ in range(2)]
    rita,op_reader = await site.client(tenant='acme', may='read'),await site.client(operator='read')
    good = await token(ann)
    assert good
    visitors = dict( # chkstyle: ignore-node
        stranger=(await site.client(), good, 'none'), guest=(await site.client(tenant='acme'), good, 'none'),
        reader=(rita, good, 'acme'), operator_reader=(op_reader, good, 'all'), no_token=(ann, None, 'acme'),
        empty=(ann, '', 'acme'), foreign=(ann, await token(ben), 'acme'), odd=(ann, 'ключ\x00', 'acme'))
    before = site.state()
    for name,(client,csrf,sees) in visitors.items():
        hidden = [v for k,v in marks.items() if sees not in (k, 'all')]
        for tenant,method in product(marks, methods if name=='foreign' else ('GET','POST')):
            sent = form(site, tenant) if csrf is None else form(site, tenant, csrf=csrf)
            for path,_ in site.paths(tenant, site.ids[tenant][0]):
                res = await send(client, method, path, sent)
                case = name,method,path,res.status_code
                assert res.status_code<500, case
                if sees=='none' and '-css' not in path and '-js' not in path: assert res.status_code in (404, 405), case
                if method not in ('GET','HEAD','OPTIONS'): assert res.status_code>=400, case
                assert not [o for o in hidden if o in res.text], case
    assert site.state()==before

async def test_a_token_opens_ones_own_tenant_and_no_other(site):
    "Ann may act in acme: with her token she sends each form to each address that names globex, or a job of it"
    ann,before = await site.client(tenant='acme', may='act'),site.state()['globex']
    csrf = await token(ann)
    for job_id in site.ids['globex']:
        own = dict(tenant='globex', job_id=job_id, batch=job_id, like=job_id, next='//evil.example')
        for path,has in [*site.paths('globex', job_id), *site.paths('acme', job_id)]:
            for method in has & {'GET','POST'}:
                res = await send(ann, method, path, dict(form(site, 'globex', csrf=csrf), **own))
                assert res.status_code<500 and marks['globex'] not in res.text, (method, path)
                assert not re.match('(https?:)?//', res.headers.get('location', '')), (method, path)
    assert site.state()['globex']==before

odd_texts = ['', ' ', "' OR 1=1 --", '%', '%00', '\x00', '../../etc/passwd', '..%2f..%2fglobex', 'globex', '~live',
    '9'*300, '-1', 'é'*300, '<script>alert(1)</script>', '{{7*7}}', '\ud83d', 'a\r\nset-cookie: x=1', '∞', 'NaN',
    '1e309', "x' UNION SELECT payload FROM tenant_jobs --"]

async def test_odd_parameters_and_paths(site):
    "In each place of each address, and in each parameter and field that the pages know: an answer, and nothing else"
    ann,op = await site.client(tenant='acme', may='act'),await site.client(operator='act')
    csrf,op_csrf = await token(ann),await token(op, '/ops/acme/jobs')
    pages = ''.join([(await ann.get(o)).text for o in ('/jobs', f"/jobs/{site.ids['acme'][0]}")])
    names = {*re.findall(r'name="(\w+)"', pages), *'below like batch page sort p v status'.split()}-{'csrf'}
    before = site.state()
    for (path,has),odd in product(site.routes(), odd_texts):
        odd = odd.encode('utf-8', 'surrogatepass').decode('utf-8', 'replace')
        quoted = odd.replace('/', '%2f').replace('\x00', '%00').replace('\r\n', '%0d%0a')
        client,own = (op, op_csrf) if path.startswith('/ops') else (ann, csrf)
        for url in {re.sub(r'{\w+[^}]*}', lambda m: o, path) for o in ('acme', quoted)}:
            sent = {o:odd for o in names}
            if 'GET' in has: res = await send(client, 'GET', url, sent)
            else: res = await send(client, 'POST', url, dict(sent, csrf=own, do=odd))
            assert res.status_code<500, (url, odd, res.status_code)
            if path.startswith('/ops'): continue
            assert 'set-cookie: x=1' not in str(res.headers).lower() and marks['globex'] not in res.text, (url, odd)
    now = site.state()
    for o in marks: assert now[o]['tenant_jobs']==before[o]['tenant_jobs']

class Tags(HTMLParser):
    "What a browser would make of a page: its elements and attributes"
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)
    def handle_starttag(self, tag, attrs): self.found.append((tag, dict(attrs)))

evil = '''javascript:alert(1)<script>alert(1)</script>"'><img src=x onerror=alert(1)></pre></textarea></title>'''
evil += '<svg onload=alert(1)>&lt;img&gt;'

async def test_texts_stay_texts(site):
    "In each column of a job, a step, its log, a pause, a schedule and a batch; on each page, and in each part of one"
    manager,at = site.tenants['acme'],timestamp(utcnow())
    own = {o:evil for o in ('progress_note', 'function', 'owner', 'schedule')} | dict(created_at=at, progress=.5)
    for i,s in enumerate(statuses):
        ended = at if s in final_statuses else None
        job = TenantJob(new_id(), evil, s, json.dumps({evil:evil}), json.dumps({evil:[evil]}),
            add_error(None, 1, utcnow(), evil), 1, unique_key=f'{evil}{i}', started_at=ended, completed_at=ended, **own)
        manager.store.submit([job])
        for sql,args in (('INSERT INTO tenant_steps VALUES (?,?,?,?,?,?)', (evil, 'step', at, 'c', json.dumps(evil))),
            ('INSERT INTO tenant_job_log VALUES (?,?,?,?,?)', (1, 1, at, evil))):
            manager.store.write(lambda conn: conn.execute(sql, (job.id, *args)))
    manager.pause(evil, reason=evil)
    manager.schedule(evil, sync, every=60, text=evil)
    clients,texts = [await site.client(tenant='acme', may='act'), await site.client(operator='act')],[]
    for client,job in product(clients, manager.list_jobs(evil)):
        parts = [f'{o}:{job.id}' for o in ('job', 'page', 'details', 'log')]
        parts += [f'{o}:' for o in ('list', 'failures', 'pauses', 'stats', 'tabs')]
        asked = [], [('type', evil)], [('id', evil)], [('batch', evil)], [('p', f'{o} ') for o in parts]
        for path,has in site.paths('acme', job.id):
            if 'GET' not in has or '~0' in path: continue
            texts += [(await client.get(path, params=o)).text for o in asked]
    assert sum(len(o) for o in texts)>100_000
    for tag,attrs in [o for text in set(texts) for o in Tags(text).found]:
        assert not [k for k in attrs if k.startswith('on') and 'alert' in (attrs[k] or '')], (tag, attrs)
        assert tag!='img' and not (attrs.get('href') or '').startswith('javascript'), (tag, attrs)
    assert not any('<script>alert' in o for o in texts)

