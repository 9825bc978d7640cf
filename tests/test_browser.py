"Pages in Chromium: they stay up to date around what people do, under a strict content security policy and without htmx"
from datetime import datetime,timedelta,timezone
from itertools import product

import pytest,uvicorn
from browser import axe,browsing,example,log_in,need_browser,need_npm
from fasthtml.common import FastHTML,Link,Main,Title
from helpers import Call,marked,wait_until

from tenant_tasks import TenantJob,Tenants,jobs_ui,operator_ui,task
from tenant_tasks.jobs.job import final_statuses,utcnow,timestamp,parse_time
from tenant_tasks.jobs.history import add_error
from tenant_tasks.web.words import set_translation

need_browser()

panels = 'numbers', 'schedules', 'limits', 'batches'

@task(name='browser.sync')
def sync(**kw): return kw

@task(name='browser.mail', limit=3, rate=(100, 60))
def mail(**kw): return kw

cdn = 'https://cdn.jsdelivr.net/npm'
sheets = dict(pico=['@picocss/pico@2.0.6/css/pico.min.css'], monster=['franken-ui@2.0.0/dist/css/core.min.css',
    'tailwindcss@3.4.17/src/css/preflight.css', 'daisyui@4.12.24/dist/full.css'])

size = dict(width=1000, height=800) # Of a page

class Web:
    "What the server calls: the app of the test, whose answers get a content security policy"
    app,policy = None,b''
    async def __call__(self, scope, receive, send):
        async def send_with_policy(o):
            if 'headers' in o: o['headers'] = [*o['headers'], (b'content-security-policy', self.policy)]
            await send(o)
        await self.app(scope, receive, send_with_policy)

class Site:
    "An app without htmx whose pages everybody may use, and its tenant, to whom tests write rows as workers do"
    def __init__(self, web, folder, look=''):
        tenants = Tenants(folder)
        self.manager = tenants.create('acme')
        self.n = 0
        hdrs = [Link(rel='stylesheet', href=f'{cdn}/{o}') for o in sheets.get(look, ())]
        htmlkw = dict(lang='en', cls='uk-theme-blue' if look=='monster' else None)
        app = FastHTML(default_hdrs=False, hdrs=hdrs, htmlkw=htmlkw, secret_key='x')
        jobs_ui(app, lambda req: self.manager, lambda req: 'act')
        operator_ui(app, tenants, lambda req: 'act')
        @app.route('/cards', methods=['get'])
        def cards(ids:str):
            return Title('Cards'), Main(*[self.manager.get_job(o) for o in ids.split(',')], cls='container')
        sources = 'https://cdn.jsdelivr.net' if hdrs else ''
        web.app,web.policy = app,f"default-src 'self'; style-src 'self' {sources}; img-src 'self' data:".encode()

    def add(self, status='running', job_type='sync', **kw):
        "A row as it is, without a function: its id"
        self.n += 1
        now = utcnow()
        own = dict(owner='x~y~1~00000000', claim=f'c{self.n}', lease_until=timestamp(now+timedelta(hours=1)))
        times = dict(created_at=timestamp(now), started_at=None if status=='pending' else timestamp(now))
        if status in final_statuses: times['completed_at'] = timestamp(now)
        vals = dict(times, task='browser.sync', **own if status=='running' else {}) | kw
        self.manager.store.submit([TenantJob(f'{self.n:032x}', job_type, status, **vals)])
        return f'{self.n:032x}'

    def later(self): return self.add('pending', run_at=timestamp(utcnow()+timedelta(hours=1)))

    def set(self, job_id, **vals):
        "Change columns of a row, as a worker does"
        sets = ', '.join(f'{o}=:{o}' for o in vals)
        self.write(f'UPDATE tenant_jobs SET {sets} WHERE id=:id', dict(vals, id=job_id))

    def write(self, sql, args): self.manager.store.write(lambda conn: conn.execute(sql, args))
    def log(self, job_id, n, attempt, text):
        self.write('INSERT INTO tenant_job_log VALUES (?,?,?,?,?)', (job_id, n, attempt, timestamp(utcnow()), text))
    def end(self, job_id, status='completed', **kw):
        self.set(job_id, status=status, completed_at=timestamp(utcnow()), **kw)

