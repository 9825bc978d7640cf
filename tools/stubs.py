"""Make `tenant_tasks/__init__.pyi` and `py.typed` from the source of the package, for editors and type checkers.

They read a class where it is written, so they miss the methods that `@patch` adds in later modules. The stub has the
names that `tenant_tasks/__init__.py` imports, complete; other classes of the package are `Any` there. It comes from
syntax trees alone, without an import of the package, so every Python makes the same text.
"""
import ast,builtins,re,textwrap
from functools import cache
from pathlib import Path

package = Path(__file__).parent.parent/'tenant_tasks'
filled = dict(Callable='..., Any', dict='Any, Any', Mapping='Any, Any', tuple='Any, ...')
filled |= dict.fromkeys(('list', 'set', 'type', 'Iterable', 'Iterator', 'Sequence'), 'Any')
kept = 'property', 'classmethod', 'staticmethod', 'contextmanager', 'dataclass'
functions = ast.FunctionDef,ast.AsyncFunctionDef
head = '# Made by tools/stubs.py; do not edit\n'

# -- What the package defines

def parsed(path):
    "The statements of a module, each with the lines of its source"
    src = path.read_text(encoding='utf-8')
    res = ast.parse(src).body
    for o in res: o.lines = src.split('\n')
    return res

@cache
def patched(node):
    "The name of the class that a function becomes a method of, or None"
    for o in node.decorator_list:
        name,args = (ast.unparse(o.func),o.args) if isinstance(o, ast.Call) else (ast.unparse(o),[])
        if name=='patch': return ast.unparse(node.args.args[0].annotation)
        if name=='patch_to': return ast.unparse(args[0])

top = parsed(package/'__init__.py')
body = [*[o for path in sorted(package.rglob('[a-z]*.py')) for o in parsed(path)], *top]
sources = {a.name:o.module for o in body if isinstance(o, ast.ImportFrom) and not o.level for a in o.names}
sources |= {a.name:'' for o in body if isinstance(o, ast.Import) for a in o.names}
sources |= dict(FT='fastcore.xml', Any='typing', TypeVar='typing', overload='typing', Iterator='collections.abc')
defs = {o.name:o for o in body if isinstance(o, ast.ClassDef) or isinstance(o, functions) and not patched(o)}
values = {o.targets[0].id:o.value for o in body if isinstance(o, ast.Assign) and isinstance(o.targets[0], ast.Name)}
def is_folder(dotted): return (package/dotted.replace('.', '/')).is_dir()
own = [o for o in top if isinstance(o, ast.ImportFrom) and o.level and not is_folder(o.module)]
later = next(ast.literal_eval(o.value) for o in top if isinstance(o, ast.Assign) and o.targets[0].id=='_later')
names = [a.name for o in own for a in o.names]
names += [o for found in later.values() for o in found.split()]

def is_class(name): return isinstance(defs.get(name), ast.ClassDef)

@cache
def methods(name):
    "All methods of a class, the private ones too, each with the lines of its source"
    cls = defs[name]
    own = [o for o in cls.body if isinstance(o, functions)]
    for o in own: o.lines = cls.lines
    return own + [o for o in body if isinstance(o, functions) and patched(o)==name]

# -- Parts of a definition

def comment(line): return line.partition(' # ')[2]
def text_of(doc, margin):
    "A docstring"
    lines = textwrap.indent(doc, margin).strip().split('\n')
    if len(lines)==1 and '"' not in doc: return f'{margin}"{doc}"\n'
    return '\n'.join([f'{margin}"""{lines[0]}', *lines[1:], *[margin]*(len(lines)>1 or doc[-1]=='"')])+'"""\n'

def default(o): return ast.unparse(o) if isinstance(o, (ast.Constant,ast.UnaryOp)) else '...'
def params(a): return [o for o in (*a.posonlyargs, *a.args, a.vararg, *a.kwonlyargs, a.kwarg) if o]

def annotation(o):
    "An annotation as text; a bare `dict` holds anything, and so does a class that the stub doesn't have"
    res = '' if o is None else o.value if isinstance(o, ast.Constant) and o.value else ast.unparse(o)
    res = re.sub(r'(?<![.\w])\w+', lambda m: 'Any' if is_class(m[0]) and m[0] not in names else m[0], res)
    return re.sub(rf"\b({'|'.join(filled)})\b(?!\[)", lambda m: f'{m[1]}[{filled[m[1]]}]', res or 'Any')

