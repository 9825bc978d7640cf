"""A real Chromium for tests and pictures, and a stand-in for the CDN that FastHTML's headers point to.

The browser reaches this machine only. What a page asks of the CDN comes from npm packages, and any other request is cut off.
"""
import re,shutil,subprocess,sys,tarfile,tempfile,time
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from urllib.request import urlopen

from fastcore.net import free_port

root = Path(__file__).parent.parent
flags = '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split()

def chromium():
    "Path of a Chromium or Chrome, or None"
    return next((o for name in ('chromium','chromium-browser','google-chrome','google-chrome-stable') if (o := shutil.which(name))), None)

@lru_cache
def npm_package(spec):
    "An npm package, as a file that is fetched once"
    folder = Path(tempfile.gettempdir())/'tenant_tasks_npm'/re.sub(r'\W+', '-', spec)
    if not list(folder.glob('*.tgz')):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as tmp: # Another process may be doing the same
            subprocess.run(['npm', 'pack', '--silent', spec], cwd=tmp, check=True, capture_output=True, timeout=120)
            for o in Path(tmp).glob('*.tgz'): o.replace(folder/o.name)
    return next(folder.glob('*.tgz'))

def from_cdn(url):
    "The file that the CDN has at an address, as bytes, or None"
    m = re.fullmatch(r'https://cdn\.jsdelivr\.net/npm/((?:@[^/]+/)?[^/@]+@[^/]+)/(.+)', url)
    if not m: return None
    with tarfile.open(npm_package(m[1])) as tgz:
        return tgz.extractfile(f'package/{m[2]}').read() if f'package/{m[2]}' in tgz.getnames() else None

def serve(route):
    "Answer a request of the browser: this machine itself, the CDN from npm, nothing else"
    url = route.request.url
    if re.match(r'http://127\.0\.0\.1[:/]', url): return route.continue_()
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
            context.set_default_timeout(15_000)
            context.route('**/*', serve)
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
    try:
        for _ in range(500):
            try: urlopen(base+'/login').close()
            except OSError: time.sleep(.02)
            else: break
        yield base
    finally:
        proc.kill()
        proc.wait()

def log_in(page, base, who):
    page.goto(base+'/login')
    page.locator(f'form:has([value={who}]) button').click()
    page.wait_for_load_state()
