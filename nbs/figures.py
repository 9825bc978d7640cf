"""Pictures for the documentation, drawn as SVG: states and their moves, calls, a timeline, boxes and arrows, percentiles, modules.

Each picture has a light panel of its own, so it reads the same on a white page and on a dark one. A page that runs this file shows no log lines.
"""
import ast,logging
from html import escape
from math import ceil,floor,hypot,log10
from pathlib import Path
from textwrap import wrap

from IPython.display import SVG

for _o in 'tenant_tasks', 'apsw': logging.getLogger(_o).addHandler(logging.NullHandler())

ink,soft,edge,panel = '#1f2328','#59636e','#c4cbd3','#fafbfc'
blue,green,red,amber = '#0757ba','#19702e','#b91c28','#8a5a00'
tints = {blue:'#e3eefb', green:'#e2f3e6', red:'#fdeaea', amber:'#fdf3dc', soft:'#edf0f3'}
colours = dict(pending=amber, running=blue, completed=green, failed=red, cancelled=soft)
kinds = dict(wait=('waiting', soft, '#dde2e8'), work=('working', '#fff', blue), commit=('commit', '#fff', green))
fonts = 'system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'

def _num(o): return f'{o:.1f}'.removesuffix('.0') if isinstance(o, float) else str(o)

def _el(tag, *inside, **attrs):
    "An element; `stroke_width` becomes `stroke-width`"
    attrs = ''.join(f' {k.replace("_", "-")}="{escape(_num(v))}"' for k,v in attrs.items())
    return f'<{tag}{attrs}>{"".join(inside)}</{tag}>'

def _width(s, size=12): return .6*size*max(map(len, s.split('\n')))

def _fit(s, width):
    "Break each line of `s` into as few as `width` allows, all about as long"
    def cut(line): return min((wrap(line, o) for o in range(8, max(9, int(width/6.7)))), key=len)
    return '\n'.join(o for line in s.split('\n') for o in cut(line))

def _text(x, y, s, fill=ink, size=12, anchor='middle', **kw):
    "Lines of text with their middle at `y`"
    lines = s.split('\n')
    at = [y + size*.36 + (i-(len(lines)-1)/2)*(size+3) for i in range(len(lines))]
    kw = dict(fill=fill, font_size=size, text_anchor=anchor) | kw
    return ''.join(_el('text', escape(o), x=x, y=t, **kw) for o,t in zip(lines, at))

def _rect(x, y, w, h, fill, **kw): return _el('rect', **dict(x=x-w/2, y=y-h/2, width=w, height=h, rx=8, fill=fill)|kw)

def _box(x, y, w, h, s, colour, rx=8, **kw):
    return _rect(x, y, w, h, tints[colour], stroke=colour, stroke_width=1.5, rx=rx) + _text(x, y, s, colour, **kw)

def _label(x, y, s, fill):
    "Text on a line, with a gap in the line for it"
    return _rect(x, y, _width(s)+8, 15*len(s.split('\n'))+2, panel) + _text(x, y, s, fill)

def _line(points, colour, **kw):
    d = 'M'+'L'.join(' '.join(_num(float(o)) for o in p) for p in points)
    return _el('path', **dict(d=d, fill='none', stroke=colour, stroke_width=1.5)|kw)

def _toward(a, b, d):
    "The point `d` away from `a` on the way to `b`"
    n = hypot(b[0]-a[0], b[1]-a[1])
    return a[0]+(b[0]-a[0])*d/n,a[1]+(b[1]-a[1])*d/n

def _arrow(points, colour, **kw):
    "A line through `points` with round corners, and a head at its end"
    smooth,end = [points[0]],points[-1]
    for a,b,c in zip(points, points[1:], points[2:]):
        p,q = _toward(b, a, 10),_toward(b, c, 10)
        smooth += [tuple((1-t)**2*u + 2*t*(1-t)*v + t*t*w for u,v,w in zip(p, b, q)) for t in (0, .25, .5, .75, 1)]
    base = _toward(end, points[-2], 8)
    dx,dy = (end[0]-base[0])/2,(end[1]-base[1])/2
    head = _line([end, (base[0]-dy, base[1]+dx), (base[0]+dy, base[1]-dx)], 'none', fill=colour)
    return _line([*smooth, base], colour, **kw) + head

