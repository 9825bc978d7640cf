"Pages that stay up to date in Chromium, under a strict content security policy and without htmx: what people are doing with them stays"
import os,shutil
from datetime import timedelta
from itertools import product
from urllib.parse import parse_qs,urlsplit

import pytest
from browser import browsing,chromium,from_cdn
from helpers import serving

from tenant_tasks.job import *
from tenant_tasks.task import *
from tenant_tasks.tenants import Tenants

@task(name='live.nightly')
def nightly(**kw): pass

def needs(what, ok):
    if ok: return
    if os.environ.get('CI'): pytest.fail(f'{what} is missing')
    pytest.skip(f'{what} is missing')

@pytest.fixture(scope='module')
def new_page():
    needs('Chromium', chromium())
    pytest.importorskip('playwright', reason='browser tests need the extra `dev`')
    with browsing() as make: yield make

class Site:
    "The app, and its first tenant as another process sees it"
    def __init__(self, folder, proc, get):
        self.proc = proc
        self.base = get('address')
        self.manager = Tenants(folder)['acme']
        self.n = 0

    def add(self, status='running', job_type='sync', **kw):
        "A row as it is, without a function: its id"
        self.n += 1
        now = utcnow()
        own = dict(owner='x~y~1~00000000', claim=f'c{self.n}', lease_until=timestamp(now+timedelta(hours=1))) if status=='running' else {}
        times = dict(created_at=timestamp(now), started_at=None if status=='pending' else timestamp(now))
        if status in final_statuses: times['completed_at'] = timestamp(now)
        self.manager.store.submit([TenantJob(f'{self.n:032x}', job_type, status, **{'task':'live.sync', **own, **times, **kw})])
        return f'{self.n:032x}'

    def set(self, job_id, **vals):
        "Change columns of a row, as a worker does"
        sets = ', '.join(f'{o}=:{o}' for o in vals)
        self.manager.store.write(lambda conn: conn.execute(f'UPDATE tenant_jobs SET {sets} WHERE id=:id', dict(vals, id=job_id)))

    def end(self, job_id, status='completed', **kw): self.set(job_id, status=status, completed_at=timestamp(utcnow()), **kw)

@pytest.fixture(params=[''])
def site(request, tmp_path):
    with serving('live_app', tmp_path, request.param) as (proc,get): yield Site(tmp_path, proc, get)

@pytest.fixture
def page(new_page, site):
    res = new_page(viewport=dict(width=1000, height=800))
    res.problems = []
    res.on('console', lambda m: m.type=='error' and res.problems.append(m.text))
    res.on('pageerror', lambda e: res.problems.append(str(e)))
    res.asked = []
    res.on('request', lambda r: '~live' in r.url and res.asked.append(r.url))
    res.goto(site.base+'/as/act')
    yield res
    res.context.close()

def card(page, job_id): return page.locator(f'#job-{job_id}')
def row(page, job_id): return page.locator(f'#job-{job_id}-row')
def has(locator, text): locator.filter(has_text=text).wait_for()

def pass_time(page, secs):
    "Let the time of a page whose clock is installed go by, with a moment for each answer of the server"
    for _ in range(int(2*secs)):
        page.clock.run_for(500)
        page.wait_for_timeout(40)

def test_the_policy_is_strict_and_nothing_breaks_it(page, site):
    "Stylesheet and script apply; nothing is inline; the page says nothing in the console"
    job_id = site.add(progress=.4)
    for path in ('/jobs', f'/jobs/{job_id}', f'/cards?ids={job_id}', '/ops'):
        page.goto(site.base+path)
        assert page.evaluate("getComputedStyle(document.querySelector('.tt')).fontSize")=='14px'
        assert page.evaluate('window.ttJobs') and not page.locator('[style], [onclick], style, script:not([src])').count()
    site.end(job_id)
    page.goto(site.base+f'/cards?ids={site.add()}')
    page.wait_for_timeout(2000)
    assert not [o for o in page.problems if 'favicon' not in o and '404' not in o], page.problems

