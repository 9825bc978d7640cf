"The package as a thing to install and the notebooks as its source: what must agree, agrees"
import ast,configparser,json,os,re,shutil,subprocess,sys,zipfile
from urllib.parse import unquote

import pytest
from helpers import root

if sys.version_info>=(3,11): import tomllib
else: import tomli as tomllib

def python(*args, **kw): return subprocess.run([sys.executable, *args], capture_output=True, text=True, cwd=root, **kw)

def strings(o):
    "All strings in nested dicts and lists"
    if isinstance(o, str): yield o
    else:
        for v in (o.values() if isinstance(o, dict) else o if isinstance(o, list) else ()): yield from strings(v)

def test_no_value_stands_twice():
    "Each piece of metadata has one file: pyproject what nbdev reads, settings.ini the packaging, the package its version"
    ini = configparser.ConfigParser()
    ini.read(root/'settings.ini')
    project = tomllib.loads((root/'pyproject.toml').read_text())['project']
    static = {k for k in project if k!='dynamic'}
    assert static=={'name', 'description', 'requires-python'} and not static & set(project['dynamic'])
    version = re.search(r'__version__ = "(.+)"', (root/'tenant_tasks/__init__.py').read_text())[1]
    values = {o.strip() for v in ini['DEFAULT'].values() for o in v.splitlines() if o.strip()}
    names = {k for k in ini['DEFAULT']}
    assert not names & {'version', 'lib_name', 'description', 'min_python', 'name'}
    assert not values & set(strings({k:project[k] for k in static}))
    for o in ('settings.ini', 'setup.py', 'pyproject.toml'): assert version not in re.sub(r'[<>=~]=?[\d.]+', '', (root/o).read_text())
    assert not [o for o in values if o in (root/'setup.py').read_text() and len(o)>12]

def test_quarto_config_is_one_file():
    link = root/'nbs/_quarto.yml'
    assert link.is_symlink() and os.readlink(link)=='../_quarto.yml'
    yml = (root/'_quarto.yml').read_text()
    listed = re.findall(r'[\w/]+\.ipynb', yml)
    there = [str(o.relative_to(root/'nbs')) for o in (root/'nbs').rglob('*.ipynb') if '.ipynb_checkpoints' not in str(o)]
    assert sorted(listed)==sorted(there)

def test_runtime_needs_no_notebook_tools():
    "Neither importing nor running a job touches nbdev, execnb, IPython or pytest"
    src = """
import asyncio,sys
for o in ('nbdev', 'execnb', 'IPython', 'pytest', 'hypothesis', 'pandas'): sys.modules[o] = None
from fastlite import database
from tenant_tasks import BackgroundTaskManager,TenantJob
manager = BackgroundTaskManager(database(':memory:'))
job_id,bg_task = manager.submit('sync', dict, user_id='123')
asyncio.run(bg_task())
print(manager.get_job(job_id).value, isinstance(manager.list_jobs()[0], TenantJob))
"""
    res = python('-c', src)
    assert res.stdout=="{'user_id': '123'} True\n", res.stderr

def test_import_is_quick():
    "Less than half a second beyond fasthtml, the best of three"
    src = 'import time,fasthtml\nstart = time.perf_counter()\nimport tenant_tasks\nprint(time.perf_counter()-start)'
    assert min(float(python('-c', src).stdout) for _ in range(3))<.5

def test_dependencies_are_what_is_imported():
    "Every import of the package is in the standard library, in `requirements`, or comes with those"
    ini = configparser.ConfigParser()
    ini.read(root/'settings.ini')
    required = {re.split('[<>=]', o)[0].replace('python-', '') for o in ini['DEFAULT']['requirements'].split()}
    used = set()
    for o in (root/'tenant_tasks').glob('*.py'):
        for node in ast.walk(ast.parse(o.read_text())):
            if isinstance(node, ast.Import): used |= {a.name.split('.')[0] for a in node.names}
            if isinstance(node, ast.ImportFrom) and not node.level: used.add(node.module.split('.')[0])
    used -= set(sys.stdlib_module_names) | {'tenant_tasks'}
    assert used<=required | {'apsw', 'starlette', 'anyio'} # apsw comes with fastlite, the others with fasthtml

