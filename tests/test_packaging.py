"The package as a thing to install: where its metadata stands, what it depends on, what is in a wheel"
import ast,configparser,re,shutil,sys,tarfile,zipfile

import pytest
from helpers import python,repo_files,root

if sys.version_info>=(3,11): import tomllib
else: import tomli as tomllib

def settings():
    ini = configparser.ConfigParser()
    ini.read(root/'settings.ini')
    return ini['DEFAULT']

def strings(o):
    "All strings in nested dicts and lists"
    if isinstance(o, str): yield o
    else:
        for v in (o.values() if isinstance(o, dict) else o if isinstance(o, list) else ()): yield from strings(v)

def test_no_value_stands_twice():
    "Each piece of metadata has one file: pyproject what nbdev reads, settings.ini packaging, the package its version"
    ini,project = settings(),tomllib.loads((root/'pyproject.toml').read_text())['project']
    static = {k for k in project if k!='dynamic'}
    assert static=={'name', 'description', 'requires-python'} and not static & set(project['dynamic'])
    version = re.search(r'__version__ = "(.+)"', (root/'tenant_tasks/__init__.py').read_text())[1]
    values = {o.strip() for v in ini.values() for o in v.splitlines() if o.strip()}
    assert not set(ini) & {'version', 'lib_name', 'description', 'min_python', 'name'}
    assert not values & set(strings({k:project[k] for k in static}))
    for o in ('settings.ini', 'setup.py', 'pyproject.toml'):
        assert version not in re.sub(r'[<>=~]=?[\d.]+', '', (root/o).read_text())
    assert not [o for o in values if o in (root/'setup.py').read_text() and len(o)>12]

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

def test_dependencies_are_what_is_imported():
    "Every import of the package is in the standard library, in `requirements`, or comes with those"
    required = {re.split('[<>=]', o)[0].replace('python-', '') for o in settings()['requirements'].split()}
    used = set()
    for o in (root/'tenant_tasks').glob('*.py'):
        for node in ast.walk(ast.parse(o.read_text())):
            if isinstance(node, ast.Import): used |= {a.name.split('.')[0] for a in node.names}
            if isinstance(node, ast.ImportFrom) and not node.level: used.add(node.module.split('.')[0])
    used -= {*sys.stdlib_module_names, 'tenant_tasks', 'opentelemetry', 'IPython'} # The last two only if they are there
    with_fasthtml = {'starlette', 'anyio', 'uvloop'} # Without uvloop it runs on asyncio
    assert used<=required|with_fasthtml

def test_star_import_beside_fasthtml_takes_nothing_away():
    "`from fasthtml.common import *` and `from tenant_tasks import *` in one app: each name means one thing"
    import fasthtml.common,tenant_tasks
    shared = set(tenant_tasks.__all__) & set(vars(fasthtml.common))
    assert not [o for o in shared if getattr(tenant_tasks, o) is not getattr(fasthtml.common, o)]

@pytest.mark.slow
def test_wheel_has_the_whole_package(tmp_path, monkeypatch):
    "A source archive with all tests, and a wheel from that: the package, nothing else, and its metadata"
    monkeypatch.setenv('GITHUB_REPOSITORY', 'acme/tenant_tasks')
    copy = tmp_path/'repo'
    for o in repo_files():
        (copy/o).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root/o, copy/o, follow_symlinks=False)
    pytest.importorskip('pyproject_hooks') # comes with build
    build = '-m','build','-s','-o',str(tmp_path),str(copy)
    wheel = '-m','pip','wheel','-q','--no-deps','-w',str(tmp_path)
    for args in (build, wheel):
        res = python(*args, *map(str, tmp_path.glob('*.tar.gz')))
        assert res.returncode==0, res.stderr
    archive, = tmp_path.glob('*.tar.gz')
    with tarfile.open(archive) as tar: packed = {o.name.partition('/')[2] for o in tar.getmembers()}
    assert set(repo_files('tests', 'nbs', 'examples', 'tools', 'conftest.py'))<=packed
    wheel, = tmp_path.glob('*.whl')
    with zipfile.ZipFile(wheel) as z:
        names = z.namelist()
        meta = z.read(next(o for o in names if o.endswith('METADATA'))).decode()
    assert {o.split('/')[0] for o in names if 'dist-info' not in o}=={'tenant_tasks'}
    assert set(repo_files('tenant_tasks'))=={o for o in names if 'dist-info' not in o}
    assert {f'tenant_tasks/{o}' for o in ('__init__.pyi', 'py.typed', 'jobs.css', 'jobs.js')}<=set(names)
    assert any('LICENSE' in o for o in names)
    home = 'https://github.com/acme/tenant_tasks'
    said = ['Requires-Dist: fastlite', 'Requires-Python: >=3.10', 'Provides-Extra: dev', '# ⚡ Background Tasks']
    said += [f'Source, {home}', f']({home}/blob/main/nbs/00_job.ipynb)', f']({home}/raw/main/nbs/images/']
    assert not [o for o in said if o not in meta]
    assert not re.search(r'\]\((?!https?:|#)', meta)
    assert 'Requires-Dist: nbdev' not in [o.split(';')[0].strip() for o in meta.splitlines() if 'extra' not in o]