def test_a_list_changes_around_what_people_do(page, site):
    "Ticks, select all, the focus and selected text stay; new rows come in; a text that is selected changes once it is free"
    ids = [site.add() for _ in range(3)]
    page.goto(site.base+'/jobs')
    page.get_by_label('Select all').check()
    assert page.locator('tbody input:checked').count()==3
    row(page, ids[0]).get_by_role('checkbox').uncheck()
    assert page.get_by_label('Select all').evaluate('o => o.indeterminate')
    row(page, ids[1]).get_by_role('link').focus()
    new = site.add()
    row(page, new).wait_for()
    site.end(ids[2])
    has(row(page, ids[2]), 'completed')
    assert page.evaluate('document.activeElement.id')==f'job-{ids[1]}-link'
    assert page.locator('tbody input:checked').count()==2 and not row(page, new).get_by_role('checkbox').is_checked()
    row(page, ids[1]).locator('.tt-badge').evaluate('o => getSelection().selectAllChildren(o)')
    site.end(ids[1])
    site.end(ids[0])
    has(row(page, ids[0]), 'completed')
    page.wait_for_timeout(2500)
    assert page.evaluate('getSelection().toString()')=='running'
    page.evaluate('getSelection().removeAllRanges()')
    has(row(page, ids[1]), 'completed')

def test_cards_have_buttons_from_the_start_and_the_focus_stays(page, site):
    "Live and ended; a press is sent in place, and the keyboard goes on with what there is then"
    live,over = site.add('pending', run_at=timestamp(utcnow()+timedelta(hours=1))),site.add('failed')
    site.manager.pause('sync')
    page.goto(site.base+f'/cards?ids={live},{over}')
    page.evaluate("window.mark = 'here'")
    assert card(page, live).get_by_role('button').inner_text()=='Cancel' and card(page, over).get_by_role('button').inner_text()=='Retry'
    card(page, live).get_by_role('button').focus()
    page.keyboard.press('Enter')
    has(card(page, live), 'cancelled')
    assert page.evaluate('document.activeElement.innerText')=='Retry'
    page.keyboard.press('Enter')
    card(page, live).get_by_role('button', name='Cancel').wait_for()
    assert page.evaluate('document.activeElement.innerText')=='Cancel' and page.evaluate('window.mark')=='here'

def test_a_refusal_is_said_where_the_button_is(page, site):
    job_id = site.add('pending', run_at=timestamp(utcnow()+timedelta(hours=1)))
    page.goto(site.base+f'/cards?ids={job_id}')
    page.route('**/~live*', lambda route: route.fulfill(status=204, headers={'tt-live':'1'}))
    site.end(job_id)
    card(page, job_id).get_by_role('button').click()
    assert 'must be pending or running' in card(page, job_id).get_by_role('alert').inner_text()
    page.unroute('**/~live*')

def test_the_page_of_a_job_changes_as_one(page, site):
    "Badge, buttons and failures; an open error stays open at the next failure, and the one that a job ended with is open"
    now = utcnow()
    one = add_error(None, 1, now, 'Traceback\nConnectionError: first')
    job_id = site.add('pending', retry_count=1, error_log=one, run_at=timestamp(now))
    page.goto(site.base+f'/jobs/{job_id}')
    page.locator('.tt-error summary', has_text='ConnectionError: first').click()
    site.end(job_id, 'failed', retry_count=2, started_at=timestamp(now), error_log=add_error(one, 2, now, 'Traceback\nOSError: second'))
    page.get_by_text('Attempt 2 failed at').wait_for()
    assert page.locator('.tt-badge').inner_text()=='failed' and page.get_by_role('button', name='Retry sync').count()==1
    assert page.locator('details > summary', has_text='OSError: second').count()==1, 'each error is there once'
    for o in (1, 2): assert page.locator('details[open] > summary', has_text=f'Attempt {o}').count()==1