def test_public_names_have_docs():
    import inspect,tenant_tasks
    for name in tenant_tasks.__dict__.keys()-{'log'}:
        o = getattr(tenant_tasks, name)
        if name.startswith('_') or not getattr(o, '__module__', '').startswith('tenant_tasks'): continue
        assert (o.__doc__ or '').strip(), name
        if not inspect.isclass(o): continue
        for k,v in vars(o).items():
            if not k.startswith('_') and callable(v): assert (v.__doc__ or '').strip(), f'{name}.{k}'

def test_style_is_clean():
    pytest.importorskip('chkstyle')
    res = python('-m', 'chkstyle.core', 'tenant_tasks', 'nbs', 'tests', 'examples', 'tools', 'conftest.py', 'setup.py')
    assert 'found 0' in res.stdout+res.stderr, res.stdout

def test_nothing_speaks_of_the_workshop():
    "No address of a machine in what is published"
    files = subprocess.run(['git', 'ls-files'], cwd=root, capture_output=True, text=True).stdout.split()
    for o in files:
        text = (root/o).read_text(encoding='utf-8', errors='replace')
        assert not re.search(r'/work/|/tmp/(?!\b)|/root/|/home/\w+/', text) or o==os.path.relpath(__file__, root), o

# -- notebooks, and what is made from them

@pytest.fixture(scope='module')
def processed(tmp_path_factory):
    "The notebooks as nbdev hands them to Quarto"
    pytest.importorskip('nbdev')
    copy = tmp_path_factory.mktemp('docs')/'repo'
    shutil.copytree(root, copy, symlinks=True, ignore=shutil.ignore_patterns('.git', '_proc', '.hypothesis', '*.egg-info', '.venv'))
    src = "from nbdev.serve import proc_nbs\nif __name__=='__main__': proc_nbs('nbs', n_workers=0, force=True)"
    (copy/'make.py').write_text(src)
    res = subprocess.run([sys.executable, 'make.py'], cwd=copy, capture_output=True, text=True)
    assert res.returncode==0, res.stderr
    return copy/'_proc'

def anchors(text): return {re.sub(r'[^\w\s.-]', '', o).strip().lower().replace(' ', '-') for o in re.findall(r'^#+ (.+)$', text, re.M)}

def test_links_lead_somewhere(processed):
    "Links between pages, into pages, to source files; and every outside one is https"
    pages = {o:json.loads(o.read_text()) for o in processed.rglob('*.ipynb')}
    outputs = {re.search(r'output-file: (\S+)', ''.join(nb['cells'][0]['source']))[1]:nb for nb in pages.values()}
    seen = 0
    for o,nb in pages.items():
        texts = [''.join(c['source']) for c in nb['cells'] if c['cell_type']=='markdown']
        for c in nb['cells']:
            for out in c.get('outputs', []): texts.append(''.join(out.get('data', {}).get('text/markdown', '')))
        for text in texts:
            for link in re.findall(r'(?<!!)\[[^\]]*\]\(([^)\s]+)\)', re.sub(r'```.*?```', '', text, flags=re.S)):
                seen += 1
                page,_,anchor = unquote(link).partition('#')
                if page.startswith('/blob/'): assert (root/page.split('/', 3)[3]).exists(), (o.name, link)
                elif page.endswith('.html') and page.startswith('/'):
                    assert page[1:] in outputs, (o.name, link)
                    whole = json.dumps(outputs[page[1:]]).lower()
                    assert not anchor or anchor.split('.')[-1] in whole, (o.name, link)
                elif page.startswith('http'): assert page.startswith('https://'), (o.name, link)
                else: assert (o.parent/page).exists(), (o.name, link)
    assert seen>20