def type_of(o):
    "The type of the value of an expression, as text"
    if isinstance(o, ast.Call) and isinstance(o.func, ast.Name):
        made_by = defs.get(o.func.id)
        if isinstance(made_by, functions): return annotation(made_by.returns)
        return annotation(o.func) if made_by or isinstance(getattr(builtins, o.func.id, None), type) else 'Any'
    if isinstance(o, ast.BinOp): return type_of(o.left)
    if isinstance(o, ast.Name) and o.id in values: return type_of(values[o.id])
    try: val = ast.literal_eval(o)
    except ValueError: return 'Any'
    kind = 'Any' if val is None else type(val).__name__
    if not val or not isinstance(val, (tuple,list)): return annotation(ast.Name(kind))
    return f"{kind}[{' | '.join(dict.fromkeys(type(v).__name__ for v in val))}{', ...'*isinstance(val, tuple)}]"

def doc(node, margin):
    "A docstring that holds the comments on parameters too"
    end = node.body[0].lineno-1
    said = {o.arg:comment(node.lines[o.lineno-1]) for o in params(node.args) if o.lineno<end}
    args = [f'    {k}: {text}' for k,text in said.items() if text]
    last = node.lines[end-1]
    gives = comment(last) if last.partition(' # ')[0].endswith(':') else ''
    parts = [ast.get_docstring(node), args and '\n'.join(['Args:', *args]), gives and f'Returns:\n    {gives}']
    text = '\n\n'.join(o for o in parts if o)
    return text and text_of(text, margin)

def result(node):
    "What a function returns, from its code if it has no annotation"
    if node.returns: return annotation(node.returns)
    inner = [o for o in ast.walk(node) if o is not node]
    if any(isinstance(o, (ast.Yield,ast.YieldFrom)) for o in inner): return 'Iterator[Any]'
    if node.name in ('__repr__', '__str__'): return 'str'
    return 'Any' if any(isinstance(o, ast.Return) and o.value for o in inner) else 'None'

def signature(node, skip=()):
    "The parameters of a function, each as text"
    a = node.args
    pos = [*a.posonlyargs, *a.args]
    defaults = dict(zip([o.arg for o in pos[len(pos)-len(a.defaults):]], a.defaults))
    defaults |= {o.arg:v for o,v in zip(a.kwonlyargs, a.kw_defaults) if v}
    def one(o, stars=''):
        kind = '' if o.arg in ('self', 'cls') else f': {annotation(o.annotation)}'
        value = defaults.get(o.arg)
        if isinstance(value, ast.Constant) and value.value is None and kind[-4:] not in ('None', ' Any'): kind += ' | None'
        return stars+o.arg+kind+(f'={default(defaults[o.arg])}' if o.arg in defaults else '')
    res = [one(o) for o in a.posonlyargs] + ['/']*bool(a.posonlyargs) + [one(o) for o in a.args]
    res += [one(a.vararg, '*')] if a.vararg else ['*']*bool(a.kwonlyargs)
    res += [one(o) for o in a.kwonlyargs] + ([one(a.kwarg, '**')] if a.kwarg else [])
    return [o for o in res if o not in skip]

# -- Definitions

def marks(node):
    "The decorators that a stub keeps"
    texts = [ast.unparse(o) for o in node.decorator_list]
    same = [o for o in texts if o.partition('(')[0] in kept or o.endswith('.setter')]
    return ['property']*any('as_prop=True' in o for o in texts) + same

def indented(lines, margin): return ''.join(f'{margin}{o}\n' for o in lines)

def function(node, margin='', name=None, skip=(), **retyped):
    "A function or method without its code; `retyped` are other types of `func` and of what it returns, for an overload"
    args,gives = signature(node, skip),retyped.get('gives') or result(node)
    if retyped: args = [f"func: {retyped['func']}" if o.startswith('func: ') else o for o in args]
    start = f"{'async '*isinstance(node, ast.AsyncFunctionDef)}def {name or node.name}("
    text = f"{margin}{start}{', '.join(args)}) -> {gives}:"
    if len(text)>110: text = f"{margin}{start}\n{indented([o+',' for o in args], margin+'    ')}{margin}) -> {gives}:"
    said = doc(node, margin+'    ')
    return indented(marks(node), margin+'@') + text + (f'\n{said}' if said else ' ...\n')

