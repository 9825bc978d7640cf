"The page of all tenants: totals, order, sizes, the workers that are alive, and that it never waits"
import asyncio,html,os,re,signal,threading,time
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from fastcore.xml import to_xml
from fasthtml.common import Client,Safe,fast_app
from helpers import Stopwatch,end,program,wait_until,write_lock
from starlette.requests import Request

from tenant_tasks import *
from tenant_tasks.fleet import tenants
from tenant_tasks.fleet.checks import check_tenants
from tenant_tasks.fleet.health import Health,Overview
from tenant_tasks.jobs.job import utcnow,timestamp,new_id
from tenant_tasks.manager import manage
from tenant_tasks.run.peers import WorkerSign,live_workers
from tenant_tasks.run.process import Process
from tenant_tasks.web import operators
from tenant_tasks.web.operators import TenantRows,TenantTotals,LiveWorkers
from tenant_tasks.web.words import count_limit

def text(o): return re.sub(r'\s+', ' ', re.sub('<[^>]+>', ' ', to_xml(o)))

class Ops:
    "Tenants with jobs, and the pages of their operator"
    def __init__(self, tmp_path, **kw):
        self.tenants = Tenants(tmp_path)
        self.put('acme', failed=3)
        self.put('beta', completed=9, pending=2)
        self.put('gamma', pending=5, running=1)
        (tmp_path/'broken.db').write_text('no database '*200)
        self.app,_ = fast_app(secret_key='x')
        self.pages = operator_ui(self.app, self.tenants, lambda req: 'act', **kw)
        self.client = Client(self.app)

    def put(self, name, owner='', **counts):
        rows = [s for s,n in counts.items() for _ in range(n)]
        jobs = [TenantJob(new_id(), 'sync', s, created_at=timestamp(utcnow()), owner=owner) for s in rows]
        self.tenants.create(name).store.submit(jobs)

    def get(self, query=''):
        html = self.client.get('/ops'+query).text
        return html,re.findall(r'id="tenant-(\w+)"', html)

@pytest.fixture
def ops(tmp_path): return Ops(tmp_path)

def sort_links(html):
    "Where the heads of the columns lead to, by their words"
    found = re.findall(r'<a href="([^"]*)">([^<]+)</a>\s*</th>', html)
    return {words:href.replace('&amp;', '&') for href,words in found}

def test_each_column_sorts_and_the_order_is_kept(ops):
    "From the most to the least and back; what can't be read is first; paging, searching and refreshing keep the order"
    ops.pages.overview.health(9) # The page doesn't wait for it
    html,names = ops.get()
    assert names[:2]==['broken', 'acme']
    for column,most in (('Pending', ['gamma', 'beta', 'acme']), ('Completed', ['beta']), ('Running', ['gamma']),
        ('Tenant', ['acme', 'beta', 'gamma'])):
        html,down = ops.get(sort_links(html)[column].removeprefix('/ops'))
        _,up = ops.get(sort_links(html)[column].removeprefix('/ops'))
        assert down[0]==up[0]=='broken' and down[1:len(most)+1]==most and up[-1]==most[0], column
    html,names = ops.get('?name=a&sort=pending')
    assert names==['acme', 'beta', 'gamma'] and 'name="sort" value="pending"' in html
    assert 'name=a' in sort_links(html)['Size']
    part = re.search(r'data-tt-part="(tenants:[^"]*)"', html)[1].replace('&amp;', '&')
    live = ops.client.get('/ops/~live', params=dict(p=f'{part} x')).text
    assert re.findall(r'id="tenant-(\w+)"', live)==names and 'aria-sort="ascending"' in live
    ops.pages.size = 2
    html,first = ops.get('?sort=-pending')
    older = re.search(r'href="/ops(\?[^"]+)">Next', html)[1].replace('&amp;', '&')
    assert first==['broken', 'gamma'] and ops.get(older)[1]==['beta', 'acme']
    assert ops.get('?sort=nonsense&page=x')[0].count('aria-sort')==0

def test_totals_over_all_tenants(ops):
    view,known = View(now=utcnow()),ops.pages.overview.health(9)
    html = text(TenantTotals(known, view, 7))
    assert "Tenants 4 Still to be read 7 Can't be read 1" in html
    assert 'Failed 3 Pending 7 Running 1 Completed 9 Cancelled 0 Size' in html
    many = [replace(o, counts=o.counts | dict(failed=count_limit)) for o in known]
    assert 'Failed 40,000+' in text(TenantTotals(many, view)), 'counted to a limit'
    totals = re.search(r'data-tt-part="totals:".*?data-tt-token="(\w+)"', ops.get()[0])[1]
    live = lambda: ops.client.get('/ops/~live', params=dict(p=f'totals: {totals}')).text
    assert live()==''
    ops.put('acme', failed=1)
    wait_until(lambda: '>4</dd>' in live()) # A scan that took long isn't repeated at once

