"""Make the pictures of the documentation, `nbs/images/*.png`, from the example app in a real browser.

`python tools/screenshots.py` needs the extra `dev`, Chromium, and npm for what pages have from a CDN.
"""
import sys,tempfile
from pathlib import Path

root = Path(__file__).parent.parent
sys.path.insert(0, str(root/'tests'))
from browser import browsing,example,log_in
from helpers import wait_until
from test_tutorial import Reader

def shoot(
    page, # A page of the browser
    name:str, # Of the picture
    box=None, # What to show of the page; all of it if not given
):
    "Write one picture"
    page.evaluate('document.activeElement.blur()')
    (box or page).screenshot(path=root/f'nbs/images/{name}.png')

def submit(page, *kinds):
    for o in kinds:
        page.locator(f'[hx-post="/submit/{o}"]').click()
        page.wait_for_timeout(300)

def cards(page, base):
    "A job that runs, one that waits for its next attempt, one that is done"
    log_in(page, base, 'ann')
    submit(page, 'sync_data', 'import_csv', 'make_report')
    page.locator('progress[value]').wait_for()
    page.wait_for_timeout(2600)
    shoot(page, 'cards', page.locator('#new'))

def lists(page, base):
    "The list, and a failed job with its details"
    submit(page, 'sync_data', 'send_email', 'sync_data')
    page.wait_for_timeout(7000)
    submit(page, 'make_report')
    page.goto(base+'/jobs')
    page.locator('progress, tbody [data-status=running]').first.wait_for()
    page.wait_for_timeout(1200)
    shoot(page, 'list')
    page.locator('tbody tr', has_text='import_csv').locator('a').click()
    page.get_by_text('Attempt 1 failed').wait_for()
    shoot(page, 'job')

def tenants(page, base):
    "The operator's page, in the dark"
    log_in(page, base, 'gus')
    submit(page, 'sync_data', 'make_report')
    log_in(page, base, 'olga')
    page.wait_for_timeout(1500)
    shoot(page, 'tenants')

def saas(new_page, folder):
    "The tutorial's app, with one month billed and the next one under way"
    with Reader(folder) as r:
        r.start('web', 'worker')
        page = new_page(viewport=dict(width=800, height=620))
        page.goto(f'http://127.0.0.1:{r.port}/')
        for k,v in dict(user='ann', password='paper').items(): page.fill(f'[name={k}]', v)
        page.click('button')
        page.click('text=Write invoices')
        wait_until(lambda: len(r.written('acme', '2026-11'))==40, 20)
        page.reload()
        page.fill('[name=month]', '2026-12')
        page.click('text=Write invoices')
        wait_until(lambda: len(r.written('acme', '2026-12'))>=22, 20)
        shoot(page, 'saas')

if __name__=='__main__':
    (root/'nbs/images').mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, example(folder) as base, browsing() as new_page:
        light = new_page(viewport=dict(width=800, height=560))
        cards(light, base)
        lists(light, base)
        tenants(new_page(viewport=dict(width=760, height=560), color_scheme='dark'), base)
    with tempfile.TemporaryDirectory() as folder, browsing() as new_page: saas(new_page, Path(folder))
