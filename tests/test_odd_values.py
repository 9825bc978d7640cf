"Odd values and names: in results, arguments, filters, logs and the registration of tasks"
import html,json,logging,re
from datetime import timedelta
from functools import reduce

import pytest
from fasthtml.common import Client,fast_app
from fastlite import database
from helpers import run,wait_until,work

from tenant_tasks import BadPayload,Cancel,Snooze,TenantMap,Tenants,operator_ui,task
from tenant_tasks.jobs.job import dump_kwargs,dump_result
from tenant_tasks.jobs.task import find_task,task_name
from tenant_tasks.run.attempt import begin
from tenant_tasks.web.pages import health_route

def nested(n): return reduce(lambda o,_: [o], range(n), 1)

# -- values

class Rude:
    "Raises whatever it is asked"
    def __init__(self, e): self.e = e
    def __repr__(self): raise self.e

class RudeDict(dict):
    def items(self): raise SystemExit('bye')

async def test_whatever_a_result_or_a_backoff_raises(manager):
    "The job is completed, and no worker ends"
    for value in (Rude(KeyboardInterrupt()), Rude(SystemExit(1)), RudeDict(a=1)):
        assert (await run(manager, lambda: value)).status=='completed'
    def hasty(n): raise KeyboardInterrupt
    @task(name='odd.hasty', backoff=hasty)
    def fails(): raise OSError('no route to host')
    manager.submit('hasty', fails)
    assert begin(manager.claim).row.status=='pending'

def test_what_is_written_can_be_read(manager):
    "Also where the call of `json.loads` is already deep"
    text,note = dump_result(nested(300))
    assert isinstance(json.loads(text), str) and '100 levels' in note
    assert dump_result(nested(100))[1]=='' and dump_result([[i] for i in range(500)])[1]==''
    circle = []
    circle.append(circle)
    for o in (nested(101), nested(5000), circle):
        with pytest.raises(BadPayload): dump_kwargs(dict(tree=o))

async def test_prune_takes_all_that_has_ended_when_the_clock_stands(manager):
    await run(manager, work)
    assert manager.prune(timedelta(0))==1

# -- parameters

def test_a_parameter_that_submit_or_schedule_takes_is_refused(manager):
    def crawl(url, max_retries=1): pass
    with pytest.raises(TypeError, match='must not be a parameter of `task_func` too'):
        manager.submit('crawl', crawl, url='x', max_retries=9)
    job_id,_ = manager.submit('crawl', crawl, url='x')
    pairs = manager.submit_many('crawl', crawl, [dict(url='x', max_retries=9)])
    assert [manager.get_job(o).max_retries for o in (job_id, pairs[0][0])]==[3, 3]
    @task(name='odd.zone')
    def report(tz='UTC', every=1): pass
    for kw in (dict(tz='Europe/Berlin', cron='0 7 * * *'), dict(every=60)):
        with pytest.raises(TypeError, match='must not be a parameter of `func` too'):
            manager.schedule('report', report, **kw)
    assert manager.schedule('report', report, cron='0 7 * * *')

# -- two functions behind one name

def bare(f):
    "A decorator without functools.wraps"
    def wrapper(): return f()
    return wrapper

def test_two_functions_behind_one_name_are_refused():
    "Of a decorator, of a loop, of two closures"
    def alpha(): return 'a'
    def beta(): return 'b'
    task(bare(alpha))
    with pytest.raises(ValueError, match='functools.wraps'): task(bare(beta))
    assert find_task('wrapper').func()=='a' and task_name(bare(beta)) is None
    def make(o):
        @task(name='odd.closure')
        def with_closure(): return o
    make('a')
    make('a') # The same again
    with pytest.raises(ValueError, match='must be unique'): make('b')
    with pytest.raises(ValueError, match='must be unique'):
        for o in 'ab':
            @task(name='odd.default')
            def with_default(o=o): pass

def test_a_cell_can_run_again():
    "The decorator stands in a cell of its own; the function that has it is compiled anew each time"
    there = dict(__name__='__main__', task=task)
    exec('def bare(f):\n    def cell_wrapper(): return f()\n    return cell_wrapper', there)
    for o in 'abb': exec(f'@task\n@bare\ndef alpha(): return {o!r}', there)
    assert find_task('cell_wrapper').func()=='b'

# -- the log and tables

forged = 'mail\r\nERROR tenant_tasks all is lost\x1b[2J\u2028x'

@pytest.mark.parametrize('e', [OSError(forged), Cancel(forged), Snooze(60, forged), Rude(ValueError())])
def test_nothing_forges_a_line_of_the_log(manager, caplog, monkeypatch, e):
    def fails():
        if isinstance(e, BaseException): raise e
        return e
    caplog.set_level(logging.DEBUG, logger='tenant_tasks')
    monkeypatch.setattr(caplog.handler, 'formatter', logging.Formatter('%(levelname)s %(message)s'))
    job_id,_ = manager.submit(forged, fails, 1)
    begin(lambda: manager.claim(job_id))
    found = caplog.handler.stream.getvalue().splitlines()
    assert found and all(o.startswith(('DEBUG job', 'WARNING job', 'ERROR job', '  ')) for o in found), found

