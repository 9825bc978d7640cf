"Charts with round ticks and their numbers as a table; pages of schedules, limits and batches, and who may change them"
import html,json,random,re
from datetime import timedelta

import pytest
from fasthtml.common import Client,fast_app,to_xml

from tenant_tasks import charts
from tenant_tasks.job import *
from tenant_tasks.store import *
from tenant_tasks.task import *
from tenant_tasks.tenants import *
from tenant_tasks.secrets import *
from tenant_tasks.views import *
from tenant_tasks.charts import *
from tenant_tasks.controls import *
from tenant_tasks.pages import *
from tenant_tasks.operators import *

evil = '"\'><script>alert(1)</script>'
panels = 'numbers', 'schedules', 'limits', 'batches'

@task(name='controls.report')
def report(team='sales', password=None): return team

@task(name='controls.mail', limit=2, rate=(3, 60))
def mail(to=''): pass

class Site:
    "An app with two tenants, and a clock that is set"
    def __init__(self, folder, clock):
        self.clock = clock
        tenants = Tenants(folder, clock=clock, sleep=clock.sleep)
        self.acme,self.globex = (tenants.create(o) for o in ('acme','globex'))
        self.may = 'act'
        self.tenant = self.acme
        app,_ = fast_app(secret_key='x')
        jobs_ui(app, lambda req: self.tenant, lambda req: self.may, secret=['iban'])
        self.client = Client(app)

    def add(self, status='completed', job_type='sync', ago=0., **kw):
        "A job that ended so many seconds ago"
        at = self.clock()-timedelta(seconds=ago)
        times = dict(created_at=timestamp(at), completed_at=timestamp(at) if status in final_statuses else None)
        job, = self.acme.store.submit([TenantJob(new_id(), job_type, status, **{'payload':'{}', **times, **kw})])
        return job

    def get(self, path): return html.unescape(self.client.get(f'/jobs{path}').text)
    def csrf(self): return re.search(r'name="csrf" value="([^"]+)"', self.client.get('/jobs/~limits').text)[1]
    def post(self, act, name='report', live=False, **form):
        if 'csrf' not in form: form['csrf'] = self.csrf()
        headers = {'tt-live':'1'} if live else {}
        return self.client.post(f'/jobs/~schedules/{act}', data=dict(form, name=name), headers=headers,
            follow_redirects=True)

@pytest.fixture
def site(tmp_path, clock): return Site(tmp_path, clock)

# -- numbers

def test_spans_count_what_ended_in_them(site):
    "Like a count by hand, for spans of any width; both edges are told apart; what was cut is said"
    rnd,now = random.Random(7),site.clock()
    ends = [(timestamp(now-timedelta(seconds=rnd.randrange(7200))), rnd.choice(final_statuses)) for _ in range(300)]
    for at,status in ends: site.acme.store.submit([TenantJob(new_id(), 'x', status, completed_at=at)])
    for secs,n in ((60, 100), (1, 30), (900, 8), (7200, 1)):
        edges = [timestamp(now-timedelta(seconds=secs*(n-i))) for i in range(n+1)]
        def count(a, b, s): return sum(a<=at<b and status==s for at,status in ends)
        rows = [(a, *[count(a, b, s) for s in ('completed','failed')]) for a,b in zip(edges, edges[1:])]
        found = site.acme.store.ended_in(edges)
        assert found==[o for o in rows if any(o[1:])] and not found.cut
    edges = [timestamp(now-timedelta(minutes=i)) for i in range(120, -1, -1)]
    whole,some = site.acme.store.ended_in(edges),site.acme.store.ended_in(edges, most=20)
    assert some.cut and some==whole[-len(some):] and sum(a+b for _,a,b in some)>=20 and len(some)<len(whole)

@pytest.mark.parametrize('top', [0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 42, 99, 101, 1234, 999_999])
def test_ticks_are_round_and_few(top):
    ticks = charts._ticks(top)
    step = ticks[1]
    assert ticks[0]==0 and ticks[-1]>=top>ticks[-1]-step-(top==0) and len(ticks)<=5
    assert all(b-a==step for a,b in zip(ticks, ticks[1:])) and str(step).rstrip('0') in ('1','2','5')

@pytest.mark.parametrize('span', chart_spans)
def test_spans_begin_at_round_times(span, clock):
    secs,n,_ = chart_spans[span]
    for i in range(50):
        now = clock()+timedelta(seconds=i*777.7)
        times = [parse_time(o) for o in span_edges(span, now)]
        assert times[-2]<=now<times[-1] and len(times)==n+1
        assert {(b-a).total_seconds() for a,b in zip(times, times[1:])}=={secs}
        assert all(o.timestamp()%secs==0 for o in times)