def test_broken_tenants_are_named_with_their_error(ops):
    ops.pages.overview.health(9) # The page doesn't wait for it
    assert "can't be read: NotADBError: file is not a database" in ops.get()[0]
    path = '/srv/some/where/deep/down.db'
    row = Health('x', dict.fromkeys(statuses, 0), error=f'OSError: {path!r} is gone')
    assert [path in text(TenantRows([row], View(internals=o, now=utcnow()))) for o in (True, False)]==[True, False]

def test_sizes_and_a_large_wal(ops, tmp_path):
    known = {o.name:o for o in ops.pages.overview.health(9)}
    acme,broken = known['acme'],known['broken']
    assert acme.size==(tmp_path/'acme.db').stat().st_size and acme.wal==(tmp_path/'acme.db-wal').stat().st_size>0
    assert (broken.size, broken.wal)==(2400, 0)
    for size,is_large in ((64<<20, True), (63<<20, False)):
        html = to_xml(TenantRows([replace(known['beta'], wal=size)], View(now=utcnow())))
        assert ('query that never ends' in html)==is_large

def test_workers_that_are_alive(ops, tmp_path):
    "Since when, which tasks they run, of how many tenants; one that stopped is gone; hosts and processes are internals"
    one,two = WorkerSign(Process()),WorkerSign(Process())
    one.show(ops.tenants.served(), ['sync', 'mail', 'tenant_tasks.manager.manage.act'])
    two.show({k:'acme.db|beta.db' for k in ops.tenants.served()}, ['mail'])
    dead = one.process.id[:-4]+'dead'
    for o in (f'{dead}.lock', f'workers/{dead}~ab12.worker'):
        (tmp_path/'.tenant_tasks'/o).write_text('{"files": ".*", "tasks": []}')
    ops.put('delta', running=2, owner=one.process.id)
    try:
        ops.pages.overview.health(9)
        seen = {o.name:o for o in ops.pages.overview.workers()}
        assert len(seen)==2 and [(seen[o.name].tenants, seen[o.name].running) for o in (one, two)]==[(5, 2), (2, 0)]
        it = seen[one.name]
        assert it.since==one.since and it.tasks==['mail', 'sync', 'tenant_tasks.manager.manage.act']
        html,_ = ops.get()
        for o in ('2 workers are running', f'process {seen[one.name].pid}', '>mail, sync</td>'): assert o in html
        plain = text(LiveWorkers(list(seen.values()), View(now=utcnow())))
        assert 'Worker 1' in plain and seen[one.name].host not in plain and str(seen[one.name].pid) not in plain
        token = re.search(r'data-tt-part="workers:".*?data-tt-token="(\w+)"', html)[1]
        def live(): return ops.client.get('/ops/~live', params=dict(p=f'workers: {token}')).text
        assert live()==''
        two.close()
        assert '1 worker is running' in live()
    finally:
        for o in (one, two): o.close()
    assert 'No worker is running' in ops.get()[0]

def test_a_sign_of_an_older_version_is_seen_too(ops, tmp_path):
    sign,other = WorkerSign(Process()),WorkerSign(Process())
    for o in (sign, other): o.show(ops.tenants.served(), ['sync'])
    path = tmp_path/f'.tenant_tasks/workers/{other.name}.worker'
    path.write_text(re.sub(r', "since": "[^"]+"', '', path.read_text()))
    try:
        assert {o.since for o in live_workers(tmp_path)}=={None, sign.since}
        assert sign.share(str(tmp_path.resolve()))[1]==2
    finally:
        for o in (sign, other): o.close()

async def test_the_page_never_waits(ops, monkeypatch):
    "10,000 tenants, while reading them takes long: it shows what is known"
    overview,free,seen = ops.pages.overview,threading.Event(),[]
    none = dict.fromkeys(statuses, 0)
    overview.known = {f't{i:04}':Health(f't{i:04}', none | dict(failed=i%7), size=i) for i in range(10_000)}
    monkeypatch.setattr(overview, 'health', lambda seconds: seen.append(free.wait(60)))
    for query in ('', 'sort=-size&page=3', 'name=t00'):
        scope = dict(type='http', method='GET', path='/', path_params={}, headers=[], session={})
        scope['query_string'] = query.encode()
        page = to_xml(await ops.pages.home(Request(scope), ops.pages.view(Request(scope))))
        assert page.count('id="tenant-t')==100 and '10,000' in page and not seen
    free.set()

