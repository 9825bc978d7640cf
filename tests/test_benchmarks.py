"The parts of the benchmark agree: its rows, its results, and the page that shows them; nothing is timed here"
import ast,json,re,sys
from configparser import ConfigParser

import pytest

from helpers import root

folder = root/'benchmarks'
results = json.loads((folder/'results.json').read_text(encoding='utf-8'))
cells = json.loads((root/'nbs/explains/performance.ipynb').read_text(encoding='utf-8'))['cells']
trees = {o.stem:ast.parse(o.read_text(encoding='utf-8')) for o in folder.glob('*.py')}

def functions(*trees):
    return [o for t in trees for o in t.body if isinstance(o, ast.FunctionDef)]

def imported(tree):
    imports = [o for o in ast.walk(tree) if isinstance(o, (ast.Import, ast.ImportFrom))]
    return {n for o in imports for n in ([o.module] if isinstance(o, ast.ImportFrom) else [a.name for a in o.names])}

def row_docs():
    "The docstring of each function that is registered as a row, by name"
    defs = functions(*trees.values())
    return {o.name:ast.get_docstring(o) for o in defs if any(getattr(d, 'id', '')=='row' for d in o.decorator_list)}

run = (folder/'run.py').read_text(encoding='utf-8')
order = re.search(r"^order = '+(.+?)'+\.split\(\)", run, re.M|re.S)[1].split()

def test_every_row_was_measured():
    "All rows are in results.json, in order, from a full run, with the docstrings that they have now"
    docs,rows = row_docs(),results['rows']
    assert set(order)==set(docs) and list(rows)==[o for o in order if o in rows] and results['quick'] is False
    assert all(v['command'].endswith(f' {k}') for k,v in rows.items())
    if old := [o for o in order if rows.get(o, {}).get('what')!=docs[o]]:
        pytest.xfail(f"new or changed since results.json was written, so measure: --only {','.join(old)}")

def test_the_extra_has_all_packages():
    "What the benchmark imports is required by the package, or by its `bench` extra"
    conf = ConfigParser()
    conf.read(root/'settings.ini')
    lines = conf['DEFAULT']['requirements']+conf['DEFAULT']['bench_requirements']
    given = {o.split('>=')[0].replace('python-', '').replace('-', '_') for o in lines.split()}
    names = {o.split('.')[0] for t in trees.values() for o in imported(t)}
    assert names-sys.stdlib_module_names-set(trees)-{'tenant_tasks', 'starlette', 'IPython'}<=given # The page runs in a notebook

def test_the_page_shows_every_row():
    shown = [m[1] for o in cells if (m := re.fullmatch(r"show\('(\w+)'\)", ''.join(o['source'])))]
    assert shown==order