def test_the_chart_and_its_table_tell_the_same(site):
    "Heights add up to what the axis says; each bar says its numbers; nothing inline; a bar too small to see is seen"
    for ago,n,bad in ((0, 3, 1), (300, 40, 0), (1800, 0, 2)):
        for i in range(n+bad): site.add('failed' if i<bad else 'completed', ago=ago)
    text = site.get('/~numbers')
    svg = re.search('<svg[^>]*tt-plot.*?</svg>', text, re.S)[0]
    assert '43 completed, 3 failed' in svg and '43 completed</span>' in text and '3 failed</span>' in text
    heights = {k:[float(o) for o in re.findall(rf'height="([\d.]+)%" class="{k}"', svg)] for k in ('tt-ok','tt-ko')}
    top = max(charts._ticks(40))
    assert round(sum(heights['tt-ok'])*top/100)==43 and round(sum(heights['tt-ko'])*top/100)==3
    said = re.findall(r'</tspan>\s*· (\d+) completed · (\d+) failed', svg)
    rows = re.findall(r'<td class="tt-num">(\d+)</td>\s*<td class="tt-num">(\d+)</td>',
        re.search('tt-chart-table.*?</table>', text, re.S)[0])
    assert said==rows[::-1]==[('0','2'), ('40','0'), ('3','1')]
    assert not re.search(r'\sstyle=|<style|<script>|\son\w+=', svg)

def test_a_chart_that_was_cut_says_so(site, monkeypatch):
    site.add()
    assert 'older bars are left out' not in site.get('/~numbers')
    monkeypatch.setattr(JobStore.ended_in, '__defaults__', (1,))
    assert 'older bars are left out' in site.get('/~numbers')

def test_times_by_type(site):
    "Half and 95 of 100, newest jobs only; a type that holds a secret is masked and has no link"
    for i in range(20):
        end = site.clock()
        start = end-timedelta(seconds=i+1)
        due = timestamp(start-timedelta(seconds=10))
        site.add(job_type='sync', started_at=timestamp(start), run_at=due, created_at=due)
    site.add('failed', job_type='hunter42', payload=json.dumps(dict(password='hunter42')),
        started_at=timestamp(site.clock()))
    text = re.search('id="tt-times".*</section>', site.get('/~numbers'), re.S)[0]
    assert '10 s' in text and '19 s' in text and 'hunter42' not in text and mask in text and 'type=sync' in text
    assert site.get('/~numbers?span=nonsense').count('aria-current="page"')==2

def test_a_page_without_jobs_teaches(site):
    said = dict(numbers='Nothing has ended', schedules='manager.schedule(', limits='@task(limit=2',
        batches='submit_many(')
    for path,words in said.items(): assert words in site.get(f'/~{path}'), path

# -- who sees and changes what

def test_only_who_may(site):
    "404 without access; 403 for a POST by a reader or without the token; the other tenant's schedules are not there"
    site.acme.schedule('report', report, every=3600)
    token = site.csrf()
    site.may = None
    lost = site.client.get('/jobs/unknown')
    for o in panels:
        assert (site.client.get(f'/jobs/~{o}').status_code, site.client.get(f'/jobs/~{o}').text)==(404, lost.text)
    for o in ('run','pause','resume'): assert site.post(o, csrf=token).status_code==404
    site.may = 'read'
    for o in panels:
        res = site.client.get(f'/jobs/~{o}')
        assert res.status_code==200 and 'csrf' not in res.text and 'method="post"' not in res.text
        assert res.headers['cache-control']=='no-store'
    for o in ('run','pause','resume'): assert site.post(o, csrf=token).status_code==403
    site.may = 'act'
    for o in ('run','pause','resume'): assert [site.post(o, csrf=c).status_code for c in ('', 'guess')]==[403, 403]
    assert site.client.get('/jobs/~schedules/run').status_code in (404, 405)
    assert site.client.get('/jobs/~nothing').status_code==404
    site.tenant = site.globex
    for o in ('run','pause','resume'): assert 'There is no such schedule any more.' in site.post(o, csrf=token).text
    assert not site.globex.list_jobs() and not site.acme.list_jobs() and not site.acme.get_schedule('report').paused
    assert all('report' not in re.sub('<pre>.*?</pre>', '', site.get(f'/~{o}'), flags=re.S) for o in panels)

