"How the code is written: who imports whom, short lines and cells, documented names, plain words"
import ast,importlib,inspect,json,os,re
from functools import cache

import pytest
from helpers import python,repo_files,root

floors = 'jobs', 'db', 'run', 'manager', 'fleet', 'web', 'ops' # A module may import those before it
order = [f'{f}.{o.stem[3:]}' for f in floors for o in sorted((root/'nbs'/f).glob('[0-9]*.ipynb'))]+['testing', '__main__']
def path_of(name): return root/f"tenant_tasks/{name.replace('.', '/')}.py"
sources = {o:path_of(o).read_text(encoding='utf-8') for o in order}
notebooks = sorted(o for o in (root/'nbs').rglob('*.ipynb') if '.ipynb_checkpoints' not in o.parts)

@cache
def trees():
    "The syntax tree of each module"
    return {k:ast.parse(v) for k,v in sources.items()}

def cells(path, kind):
    "The sources of the cells of one kind"
    found = json.loads(path.read_text(encoding='utf-8'))['cells']
    return [''.join(o['source']) for o in found if o['cell_type']==kind]

def is_private(name): return name.startswith('_') and not name.endswith('_')

def test_every_module_has_its_place():
    there = {o for o in (root/'tenant_tasks').rglob('*.py') if o.stem not in ('__init__', '_modidx')}
    assert there==set(map(path_of, order))

def read_from(name, node):
    "The module that a relative import in the module `name` reads"
    return '.'.join([*name.split('.')[:-node.level], node.module])

def test_a_module_imports_public_names_from_modules_above_it():
    for name,tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import): assert 'tenant_tasks' not in ast.unparse(node), name
            if not isinstance(node, ast.ImportFrom) or not node.level: continue
            module = read_from(name, node)
            assert module in order[:order.index(name)], f'{name}: {ast.unparse(node)}'
            public = importlib.import_module(f'tenant_tasks.{module}').__all__
            assert {o.name for o in node.names}<={'*', *public}, f'{name}: {ast.unparse(node)}'

@cache
def own_names(tree):
    "The private names that a module defines: functions, methods, variables and attributes"
    nodes = [*ast.walk(tree)]
    names = [o.name for o in nodes if isinstance(o, (ast.FunctionDef,ast.AsyncFunctionDef,ast.ClassDef))]
    names += [o.id for o in nodes if isinstance(o, ast.Name) and isinstance(o.ctx, ast.Store)]
    names += [o.attr for o in nodes if isinstance(o, ast.Attribute) and isinstance(o.ctx, ast.Store)]
    return {o for o in names if is_private(o)}

def used_names(tree):
    "The private names that a module uses, as attributes or for `getattr`"
    strings = {o.value for o in ast.walk(tree) if isinstance(o, ast.Constant) and isinstance(o.value, str)}
    return {o for o in {o.attr for o in ast.walk(tree) if isinstance(o, ast.Attribute)}|strings if is_private(o)}

def test_private_names_stay_in_their_module():
    for name,tree in trees().items():
        elsewhere = set().union(*[own_names(v) for k,v in trees().items() if k!=name])
        assert not (used_names(tree)-own_names(tree)) & elsewhere, name

def patches(tree):
    "The classes that a module patches, each with the name of what it adds"
    for o in [o for o in tree.body if isinstance(o, (ast.FunctionDef,ast.AsyncFunctionDef))]:
        for d in o.decorator_list:
            if isinstance(d, ast.Call) and ast.unparse(d.func)=='patch_to': found = [*map(ast.unparse, d.args)]
            elif ast.unparse(d).partition('(')[0]=='patch':
                found = ast.unparse(o.args.args[0].annotation).split(' | ')
            else: continue
            yield from ((c, o.name) for c in found)

foreign_patches = { # With the reason why a module may patch a class of another floor
    'web.card: TenantJob.__ft__': 'FastHTML renders what a route returns by this method; its look is of the web floor',
    'web.card: TenantJob._repr_html_': 'the same in a notebook'}

def test_a_class_is_patched_on_its_own_floor():
    home = {o.name:k.split('.')[0] for k,tree in trees().items() for o in tree.body if isinstance(o, ast.ClassDef)}
    found = [(name, c, f) for name,tree in trees().items() for c,f in patches(tree)]
    assert len(found)>100
    assert {f'{name}: {c}.{f}' for name,c,f in found if home[c]!=name.split('.')[0]}==foreign_patches.keys()

def test_exported_cells_are_short():
    "No line of more than 120 characters, no cell of more than 30 lines; and each is in a module"
    exported = [o for path in notebooks for o in cells(path, 'code') if re.match(r'#\|\s*exporti?\b', o)]
    for src in exported: # Blank lines, directives and docstrings don't count
        lines = [o for o in src.split('\n') if o.strip() and not re.match(r'#\||\s*".*"$', o)]
        assert len(lines)<=30 and not [o for o in lines if len(o)>120], lines[0]
    assert len(exported)==sum(o.count('\n# %% ../') for o in sources.values())

def documented(module):
    "The public classes and functions of a module, and the methods of its classes, by name"
    for name in module.__all__:
        o = getattr(module, name)
        if inspect.isclass(o) or inspect.isfunction(o): yield name,o
        if not inspect.isclass(o): continue
        yield from ((f'{name}.{k}', getattr(o, k)) for k,v in vars(o).items() if not k.startswith('_') and callable(v))

def test_public_names_have_docs():
    "A method may inherit its docstring"
    for module in [importlib.import_module(f'tenant_tasks.{o}') for o in order]:
        assert [k for k,o in documented(module) if not (inspect.getdoc(o) or '').strip()]==[]

@pytest.mark.slow
def test_chkstyle_finds_nothing():
    pytest.importorskip('chkstyle')
    where = 'tenant_tasks nbs tests examples tools benchmarks conftest.py setup.py'
    res = python('-m', 'chkstyle.core', *where.split())
    assert 'found 0' in res.stdout+res.stderr, res.stdout

here = os.path.relpath(__file__, root)
unwanted = re.compile(r'\b(whoever|somebody|someone|nobody|rooms?|the seed)\b', re.I)

def test_plain_words():
    "In the package, its notebooks, its tests and its tools; in names, too"
    for path in repo_files('*.py', '*.ipynb'):
        text = (root/path).read_text(encoding='utf-8').replace('_', ' ')
        assert path==here or not unwanted.search(text), path

def test_no_address_of_a_machine():
    "What is published names no directory of the machine on which it was made"
    address = re.compile(r'/work/|/tmp/(?!\b)|/root/|/home/\w+/')
    texts = {o:(root/o).read_text(encoding='utf-8', errors='replace') for o in repo_files() if o!=here}
    assert not [k for k,v in texts.items() if address.search(v)]
