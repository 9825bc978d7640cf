"""A real Chromium for tests and pictures, and a stand-in for the CDN that FastHTML's headers point to.

The browser reaches this machine only. What a page asks of the CDN comes from npm packages; other requests are cut off.
"""
import os,re,shutil,subprocess,sys,tarfile,tempfile
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

import pytest
from fastcore.net import free_port
from helpers import root,wait_until

flags = '''--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-extensions --disable-features=PaintHolding'''.split()
axe_core = 'https://cdn.jsdelivr.net/npm/axe-core@4.10.2/axe.min.js'

def chromium():
    "Path of a Chromium or Chrome, or None"
    names = 'chromium','chromium-browser','google-chrome','google-chrome-stable'
    return next((o for name in names if (o := shutil.which(name))), None)

def need_browser():
    "Skip a file of tests without Chromium or Playwright"
    if not chromium(): pytest.skip('browser tests need Chromium', allow_module_level=True)
    if not find_spec('playwright'): pytest.skip('browser tests need the extra `dev`', allow_module_level=True)

def need_npm():
    "Skip a test without packages of npm"
    if not shutil.which('npm'): pytest.skip('these browser tests need npm')
    why = no_packages()
    if why: (pytest.fail if os.environ.get('CI') else pytest.skip)(f'these browser tests need packages of npm: {why}')

@lru_cache
def no_packages():
    "Why npm gets no packages, or ''"
    try: from_cdn(axe_core)
    except (OSError, subprocess.SubprocessError) as e: return str(e)
    return ''

@lru_cache
def npm_package(spec):
    "An npm package, as a file that is fetched once"
    folder = Path(tempfile.gettempdir())/f'tenant_tasks_npm_{os.getuid()}'/re.sub(r'\W+', '-', spec)
    if not list(folder.glob('*.tgz')):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as tmp: # Another process may be doing the same
            cmd = ['npm', 'pack', '--silent', '--fetch-retries=0', spec]
            subprocess.run(cmd, cwd=tmp, check=True, capture_output=True, timeout=60)
            for o in Path(tmp).glob('*.tgz'): o.replace(folder/o.name)
    return next(folder.glob('*.tgz'))

@lru_cache
def from_cdn(url):
    "The file that the CDN has at an address, as bytes, or None"
    m = re.fullmatch(r'https://cdn\.jsdelivr\.net/npm/((?:@[^/]+/)?[^/@]+@[^/]+)/(.+)', url)
    if not m: return None
    with tarfile.open(npm_package(m[1])) as tgz:
        return tgz.extractfile(f'package/{m[2]}').read() if f'package/{m[2]}' in tgz.getnames() else None

def serve(route):
    "Answer a request of the browser to another machine: the CDN from npm, nothing else"
    url = route.request.url
    kind = 'text/css' if url.endswith('.css') else 'text/javascript'
    body = from_cdn(url)
    return route.abort() if body is None else route.fulfill(body=body, content_type=kind)

@contextmanager
def browsing():
    "A browser: what this gives opens a page, with the options of Playwright's `new_context`"
    from playwright.sync_api import sync_playwright
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(), args=flags)
        def new_page(**options):
            context = browser.new_context(**options)
            context.set_default_timeout(60_000)
            context.route(re.compile(r'^https?://(?!127\.0\.0\.1:)'), serve)
            return context.new_page()
        try: yield new_page
        finally: browser.close()

@contextmanager
def example(folder):
    "The example app, served by a process of its own: its address"
    port = free_port()
    proc = subprocess.Popen([sys.executable, root/'examples/app.py', '--port', str(port), '--data', folder], cwd=folder,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    base = f'http://127.0.0.1:{port}'
    def is_up():
        try: return urlopen(base+'/login').close() is None
        except OSError: return proc.poll() is not None
    try:
        wait_until(is_up)
        yield base
    finally:
        proc.kill()
        proc.wait()

def log_in(page, base, who):
    "Log in to the example app as one of its people"
    page.goto(base+'/login')
    page.locator(f'form:has([value={who}]) button').click()
    page.wait_for_load_state()

def axe(page, part=''):
    "What axe finds wrong with a page or a part of it: the rule and the first element of each violation"
    if not page.evaluate('!!window.axe'): page.evaluate(from_cdn(axe_core).decode())
    rules = "{'page-has-heading-one': {enabled: !!document.querySelector('.tt-page')}}"
    where = f'document.querySelector({part!r})' if part else 'document'
    res = page.evaluate(f"axe.run({where}, {{resultTypes: ['violations'], rules: {rules}}})")
    return [(o['id'], o['nodes'][0]['html'][:120]) for o in res['violations']]
