"The package as a thing to install: what it depends on, and what is in a wheel"
import ast,configparser,re,shutil,sys,tarfile,zipfile

import pytest
from helpers import python,repo_files,root

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

def test_a_process_that_submits_imports_no_pages():
    "Many tenants, workers and pages come with the first use of their names, and a star takes them all"
    src = """
import sys
import tenant_tasks
print(*sorted({o.split('.')[1] for o in sys.modules if o.startswith('tenant_tasks.')}))
from tenant_tasks import *
print(Worker.__name__, jobs_ui.__name__, {*tenant_tasks.__all__}<={*dir(tenant_tasks)})
"""
    res = python('-c', src)
    assert res.stdout=='db jobs manager run\nWorker jobs_ui True\n', res.stderr

def test_dependencies_are_what_is_imported():
    "Every import of the package is in the standard library, in `requirements`, or comes with those"
    ini = configparser.ConfigParser()
    ini.read(root/'settings.ini')
    required = {re.split('[<>=]', o)[0].replace('python-', '') for o in ini['DEFAULT']['requirements'].split()}
    used = set()
    for o in (root/'tenant_tasks').rglob('*.py'):
        for node in ast.walk(ast.parse(o.read_text())):
            if isinstance(node, ast.Import): used |= {a.name.split('.')[0] for a in node.names}
            if isinstance(node, ast.ImportFrom) and not node.level: used.add(node.module.split('.')[0])
    used -= {*sys.stdlib_module_names, 'tenant_tasks', 'opentelemetry', 'distributed', 'shtab', 'IPython'} # The last four only if they are there
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
    assert set(repo_files('tenant_tasks'))=={o for o in names if 'dist-info' not in o}
    home = 'https://github.com/acme/tenant_tasks'
    said = ['Requires-Dist: fastlite', 'Requires-Python: >=3.10', 'Provides-Extra: dev', '# ⚡ Background Tasks']
    said += [f'Source, {home}', f']({home}/blob/main/nbs/jobs/00_job.ipynb)', f']({home}/raw/main/nbs/images/']
    assert not [o for o in said if o not in meta] and any('LICENSE' in o for o in names)
    assert not re.search(r'\]\((?!https?:|#)', meta), 'a relative link leads nowhere there'