def test_live_parts_are_those_of_the_tenant(site):
    site.acme.schedule('report', report, every=3600)
    parts = 'schedules:', 'queues:', 'batches:', 'throughput:week', 'times:x', 'batches:%3Cscript%3E'
    asked = '/~live?'+'&'.join(f'p={o}%20' for o in parts)
    assert 'report' in site.get(asked) and '<script>' not in site.get(asked)
    site.tenant = site.globex
    assert 'type=report' not in site.get(asked)

def test_an_operator_has_them_for_each_tenant(tmp_path):
    "Below the name of the tenant, with a link up; another tenant's schedule isn't there"
    tenants = Tenants(tmp_path)
    for o in ('acme','globex'): tenants.create(o)
    tenants['acme'].schedule('report', report, every=60)
    app,_ = fast_app(secret_key='x')
    operator_ui(app, tenants, lambda req: 'act')
    client = Client(app)
    for o in panels:
        text = client.get(f'/ops/acme/jobs/~{o}').text
        assert f'>{o.capitalize()} of acme</h1>' in text and 'href="/ops"' in text
        assert text.count(f'href="/ops/acme/jobs/~{o}"')==1
        assert client.get(f'/ops/nobody/jobs/~{o}').status_code==404
    assert 'controls.mail' in client.get('/ops/acme/jobs/~limits').text, 'an operator sees idle tasks with a limit'
    assert 'type=report' in client.get('/ops/acme/jobs/~schedules').text
    assert 'type=report' not in client.get('/ops/globex/jobs/~schedules').text

# -- schedules

def test_a_schedule_runs_now_and_pauses(site):
    "Without the script and with it; a job at once, the tick stays; the second press finds the job that goes on"
    site.acme.schedule('report', report, cron='0 7 * * 1', tz='Europe/Berlin')
    before = site.acme.get_schedule('report')
    text = site.get('/~schedules')
    assert '0 7 * * 1' in text and 'Europe/Berlin' in text and before.next_at in text and 'no job yet' in text
    site.clock.now += timedelta(seconds=5)
    answer = site.post('run')
    job, = site.acme.list_jobs()
    assert answer.url.path=='/jobs/~schedules' and f'Job {job.id[:14]} is submitted.' in answer.text
    assert job.schedule=='report' and job.status=='completed' and site.acme.get_schedule('report')==before
    assert f'href="/jobs/{job.id}"' in site.get('/~schedules') and 'data-status="completed"' in site.get('/~schedules')
    site.acme.pause()
    held = site.acme.run_now('report')
    site.clock.now += timedelta(seconds=5)
    assert site.post('run', live=True).text==f'Its job {held.id[:14]} has not ended yet.'
    assert len(site.acme.list_jobs())==2
    assert site.post('pause', live=True).text.startswith('report is paused') and site.acme.get_schedule('report').paused
    assert 'Resume' in site.get('/~schedules') and site.post('resume').status_code==200
    assert not site.acme.get_schedule('report').paused
    assert site.post('run', 'nonsense', live=True).status_code==409

def test_schedules_show_no_secret_and_only_text(site):
    "Known by name, by the app's list, and repeated; a name that is a secret has no buttons; hostile names are text"
    site.acme.schedule('report', report, every=60, password='hunter42', team=evil)
    site.acme.schedule('hunter43', report, every=5400, password='hunter43')
    site.acme.schedule(evil, report, every=60)
    raw,text = site.client.get('/jobs/~schedules').text,site.get('/~schedules')
    assert 'hunter42' not in text and 'hunter43' not in text and mask in text and '<script>alert' not in raw
    assert text.count('Run now')//2==2 and 'every 1 h 30 min' in text
    assert f'{evil} is paused' in html.unescape(site.post('pause', evil).text) and site.acme.get_schedule(evil).paused

def test_what_a_worker_declares_is_said(site):
    row = site.acme.schedule('report', report, every=60)
    site.acme.store.drop_schedule('report')
    site.acme.store.put_schedule(replace_declared(row), site.clock())
    assert 'from the worker' in site.get('/~schedules')

def replace_declared(row):
    row.declared = 1
    return row

def test_the_last_job_of_a_schedule_is_its_own(site):
    "Not a job of the same type that users submitted"
    site.acme.schedule('report', report, every=60)
    own = site.acme.run_now('report')
    site.clock.now += timedelta(seconds=9)
    site.acme.submit('report', report)
    assert f'href="/jobs/{own.id}"' in site.get('/~schedules')

# -- limits