@pytest.fixture(scope='module')
def web():
    "A server in a thread of this process, for the app that is set"
    res = Web()
    kw = dict(port=0, lifespan='off', log_level='error', timeout_graceful_shutdown=1)
    server = uvicorn.Server(uvicorn.Config(res, **kw))
    running = Call(server.run)
    wait_until(lambda: server.started)
    res.base = f'http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}'
    yield res
    server.should_exit = True
    running.join()

@pytest.fixture
def site(web, tmp_path): return Site(web, tmp_path)

count_asking = """window.asking = 0
const ask = window.fetch
window.fetch = async (...args) => {
    window.asking++
    try {
        const res = await ask(...args), text = await res.text()
        res.text = async () => text
        return res
    } finally { window.asking-- }
}"""

@pytest.fixture(scope='module')
def new_page(web):
    "What opens a page that knows its `problems`, and the addresses that it has `asked` for what has changed"
    def watched(page):
        page.problems,page.asked = [],[]
        page.on('console', lambda m: m.type=='error' and page.problems.append(m.text))
        page.on('pageerror', lambda e: page.problems.append(str(e)))
        page.on('request', lambda o: '~live' in o.url and page.asked.append(o.url))
        page.add_init_script(count_asking)
        return page
    usual = dict(viewport=size, base_url=web.base, reduced_motion='reduce', timezone_id='Asia/Kolkata')
    with browsing() as make: yield lambda **options: watched(make(**usual | options))

@pytest.fixture
def opened(new_page):
    "What opens a page with options, for one test"
    pages = []
    yield lambda **options: pages.append(new_page(**options)) or pages[-1]
    for o in pages: o.context.close()

@pytest.fixture(scope='module')
def lasting(new_page): return new_page()

def cleared(page):
    page.problems.clear()
    page.asked.clear()
    yield page
    page.unroute_all()
    page.set_viewport_size(size)
    page.emulate_media(color_scheme='light')
    page.goto('about:blank')

@pytest.fixture
def page(lasting):
    "One page for many tests, since a new one costs half a second of processor time"
    yield from cleared(lasting)

@pytest.fixture(scope='module')
def stopped(new_page):
    res,now = new_page(),datetime.now(timezone.utc)
    res.clock.install(time=now)
    res.clock.pause_at(now+timedelta(hours=1)) # The script reckons with clocks that are wrong
    return res

@pytest.fixture
def still(stopped):
    "A page whose time stands still until `pass_time`"
    yield from cleared(stopped)

@pytest.fixture
def translated():
    set_translation(marked)
    yield
    set_translation()

def card(page, job_id): return page.locator(f'#job-{job_id}')
def row(page, job_id): return page.locator(f'#job-{job_id}-row')
def has(locator, text): locator.filter(has_text=text).wait_for()
def focused(page, what): return page.evaluate(f'document.activeElement.{what}')

def pass_time(page, secs):
    "Let time go by for a page whose time stands still, and let it take in each answer of the server"
    for _ in range(secs):
        page.clock.run_for(1000)
        wait_until(lambda: page.wait_for_timeout(2) or not page.evaluate('asking'))

# -- the example app

@pytest.mark.slow
def test_a_card_moves_from_pending_to_completed_and_then_asks_no_more(opened, tmp_path):
    "Without a reload: a mark on the window is still there; the bar moves; after the end there is not one more request"
    need_npm()
    page = opened()
    with example(tmp_path) as base:
        log_in(page, base, 'ann')
        page.evaluate("""window.seen = []
            new MutationObserver(() => seen.push(document.querySelector('#new progress')?.value ?? 0))
            .observe(document.querySelector('#new'), {subtree: true, childList: true, attributes: true})""")
        page.locator('[hx-post="/submit/make_report"]').click()
        card = page.locator('#new > section')
        card.locator('[data-status=completed]').wait_for()
        seen = [o for o in page.evaluate('seen') if o]
        card.get_by_text('Result').click()
        assert seen==sorted(seen) and page.asked and '100 rows' in card.inner_text()
        assert not card.get_by_role('button').count() and not page.locator('[data-tt-every]').count()