def test_readme_is_the_front_page(processed):
    src = "import sys; sys.path.insert(0, 'tools')\nfrom pathlib import Path\nfrom readme import readme\n"
    src += f"print(readme(Path({str(processed)!r})), end='')"
    res = python('-c', src)
    assert res.stdout==(root/'README.md').read_text(), 'run: python tools/readme.py\n'+res.stderr

def test_notebooks_are_exported_and_clean(processed):
    "Exporting and cleaning change nothing"
    copy = processed.parent
    for cmd in ('from nbdev.export import nb_export', 'from nbdev.clean import nbdev_clean'):
        src = f'{cmd}\nfrom nbdev.doclinks import nbdev_export\nnbdev_export()\n' + ('nbdev_clean()' if 'clean' in cmd else '')
        res = subprocess.run([sys.executable, '-c', src], cwd=copy, capture_output=True, text=True)
        assert res.returncode==0, res.stderr
    for o in [*(root/'tenant_tasks').glob('*.py'), *(root/'nbs').rglob('*.ipynb')]:
        assert o.read_bytes()==(copy/o.relative_to(root)).read_bytes(), f'{o.name}: run nbdev-export and nbdev-clean'

def test_failing_cell_is_named(tmp_path):
    "A notebook that fails tells which one, which cell, and why"
    pytest.importorskip('nbdev')
    empty = dict(cell_type='code', metadata={}, outputs=[], execution_count=None)
    cells = [dict(empty, id=f'c{i}', source=[o]) for i,o in enumerate(['x = 1', 'def f(): 1/0\nf()'])]
    (tmp_path/'bad.ipynb').write_text(json.dumps(dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=5)))
    shutil.copy(root/'conftest.py', tmp_path)
    cmd = [sys.executable, '-m', 'pytest', '-p', 'no:cacheprovider', 'bad.ipynb']
    res = subprocess.run(cmd, cwd=tmp_path, capture_output=True, text=True)
    assert res.returncode==1
    for o in ('bad.ipynb', 'c1', '1/0', 'ZeroDivisionError'): assert o in res.stdout, res.stdout

def test_wheel_installs_and_runs(tmp_path):
    "A source archive of a clean copy, and a wheel from that: the package and nothing else, and its metadata"
    copy = tmp_path/'repo'
    files = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=root, capture_output=True, text=True).stdout.split()
    for o in files:
        (copy/o).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root/o, copy/o, follow_symlinks=False)
    pytest.importorskip('pyproject_hooks') # comes with build
    for args in (('-m', 'build', '-s', '-o', str(tmp_path), str(copy)), ('-m', 'pip', 'wheel', '-q', '--no-deps', '-w', str(tmp_path))):
        res = python(*args, *map(str, tmp_path.glob('*.tar.gz')))
        assert res.returncode==0, res.stderr
    wheel, = tmp_path.glob('*.whl')
    with zipfile.ZipFile(wheel) as z:
        names = z.namelist()
        meta = z.read(next(o for o in names if o.endswith('METADATA'))).decode()
    assert {o.split('/')[0] for o in names if 'dist-info' not in o}=={'tenant_tasks'}
    assert 'tenant_tasks/manager.py' in names and any('LICENSE' in o for o in names)
    for o in ('Requires-Dist: fastlite', 'Requires-Python: >=3.10', 'Provides-Extra: dev', '# ⚡ Background Tasks'): assert o in meta, o
    assert 'Requires-Dist: nbdev' not in [o.split(';')[0].strip() for o in meta.splitlines() if 'extra' not in o]

def test_star_import_beside_fasthtml_takes_nothing_away():
    "`from fasthtml.common import *` and `from tenant_tasks import *` in one app: each name means one thing"
    import fasthtml.common,tenant_tasks
    shared = {o for o in vars(tenant_tasks) if not o.startswith('_')} & set(vars(fasthtml.common))
    assert not [o for o in shared if getattr(tenant_tasks, o) is not getattr(fasthtml.common, o)]