def decorator(node):
    "A function that works as a decorator with and without arguments: it gives back what it decorates"
    both = dict(func='_F', gives='_F'), dict(func='None=None', gives='Callable[[_F], _F]')
    return '\n'.join('@overload\n'+function(node, **o) for o in both)

def variable(name, kind, line='', value=None, margin=''):
    "A variable or attribute, and the comment on it"
    said,start = comment(line),f' = {default(value)}' if value else ''
    return f'{margin}{name}: {kind}{start}\n' + (text_of(said, margin) if said else '')

def assigned(name):
    "The public attributes that the methods of a class assign to `self`: the type and the comment of each"
    for node in methods(name):
        kinds = {o.arg:annotation(o.annotation) for o in params(node.args)}
        for o in [o for o in ast.walk(node) if isinstance(o, (ast.Assign,ast.AnnAssign))]:
            t = o.target if isinstance(o, ast.AnnAssign) else o.targets[0]
            if not isinstance(t, ast.Attribute) or ast.unparse(t.value)!='self' or t.attr.startswith('_'): continue
            kind = annotation(o.annotation) if isinstance(o, ast.AnnAssign) else kinds.get(getattr(o.value, 'id', ''))
            yield t.attr,kind or type_of(o.value),node.lines[o.lineno-1]

def class_(node):
    "A class with all its members, those that are patched in included"
    bases = f"({', '.join(map(annotation, node.bases))})" if node.bases else ''
    said = ast.get_docstring(node)
    parts = [indented(marks(node), '@') + f'class {node.name}{bases}:\n' + (text_of(said, '    ') if said else '')]
    own = {}
    for o in [o for o in node.body if isinstance(o, (ast.Assign,ast.AnnAssign))]:
        if isinstance(o, ast.AnnAssign): k,kind,val = o.target.id,annotation(o.annotation),o.value
        else: k,kind,val = o.targets[0].id,type_of(o.value),None
        own[k] = variable(k, kind, node.lines[o.lineno-1], val, '    ')
    parts[0] += ''.join(v for k,v in own.items() if k[0]!='_')
    seen = {*own, *[o.name for o in methods(node.name)]}
    for k,kind,line in assigned(node.name):
        if k not in seen: parts[0] += variable(k, kind, line, margin='    ')
        seen.add(k)
    parts += [function(o, '    ') for o in methods(node.name) if o.name[0]!='_' or o.name.endswith('__')]
    return '\n'.join(parts) if len(parts)>1 or parts[0].count('\n')>1 else parts[0]+'    ...\n'

def value(name):
    "A variable; one that is a member of `this_process` is as its class says"
    o = values[name]
    if not isinstance(o, ast.Attribute): return variable(name, type_of(o))
    for m in methods('Process'):
        if m.name==o.attr: return function(m, skip=('self',))
    return variable(name, next(kind for k,kind,_ in assigned('Process') if k==o.attr))

def definition(name):
    "A name at the top of the package"
    node = defs.get(name)
    if is_class(name): return class_(node)
    if not node: return value(name)
    return decorator(node) if any(o.startswith('func: ') and '=' in o for o in signature(node)) else function(node)

def stub():
    "The text of the stub"
    lines = top[0].lines
    listed = next(o for o in top if isinstance(o, ast.Assign) and o.targets[0].id=='__all__')
    listed = '\n'.join(lines[listed.lineno-1:listed.end_lineno])
    first = [listed, '__version__: str', "_F = TypeVar('_F', bound=Callable[..., Any])"]
    text = '\n'.join([*[o+'\n' for o in first], *map(definition, names)])
    used = {o.id for o in ast.walk(ast.parse(text)) if isinstance(o, ast.Name) and isinstance(o.ctx, ast.Load)}
    wanted = {}
    for o in sorted((used & sources.keys())-{*names, *dir(builtins)}): wanted.setdefault(sources[o], []).append(o)
    imports = [f"{f'from {m} ' if m else ''}import {','.join(v)}" for m,v in sorted(wanted.items())]
    return head + indented(imports, '') + '\n' + text

if __name__=='__main__':
    (package/'__init__.pyi').write_text(stub(), encoding='utf-8')
    (package/'py.typed').touch()