def test_reading_goes_on_behind_a_page_that_did_not_wait(ops, monkeypatch):
    "A look at the directory that takes longer than a call has leaves time to read, so that each call gets on"
    watch,look,overview = Stopwatch(),Overview._scan,Overview(ops.tenants)
    def slow_look(self):
        watch.secs += 2
        look(self)
    monkeypatch.setattr(Overview, '_scan', slow_look)
    monkeypatch.setattr(tenants, 'time', SimpleNamespace(**vars(time) | dict(monotonic=watch)))
    overview.health(1)
    assert overview.known

# -- over all tenants

go_on = threading.Event()

@task(name='operators.import', timeout=.1, max_retries=1)
def import_file(): go_on.wait(60)

def test_jobs_that_hang(tmp_path):
    "Its process was killed or is stopped, or its thread goes on past the timeout; one that only runs long doesn't hang"
    tenants = Tenants(tmp_path)
    acme,globex,hooli = (tenants.create(o) for o in ('acme', 'globex', 'hooli'))
    program('claim_and_die', tmp_path, 'acme').communicate(timeout=60)
    stopped = program('run_and_wait', tenants.file('globex'))
    go_on.clear()
    late,young,plain = [hooli.claim(hooli.submit('import', o)[0]) for o in (import_file, import_file, print)]
    thread = threading.Thread(target=late.call)
    thread.start()
    def why(): return overview.health(9) and [(name, o.job_type, why) for name,o,why in overview.work()['hanging']]
    try:
        assert stopped.stdout.readline()=='running\n'
        overview = Overview(tenants)
        assert why()==[('acme', 'all', 'died')]
        os.kill(stopped.pid, signal.SIGSTOP)
        wait_until(lambda: why()==[('acme', 'all', 'died'), ('globex', 'wait', 'silent')])
        before = timestamp(utcnow()-timedelta(seconds=30))
        hooli.db.execute('UPDATE tenant_jobs SET started_at=? WHERE id<>?', [before, young.job.id])
        wait_until(lambda: why()[:1]==[('hooli', 'import', 'late')] and len(why())==3)
        found = [o.text.removeprefix('1 running jobs ') for o in check_tenants(tenants) if o.check=='stuck']
        assert found==['of a process that has died', "of a process that doesn't answer", 'past their timeout']
    finally:
        go_on.set()
        end(stopped)
        thread.join()
        for o in (young, plain): o.call()
        for o in (late, young, plain): o.settle()

@task(name='operators.fetch', max_retries=1)
def fetch(host):
    if go_on.is_set(): return host
    raise ValueError(f'{host} is no host') if host=='x' else OSError(f'no route to {host}')

class Fleet(Ops):
    "Three tenants whose jobs fail for two reasons, and the forms of their operator"
    def __init__(self, tmp_path, **kw):
        self.tenants = Tenants(tmp_path)
        self.names = 'acme', 'globex', 'hooli'
        self.may = 'act'
        go_on.clear()
        for o in self.names: self.fail(o, 'h1', 'x')
        self.app,_ = fast_app(secret_key='x')
        self.pages = operator_ui(self.app, self.tenants, lambda req: self.may, **kw)
        self.client = Client(self.app)

    def fail(self, name, *hosts):
        manager = self.tenants.create(name)
        for o in hosts: asyncio.run(manager.submit('fetch', fetch, host=o)[1]())

    def counts(self, status='failed'): return [self.tenants[o].job_stats()[status] for o in self.names]

    def all(self, query=''):
        "The text of the page of all that match, and its form: where it leads to, and its token"
        page = html.unescape(self.client.get('/ops/~all?'+query).text)
        form = re.search(r'action="([^"]+&until=[^"]+)".*?name="csrf" value="([^"]+)"', page, re.S)
        return text(Safe(page)),form and form.groups()

    def press(self, form, do='retry'):
        res = self.client.post(form[0], data=dict(csrf=form[1], do=do), follow_redirects=True)
        return text(Safe(html.unescape(res.text)))

@pytest.fixture
def fleet(tmp_path): return Fleet(tmp_path)