# -- what stays while a page changes

def test_the_policy_is_strict_and_nothing_breaks_it(page, site):
    "Stylesheet and script apply; nothing is inline; the page says nothing in the console; the app's look is in force"
    job_id = site.add(progress=.4)
    def styles(of, name):
        return set(page.evaluate(f"[...document.querySelectorAll('{of}')].map(o => getComputedStyle(o).{name})"))
    for path in (f'/jobs/{job_id}', '/ops', f'/cards?ids={job_id}', '/jobs'):
        page.goto(path)
        assert page.evaluate('ttJobs') and '14px' in styles('.tt', 'fontSize')
        assert not page.locator('[style], [onclick], style, script:not([src])').count()
    for k,v in dict(accent='rgb(120, 0, 120)', radius='0px', font='monospace').items():
        page.evaluate(f"document.documentElement.style.setProperty('--tt-{k}', '{v}')")
    assert styles('.tt tbody a', 'color')=={'rgb(120, 0, 120)'}
    assert {o for o in styles('.tt *', 'borderTopLeftRadius') if '%' not in o}=={'0px'}
    assert styles('.tt *', 'fontFamily')<={'monospace', 'ui-monospace, monospace'}
    assert not [o for o in page.problems if '404' not in o], page.problems # Of an icon

def test_a_list_changes_around_what_people_do(page, site):
    "Ticks, select all, the focus and selected text stay; rows come in; a text that is selected changes once it is free"
    ids = [site.add() for _ in range(3)]
    page.goto('/jobs')
    page.get_by_label('Select all').check()
    assert page.locator('tbody input:checked').count()==3
    row(page, ids[0]).get_by_role('checkbox').uncheck()
    assert page.get_by_label('Select all').evaluate('o => o.indeterminate')
    row(page, ids[1]).get_by_role('link').focus()
    row(page, ids[1]).locator('.tt-badge').evaluate('o => getSelection().selectAllChildren(o)')
    new = site.add()
    for o in ids[::-1]: site.end(o)
    for o in (ids[0], ids[2]): has(row(page, o), 'completed')
    assert focused(page, 'id')==f'job-{ids[1]}-link' and row(page, new).is_visible()
    assert page.locator('tbody input:checked').count()==2 and not row(page, new).get_by_role('checkbox').is_checked()
    assert page.evaluate('getSelection().toString()')=='running'
    page.evaluate('getSelection().removeAllRanges()')
    has(row(page, ids[1]), 'completed')

def test_cards_have_buttons_from_the_start_and_the_focus_stays(page, site):
    "A press is sent in place, a live region says what came of it, the focus goes on, and a refusal is said"
    live,over = site.later(),site.add('failed')
    site.manager.pause('sync')
    page.goto(f'/cards?ids={live},{over}')
    it = card(page, live)
    assert [card(page, o).get_by_role('button').inner_text() for o in (live, over)]==['Cancel', 'Retry']
    it.get_by_role('status').evaluate('o => { window.region = o }')
    it.get_by_role('button').focus()
    page.keyboard.press('Enter')
    has(it, 'cancelled')
    assert focused(page, 'innerText')=='Retry'
    assert page.evaluate("region.isConnected && region.getAttribute('aria-live')")=='polite'
    assert page.evaluate('region.innerText').strip()=='cancelled', 'a screen reader hears it'
    page.keyboard.press('Enter')
    it.get_by_role('button', name='Cancel').wait_for()
    assert focused(page, 'innerText')=='Cancel'
    page.route('**/~live*', lambda route: route.fulfill(status=204, headers={'tt-live':'1'}))
    site.end(live)
    it.get_by_role('button').click()
    assert 'must be pending or running' in it.get_by_role('alert').inner_text()

