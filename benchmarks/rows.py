"What a row of the benchmark is: a registered function that returns lines of numbers"
from statistics import median

from report import budget_value

rows = {}

def row(f):
    "Register a row under its function's name; the docstring says what is measured on both sides"
    rows[f.__name__] = f
    return f

def line(
    name:str, # What is measured
    ours:list, # One number for each repetition
    theirs:list|None=None, # The same for the other side
    *,
    unit:str, # Unit of these numbers
    against:str='', # What the other side is
    durable:str='', # How safe each side's writes are
    budget:tuple|None=None, # '<=' or '>=', and the limit
    of:str='ratio', # What the budget limits: 'ratio', or 'ours' for the median of our numbers
)->dict: # As stored in results.json
    "One line of a row: the numbers of both sides, their ratio, and whether it keeps its budget"
    res = dict(name=name, against=against, unit=unit, durable=durable, ours=ours, theirs=theirs)
    if theirs and all(theirs):
        ratios = [a/b for a,b in zip(ours, theirs)]
        res.update(ratio=median(ours)/median(theirs), spread=[min(ratios), max(ratios)])
    if not budget: return res
    op,limit = budget
    res['budget'] = dict(op=op, limit=limit, of=of)
    value = budget_value(res)
    met = value<=limit if op=='<=' else value>=limit
    missed = 0 if met else (value/limit-1 if op=='<=' else 1-value/limit)
    return dict(res, met=met, missed_by=missed)