def _figure(w, h, title, parts):
    "The picture as a whole, on its panel"
    back = _rect(w/2, h/2, w-1, h-1, panel, stroke=edge, rx=10)
    title = ' '.join(title.split())
    return SVG(_el('svg', *(f'\n{o}' for o in [_el('title', escape(title)), back, *parts]),
        xmlns='http://www.w3.org/2000/svg', viewBox=f'0 0 {_num(w)} {_num(h)}', width=w, role='img', aria_label=title,
        font_family=fonts, style='max-width:100%;height:auto'))

def _places(names):
    "Column and row of each state: the final ones on the right, those not known here below them"
    res = dict(pending=(0, 0), running=(1, 0), completed=(2, 0), failed=(2, -1), cancelled=(2, 1))
    for o in names: res.setdefault(o, (2, max(row for _,row in res.values())+1))
    return {o:res[o] for o in names}

def _at(col, row): return 130+270*col,190+112*row

def _way(a, b):
    "The shape of a move between two places, and whether it passes above the middle"
    (ca,ra),(cb,rb) = a,b
    shape = 'loop' if ca==cb else 'elbow' if ca<cb and ra!=rb else 'over' if ra!=rb or abs(ca-cb)>1 else 'straight'
    return shape,(ra or rb)<=0

def _ends(moves):
    "Where on a side of its box each end of a move stands, counted from the middle; lines nest, outer ones first"
    sides = {}
    for a,b in sorted(moves, key=lambda o: (-abs(o[0][1]-o[1][1]), o[0][0]<o[1][0], o)):
        shape,up = _way(a, b)
        first,last = dict(straight=('', ''), loop=('right', 'right'), elbow=(up, 'left'), over=(up, up))[shape]
        for i,side in enumerate([(a, first), (b, last)]): sides.setdefault(side, []).append((a, b, i))
    return {o:n-(len(os)-1)/2 for os in sides.values() for n,o in enumerate(os)}

def _path(a, b, ends, both):
    "The points of a move's line, and the middle of its label; `both` if there is a move back"
    (shape,up),(xa,ya),(xb,yb) = _way(a, b),_at(*a),_at(*b)
    i,j,s,right = ends.get((a, b, 0), 0),ends.get((a, b, 1), 0),-1 if up else 1,1 if xb>xa else -1
    middle = _at(min(a[0], b[0])+.5, 0)[0]
    if shape=='straight':
        y = ya-16*right*both
        return [(xa+60*right, y), (xb-60*right, y)],(middle, y)
    if shape=='loop':
        x,ya,yb = xa+96,ya+20*i,yb+20*j
        return [(xa+60, ya), (x, ya), (x, yb), (xb+60, yb)],(x, (ya+yb)/2)
    if shape=='elbow':
        x,y = xa+28*i,yb-20*s*j
        return [(x, ya+24*s), (x, y), (xb-60, y)],(_at(a[0]+.5, 0)[0], y)
    x,to,y = xa+28*i,xb+28*j,ya+s*(46-10*i)
    return [(x, ya+24*s), (x, y), (to, y), (to, yb+24*s)],(middle, y)