def test_the_page_of_a_job_changes_as_one(page, site):
    "Badge, buttons, failures, log: an open error stays open at the next one, selected text stays, new lines come below"
    page.context.grant_permissions(['clipboard-read', 'clipboard-write'])
    now = utcnow()
    one = add_error(None, 1, now, 'Traceback\nConnectionError: first')
    job_id = site.add('pending', retry_count=1, error_log=one, run_at=timestamp(now))
    page.goto(f'/jobs/{job_id}')
    page.get_by_role('button', name='Copy ID').click()
    page.get_by_role('button', name='Copied').wait_for()
    assert page.evaluate('navigator.clipboard.readText()')==job_id
    page.locator('.tt-error summary', has_text='ConnectionError: first').click()
    assert not page.locator('.tt-log').is_visible()
    site.log(job_id, 1, 1, '1,200 <b>rows</b>')
    line = page.get_by_role('region', name='Log').get_by_text('1,200 <b>rows</b>')
    line.evaluate("o => { getSelection().selectAllChildren(o); window.line = o }")
    for n,attempt,text in ((2, 1, 'two'), (3, 2, 'three')): site.log(job_id, n, attempt, text)
    two = add_error(one, 2, now, 'Traceback\nOSError: second')
    site.end(job_id, 'failed', retry_count=2, started_at=timestamp(now), error_log=two)
    for o in ('Attempt 2 failed at', 'three'): page.get_by_text(o, exact=o=='three').wait_for()
    lines = [o.split('\n')[-1] for o in page.locator('.tt-log li').all_inner_texts()]
    assert lines==['Attempt 1', '1,200 <b>rows</b>', 'two', 'Attempt 2', 'three']
    assert page.evaluate("getSelection().toString()=='1,200 <b>rows</b>' && line.isConnected")
    assert page.locator('.tt-badge').inner_text()=='failed' and page.get_by_role('button', name='Retry sync').count()==1
    assert page.locator('details > summary', has_text='OSError: second').count()==1, 'each error is there once'
    for o in (1, 2): assert page.locator('details[open] > summary', has_text=f'Attempt {o}').count()==1

def test_a_card_tells_the_app_that_its_job_has_ended(page, site):
    "Once for each job, and not for one that had ended before"
    done,ids = site.add('completed'),[site.add() for _ in range(2)]
    page.goto(f"/cards?ids={','.join([done, *ids])}")
    listen = "document.addEventListener('tt:ended', e => ended.push([e.detail.id, e.detail.status]))"
    page.evaluate(f'window.ended = []; {listen}')
    site.set(ids[0], progress=.5)
    has(card(page, ids[0]), '50%')
    for job_id,status in zip(ids, ('completed', 'failed')):
        site.end(job_id, status)
        has(card(page, job_id), status)
    assert page.evaluate('ended')==[[ids[0], 'completed'], [ids[1], 'failed']]

# -- buttons and forms

def ticked(page): return [o.get_attribute('value') for o in page.locator('tbody input:checked').all()]

def test_many_are_ticked_and_confirmed_in_place(page, site):
    "With shift a range, and all at once; the bar stays in sight; twelve are asked about, and the list is new"
    ids = [site.later() for _ in range(12)][::-1] # As shown: the newest first
    page.set_viewport_size(dict(width=1000, height=400))
    page.goto('/jobs')
    bar,alert = page.locator('.tt-bulk'),page.get_by_role('alert')
    def in_sight(o): return o.is_visible() and o.evaluate('o => o.getBoundingClientRect().bottom <= innerHeight')
    assert not in_sight(bar) and not page.get_by_role('button', name='Cancel selected').is_visible()
    page.locator(f'[value="{ids[1]}"]').check()
    assert in_sight(bar)
    has(bar, '1 selected')
    page.locator(f'[value="{ids[2]}"]').check()
    for i,last in ((6, 7), (4, 4)):
        page.locator(f'[value="{ids[i]}"]').click(modifiers=['Shift'])
        assert ticked(page)==ids[1:last]
    for answer in ('No', 'Yes'):
        page.get_by_label('Select all').check()
        page.get_by_role('button', name='Cancel selected').click()
        has(alert, 'Cancel 12 jobs?')
        assert in_sight(alert)
        alert.get_by_role('button', name=answer).click()
        if answer=='No': page.get_by_label('Select all').uncheck()
        assert answer=='Yes' or not ticked(page)
    page.get_by_text('12 jobs cancelled.').wait_for()
    has(row(page, ids[0]), 'cancelled')
    assert page.url.endswith('/jobs') and not ticked(page)

