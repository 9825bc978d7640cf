"""Make `tenant_tasks/*.pyi` and `py.typed` from the package as it runs, for editors and type checkers.

They read a class where it is written, and so don't see the methods that `@patch` adds to it later.
"""
import ast,builtins,importlib,inspect,re,textwrap
from pathlib import Path

import tenant_tasks

package = Path(tenant_tasks.__file__).parent
modules = {o.stem:importlib.import_module(f'tenant_tasks.{o.stem}') for o in sorted(package.glob('[a-z]*.py'))}
filled = dict(Callable='..., Any', dict='Any, Any', Mapping='Any, Any', tuple='Any, ...')
filled |= dict.fromkeys(('list', 'set', 'deque', 'type', 'Iterable', 'Iterator', 'Sequence'), 'Any')
kept = 'property', 'classmethod', 'staticmethod', 'contextmanager', 'asynccontextmanager'
head = '# Made by tools/stubs.py from the module of the same name; do not edit\n'

def places():
    "The start of the statement that imports each name, as the modules write it"
    res = dict(Any='typing', TypeVar='typing', overload='typing', AsyncIterator='collections.abc', Iterator='collections.abc')
    for o in [o for m in modules.values() for o in ast.parse(inspect.getsource(m)).body]:
        if isinstance(o, ast.Import): res |= {a.name:'' for a in o.names}
        if not isinstance(o, ast.ImportFrom) or o.level: continue
        if o.names[0].name=='*': res = dict.fromkeys(vars(importlib.import_module(o.module)), o.module) | res
        else: res |= {a.name:o.module for a in o.names}
    own = {o:k for k,m in modules.items() for o in m.__all__ if getattr(getattr(m, o), '__module__', '')==m.__name__}
    return {k:f'from {v} import' if v else 'import' for k,v in res.items()} | {o:f'from .{k} import' for o,k in own.items()}

places = places()

def expr(text): return ast.parse(text, mode='eval').body
def text_expr(text): return ast.Expr(ast.Constant(text))
def is_ours(f): return inspect.isfunction(f) and Path(inspect.unwrap(f).__code__.co_filename).parent==package

def tree(o):
    "The syntax tree of a class or function, and its lines"
    src = textwrap.dedent(inspect.getsource(o))
    return ast.parse(src).body[0],src.split('\n')

def comment(line): return line.partition(' # ')[2]

def variable(name, kind, line='', value=None):
    "A variable or attribute, and the comment on it"
    return [ast.AnnAssign(ast.Name(name), kind, value, 1), *[text_expr(comment(line))]*bool(comment(line))]

def params(a): return [o for o in (*a.posonlyargs, *a.args, a.vararg, *a.kwonlyargs, a.kwarg) if o]
def default(o): return o if o is None or isinstance(o, (ast.Constant,ast.UnaryOp)) else expr('...')

def annotation(o):
    "An annotation, as a tree or as text; a bare `dict` holds anything"
    if isinstance(o, ast.AST): o = getattr(o, 'value', None) if isinstance(o, ast.Constant) and o.value else ast.unparse(o)
    return expr(re.sub(rf"\b({'|'.join(filled)})\b(?!\[)", lambda m: f'{m[1]}[{filled[m[1]]}]', o or 'Any'))

def type_of(o):
    "The type of a value, as text"
    if o is None: return 'Any'
    if isinstance(o, type): return 'type[Exception]'
    if inspect.isroutine(o): return 'Callable'
    name = type(o).__name__
    if not o or type(o) not in (dict,list,tuple): return name if name in places or hasattr(builtins, name) else 'Any'
    kinds = [' | '.join(dict.fromkeys(map(type_of, vals))) for vals in ((o, o.values()) if isinstance(o, dict) else (o,))]
    return f"{name}[{', '.join(kinds)}{', ...' if isinstance(o, tuple) else ''}]"

def doc(f, node, lines):
    "A docstring that holds the comments on parameters too"
    end = node.body[0].lineno-1
    args = [f'    {o.arg}: {text}' for o in params(node.args) if o.lineno<end and (text := comment(lines[o.lineno-1]))]
    gives = comment(lines[end-1]) if lines[end-1].partition(' # ')[0].endswith(':') else ''
    parts = [ast.get_docstring(node), '\n'.join(['Args:', *args]) if args else '', f'Returns:\n    {gives}' if gives else '']
    text,margin = '\n\n'.join(o for o in parts if o),' '*(8 if '.' in f.__qualname__ else 4)
    return textwrap.indent(text, margin).strip()+f'\n{margin}'*('\n' in text)

def result(f, node):
    "What a function returns, from its code if it has no annotation"
    if node.returns: return annotation(node.returns)
    if inspect.isasyncgenfunction(f): return expr('AsyncIterator[Any]')
    if inspect.isgeneratorfunction(f): return expr('Iterator[Any]')
    if node.name in ('__repr__', '__str__'): return expr('str')
    return expr('Any' if any(isinstance(o, ast.Return) and o.value for o in ast.walk(node)) else 'None')

