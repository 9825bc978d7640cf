"The example app in a real browser: cards that move by themselves, buttons, keyboard, no JavaScript, narrow and dark pages"
import os,re,shutil

import pytest
from browser import browsing,chromium,example,log_in

def needs(what, ok):
    if ok: return
    if os.environ.get('CI'): pytest.fail(f'{what} is missing')
    pytest.skip(f'{what} is missing')

@pytest.fixture(scope='module')
def base(tmp_path_factory):
    needs('Chromium', chromium())
    needs('npm, which brings htmx,', shutil.which('npm'))
    with example(tmp_path_factory.mktemp('tenants')) as url: yield url

@pytest.fixture(scope='module')
def new_page(base):
    pytest.importorskip('playwright', reason='browser tests need the extra `dev`')
    with browsing() as make: yield make

@pytest.fixture
def page(new_page, base):
    res = new_page(viewport=dict(width=1000, height=800))
    log_in(res, base, 'ann')
    yield res
    res.context.close()

def submit(page, kind):
    "Press the button of a kind of job: its card"
    n = page.locator('#new > section').count()
    page.locator(f'[hx-post="/submit/{kind}"]').click()
    page.locator(f'#new > section:nth-last-child({n+1})').wait_for()
    return page.locator('#'+page.locator('#new > section').first.get_attribute('id'))

def status(card, word): card.locator(f'[data-status={word}]').wait_for()

def press(page, name):
    "Press a button that leads to a page"
    with page.expect_navigation(): page.get_by_role('button', name=name).click()

def test_card_moves_from_pending_to_completed_and_then_asks_no_more(page):
    "No reload in between: a mark on the window is still there; the bar moves; after the end there is not one more request"
    page.evaluate("window.mark = 'here'")
    asked = []
    page.on('request', lambda r: '~live' in r.url and asked.append(r.url))
    card = submit(page, 'make_report')
    status(card, 'running')
    values = []
    while not card.locator('[data-status=completed]').count():
        values += card.locator('progress').evaluate_all('bars => bars.map(o => o.value)')
        page.wait_for_timeout(200)
    assert len(set(values))>=2 and values==sorted(values), values
    assert page.evaluate('window.mark')=='here' and len(asked)>=2
    card.get_by_text('Result').click()
    assert '100 rows' in card.inner_text() and not card.get_attribute('data-tt-every') and not card.get_by_role('button').count()
    n = len(asked)
    page.wait_for_timeout(2500)
    assert len(asked)==n

def test_failing_job_shows_its_attempts_and_an_open_error_stays_open(page):
    card = submit(page, 'import_csv')
    card.get_by_text('of 3 attempts failed').wait_for()
    fold = card.locator('details.tt-error')
    card.get_by_text('2 of 3 attempts failed').wait_for()
    fold.locator('summary').click()
    countdown = []
    for _ in range(12):
        countdown += card.get_by_text('next attempt').all_inner_texts()
        if len(set(countdown))>1: break
        page.wait_for_timeout(250)
    assert len(set(countdown))>1 and fold.get_attribute('open') is not None, 'the card went on while the error stayed open'
    status(card, 'failed')
    assert 'after 3 of 3 attempts' in card.inner_text()
    card.locator('strong').click()
    page.get_by_text('Attempt 1 failed at').wait_for()
    assert 'hunter42' not in page.content() and '••••••' in page.content()

def test_cancel_and_retry_by_click(page):
    card = submit(page, 'make_report')
    status(card, 'running')
    card.get_by_role('button', name='Cancel make_report').click()
    status(card, 'cancelled')
    card.get_by_role('button', name='Retry make_report').click()
    status(card, 'running')
    card.get_by_role('button', name='Cancel').focus()
    page.wait_for_timeout(1500)
    assert page.evaluate('document.activeElement.innerText')=='Cancel', 'a refresh leaves the focus where it is'
    page.keyboard.press('Enter')
    status(card, 'cancelled')

def test_status_is_announced_from_a_region_that_stays(page):
    "A screen reader speaks when the text of a live region changes, so the region itself has to stay"
    card = submit(page, 'make_report')
    region = card.get_by_role('status')
    region.evaluate("o => { window.region = o; window.said = []; new MutationObserver(() => said.push(o.innerText.trim())).observe(o, {childList: true, characterData: true, subtree: true}) }")
    status(card, 'running')
    card.get_by_role('button', name='Cancel').click()
    status(card, 'cancelled')
    assert page.evaluate('document.contains(window.region)')
    said = [o for o in page.evaluate('window.said') if o]
    assert said[-1]=='cancelled' and len(said)<=4, said
    assert card.get_by_role('status').get_attribute('aria-live')=='polite'