def test_a_line_of_the_log_appears_while_the_page_is_open(page, site):
    "On the job's page, and on its card"
    job_id = site.add()
    page.goto(site.base+f'/jobs/{job_id}')
    assert not page.locator('.tt-log').is_visible()
    sql = "INSERT INTO tenant_job_log (job_id, n, attempt, at, text) VALUES (?,1,1,?,'1,200 <b>rows</b>')"
    site.manager.store.write(lambda conn: conn.execute(sql, (job_id, timestamp(utcnow()))))
    page.get_by_text('1,200 <b>rows</b>').wait_for()
    assert page.get_by_role('region', name='Log').is_visible()
    page.get_by_text('1,200 <b>rows</b>').evaluate("o => { getSelection().selectAllChildren(o); window.line = o }")
    more = [(job_id, n, attempt, timestamp(utcnow()), text) for n,attempt,text in ((2, 1, 'two'), (3, 2, 'three'))]
    site.manager.store.write(lambda conn: conn.executemany('INSERT INTO tenant_job_log VALUES (?,?,?,?,?)', more))
    page.get_by_text('three', exact=True).wait_for()
    assert [o.split('\n')[-1] for o in page.locator('.tt-log li').all_inner_texts()]==['Attempt 1', '1,200 <b>rows</b>', 'two', 'Attempt 2', 'three']
    assert page.evaluate("getSelection().toString()=='1,200 <b>rows</b>' && line.isConnected")
    page.goto(site.base+f'/cards?ids={job_id}')
    card(page, job_id).locator('.tt-lines', has_text='1,200 <b>rows</b>').wait_for()

def test_copy_restart_and_other_arguments_by_click(page, site):
    "All in place: what is copied, a question before steps are thrown away, a refusal that leaves what was typed, and a retry"
    page.context.grant_permissions(['clipboard-read', 'clipboard-write'])
    job_id = site.add('failed', payload='{"rows": 7, "password": "hunter42"}', retry_count=1)
    site.manager.store.write(lambda conn: conn.execute("INSERT INTO tenant_steps VALUES (?,'login','step',?,'c','1')", (job_id, timestamp(utcnow()))))
    page.goto(site.base+f'/jobs/{job_id}')
    page.evaluate("window.mark = 'here'")
    page.get_by_role('button', name='Copy ID').click()
    page.get_by_role('button', name='Copied').wait_for()
    assert page.evaluate('navigator.clipboard.readText()')==job_id
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.get_by_role('button', name='Copy arguments').click()
    page.get_by_role('button', name='Copied').nth(1).wait_for()
    page.get_by_role('button', name='Restart').click()
    has(page.get_by_role('alert'), 'Forget the finished step and start again?')
    page.get_by_role('button', name='No').click()
    page.locator('summary', has_text='other arguments').click()
    area = page.get_by_label('Arguments as JSON')
    area.fill('{"rows": 8, "password": oops}')
    page.get_by_role('button', name='Retry with these').click()
    has(page.get_by_role('alert'), 'line 1, column 25 is not')
    assert area.input_value()=='{"rows": 8, "password": oops}'
    area.fill('{"rows": 8, "password": "••••••"}')
    page.get_by_role('button', name='Retry with these').click()
    has(page.locator('.tt-badge'), 'completed')
    assert site.manager.get_job(job_id).kwargs==dict(rows=8, password='hunter42')
    page.get_by_role('button', name='Copy ID').wait_for()
    assert page.locator('.tt-copy').count()==2 and '"rows": 8' in page.locator('[data-tt-copy="Copy arguments"]').inner_text()
    assert page.evaluate('window.mark')=='here' and page.title()=='sync completed'

