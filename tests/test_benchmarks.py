"The benchmark's parts agree: its rows, what was measured, and the page that shows it; nothing is timed here"
import ast,json,re

from helpers import root

folder = root/'benchmarks'
results = json.loads((folder/'results.json').read_text(encoding='utf-8'))

def functions():
    "The docstring of each function that is registered as a row"
    trees = [ast.parse(o.read_text(encoding='utf-8')) for o in folder.glob('*.py')]
    defs = [o for t in trees for o in t.body if isinstance(o, ast.FunctionDef)]
    return {o.name:ast.get_docstring(o) for o in defs if any(getattr(d, 'id', '')=='row' for d in o.decorator_list)}

def test_every_row_was_measured():
    "All rows are in results.json, in order, from a full run, as they are described today"
    order = re.search(r"^order = '(.+)'\.split\(\)", (folder/'run.py').read_text(encoding='utf-8'), re.M)[1].split()
    assert list(results['rows'])==order and set(order)==set(functions()) and results['quick'] is False
    for k,v in results['rows'].items(): assert v['what']==functions()[k] and v['command'].endswith(k), k

def test_lines_can_be_trusted():
    "Both sides of a line were measured equally often, and its verdict follows from its numbers"
    for o in (o for v in results['rows'].values() for o in v['lines']):
        assert not o['theirs'] or len(o['ours'])==len(o['theirs']), o['name']
        if 'budget' not in o: continue
        value = o['ratio'] if o['budget']['of']=='ratio' else sorted(o['ours'])[len(o['ours'])//2]
        assert o['met']==(value<=o['budget']['limit'] if o['budget']['op']=='<=' else value>=o['budget']['limit']), o['name']

def test_the_page_shows_every_row():
    cells = json.loads((root/'nbs/explains/performance.ipynb').read_text(encoding='utf-8'))['cells']
    shown = [m[1] for o in cells if (m := re.fullmatch(r"show\('(\w+)'\)", ''.join(o['source'])))]
    assert shown==list(results['rows'])

def test_results_name_no_place():
    "Facts about the machine, and neither its name nor its directories"
    assert set(results['machine'])=={'cores', 'cpu', 'memory_gb', 'system', 'file_system', 'fsync_us'}
    assert not re.search(r'[/\\](tmp|home|root|work)\b', json.dumps(results))