def test_tasks_tell_why_their_jobs_wait(site):
    "At its limit, at its rate, paused; counted like by hand; a task of which nothing waits isn't told to tenants"
    assert 'controls.mail' not in site.get('/~limits') and 'controls.report' not in site.get('/~limits')
    ids = [site.acme.submit('mail', mail, to=str(i))[0] for i in range(6)]
    site.acme.using(delay=99).submit('later', report)
    for o in ids[:2]: site.acme.claim(o)
    assert [o[:4] for o in site.acme.queues() if o.task.startswith('controls.')]==[('controls.mail', 2, 4, 0),
        ('controls.report', 0, 0, 1)]
    assert '2 of 2' in site.get('/~limits') and 'at its limit' in site.get('/~limits')
    assert '3 in 1 min' in site.get('/~limits')
    done = "UPDATE tenant_jobs SET status='completed', completed_at=started_at WHERE status='running'"
    site.acme.store.write(lambda conn: list(conn.execute(done)))
    a = site.acme.claim(ids[2])
    assert a and 'next start in 1 min' in re.sub('<[^>]+>', '', site.get('/~limits'))
    assert '1 of 2' in site.get('/~limits')
    site.acme.pause(reason=evil)
    assert site.get('/~limits').count('>paused<')==2 and '<script>alert' not in site.client.get('/jobs/~limits').text

def test_many_pending_jobs_are_counted_to_a_bound(site):
    jobs = [TenantJob(new_id(), 'x', task='controls.report', run_at='') for _ in range(30)]
    site.acme.store.submit(jobs)
    assert site.acme.store.queues({}, site.clock(), most=10)[0].due==10
    assert [o.due for o in site.acme.queues() if o.task=='controls.report']==[30]

# -- batches

def test_batches_page_by_page(site):
    "Newest first, each once, whatever the size of a page; the links lead to its jobs and to the job that follows"
    made = [site.acme.submit_many('resize', mail, [dict(to=str(i))]*(i%3), then=report).batch for i in range(7)]
    for size in (1, 2, 3, 7, 8):
        seen,below = [],''
        for _ in range(8):
            text = to_xml(BatchTable(site.acme, View('/jobs'), below, size))
            page = re.findall(r'batch=(\w+)', text)
            seen += page
            if 'Older' not in text: break
            below = re.search(r'below=(\w+)"', text)[1]
        assert seen==made[::-1], size
    text = site.get('/~batches')
    assert f'href="/jobs?batch={made[-2]}"' in text and f'href="/jobs/{made[-2]}"' in text and '0 of 2 ended' in text
    for o in site.acme.list_jobs(batch=made[-2]):
        if o.id!=made[-2]: site.acme.cancel_job(o.id)
    assert '2 of 2 ended' in site.get('/~batches')
    assert [o.id for o in site.acme.batches(3)]==made[:-4:-1]
    for o in ("'", '%00', '~', 'f'*200, '<script>'):
        assert site.client.get('/jobs/~batches', params=dict(below=o)).status_code==200

# -- words

def test_all_words_come_from_the_texts(site, monkeypatch):
    "With each text replaced, no other words are left than what jobs and code say, and UTC"
    site.acme.schedule('report', report, every=3600)
    site.acme.pause_schedule('report')
    site.acme.run_now('report')
    site.acme.submit_many('resize', mail, [{}], then=report)
    for o in site.acme.list_jobs('resize'): site.acme.claim(o.id)
    site.add('failed', started_at=timestamp(site.clock()))
    own = {k for k in texts if k.split('_')[0] in ('nav','stats','chart','span','timing','failures','schedule',
        'queue','batches','panel')}
    for k in own: monkeypatch.setitem(texts, k, '«'+k+'»'+''.join(f'{{{o}}}' for o in re.findall(r'{(\w+)}', texts[k])))
    view = View('/jobs', act=True, now=site.clock())
    parts = [Throughput(site.acme, view), TimesTable(site.acme, view), SpanTabs(view), JobsNav(view),
        JobStats(site.acme, view)]
    parts += [JobFailures(site.acme, view), ScheduleTable(site.acme, view), QueueTable(site.acme, view),
        BatchTable(site.acme, view)]
    text = ' '.join([to_xml(o) for o in parts])
    shown = re.sub('<(pre|code)>.*?</\\1>', ' ', html.unescape(text), flags=re.S)
    shown = ' '.join([re.sub('<[^>]*>', ' ', shown), *re.findall(r'(?:aria-label|title|data-tt-what)="([^"]*)"',
        shown)])
    left = set(re.findall(r'[a-zA-Z]{2,}', re.sub(r'«\w+»', ' ', shown)))
    assert left<={'report', 'resize', 'sync', 'controls', 'mail', 'UTC', 'ms', 'min', *statuses}, left
    assert len({o for o in own if f'«{o}»' in text})>45