def test_an_app_sets_the_look(page, site):
    "Accent, corners and font, for everything on the pages"
    site.add(progress=.4)
    page.goto(site.base+'/jobs')
    for k,v in dict(accent='rgb(120, 0, 120)', radius='0px', font='monospace').items():
        page.evaluate(f"document.documentElement.style.setProperty('--tt-{k}', '{v}')")
    def styles(name): return page.evaluate(f"[...document.querySelectorAll('.tt *')].map(o => getComputedStyle(o).{name})")
    page.get_by_label('Select all').check()
    links = page.evaluate("[...document.querySelectorAll('.tt tbody a')].map(o => getComputedStyle(o).color)")
    main = page.locator('.tt-main').first.evaluate('o => getComputedStyle(o).backgroundColor')
    assert {main, *links}=={'rgb(120, 0, 120)'} and {o for o in styles('borderTopLeftRadius') if '%' not in o}=={'0px'}
    assert set(styles('fontFamily'))<={'monospace', 'ui-monospace, monospace'}
    tab = page.locator('.tt-tabs [aria-current]').evaluate('o => getComputedStyle(o).borderBottomColor')
    page.locator('tbody a').first.focus()
    page.keyboard.press('Shift+Tab')
    page.keyboard.press('Tab')
    assert tab==page.evaluate('getComputedStyle(document.activeElement).outlineColor')=='rgb(120, 0, 120)'

@pytest.mark.parametrize('site', ['marked'], indirect=True)
def test_the_script_says_what_the_app_says(page, site):
    "Times that tick, and what is said of a server that is gone and of a form that fails"
    now = utcnow()
    job_id = site.add(started_at=timestamp(now-timedelta(days=3)), created_at=timestamp(now-timedelta(hours=2)))
    soon = site.add('pending', run_at=timestamp(now+timedelta(hours=2)))
    page.goto(site.base+f'/cards?ids={job_id},{soon}')
    page.route('**/~live*', lambda route: route.abort())
    page.get_by_text('«js_lost»').wait_for()
    page.evaluate("document.querySelectorAll('time').forEach(o => o.textContent = 'stale')") # So that the script's words are there
    for o in ('«card_runs»«days»3', '«in_time»«h»1', '«ago»'): page.get_by_text(o).first.wait_for()
    page.route('**/cancel', lambda route: route.abort())
    card(page, soon).get_by_role('button').click()
    has(page.get_by_role('alert'), '«js_failed»')

def test_run_now_by_click(page, site):
    job_id = site.add('pending', run_at=timestamp(utcnow()+timedelta(hours=1)))
    page.goto(site.base+f'/jobs/{job_id}')
    page.get_by_text('Due at').wait_for()
    page.get_by_role('button', name='Run now sync').click()
    page.get_by_text('Due at').wait_for(state='detached')
    assert not page.get_by_role('button', name='Run now').count()
    assert site.manager.get_job(job_id).run_at<=timestamp(utcnow())

def test_one_request_for_all_cards(page, site):
    "And fewer when nothing moves: fifty cards and a second tab's worth of time"
    ids = [site.add() for _ in range(50)]
    page.clock.install()
    page.goto(site.base+f"/cards?ids={','.join(ids)}")
    pass_time(page, 6)
    assert 2<=len(page.asked)<=5, len(page.asked)
    assert page.asked[0].count('p=job')==50
    site.end(ids[7])
    pass_time(page, 4)
    has(card(page, ids[7]), 'completed')

def test_parts_that_move_less_are_asked_less(page, site):
    "The list each time, the numbers each third, all for those who come back; and the server hears which version the page has"
    site.add()
    page.clock.install()
    page.goto(site.base+'/jobs')
    kinds,known = [],[]
    def ask(act):
        with page.expect_response('**/~live*') as res: act()
        sent = parse_qs(urlsplit(res.value.url).query)
        kinds.append({o.partition(':')[0] for o in sent['p']})
        known.append('v' in sent and res.value.status==204)
        page.wait_for_timeout(100) # For the script to take it in
    for _ in range(7): ask(lambda: page.clock.run_for(4500))
    full = {'list','stats','tabs','failures','pauses'}
    assert kinds==[{'list'}, {'list'}, full, {'list'}, {'list'}, full, {'list'}]
    assert sum(known[3:])>=2, known # Each minute is a version of its own
    site.add(job_type='other')
    ask(lambda: page.evaluate("Date.now = () => new Date().getTime()+60000; document.dispatchEvent(new Event('visibilitychange'))"))
    assert kinds[-1]==full and not known[-1]
    page.get_by_role('link', name='other').wait_for()