def test_a_choice_is_applied_at_once(page, site):
    for i in range(8): site.add(job_type=f't{i}')
    page.goto('/jobs?last=day')
    page.locator('select[name=type]').select_option('t3')
    page.wait_for_url('**/jobs?*type=t3*')
    assert page.locator('tbody tr').count()==1 and 'last=day' in page.url
    page.get_by_role('link', name='t3: remove').click()
    page.wait_for_url('**/jobs?last=day')

def test_schedules_and_types_are_paused_in_place(page, site):
    site.manager.schedule('nightly', sync, cron='0 3 * * *')
    page.goto('/jobs/~schedules')
    page.evaluate("window.mark = 'here'")
    row = page.locator('tr', has=page.get_by_role('link', name='nightly', exact=True))
    row.get_by_role('button', name='Pause').click()
    row.get_by_text('nightly is paused').wait_for()
    assert page.evaluate('mark')=='here'
    page.goto('/jobs')
    page.locator('summary', has_text='Pause jobs').click()
    page.get_by_label('Reason').fill('too hot')
    page.get_by_role('button', name='Pause', exact=True).click()
    page.get_by_text('All jobs are paused').wait_for()
    assert not page.get_by_label('Reason').is_visible() and focused(page, 'innerText')=='Pause jobs'
    page.get_by_role('button', name='Resume').click()
    page.get_by_text('All jobs are paused').wait_for(state='detached')

def test_the_chart_is_in_the_time_zone_of_the_browser(page, site):
    for _ in range(2): site.add('completed', completed_at=timestamp(utcnow()-timedelta(minutes=44)))
    page.goto('/jobs/~numbers')
    page.get_by_text('Asia/').wait_for()
    bar = page.locator('.tt-col title')
    local = parse_time(bar.get_attribute('data-tt-clock'))+timedelta(hours=5, minutes=30)
    assert bar.text_content()==f'{local:%H:%M} · 2 completed · 0 failed'

# -- what is asked for, and when

def test_a_server_that_is_gone_is_said_once_and_asked_less_and_less(still, site):
    "And it is asked seldom by a hidden page"
    site.add()
    page = still
    page.goto('/jobs')
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => window.away}); window.away = true")
    pass_time(page, 20)
    assert not page.asked
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    pass_time(page, 1)
    assert len(page.asked)==1
    page.route('**/~live*', lambda route: route.abort())
    mark = page.get_by_role('status').filter(has_text='Connection lost')
    pass_time(page, 5)
    assert mark.count()==1 and mark.evaluate('o => o.getBoundingClientRect().bottom <= innerHeight')
    n = len(page.asked)
    pass_time(page, 24)
    assert 2<=len(page.asked)-n<=4
    page.unroute('**/~live*')
    pass_time(page, 31)
    assert not mark.count()
    page.route('**/~live*', lambda route: route.fulfill(status=404, body='404 Not Found'))
    pass_time(page, 5)
    page.get_by_text('can no longer be followed').first.wait_for()
    n = len(page.asked)
    pass_time(page, 6)
    assert len(page.asked)==n

