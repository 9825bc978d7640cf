"How the code is written: who imports whom, short lines and cells, documented names, plain words"
import ast,importlib,inspect,io,json,os,re,tokenize

import pytest
from helpers import python,repo_files,root

import tenant_tasks

order = [re.sub(r'^\d+[a-z]?_', '', o.stem) for o in sorted((root/'nbs').glob('[0-9]*.ipynb'))] # A module may import those before it
trees = {o:ast.parse((root/f'tenant_tasks/{o}.py').read_text(encoding='utf-8')) for o in order}
notebooks = sorted(o for o in (root/'nbs').rglob('*.ipynb') if '.ipynb_checkpoints' not in o.parts)

def cells(path, kind):
    "The sources of the cells of one kind"
    return [''.join(o['source']) for o in json.loads(path.read_text(encoding='utf-8'))['cells'] if o['cell_type']==kind]

def is_private(name): return name.startswith('_') and not name.endswith('_')

# -- modules

def test_every_module_has_its_place(): assert {o.stem for o in (root/'tenant_tasks').glob('*.py')}=={*order, '__init__', '_modidx'}

@pytest.mark.parametrize('name', order)
def test_a_module_imports_public_names_from_modules_above_it(name):
    for node in ast.walk(trees[name]):
        if isinstance(node, ast.Import): assert not [o.name for o in node.names if o.name.startswith('tenant_tasks')], ast.unparse(node)
        if not isinstance(node, ast.ImportFrom) or not node.level: continue
        assert node.level==1 and node.module in order[:order.index(name)], ast.unparse(node)
        public = importlib.import_module(f'tenant_tasks.{node.module}').__all__
        assert {o.name for o in node.names}<={'*', *public}, ast.unparse(node)

def own_names(tree):
    "The private names that a module defines: functions, methods, variables and attributes"
    defs = {o.name for o in ast.walk(tree) if isinstance(o, (ast.FunctionDef,ast.AsyncFunctionDef,ast.ClassDef))}
    names = {o.id for o in ast.walk(tree) if isinstance(o, ast.Name) and isinstance(o.ctx, ast.Store)}
    attrs = {o.attr for o in ast.walk(tree) if isinstance(o, ast.Attribute) and isinstance(o.ctx, ast.Store)}
    return {o for o in defs|names|attrs if is_private(o)}

def used_names(tree):
    "The private names that a module uses, as attributes or for `getattr`"
    strings = {o.value for o in ast.walk(tree) if isinstance(o, ast.Constant) and isinstance(o.value, str)}
    return {o for o in {o.attr for o in ast.walk(tree) if isinstance(o, ast.Attribute)}|strings if is_private(o)}

@pytest.mark.parametrize('name', order)
def test_private_names_stay_in_their_module(name):
    elsewhere = {o:k for k,v in trees.items() if k!=name for o in own_names(v)}
    foreign = {o:elsewhere[o] for o in used_names(trees[name])-own_names(trees[name]) if o in elsewhere}
    assert not foreign

def test_the_checks_of_imports_find_what_they_look_for():
    tree = ast.parse("from .job import *\nclass A:\n    def _own(self): self._mine = _helper = store._other\n    getattr(o, '_third')")
    assert own_names(tree)=={'_own', '_mine', '_helper'} and used_names(tree)=={'_mine', '_other', '_third'}

# -- lines, cells, documentation

def exported(path): return [o for o in cells(path, 'code') if re.match(r'#\|\s*exporti?\b', o)]

def code_lines(src):
    "The lines of a cell that are neither blank nor a directive nor a docstring"
    return [o for o in src.split('\n') if o.strip() and not re.match(r'#\||\s*".*"$', o)]

@pytest.mark.parametrize('path', notebooks, ids=lambda o: o.stem)
def test_exported_cells_are_short(path):
    "No line of more than 120 characters, no cell of more than 30 lines"
    for src in exported(path):
        lines = code_lines(src)
        assert not [o for o in lines if len(o)>120]
        assert len(lines)<=30, f'{len(lines)} lines: {lines[0]}'