def test_a_server_that_is_gone_is_said_and_asked_less_and_less(page, site):
    job_id = site.add()
    page.clock.install()
    page.goto(site.base+f'/cards?ids={job_id}')
    page.route('**/~live*', lambda route: route.abort())
    mark = page.get_by_role('status').filter(has_text='Connection lost')
    pass_time(page, 3)
    mark.wait_for()
    n = len(page.asked)
    pass_time(page, 24)
    assert 2<=len(page.asked)-n<=4
    page.unroute('**/~live*')
    pass_time(page, 31)
    mark.wait_for(state='detached')
    page.route('**/~live*', lambda route: route.fulfill(status=404, body='404 Not Found'))
    pass_time(page, 4)
    card(page, job_id).get_by_text('can no longer be followed').wait_for()
    n = len(page.asked)
    pass_time(page, 60)
    assert len(page.asked)==n

def test_a_lost_connection_is_said_once_a_page(page, site):
    site.add()
    page.goto(site.base+'/jobs')
    page.route('**/~live*', lambda route: route.abort())
    mark = page.get_by_text('Connection lost')
    mark.wait_for()
    assert mark.count()==1 and mark.evaluate('o => o.getBoundingClientRect().bottom <= innerHeight')
    page.unroute('**/~live*')
    mark.wait_for(state='detached')

def test_the_form_to_pause_makes_way_for_what_it_did(page, site):
    site.add()
    page.goto(site.base+'/jobs')
    page.locator('summary', has_text='Pause jobs').click()
    page.get_by_label('Reason').fill('too hot')
    page.get_by_role('button', name='Pause', exact=True).click()
    page.get_by_text('All jobs are paused').wait_for()
    assert not page.get_by_label('Reason').is_visible() and page.evaluate('document.activeElement.innerText')=='Pause jobs'
    page.get_by_role('button', name='Resume').click()
    page.get_by_text('All jobs are paused').wait_for(state='detached')

def test_a_list_without_jobs_says_how_to_submit_one_and_nothing_else(page, site):
    "Its filters, tabs and numbers come with the first job"
    page.goto(site.base+'/jobs')
    page.get_by_text('No jobs yet.').wait_for()
    for o in ('.tt-find', '.tt-tabs', '.tt-glance'): assert not page.locator(o).is_visible(), o
    job_id = site.add('failed', error_log=add_error(None, 1, utcnow(), 'OSError: x'))
    row(page, job_id).wait_for()
    for o in ('.tt-find', '.tt-tabs', '.tt-glance'): page.locator(o).wait_for()

def test_rows_of_a_list_use_a_phone_s_width(new_page, site):
    job_id = site.add('failed', payload='{"photo": "IMG_4411.jpg"}')
    page = new_page(viewport=dict(width=390, height=800))
    page.goto(site.base+'/as/act')
    def left(part): return row(page, job_id).locator(part).evaluate('o => o.getBoundingClientRect().left')
    assert left('.tt-badge')<100 and row(page, job_id).locator('th').evaluate('o => o.offsetWidth')>280
    page.set_viewport_size(dict(width=1000, height=800))
    assert left('.tt-badge')>400
    page.context.close()

def test_a_hidden_page_asks_seldom(page, site):
    job_id = site.add()
    page.clock.install()
    page.goto(site.base+f'/cards?ids={job_id}')
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => window.away}); window.away = true")
    pass_time(page, 2)
    n = len(page.asked)
    pass_time(page, 50)
    assert len(page.asked)==n
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    pass_time(page, 1)
    assert len(page.asked)>n # It may have asked before the script's call returned