def states(
    transitions:dict, # Move → (states it may leave, state it leads to, why)
    statuses, # The states; a job starts in the first
)->SVG: # A box for each state, an arrow for each move; the reason shows when you point at the label
    "Draw the states of a job and the moves between them"
    moves = {}
    for move,(olds,new,why) in transitions.items():
        for old in olds: moves.setdefault((old, new), {})[move] = why
    place = _places(dict.fromkeys([*statuses, *(o for pair in moves for o in pair)]))
    pairs = {(place[a], place[b]):(colours.get(b, soft), o) for (a,b),o in moves.items()}
    ends,x,y = _ends(pairs),*_at(*place[statuses[0]])
    lines,labels = [_el('circle', cx=x-100, cy=y, r=6, fill=ink), _arrow([(x-94, y), (x-60, y)], ink)],[]
    for (a,b),(colour,whys) in pairs.items():
        points,at = _path(a, b, ends, (b,a) in pairs)
        lines.append(_arrow(points, colour))
        why = '\n'.join(f'{move}: {o}' for move,o in whys.items())
        labels.append(_el('g', _el('title', escape(why)), _label(*at, _fit(', '.join(whys), 115), colour)))
    boxes = [_box(*_at(*p), 120, 48, o, colours.get(o, soft), size=14, font_weight=600) for o,p in place.items()]
    says = '; '.join(f'{move}: {" or ".join(olds)} to {new}' for move,(olds,new,_) in transitions.items())
    height = _at(0, max(row for _,row in place.values()))[1]+76
    return _figure(800, height, f'The states of a job. {says}', lines+labels+boxes)

def _step(step, x, gap):
    "One row of a sequence: its height, and what draws it from a `y` on"
    text = step[-1] if len(step)==2 else step[2]
    if step[0]=='kill':
        left,right,w = min(x.values())-gap/2+16,max(x.values())+gap/2-16,_width(text)+16
        def draw(y):
            line = _line([(left, y+18), (right, y+18)], red, stroke_dasharray='6 4')
            return line + _box(left+w/2, y+18, w, 22, text, red, rx=11)
        return 36,draw
    a,b = x[step[0]],x[step[0 if len(step)==2 else 1]]
    text = _fit(text, abs(a-b)-24 if a!=b else gap-40)
    h,colour,dashes = 15*len(text.split('\n')),blue,{}
    if a==b: return h+26,lambda y: _box(a, y+13+h/2, _width(text)+20, h+12, text, amber)
    if step[3:]==('reply',): colour,dashes = soft,dict(stroke_dasharray='5 4')
    return h+20,lambda y: _label((a+b)/2, y+6+h/2, text, ink) + _arrow([(a, y+h+12), (b, y+h+12)], colour, **dashes)

def sequence(
    lanes:list[str], # Who takes part, from left to right
    steps:list[tuple], # `(from, to, text)`, and `'reply'` as a fourth item; `(lane, text)`; `('kill', text)`
)->SVG: # A lane for each name; time runs down
    "Draw who calls whom, in order, and the points at which a process may be killed"
    gap,y,drawn = max(160, 800/len(lanes)),60,[]
    x = {o:gap*(i+.5) for i,o in enumerate(lanes)}
    for step in steps:
        h,draw = _step(step, x, gap)
        drawn.append(draw(y))
        y += h
    lives = [_line([(o, 48), (o, y+8)], edge) for o in x.values()]
    heads = [_box(o, 33, min(gap-16, _width(s, 13)+28), 32, s, soft, size=13, font_weight=600) for s,o in x.items()]
    says = '; '.join(f'{" to ".join(o[:-1])}: {o[-1]}' for o in (step[:3] for step in steps))
    return _figure(gap*len(lanes), y+22, f'A sequence between {", ".join(lanes)}. {says}', lives+heads+drawn)

def _ticks(end):
    "Round numbers from 0 to `end`, about six of them"
    unit = 10**floor(log10(end/5))
    step = unit*min((1, 2, 5, 10), key=lambda o: abs(end/unit/o-6))
    return [step*i for i in range(floor(end/step+1e-9)+1)]

def _bar(x, x2, y, text, kind):
    "A bar, and its label: above it if it is too long"
    _,colour,fill = kinds[kind]
    mid,w = (x+x2)/2,_width(text, 11)
    bar = _rect(mid, y, x2-x, 28, fill, stroke=panel, rx=5)
    if _width(text)<x2-x: return bar,_text(mid, y, text, colour)
    return bar,_rect(x+w/2, y-22, w, 13, panel) + _text(x+1, y-22, text, soft, 11, 'start')