def test_the_script_says_what_the_app_says(page, web, tmp_path, translated):
    "Times that tick, and what is said of a server that is gone and of a form that fails"
    site = Site(web, tmp_path)
    now = utcnow()
    job_id = site.add(started_at=timestamp(now-timedelta(days=3)), created_at=timestamp(now-timedelta(hours=2)))
    soon = site.add('pending', run_at=timestamp(now+timedelta(minutes=90)))
    page.goto(f'/cards?ids={job_id},{soon}')
    page.route('**/~live*', lambda route: route.abort())
    page.get_by_text('«Connection lost').wait_for()
    page.evaluate("document.querySelectorAll('time').forEach(o => o.textContent = '')") # The script writes them anew
    for o in ('«running for »3« days»', '«in »1« h»', '« ago»'): page.get_by_text(o).first.wait_for()
    page.route('**/cancel', lambda route: route.abort())
    card(page, soon).get_by_role('button').click()
    has(page.get_by_role('alert'), '«That did not work')

# -- looks

def unfold(page): page.evaluate("document.querySelectorAll('summary').forEach(o => o.click())")

def flaws(page, width, scheme):
    "What axe finds in a page, what sticks out at its sides, and targets lower than 24 px"
    page.set_viewport_size(dict(width=width, height=740))
    page.emulate_media(color_scheme=scheme, reduced_motion='reduce')
    dark = 'true' if scheme=='dark' else 'false'
    page.evaluate(f"document.querySelector('.uk-theme-blue')?.classList.toggle('dark', {dark})")
    out = page.evaluate('document.documentElement.scrollWidth')>width
    small = page.evaluate("""[...document.querySelectorAll('.tt :is(a, button, input, select, summary)')]
        .filter(o => o.offsetParent && o.type != 'checkbox' && !o.closest('p, .tt-head'))
        .filter(o => o.getBoundingClientRect().height < 23.5)
        .map(o => o.outerHTML.slice(0, 80))""")
    return axe(page),out,small

def fill(site):
    "Jobs, a pause, a schedule and a batch with long texts: the ids of a running job and a failed one"
    now = utcnow()
    log = add_error(None, 1, now, 'Traceback\nConnectionError: '+'x'*150)
    running,failed = site.add(progress=.4, progress_note='y'*150),site.add('failed', error_log=log, retry_count=1)
    site.add('pending')
    for i in range(3): site.add('completed', 'import_'+'x'*40, completed_at=timestamp(now-timedelta(minutes=i)))
    site.manager.pause('sync', reason='z'*100)
    site.manager.schedule('nightly', sync, cron='30 3 * * *', tz='Asia/Kolkata', team='y'*200)
    site.manager.submit_many('resize_'+'z'*60, mail, [{}]*3, then=sync)
    site.log(running, 1, 1, 'a line of the log '*20)
    site.write("INSERT INTO tenant_steps VALUES (?,'login','step',?,'c','1')", (failed, timestamp(now)))
    return running,failed

def test_a_list_is_accessible_and_fits_a_phone(page, site):
    "No violation that axe knows; on a phone a row uses the whole width"
    need_npm()
    failed = fill(site)[1]
    page.goto('/jobs')
    unfold(page)
    assert flaws(page, 360, 'dark')==([], False, [])
    assert row(page, failed).locator('th').evaluate('o => o.offsetWidth')>250

@pytest.mark.slow
@pytest.mark.parametrize('look', ['', 'pico', 'monster'])
def test_every_look(opened, web, tmp_path, look):
    need_npm()
    site,page = Site(web, tmp_path, look),opened()
    for o in panels[1:]:
        page.goto(f'/jobs/~{o}')
        assert flaws(page, 360, 'light')==([], False, []), o
    running,failed = fill(site)
    lists = '/jobs', '/jobs?status=cancelled', '/ops', *[f'/jobs/~{o}' for o in panels]
    for path in (f'/jobs/{failed}', f'/cards?ids={running},{failed}', *lists):
        page.goto(path)
        if 'cards' in path: page.locator('.tt-lines').wait_for()
        unfold(page)
        for o in product((1000, 360), ('light', 'dark')): assert flaws(page, *o)==([], False, []), (path, *o)
    page.emulate_media(forced_colors='active')
    page.goto(f'/cards?ids={running}')
    assert page.locator('progress').evaluate('o => getComputedStyle(o).borderTopStyle')=='solid'