def test_times_tick_without_the_server(new_page, site):
    "And show the time of the reader, with UTC in the title"
    job_id = site.add()
    page = new_page(timezone_id='Asia/Tokyo')
    page.goto(site.base+'/as/act')
    page.goto(site.base+f'/jobs/{job_id}')
    page.route('**/~live*', lambda route: route.abort())
    seen = set()
    for _ in range(8):
        seen.add(page.get_by_text('running for').inner_text())
        page.wait_for_timeout(500)
    assert len(seen)>=3, seen
    fact = page.locator('.tt-line time[data-tt-time=at]').first
    utc,local = fact.get_attribute('title'),fact.inner_text()
    assert utc.endswith(' UTC') and int(local[11:13])==(int(utc[11:13])+9)%24
    page.context.close()

def test_many_are_confirmed_in_place(page, site):
    "No buttons while nothing is selected; twelve are asked about; what came of it is said and the list is new"
    ids = [site.add('pending', run_at=timestamp(utcnow()+timedelta(hours=1))) for _ in range(12)]
    page.goto(site.base+'/jobs')
    page.get_by_label('Select all').wait_for()
    assert not page.get_by_role('button', name='Cancel selected').is_visible()
    page.get_by_label('Select all').check()
    page.get_by_role('button', name='Cancel selected').click()
    has(page.get_by_role('alert'), 'Cancel 12 jobs?')
    assert site.manager.job_stats()['pending']==12
    page.get_by_role('button', name='No').click()
    page.get_by_role('button', name='Cancel selected').click()
    page.get_by_role('alert').get_by_role('button', name='Yes').click()
    page.get_by_text('12 jobs cancelled.').wait_for()
    has(row(page, ids[0]), 'cancelled')
    assert page.url==site.base+'/jobs' and not page.locator('tbody input:checked').count()

def test_keys_ticks_and_a_bar_that_stays_in_sight(page, site):
    "Next, previous, select, open, retry, find, help; with shift a range; the bar counts; no key in a field, nor once they are off"
    ids = [site.add('failed', payload='{"n": %d}'%i) for i in range(40)][::-1] # As shown: the newest first
    page.goto(site.base+'/jobs')
    press,bar = page.keyboard.press,page.locator('.tt-bulk')
    def now(): return page.evaluate('document.activeElement.id')
    def ticked(): return [o.get_attribute('value') for o in page.locator('tbody input:checked').all()]
    def in_sight(): return bar.is_visible() and bar.evaluate('o => o.getBoundingClientRect().bottom <= innerHeight')
    assert not in_sight() and not page.get_by_text('selected', exact=True).count()
    for o in 'jjkjx': press(o)
    assert now()==f'job-{ids[1]}-link' and ticked()==[ids[1]] and in_sight()
    has(bar, '1 selected')
    page.locator(f'[value="{ids[2]}"]').check()
    page.locator(f'[value="{ids[6]}"]').click(modifiers=['Shift'])
    assert ticked()==ids[1:7]
    page.locator(f'[value="{ids[4]}"]').click(modifiers=['Shift'])
    assert ticked()==ids[1:4]
    page.get_by_label('Select all').check()
    has(bar, '40 selected')
    press('r')
    has(page.get_by_role('alert'), 'Retry 40 jobs?')
    assert page.get_by_role('alert').evaluate('o => o.getBoundingClientRect().bottom <= innerHeight')
    page.get_by_role('alert').get_by_role('button', name='No').click()
    page.get_by_label('Select all').check()
    page.get_by_label('Select all').uncheck()
    assert not page.locator('.tt-said').count() and bar.locator('.tt-picked').inner_text()==''
    press('/')
    press('x')
    assert page.locator('input[name=text]').input_value()=='x' and not ticked()
    row(page, ids[3]).get_by_role('link').focus()
    press('r')
    page.get_by_text('1 job retried.').wait_for()
    has(row(page, ids[3]), 'completed')
    press('?')
    page.get_by_role('dialog').get_by_text('Open the job').wait_for()
    assert not axe(page)
    page.get_by_label('Shortcuts are on').uncheck()
    press('Escape')
    press('x')
    assert not ticked()
    page.reload()
    page.get_by_role('button', name='Shortcuts').click()
    page.get_by_label('Shortcuts are on').check()
    page.get_by_role('button', name='Close').click()
    row(page, ids[5]).get_by_role('link').focus()
    press('o')
    page.wait_for_url(f'**/jobs/{ids[5]}')
    assert not [o for o in page.problems if 'favicon' not in o and '428' not in o], page.problems

