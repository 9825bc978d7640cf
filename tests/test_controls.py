"Charts with round ticks and their numbers as a table; pages of schedules, limits and batches, and who may change them"
import html,random,re
from datetime import timedelta

from fasthtml.common import to_xml
from web import evil

from tenant_tasks import TenantJob,View,task
from tenant_tasks.jobs.job import final_statuses,timestamp,new_id
from tenant_tasks.manager.schedules import new_schedule
from tenant_tasks.web.controls import _BatchTable
from tenant_tasks.web.secrets import mask

panels = 'numbers', 'schedules', 'limits', 'batches'

@task(name='controls.report')
def report(team='sales', password=None): return team

@task(name='controls.mail', limit=2, rate=(3, 60))
def mail(to=''): pass

def act(site, what, name='report', **kw): return site.post(f'/jobs/~schedules/{what}', name=name, **kw)

def test_spans_count_what_ended_in_them(site):
    "Like a count by hand, for spans of any width; both edges are told apart; what was cut is said"
    rnd,now = random.Random(7),site.clock()
    ends = [(timestamp(now-timedelta(seconds=rnd.randrange(7200))), rnd.choice(final_statuses)) for _ in range(300)]
    site.acme.store.submit([TenantJob(new_id(), 'x', status, completed_at=at) for at,status in ends])
    for secs,n in ((60, 100), (1, 30), (7200, 1), (60, 120)):
        edges = [timestamp(now-timedelta(seconds=secs*(n-i))) for i in range(n+1)]
        def count(a, b, s): return sum(a<=at<b and status==s for at,status in ends)
        rows = [(a, *[count(a, b, s) for s in ('completed','failed')]) for a,b in zip(edges, edges[1:])]
        whole = site.acme.store.ended_in(edges)
        assert whole==[o for o in rows if any(o[1:])] and not whole.cut
    some = site.acme.store.ended_in(edges, most=20)
    assert some.cut and some==whole[-len(some):] and sum(a+b for _,a,b in some)>=20 and len(some)<len(whole)

def test_the_chart_and_its_table_tell_the_same(site):
    "Each bar says its numbers; nothing inline"
    for ago,n,bad in ((0, 3, 1), (300, 40, 0), (1800, 0, 2)):
        for i in range(n+bad): site.add('failed' if i<bad else 'completed', ago=ago)
    text = site.get('/jobs/~numbers')
    svg = re.search('<svg[^>]*tt-plot.*?</svg>', text, re.S)[0]
    assert '43 completed, 3 failed' in svg and '43 completed</span>' in text and '3 failed</span>' in text
    said = re.findall(r'<title[^>]*>[^<]*· (\d+) completed · (\d+) failed', svg)
    table = re.search('tt-chart-table.*?</table>', text, re.S)[0]
    rows = re.findall(r'<td class="tt-num">(\d+)</td>\s*<td class="tt-num">(\d+)</td>', table)
    assert said==rows[::-1]==[('0','2'), ('40','0'), ('3','1')]
    assert not re.search(r'\sstyle=|<style|<script>|\son\w+=', svg)

def test_times_by_type(site):
    "Half and 95 of 100, newest jobs only; a type that holds a secret is masked and has no link"
    for i in range(20):
        start = site.clock()-timedelta(seconds=i+1)
        due = timestamp(start-timedelta(seconds=10))
        site.add('completed', 'sync', started_at=timestamp(start), run_at=due, created_at=due)
    site.add('failed', job_type='hunter42', payload='{"password": "hunter42"}', started_at=timestamp(site.clock()))
    text = re.search('id="tt-times".*</section>', site.get('/jobs/~numbers'), re.S)[0]
    assert '10 s' in text and '19 s' in text and 'hunter42' not in text and mask in text and 'type=sync' in text

def test_live_parts_are_those_of_the_tenant(site):
    "And an operator has them below its name"
    site.acme.schedule('report', report, every=3600)
    parts = 'schedules:', 'queues:', 'batches:', 'throughput:week', 'times:x', 'batches:%3Cscript%3E'
    asked = '/jobs/~live?'+'&'.join(f'p={o}%20' for o in parts)
    assert 'report' in site.get(asked) and '<script>' not in site.client.get(asked).text
    site.tenant = site.tenants.create('globex')
    assert 'type=report' not in site.get(asked)
    def get(tenant, panel): return site.client.get(f'/ops/{tenant}/jobs/~{panel}')
    for o in panels:
        assert f'>{o.capitalize()} of acme</h1>' in get('acme', o).text and get('guest', o).status_code==404
    assert 'controls.mail' in get('acme', 'limits').text, 'an operator sees idle tasks with a limit'
    assert ['type=report' in get(o, 'schedules').text for o in ('acme', 'globex')]==[True, False]