def _marks(marks, at, bottom):
    "Vertical lines and their labels, which stand in two rows if they would overlap"
    res,free = [],[0, 0]
    for time,text in sorted(marks):
        x,w = at(time),_width(text, 11)
        mid = min(x, 792-w/2)
        row = 0 if mid-w/2>=free[0] else 1
        free[row] = mid+w/2+4
        line = _line([(x, 28+15*row), (x, bottom)], ink, stroke_dasharray='3 4', stroke_width=1)
        res.append(line + _text(mid, 20+15*row, text, ink, 11))
    return res

def timeline(
    rows:dict, # Name → its bars: `(start, end, label)`, and `'wait'`, `'work'` (the default) or `'commit'`
    marks=(), # `(time, label)` of each vertical line
    unit:str='ms', # What the axis counts
)->SVG: # A row of bars for each name over one axis
    "Draw what happens at the same time"
    bars = [(i, *bar, 'work')[:5] for i,bars in enumerate(rows.values()) for bar in bars]
    end = max([o[2] for o in bars] + [o[0] for o in marks])
    left,top = max(_width(o, 13) for o in rows)+28,80 if marks else 48
    bottom = top-22+52*len(rows)
    def at(time): return left+(772-left)*time/end
    def tick(x, o): return _line([(x, bottom), (x, bottom+5)], edge) + _text(x, bottom+15, f'{o:g}', soft, 11)
    axis = [_line([(left, bottom), (772, bottom)], edge), _text(left-22, bottom+15, unit, soft, 11)]
    axis += [tick(at(o), o) for o in _ticks(end)]
    names = [_text(16, top+52*i, o, ink, 13, 'start', font_weight=600) for i,o in enumerate(rows)]
    drawn,labels = zip(*(_bar(at(a), at(b), top+52*i, text, kind) for i,a,b,text,kind in bars))
    legend = []
    for i,(name,_,fill) in enumerate(v for k,v in kinds.items() if k in {o[4] for o in bars}):
        x = left+8+100*i
        legend += [_rect(x, bottom+44, 16, 12, fill, rx=3), _text(x+14, bottom+44, name, soft, 12, 'start')]
    says = '; '.join(f'{list(rows)[i]}: {text or kinds[kind][0]} {a:g} to {b:g} {unit}' for i,a,b,text,kind in bars)
    parts = [*axis, *names, *drawn, *_marks(marks, at, bottom), *labels, *legend]
    return _figure(800, bottom+64, f'A timeline. {says}', parts)

def flow(
    boxes:dict, # Label → column, row, and perhaps a colour
    arrows, # `(from, to)`, and perhaps a label
    about:str, # The alternative text
)->SVG: # Boxes on a grid
    "Draw what leads to what"
    gap,rows = 800/(1+max(o[0] for o in boxes.values())),1+max(o[1] for o in boxes.values())
    w,at = gap-min(90, gap*.3),{k:(gap*(o[0]+.5), 50+90*o[1]) for k,o in boxes.items()}
    def arrow(a, b, text=''):
        (xa,ya),(xb,yb) = at[a],at[b]
        dx,dy = ((xb>xa)-(xb<xa))*w/2,((yb>ya)-(yb<ya))*28*(xa==xb)
        label = _label((xa+xb)/2, (ya+yb)/2, text, ink) if text else ''
        return _arrow([(xa+dx, ya+dy), (xb-dx, yb-dy)], blue) + label
    drawn = [_box(*at[k], w, 56, _fit(k, w-8), (*o, soft)[2]) for k,o in boxes.items()]
    return _figure(800, 90*rows+10, about, [arrow(*o) for o in arrows]+drawn)

def _decades(low, high): return [10.**o for o in range(floor(log10(low)), ceil(log10(high))+1)]

def _short(o): return f'{o:,.0f}' if o>=1 else f'{o:g}'