def test_exported_cells_are_found():
    n = sum(len(exported(o)) for o in notebooks)
    assert n>len(order)*5 and n==sum((root/f'tenant_tasks/{o}.py').read_text(encoding='utf-8').count('\n# %% ../') for o in order)

def test_public_names_have_docs():
    "Functions, classes and their methods, in each module; a method may inherit its docstring"
    for module in [importlib.import_module(f'tenant_tasks.{o}') for o in order]:
        for name,o in [(o, getattr(module, o)) for o in module.__all__]:
            if not (inspect.isclass(o) or inspect.isfunction(o)): continue
            methods = {f'{name}.{k}':getattr(o, k) for k,v in vars(o).items() if not k.startswith('_') and callable(v)} if inspect.isclass(o) else {}
            for k,v in {name:o, **methods}.items(): assert (inspect.getdoc(v) or '').strip(), k

def test_chkstyle_finds_nothing():
    pytest.importorskip('chkstyle')
    res = python('-m', 'chkstyle.core', 'tenant_tasks', 'nbs', 'tests', 'examples', 'tools', 'benchmarks', 'conftest.py', 'setup.py')
    assert 'found 0' in res.stdout+res.stderr, res.stdout

# -- the names of the package

front_page = 'BackgroundTaskManager Cancel JobCard JobStateError TenantJob Tenants View Worker current_job exp_backoff jobs_ui operator_ui task'

def test_the_package_exports_what_its_users_need():
    "Some thirty names, all in the reference, and among them those that the front page of 0.1.0 and its how-to mention"
    names,index = tenant_tasks.__all__,(root/'nbs/reference/api.ipynb').read_text(encoding='utf-8')
    assert 20<=len(names)<=30 and len(set(names))==len(names) and not [o for o in names if o.startswith('_')]
    assert not [o for o in names if not hasattr(tenant_tasks, o)] and set(front_page.split())<=set(names)
    assert not [o for o in names if not re.search(rf'\b{o}\b', index)]

# -- words

unwanted = re.compile(r'\b(whoever|somebody|someone|nobody|rooms?|the seed)\b', re.I)

def sentences(src):
    "Comments, docstrings and the words of function names in Python code"
    yield from (o.string for o in tokenize.generate_tokens(io.StringIO(src).readline) if o.type==tokenize.COMMENT)
    for o in ast.walk(ast.parse(src)):
        if isinstance(o, (ast.Module,ast.ClassDef,ast.FunctionDef,ast.AsyncFunctionDef)): yield ast.get_docstring(o) or ''
        if isinstance(o, (ast.ClassDef,ast.FunctionDef,ast.AsyncFunctionDef)): yield o.name.replace('_', ' ')

def python_of(cell): return re.sub(r'^\s*[%!?].*$', '', cell, flags=re.M)

@pytest.mark.parametrize('path', notebooks, ids=lambda o: o.stem)
def test_plain_words_in_notebooks(path):
    texts = [*cells(path, 'markdown'), *[s for o in cells(path, 'code') if not o.startswith('%%') for s in sentences(python_of(o))]]
    assert not [o for o in texts if unwanted.search(o)]

@pytest.mark.parametrize('path', repo_files('*.py'))
def test_plain_words_in_code(path):
    "All of the package's text, and what is written for readers elsewhere"
    src = (root/path).read_text(encoding='utf-8')
    texts = src.split('\n') if path.startswith('tenant_tasks/') else sentences(src)
    assert not [o for o in texts if unwanted.search(o)]

def test_plain_words_are_told_from_others():
    src = '"somebody"\ndef f():\n    "The classrooms of the seedling"\n    return "nobody" # Rooms\ndef test_whoever(): pass'
    assert [o for o in sentences(src) if unwanted.search(o)]==['# Rooms', 'somebody', 'test whoever']

def test_no_address_of_a_machine():
    "What is published names no directory of the machine on which it was made"
    address = re.compile(r'/work/|/tmp/(?!\b)|/root/|/home/\w+/')
    here = os.path.relpath(__file__, root)
    assert not [o for o in repo_files() if o!=here and address.search((root/o).read_text(encoding='utf-8', errors='replace'))]