def test_failures_by_cause_are_retried_in_all_tenants(fleet):
    "The page only counts; its button takes what had failed by then, and runs it after the response"
    fleet.pages.overview.health(9)
    home = html.unescape(fleet.get()[0])
    assert 'ValueError: x is no host' in home and text(Safe(home)).count('×3 in 3 tenants')==2
    page,form = fleet.all(re.search(r'href="/ops/~all\?([^"]*OSError[^"]*)"', home)[1])
    assert 'Retry all 3 failed in 3 tenants' in page and fleet.counts()==[2, 2, 2]
    fleet.fail('acme', 'h2')
    go_on.set()
    assert '3 jobs retried.' in fleet.press(form)
    assert fleet.counts()==[2, 1, 1] and fleet.counts('completed')==[1, 1, 1]
    page,form = fleet.all('type=fetch&last=hour')
    assert 'Retry all 4 failed in 3 tenants' in page and 'Retry all' not in fleet.all('type=other')[0]
    timeless = form[0].partition('&until')[0],form[1]
    assert '0 jobs retried' in fleet.press(timeless) and 'incomplete' in fleet.press(form, 'cancel')
    fleet.may = 'read'
    assert 'Retry all' not in fleet.all()[0]+fleet.get()[0]
    assert 'not allowed' in fleet.press(form) and fleet.counts()==[2, 1, 1]

def test_what_waits_is_cancelled_in_all_tenants(fleet, monkeypatch):
    "What takes longer than the page may goes on after the response"
    for o in fleet.names: fleet.tenants[o].using(delay=99).submit('mail', fetch, host='h1')
    page,form = fleet.all('status=pending&type=mail')
    assert 'Cancel all 3 pending in 3 tenants' in page
    monkeypatch.setattr(operators, '_wait', 0)
    assert 'goes on in the background' in fleet.press(form, 'cancel')
    assert fleet.counts('cancelled')==[1, 1, 1] and 'No jobs match.' in fleet.all('status=pending')[0]

def test_a_tenant_that_cannot_be_asked_is_named_and_not_waited_for(fleet, tmp_path):
    go_on.set()
    (tmp_path/'broken.db').write_text('no database '*200)
    page,form = fleet.all()
    assert "can't be read: 1 (broken)" in page and 'Retry all 6 failed in 3 tenants' in page
    with write_lock(fleet.tenants.file('globex')):
        assert re.search(r"4 jobs retried. .* 2 \((broken, globex|globex, broken)\)", fleet.press(form))
    assert fleet.counts()==[0, 2, 0] and '2 jobs retried.' in fleet.press(form) and fleet.counts()==[0, 0, 0]

def test_only_tenants_that_may_match_are_asked(fleet, monkeypatch):
    asked,get = [],Tenants.__getitem__
    asyncio.run(fleet.tenants.create('initech').submit('mail', fetch, host='h1')[1]())
    fleet.pages.overview.health(9)
    monkeypatch.setattr(Tenants, '__getitem__', lambda self, name: (asked.append(name), get(self, name))[1])
    assert 'in 1 tenant' in fleet.all('type=mail&error=OSError:+no+route+to+h%23')[0] and asked==['initech']

def test_no_error_finds_what_is_hidden(tmp_path):
    "A cause whose error the viewer sees only in part has no button, and its whole error finds nothing"
    def redact(job): return replace(job, error_log=(job.error_log or '').replace('no route to h', '…'))
    fleet = Fleet(tmp_path, redact=redact)
    fleet.pages.overview.health(9)
    home = html.unescape(fleet.get()[0])
    assert 'no route' not in home and 'OSError: …' in home and home.count('Retry all<')==1
    for o in ('no+route+to+h%23', '…'): assert 'No jobs match.' in fleet.all(f'error=OSError:+{o}')[0]
    assert 'Retry all 3' in fleet.all('error=ValueError:+x+is+no+host')[0]

def test_a_worker_runs_what_is_retried(tmp_path, monkeypatch):
    "A tenant that has many gets a job that does it, which the worker runs, too"
    tenants,at = Tenants(tmp_path),timestamp(utcnow())
    rows = dict(acme=20, globex=2)
    own = dict(payload='{"n":1, "secs":0}', task='work', created_at=at, completed_at=at)
    for k,n in rows.items():
        tenants.create(k).store.submit([TenantJob(new_id(), 'work', 'failed', **own) for _ in range(n)])
    monkeypatch.setattr(manage, 'at_once', 10)
    app,_ = fast_app(secret_key='x')
    operator_ui(app, tenants, lambda req: 'act')
    fleet = SimpleNamespace(client=Client(app))
    worker = program('worker', tmp_path, LEDGER=tmp_path/'ledger')
    try:
        wait_until(lambda: 'work' in [t for o in live_workers(tmp_path) for t in o.tasks])
        page,form = Fleet.all(fleet)
        assert 'Retry all 22 failed in 2 tenants' in page
        assert '2 jobs retried. In these tenants they are many, and a job does it: acme.' in Fleet.press(fleet, form)
        def ended(): return [len(tenants[k].list_jobs('work', 'completed')) for k in rows]==[*rows.values()]
        wait_until(ended)
    finally: end(worker)
