"The lines of results.json as text; imports only the standard library, so that the performance page can use it"
from statistics import median

def short(
    x:float|None, # A number, or None if there is none
)->str: # Three digits, or a whole number from 100 up
    "A number, rounded for reading"
    if x is None: return ''
    return f'{x:,.0f}' if abs(x)>=100 else f'{x:.3g}'

def budget_value(
    o:dict, # A line with a budget
)->float: # The line's ratio, or the median of our numbers
    "The number that the budget limits"
    return o['ratio'] if o['budget']['of']=='ratio' else median(o['ours'])

def verdict(
    o:dict, # A line
)->str: # As in '<= 1.5: met', or '' without a budget
    "Whether the line meets its budget; if not, by how much it misses"
    if 'budget' not in o: return ''
    b = o['budget']
    limit = f"{b['op']} {b['limit']:g}"+('' if b['of']=='ratio' else f" {o['unit']}")
    return f'{limit}: met' if o['met'] else f"{limit}: missed by {o['missed_by']:.0%}"

def cells(
    o:dict, # A line
)->list: # Name, ours, theirs, unit, against, ratio, spread, budget
    "The line as the cells of a table"
    def mid(xs): return short(median(xs)) if xs else ''
    ratio,spread = short(o.get('ratio')),' – '.join(map(short, o.get('spread', [])))
    return [o['name'], mid(o['ours']), mid(o['theirs']), o['unit'], o['against'], ratio, spread, verdict(o)]

heads = ['row', '', 'ours', 'theirs', 'unit', 'against', 'ratio', 'spread', 'budget']

def table(
    results:dict, # As in results.json
)->str: # For a terminal
    "All lines of all rows, in columns"
    lines = [heads]+[[k, *cells(o)] for k,v in results['rows'].items() for o in v['lines']]
    widths = [max(map(len, o)) for o in zip(*lines)]
    return '\n'.join('  '.join(s.ljust(w) for s,w in zip(o, widths)).rstrip() for o in lines)