def function(f, *wrappers):
    "A function or method without its code; a decorator with or without arguments gives back what it decorates"
    f = inspect.unwrap(f)
    node,lines = tree(f)
    a,text = node.args,doc(f, node, lines)
    node.returns,node.body = result(f, node),[text_expr(text or ...)]
    for o in params(a): o.annotation = None if o.arg in ('self', 'cls') else annotation(o.annotation)
    a.defaults,a.kw_defaults = [default(o) for o in a.defaults],[default(o) for o in a.kw_defaults]
    node.decorator_list = [expr(o) for o in dict.fromkeys([*wrappers, *map(ast.unparse, node.decorator_list)]) if o in kept]
    src = ast.unparse(node)
    if inspect.isasyncgenfunction(f): src = src.replace('async def', 'def', 1)
    first = f'def {f.__name__}(func: Callable[..., Any] | None=None'
    if not src.startswith(first): return ast.parse(src).body
    both = [src.replace(first, f'@overload\ndef {f.__name__}(func: {o}', 1) for o in ('_F', 'None=None')]
    both = [o.replace('-> Callable[..., Any]:', f'-> {r}:', 1) for o,r in zip(both, ('_F', 'Callable[[_F], _F]'))]
    return ast.parse('\n'.join(["_F = TypeVar('_F', bound=Callable[..., Any])", *both])).body

def attribute_type(o, node, names):
    "The type of what a method assigns to an attribute, where the code tells"
    if isinstance(o, ast.AnnAssign): return annotation(o.annotation)
    v = o.value
    if isinstance(v, ast.Name): return annotation(next((p.annotation for p in params(node.args) if p.arg==v.id), None))
    if isinstance(v, ast.Call) and isinstance(v.func, ast.Name) and not v.func.id.startswith('_'):
        made_by = names.get(v.func.id, getattr(builtins, v.func.id, None))
        return annotation(v.func if isinstance(made_by, type) else tree(made_by)[0].returns if is_ours(made_by) else None)
    try: return annotation(type_of(ast.literal_eval(v)))
    except ValueError: return expr('Any')

def attributes(cls, seen):
    "What the methods of a class assign to `self`, each with its comment"
    for f in [o for o in vars(cls).values() if is_ours(o)]:
        node,lines = tree(f)
        for o in [o for o in ast.walk(node) if isinstance(o, (ast.Assign,ast.AnnAssign))]:
            t = o.target if isinstance(o, ast.AnnAssign) else o.targets[0]
            name = t.attr if isinstance(t, ast.Attribute) and ast.unparse(t.value)=='self' else '_'
            if name.startswith('_') or name in seen: continue
            seen.add(name)
            yield from variable(name, attribute_type(o, node, f.__globals__), lines[o.lineno-1])

def class_(cls):
    "A class with all its members, the patched ones included"
    node,lines = tree(cls)
    body = [text_expr(inspect.getdoc(cls))]
    for o in node.body:
        line = lines[o.lineno-1]
        if isinstance(o, ast.AnnAssign): body += variable(o.target.id, annotation(o.annotation), line, default(o.value))
        targets = getattr(o.targets[0], 'elts', o.targets) if isinstance(o, ast.Assign) else []
        for k in [t.id for t in targets if not t.id.startswith('_')]: body += variable(k, annotation(type_of(getattr(cls, k))), line)
    body += attributes(cls, {*dir(cls), *inspect.get_annotations(cls)})
    for k,o in [(k,o) for k,o in vars(cls).items() if not k.startswith('_') or k.endswith('__')]:
        f = o.fget if isinstance(o, property) else getattr(o, '__func__', o)
        if is_ours(f) and f.__name__==k: body += function(f, *([] if f is o else [type(o).__name__]))
    node.body = body
    return [node]

def imports(text, own):
    "What a stub has to import"
    used = {o.id for o in ast.walk(ast.parse(text)) if isinstance(o, ast.Name) and isinstance(o.ctx, ast.Load)}
    used -= {*own, *dir(builtins), '_F'}
    return ''.join(f"{k} {','.join(o for o in sorted(used) if places[o]==k)}\n" for k in sorted({places[o] for o in used}))

def wrapped(m):
    "A long signature with a parameter in each line"
    if len(m[0])<=110: return m[0]
    args = ''.join(f'{m[1]}    {o},\n' for o in re.split(r', (?=[*/]|\w+: )', m[3]))
    return f'{m[1]}{m[2]}\n{args}{m[1]}{m[4]}'

def stub(module):
    "The stub of a module"
    body = []
    for k in module.__all__:
        o = getattr(module, k)
        if inspect.isclass(o): body += class_(o)
        else: body += function(o) if inspect.isfunction(o) else variable(k, annotation(type_of(o)))
    text = ast.unparse(ast.fix_missing_locations(ast.Module(body, [])))
    text = re.sub(r'^( *)((?:async )?def \w+\()(.*)(\) -> .*:)$', wrapped, text, flags=re.M)
    text = re.sub(r'(?<=:)\n +(?=\.\.\.$)', ' ', text, flags=re.M)
    names = textwrap.fill(f'__all__ = {module.__all__}', 120, subsequent_indent='    ')
    return f'{head}{imports(text, module.__all__)}\n{names}\n\n{text}\n'

def stubs():
    "The text of each file"
    names = re.sub(r'^(__version__).*', r'\1: str', inspect.getsource(tenant_tasks), flags=re.M)
    return {f'{k}.pyi':stub(m) for k,m in modules.items()} | {'__init__.pyi':head+names, 'py.typed':''}

if __name__=='__main__':
    for o in package.glob('*.pyi'): o.unlink()
    for k,v in stubs().items(): (package/k).write_text(v, encoding='utf-8')
