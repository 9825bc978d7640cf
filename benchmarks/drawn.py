"The rows of results.json as tables and pictures for the performance page, made of FastHTML's components"
import json,math
from pathlib import Path
from statistics import median

from fastcore.xml import Code,Div,P,Span,Table,Tbody,Td,Th,Thead,Tr,ft,to_xml
from IPython.display import HTML,SVG

from report import budget_value,cells,short,verdict

results = json.loads(Path(__file__).with_name('results.json').read_text(encoding='utf-8'))
rows = results['rows']
wide,high = 260,20
quiet = '#59636e'

def color(o): return {True:'#1a7f37', False:'#cf222e', None:'#6e7781'}[o.get('met')]
def small(text, style=''): return Div(text, style=f'color:{quiet};font-size:.85em;{style}')
def judged(o): return Span(verdict(o), style=f'color:{color(o)}')
def table(heads, lines): return Table(Thead(Tr(*map(Th, heads))), Tbody(*[Tr(*map(Td, o)) for o in lines]))

def scale(lines):
    "The position of a ratio on the axis that these lines share"
    xs = [1, *[r for o in lines if 'ratio' in o for r in (o['ratio'], *o['spread'])]]
    lo,hi = math.log(min(xs)/1.3), math.log(max(xs)*1.3)
    return lambda r: round(6+(wide-12)*(math.log(r)-lo)/(hi-lo), 1)

def stroke(x, color, width=1, **kw): return ft('line', x1=x, x2=x, y1=2, y2=high-2, stroke=color, stroke_width=width, **kw)

def plot(o, x):
    "One line's ratios, as SVG"
    if 'ratio' not in o: return ''
    marks = [stroke(x(1), '#afb8c1'), stroke(x(o['ratio']), color(o), 4)]
    b = o.get('budget', {})
    if b.get('of')=='ratio': marks.append(stroke(x(b['limit']), quiet, stroke_dasharray='3 2'))
    dots = [ft('circle', cx=x(a/b), cy=high/2, r=3, fill=color(o), fill_opacity=.45) for a,b in zip(o['ours'], o['theirs'])]
    label = f"{o['name']}: {short(o['ratio'])} times {o['against']}"
    return ft('svg', *marks, *dots, width=wide, height=high, role='img', aria_label=label)

def drawn(o, x):
    "A line as the cells of the table, with its plot"
    name,ours,theirs,unit,against,ratio,spread,_ = cells(o)
    ratio = Div(ratio, small(spread, 'white-space:nowrap')) if ratio else ''
    return name, ours, theirs, unit, Div(against, small(o['durable'])), ratio, plot(o, x), judged(o)

def show(name):
    "A row of the benchmark: what it measures, its lines, and how to repeat it"
    if name not in rows: return HTML(to_xml(P('Not measured yet: ', Code(f'python benchmarks/run.py --only {name}'))))
    r,x = rows[name],scale(rows[name]['lines'])
    heads = 'measured','ours','theirs','unit','against','ratio, spread','','budget'
    again = P(Code(r['command']), f" · {r['seconds']} s, measured {r['date']}", style=f'color:{quiet}')
    return HTML(to_xml(Div(P(r['what'].replace('`', '')), table(heads, [drawn(o, x) for o in r['lines']]), again)))

def with_budget(): return [(k,o) for k,v in rows.items() for o in v['lines'] if 'budget' in o]

def budgets():
    "Each line that has a budget, and whether it keeps it"
    lines = [(Code(k), o['name'], o['against'], short(budget_value(o)), judged(o)) for k,o in with_budget()]
    return HTML(to_xml(table(('row', 'measured', 'against', 'value', 'budget'), lines)))

def rates():
    "Jobs per second when eight are submitted at a time: (name, rate, how much ours is of theirs), ours first"
    lines = [o for k in ('libraries', 'servers') for o in rows.get(k, {}).get('lines', ()) if '8' in o['name'] or k=='servers']
    theirs = {o['against']:(median(o['theirs']), o['ratio']) for o in lines if 'ratio' in o}
    return [('tenant_tasks', median(lines[0]['ours']), 1.), *[(k, *v) for k,v in theirs.items()]]

def bars():
    "`rates` as a picture"
    found,font = rates(),'system-ui, sans-serif'
    top = max(rate for _,rate,_ in found)
    def text(x, y, s, fill='#1f2328', **kw): return ft('text', s, x=x, y=y+15, fill=fill, font_size=13, **kw)
    parts = []
    for y,(name,rate,times) in zip(range(12, 999, 30), found):
        w = round(330*rate/top)
        said = f'{short(rate)} jobs/s'+(f', ours {short(times)} ×' if times!=1 else '')
        parts += [text(200, y, name, text_anchor='end'), text(218+w, y, said, quiet),
            ft('rect', x=210, y=y, width=w, height=20, rx=3, fill='#0757ba' if times==1 else '#c4cbd3')]
    label = 'Jobs per second: '+', '.join(f'{o[0]} {short(o[1])}' for o in found)
    h = 14+30*len(found)
    back = ft('rect', x=.5, y=.5, width=759, height=h-1, rx=10, fill='#fafbfc', stroke='#c4cbd3')
    return SVG(to_xml(ft('svg', back, *parts, xmlns='http://www.w3.org/2000/svg', viewBox=f'0 0 760 {h}', width=760, role='img',
        aria_label=label, font_family=font, style='max-width:100%;height:auto')))
