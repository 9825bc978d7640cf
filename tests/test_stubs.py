"What editors and type checkers know of the package: a stub that is in step with it, and programs that they check"
import json,os,re,shutil,sys
from pathlib import Path

import pytest
from helpers import programs,python,root

package = root/'tenant_tasks'
env = dict(os.environ, PYTHONPATH=str(root), MYPYPATH=str(root), MYPY_CACHE_DIR=os.devnull)

def mypy(paths, _):
    "The names of files and the lines in which mypy finds an error"
    pytest.importorskip('mypy')
    res = python('-m', 'mypy', '--strict', '--config-file', 'pyproject.toml', *map(str, paths), env=env)
    assert f'{len(paths)} source files' in res.stdout, res.stdout+res.stderr
    return {(Path(path).name, int(line)) for path,line in re.findall(r'^(.+?):(\d+): error', res.stdout, re.M)}

def pyright(paths, tmp_path):
    "The same from pyright, which is as strict, but has to do without stubs of other packages"
    pytest.importorskip('basedpyright')
    loose = dict.fromkeys(('reportMissingTypeStubs', 'reportUnknownVariableType'), False)
    conf = dict(include=[*map(str, paths)], extraPaths=[str(root)], typeCheckingMode='strict', **loose)
    (tmp_path/'conf.json').write_text(json.dumps(conf))
    args = '-p',str(tmp_path/'conf.json'),'--pythonpath',sys.executable,'--outputjson'
    res = python('-m', 'basedpyright', *args, env=env)
    found = json.loads(res.stdout)
    assert found['summary']['filesAnalyzed']==len(paths), res.stdout
    return {(Path(o['file']).name, o['range']['start']['line']+1) for o in found['generalDiagnostics']}

def test_the_stub_is_in_step_and_explains_parameters():
    "Making it changes nothing; an editor shows what a parameter of a patched method means, and what it returns"
    from stubs import stub
    text = stub()
    assert [o.name for o in package.glob('*.pyi')]==['__init__.pyi'] and (package/'py.typed').exists()
    assert (package/'__init__.pyi').read_text(encoding='utf-8')==text, 'run: python tools/stubs.py'
    submit = text[text.index('def submit('):text.index('def submit_many(')]
    assert re.search(r'^ +max_retries: [A-Z]\w+ .*\w', submit, re.M) and 'Returns:\n' in submit

def test_a_typed_program_runs():
    "It uses each name at the top of the package that an app calls"
    res = python(programs/'typed_app.py', env=env)
    assert '42 ' in res.stdout, res.stderr

@pytest.mark.slow
def test_the_stub_says_what_the_package_is(tmp_path):
    "mypy's stubtest compares it with the package: nothing is missing, too much, or different; modules have no stub"
    pytest.importorskip('mypy')
    (tmp_path/'tenant_tasks').mkdir()
    shutil.copy(package/'__init__.pyi', tmp_path/'tenant_tasks')
    inside = [o.stem for o in package.glob('[a-z_]*') if o.suffix in ('', '.py') and o.stem!='__init__']
    (tmp_path/'modules').write_text('\n'.join(rf'tenant_tasks\.{o}(\..+)?' for o in inside))
    args = '--allowlist',str(tmp_path/'modules'),'--ignore-unused-allowlist','--mypy-config-file','pyproject.toml'
    res = python('-m', 'mypy.stubtest', 'tenant_tasks', *args, env={**env, 'MYPYPATH':str(tmp_path)})
    assert res.returncode==0 and 'no issues found' in res.stdout, res.stdout+res.stderr

@pytest.mark.slow
@pytest.mark.parametrize('checker', [mypy, pyright])
def test_programs(checker, tmp_path):
    "A typed one passes; in a wrong one a mistake is found in each line from its sixth on, so each has a known type"
    (tmp_path/'wrong.py').write_text(wrong)
    assert checker([programs/'typed_app.py', tmp_path/'wrong.py'], tmp_path)=={('wrong.py', o) for o in range(6, 14)}

wrong = """from fastlite import database
from tenant_tasks import BackgroundTaskManager,Tenants,Worker,task
manager = BackgroundTaskManager(database(':memory:'))
@task
def double(n: int) -> int: return 2*n
double('2')
manager.submt('sync', double)
manager.get_job(7)
manager.submit('sync', double, max_retries='3')
manager.get_job('a').no_such_field
manager.using(delya=5)
job_id: int = manager.submit('sync', double)[0]
Worker(Tenants('data'), concurency=3)
"""