def test_list_refreshes_filters_and_acts_in_bulk(page, base):
    ids = [submit(page, 'make_report').get_attribute('id') for _ in range(2)]
    page.goto(base+'/jobs')
    page.locator('tbody tr', has_text='running').first.wait_for()
    for o in ids: page.locator(f'input[value="{o.removeprefix("job-")}"]').check()
    page.wait_for_timeout(3500)
    assert page.locator('tbody input:checked').count()==2, 'a refresh leaves the selection as it is'
    page.get_by_role('button', name='Cancel selected').click()
    page.locator('tbody tr', has_text='cancelled').nth(1).wait_for()
    page.get_by_label('By status').get_by_role('link', name='Cancelled').click()
    page.wait_for_url('**/jobs?status=cancelled**')
    assert page.get_by_label('By status').locator('[aria-current=page]').inner_text().startswith('Cancelled')
    assert {o.strip() for o in page.locator('tbody .tt-badge').all_inner_texts()}=={'cancelled'}
    page.get_by_label('Select all').check()
    n = page.locator('tbody tr').count()
    assert page.locator('tbody input:checked').count()==n>=2
    page.locator('tbody input').first.uncheck()
    page.get_by_role('button', name='Retry selected').click()
    page.locator('tbody tr').nth(1).wait_for(state='detached')
    assert page.locator('tbody tr').count()==1, 'the one that was unchecked again stays cancelled'
    page.goto(base+'/jobs')
    page.get_by_label('ID').fill(ids[0].removeprefix('job-')[:20])
    page.keyboard.press('Enter')
    page.wait_for_url('**id=0**')
    assert page.locator('tbody tr').count()==1

def test_a_job_that_is_gone_stops_the_asking(page, base, tmp_path):
    "Its card says so once, and there is not one more request"
    card = submit(page, 'make_report')
    asked = []
    page.on('request', lambda r: '~live' in r.url and asked.append(r.url))
    page.route(re.compile('~live'), lambda route: route.fulfill(status=404, body='404 Not Found'))
    card.get_by_text('can no longer be followed').wait_for()
    n = len(asked)
    page.wait_for_timeout(2500)
    assert len(asked)==n

def test_without_javascript(new_page, base):
    "Pages are readable and forms work"
    page = new_page(java_script_enabled=False)
    log_in(page, base, 'gus')
    def cancel():
        press(page, 'Cancel')
        for _ in range(50):
            if page.get_by_role('button', name='Retry').count(): break
            page.wait_for_timeout(200)
            page.reload()
        assert page.locator('[data-status=cancelled]').count()
    page.request.post(base+'/api/submit/make_report')
    page.goto(base+'/jobs')
    page.locator('tbody a').first.click()
    cancel()
    press(page, 'Retry')
    assert re.search(r'/jobs/\w+$', page.url) and not page.locator('[data-status=cancelled]').count()
    cancel()
    page.goto(base+'/jobs')
    page.get_by_label('Select all').check()
    press(page, 'Retry selected')
    assert page.url.startswith(base+'/jobs') and not page.locator('tbody [data-status=cancelled]').count()

def test_a_reader_sees_no_buttons(new_page, base):
    page = new_page()
    log_in(page, base, 'ann')
    page.request.post(base+'/api/submit/sync_data')
    log_in(page, base, 'rita')
    page.goto(base+'/jobs')
    assert page.locator('tbody tr').count() and not page.get_by_role('button', name=re.compile('Cancel|Retry')).count()
    assert not page.locator('tbody input').count()

def test_operator_goes_into_a_tenant_and_back(new_page, base):
    page = new_page()
    log_in(page, base, 'olga')
    page.locator('tbody a', has_text='acme').click()
    page.get_by_role('heading', name='Jobs of acme').wait_for()
    page.get_by_role('link', name='All tenants').click()
    page.get_by_role('heading', name='Tenants').wait_for()

@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_narrow_and_dark(new_page, base, scheme):
    "Nothing sticks out at a phone's width; in both schemes the contrast of text is at least 4.5:1, as WCAG AA demands"
    page = new_page(viewport=dict(width=360, height=740), color_scheme=scheme)
    log_in(page, base, 'ann')
    for kind in ('sync_data', 'import_csv', 'make_report'): submit(page, kind)
    for path in ('/', '/jobs'):
        if path!='/': page.goto(base+path)
        page.wait_for_timeout(300)
        assert page.evaluate('document.documentElement.scrollWidth')<=360, path
        low = page.evaluate(contrast)
        assert not low, low

contrast = """() => {
  const rgb = s => { const c = new OffscreenCanvas(1, 1).getContext('2d'); c.fillStyle = s; c.fillRect(0, 0, 1, 1); return [...c.getImageData(0, 0, 1, 1).data] }
  const lum = ([r, g, b]) => { const f = o => (o /= 255) <= .03928 ? o/12.92 : ((o+.055)/1.055)**2.4; return .2126*f(r)+.7152*f(g)+.0722*f(b) }
  const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] > 250) return c } return [255, 255, 255] }
  const res = []
  for (const e of document.querySelectorAll('.tt *')) {
    if (![...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()) || !e.offsetParent) continue
    const [a, b] = [lum(rgb(getComputedStyle(e).color)), lum(ground(e))].sort((x, y) => y-x)
    if ((a+.05)/(b+.05) < 4.5) res.push(e.outerHTML.slice(0, 80)+' '+((a+.05)/(b+.05)).toFixed(2))
  }
  return res }"""