def spans(
    rows:dict, # Name → percentiles, the smallest first
    labels:list[str], # What each percentile is called
    unit:str='ms', # What the axis counts
    notes=(), # What to say at the right of each row
)->SVG: # A line for each name over one logarithmic axis, with a dot for each percentile
    "Draw how widely values are spread, over several powers of ten"
    left,right,top = max(_width(o, 13) for o in rows)+28,664 if notes else 750,32
    ticks = _decades(min(min(o) for o in rows.values()), max(max(o) for o in rows.values()))
    bottom,fills = top+34*len(rows),[green, blue, red][-len(labels):]
    def at(v): return left+(right-left)*log10(v/ticks[0])/log10(ticks[-1]/ticks[0])
    def tick(o): return _line([(at(o), 16), (at(o), bottom)], edge, stroke_width=1) + _text(at(o), bottom+14, _short(o), soft, 11)
    parts = [tick(o) for o in ticks] + [_text(left-44, bottom+14, unit, soft, 11)]
    for i,(name,vs) in enumerate(rows.items()):
        y = top+34*i
        parts += [_text(16, y, name, ink, 13, 'start', font_weight=600), _line([(at(vs[0]), y), (at(vs[-1]), y)], soft, stroke_width=3)]
        parts += [_el('circle', cx=at(v), cy=y, r=6, fill=fill, stroke=panel) for v,fill in zip(vs, fills)]
        if notes: parts.append(_text(784, y, notes[i], soft, 11, 'end'))
    for i,(name,fill) in enumerate(zip(labels, fills)):
        x = left+12+90*i
        parts += [_el('circle', cx=x, cy=bottom+40, r=6, fill=fill), _text(x+14, bottom+40, name, soft, 12, 'start')]
    says = '; '.join(f'{k}: {", ".join(f"{label} {v:,g}" for label,v in zip(labels, vs))} {unit}' for k,vs in rows.items())
    return _figure(800, bottom+60, f'Percentiles on a logarithmic axis. {says}', parts)

def _imports(folder):
    "By module of a folder: those of the folder that it imports; and the other folders that they need"
    import tenant_tasks
    res,others = {},set()
    for path in sorted(Path(tenant_tasks.__file__).with_name(folder).glob('[a-z]*.py')):
        tree = ast.parse(path.read_text(encoding='utf-8'))
        found = [o for o in ast.walk(tree) if isinstance(o, ast.ImportFrom) and o.level]
        res[path.stem] = {o.module for o in found if o.level==1}
        others |= {o.module.split('.')[0] for o in found if o.level==2}
    return res,others

def modules(
    folder:str, # A folder of the package, such as 'jobs'
)->SVG: # A box for each module, an arrow to each that it imports, unless that one is imported on the way to another
    "Draw the modules of a folder, each below those that it imports"
    needs,others = _imports(folder)
    def behind(o): return set().union(*[needs[n]|behind(n) for n in needs[o]])
    def depth(o): return 1+max(map(depth, needs[o]), default=-1)
    rows = {}
    for o in needs: rows.setdefault(depth(o), []).append(o)
    top = 80 if others else 40
    at = {o:(800*(i+.5)/len(row), top+64*d) for d,row in rows.items() for i,o in enumerate(row)}
    def arrow(a, b): return _arrow([(at[a][0], at[a][1]-16), (at[b][0], at[b][1]+16)], edge)
    lines = [arrow(o, n) for o in needs for n in sorted(needs[o]-behind(o))]
    boxes = [_box(*p, _width(o, 13)+24, 32, o, blue, size=13) for o,p in at.items()]
    above = [_text(400, 30, f"on top of: {', '.join(sorted(others))}", soft)]*bool(others)
    says = '; '.join(f"{k} needs {', '.join(sorted(v)) or 'none of them'}" for k,v in needs.items())
    return _figure(800, top+64*len(rows)-24, f'The modules of {folder}. {says}', lines+boxes+above)