def test_a_schedule_runs_now_and_pauses(site):
    "Without the script and with it; a job at once, the tick stays; the second press finds the job that goes on"
    site.acme.schedule('report', report, cron='0 7 * * 1', tz='Europe/Berlin')
    before = site.acme.get_schedule('report')
    for o in ('0 7 * * 1', 'Europe/Berlin', before.next_at): assert o in site.get('/jobs/~schedules')
    site.clock.advance(5)
    answer = act(site, 'run')
    job, = site.acme.list_jobs()
    assert answer.url.path=='/jobs/~schedules' and f'Job {job.id[:14]} is submitted.' in answer.text
    assert job.schedule=='report' and job.status=='completed' and site.acme.get_schedule('report')==before
    site.acme.submit('report', report)
    assert f'href="/jobs/{job.id}"' in site.get('/jobs/~schedules'), 'its last job, not one of the same type'
    site.acme.pause()
    held = site.acme.run_now('report')
    site.clock.advance(5)
    assert act(site, 'run', live=True).text==f'Its job {held.id[:14]} has not ended yet.'
    assert act(site, 'pause', live=True).text.startswith('report is paused') and site.acme.get_schedule('report').paused
    assert 'Resume' in site.get('/jobs/~schedules') and act(site, 'resume').status_code==200
    assert not site.acme.get_schedule('report').paused

def test_a_schedule_is_handed_back_to_its_declaration(site):
    "Asks first, since it may have none; a declared one has no such button"
    declared = new_schedule('report', report, {}, every=3600)
    site.acme.declare_schedules([declared])
    before = site.acme.schedules()
    assert 'redeclare' not in site.get('/jobs/~schedules')
    own = site.acme.schedule('report', report, every=60)
    assert 'redeclare' in site.get('/jobs/~schedules') and act(site, 'redeclare', live=True).status_code==428
    assert "Delete this tenant's own report" in html.unescape(act(site, 'redeclare').text)
    assert site.acme.schedules()==[own]
    assert 'report is handed back' in act(site, 'redeclare', sure='1').text
    site.acme.declare_schedules([declared])
    assert site.acme.schedules()==before and 'no such schedule' in act(site, 'redeclare', 'gone', sure='1').text

def test_schedules_show_no_secret_and_only_text(site):
    "Known by name, by the app's list, and repeated; a name that is a secret has no buttons; hostile names are text"
    site.acme.schedule('report', report, every=60, password='hunter42', team=evil)
    site.acme.schedule('hunter43', report, every=5400, password='hunter43')
    site.acme.schedule(evil, report, every=60)
    raw,text = site.client.get('/jobs/~schedules').text,site.get('/jobs/~schedules')
    assert 'hunter42' not in text and 'hunter43' not in text and mask in text and '<script>alert' not in raw
    assert text.count('Run now')//2==2 and 'every 1 h 30 min' in text
    assert f'{evil} is paused' in html.unescape(act(site, 'pause', evil).text)
    assert site.acme.get_schedule(evil).paused

def test_tasks_tell_why_their_jobs_wait(site):
    "At its limit, at its rate, paused; counted like by hand; an idle task is told to tenants if it has a limit"
    text = site.get('/jobs/~limits')
    assert 'controls.mail' in text and 'controls.report' not in text
    ids = [site.acme.submit('mail', mail, to=str(i))[0] for i in range(6)]
    site.acme.using(delay=99).submit('later', report)
    for o in ids[:2]: site.acme.claim(o)
    found = [o[:4] for o in site.acme.queues() if o.task.startswith('controls.')]
    assert found==[('controls.mail', 2, 4, 0), ('controls.report', 0, 0, 1)]
    for o in ('2 of 2', 'at its limit', '3 in 1 min'): assert o in site.get('/jobs/~limits')
    done = "UPDATE tenant_jobs SET status='completed', completed_at=started_at WHERE status='running'"
    site.acme.store.write(lambda conn: list(conn.execute(done)))
    assert site.acme.claim(ids[2])
    text = re.sub('<[^>]+>', '', site.get('/jobs/~limits'))
    assert 'next start in 1 min' in text and '1 of 2' in text
    site.acme.pause(reason=evil)
    raw = site.client.get('/jobs/~limits').text
    assert raw.count('>paused<')>=2 and '<script>alert' not in raw

def test_batches_page_by_page(site):
    "Newest first, each once, whatever the size of a page; the links lead to its jobs and to the job that follows"
    made = [site.acme.submit_many('resize', mail, [dict(to=str(i))]*(i%3), then=report).batch for i in range(7)]
    for size in (1, 3, 7):
        seen,below = [],''
        for _ in range(8):
            text = to_xml(_BatchTable(site.acme, View('/jobs'), below, size))
            seen += re.findall(r'batch=(\w+)', text)
            if 'Older' not in text: break
            below = re.search(r'below=(\w+)"', text)[1]
        assert seen==made[::-1], size
    text = site.get('/jobs/~batches')
    assert f'href="/jobs?batch={made[-2]}"' in text and f'href="/jobs/{made[-2]}"' in text and '0 of 2 ended' in text
    for o in site.acme.list_jobs(batch=made[-2]):
        if o.id!=made[-2]: site.acme.cancel_job(o.id)
    assert '2 of 2 ended' in site.get('/jobs/~batches')
    for o in ("'", '%00', 'f'*200, '<script>'):
        assert site.client.get('/jobs/~batches', params=dict(below=o)).status_code==200