def test_a_choice_is_applied_at_once(page, site):
    for i in range(8): site.add(job_type=f't{i}')
    page.goto(site.base+'/jobs?last=day')
    page.locator('select[name=type]').select_option('t3')
    page.wait_for_url('**/jobs?*type=t3*')
    assert page.locator('tbody tr').count()==1 and 'last=day' in page.url
    page.get_by_role('link', name='t3: remove').click()
    page.wait_for_url('**/jobs?last=day')

def axe(page):
    if not page.evaluate('!!window.axe'): page.evaluate(from_cdn('https://cdn.jsdelivr.net/npm/axe-core@4.10.2/axe.min.js').decode())
    res = page.evaluate("axe.run(document, {rules: {'page-has-heading-one': {enabled: !!document.querySelector('.tt-page')}}})")
    return [(o['id'], o['nodes'][0]['html'][:120]) for o in res['violations']]

@pytest.mark.parametrize('site', ['', 'pico', 'monster'], indirect=True)
def test_every_look(new_page, site):
    "No violation that axe knows, nothing sticks out, all targets are 24 px: light and dark, wide and narrow, with each stylesheet"
    needs('npm, which brings axe-core,', shutil.which('npm'))
    now = utcnow()
    log = add_error(None, 1, now, 'Traceback\nConnectionError: '+'x'*150)
    ids = [site.add(progress=.4, progress_note='y'*150), site.add('failed', error_log=log, retry_count=1), site.add('pending')]
    site.manager.pause('sync', reason='z'*100)
    site.manager.schedule('nightly', nightly, cron='30 3 * * *', tz='Asia/Kolkata')
    site.manager.submit_many('resize', nightly, [{}]*3, then=nightly)
    def fill(conn):
        conn.execute("INSERT INTO tenant_job_log VALUES (?,1,1,?,?)", (ids[0], timestamp(now), 'a line of the log '*20))
        conn.execute("INSERT INTO tenant_steps VALUES (?,'login','step',?,'c','1')", (ids[1], timestamp(now)))
    site.manager.store.write(fill)
    page = new_page(reduced_motion='reduce')
    page.goto(site.base+'/as/act')
    panels = [f'/jobs/~{o}' for o in ('numbers', 'schedules', 'limits', 'batches')]
    for path in ('/jobs', f'/jobs/{ids[1]}', f"/cards?ids={','.join(ids)}", '/ops', '/jobs?status=cancelled', *panels):
        page.goto(site.base+path)
        if 'cards' in path: page.locator('.tt-lines').wait_for()
        for o in page.locator('summary').all(): o.click()
        for width,scheme in product((1000, 360), ('light', 'dark')):
            page.set_viewport_size(dict(width=width, height=740))
            page.emulate_media(color_scheme=scheme)
            page.evaluate("dark => document.querySelector('.uk-theme-blue')?.classList.toggle('dark', dark)", scheme=='dark')
            assert not axe(page), (path, width, scheme)
            if scheme=='dark': continue # Colours alone differ
            assert page.evaluate('document.documentElement.scrollWidth')<=width, path
            small = page.evaluate("""[...document.querySelectorAll('.tt :is(a, button, input, select, summary)')].filter(o => o.offsetParent &&
                !o.closest('p, .tt-head') && o.getBoundingClientRect().height < 23.5).map(o => o.outerHTML.slice(0, 80))""")
            assert not [o for o in small if 'checkbox' not in o], small
    page.context.close()

def test_forced_colours_show_the_bar(new_page, site):
    job_id = site.add(progress=.5)
    page = new_page(forced_colors='active')
    page.goto(site.base+'/as/act')
    page.goto(site.base+f'/cards?ids={job_id}')
    assert page.locator('progress').evaluate('o => getComputedStyle(o).borderTopStyle')=='solid'
    page.context.close()