# -- names in forms and addresses

odd_names = [' mail ', 'mail', 'Mail', 'a+b', 'a%2Fb', 'a/b', '..', 'caf\u00e9', 'cafe\u0301', '"<b>&', 'x'*1000]

@task(name='odd.plain')
def plain(): pass

def as_browser(value):
    "The value of a field as a browser sends it"
    return re.sub('\r\n|\r|\n', '\r\n', html.unescape(value))

class Site:
    "The pages of some tenants, whose forms are sent as a browser does"
    def __init__(self, tenants):
        app,_ = fast_app(secret_key='x')
        operator_ui(app, tenants, lambda req: 'act')
        health_route(app, tenants)
        self.client = Client(app)

    def forms(self, url, path):
        "Forms of a page that are sent to a path: the values of each, a select with each of its options"
        text = self.client.get(url).text
        for to,inner in re.findall(r'<form[^>]*action="([^"?]*).*?>(.*?)</form>', text, re.S):
            if not to.endswith(path): continue
            hidden = re.findall(r'type="hidden" name="([^"]+)" value=(["\'])(.*?)\2', inner)
            fields = {k:as_browser(v) for k,_,v in hidden}
            options = [o for _,o in re.findall(r'<option value=(["\'])(.*?)\1', inner) if o]
            if not options: yield to,fields
            for o in options: yield to,{**fields, re.search(r'<select name="(\w+)"', inner)[1]:as_browser(o)}

    def post_all(self, url, path):
        for to,fields in self.forms(url, path):
            assert self.client.post(to, data=fields).status_code in (200, 303), fields

@pytest.fixture
def jobs(manager): return Site({'acme':manager.db}),'/ops/acme/jobs',manager

def test_buttons_of_odd_schedules(jobs):
    site,url,manager = jobs
    for o in odd_names: manager.schedule(o, plain, every=60)
    for o in ('/run', '/pause'): site.post_all(f'{url}/~schedules', o)
    assert {o.job_type for o in manager.list_jobs()}==set(odd_names) and all(o.paused for o in manager.schedules())
    site.post_all(f'{url}/~schedules', '/resume')
    assert not any(o.paused for o in manager.schedules())
    links = re.findall(r'href="([^"]*\?type=[^"]*)"', site.client.get(f'{url}/~schedules').text)
    found = [site.client.get(html.unescape(o)).text for o in links]
    ids = {o.id:o.job_type for o in manager.list_jobs()}
    assert sorted([v for k,v in ids.items() if k in text] for text in found)==sorted([o] for o in odd_names)

def test_odd_types_are_paused_and_go_on_and_are_found(jobs):
    "And a blank one pauses nothing"
    site,url,manager = jobs
    (to,fields), = site.forms(url, '/pause')
    for o in (' ', '\r\n'): assert site.client.post(to, data=dict(fields, job_type=o)).status_code==400
    assert manager.pauses()==[]
    ids = {o:manager.submit(o, plain)[0] for o in odd_names}
    found = [site.client.get(to, params=fields).text for to,fields in site.forms(url, '/jobs') if 'type' in fields]
    assert sorted([k for k,v in ids.items() if v in text] for text in found)==sorted([o] for o in odd_names)
    site.post_all(url, '/pause')
    assert {o.job_type for o in manager.pauses()}==set(odd_names)
    site.post_all(url, '/resume')
    assert manager.pauses()==[]

files = 'health', 'bulk', 'all', 'static', '0', 'True', 'a+b', 'jobs', 'shop.txt', 'style.css', 'żółć'

@pytest.mark.parametrize('kind', ['directory', 'dict'])
def test_a_tenant_never_meets_another_page(tmp_path, kind):
    if kind=='directory':
        names,tenants = files,Tenants(tmp_path)
        for o in names: tenants.create(o)
    else:
        names = ['health', '~live', '~1-css', '?x=1', '#x', 'a\\b', '.', 'ma\nil', *odd_names[:-1]]
        tenants = TenantMap({o:database(tmp_path/f'{i}.db') for i,o in enumerate(names)})
    site = Site(tenants)
    def links():
        return [html.unescape(o) for o in re.findall(r'href="(/ops/[^"?]*/jobs)"', site.client.get('/ops').text)]
    wait_until(lambda: len(links())==len(names), why=lambda: f'{len(names)} {links()}')
    seen = {tenants[o].submit('sync', plain)[0]:o for o in names}
    for url in links():
        text = site.client.get(url).text
        job_id, = [o for o in seen if o in text]
        title = html.unescape(re.search(r'<h1[^>]*>(.*?)</h1>', text, re.S)[1])
        assert f'Jobs of {seen[job_id]}'.split()==title.split()
        site.post_all(f'{url}/{job_id}', '/cancel')
        assert tenants[seen.pop(job_id)].get_job(job_id).status=='cancelled'
    assert not seen and site.client.get('/ops/health').json()==dict(ok=True)
