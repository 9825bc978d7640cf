"""How fast tenant_tasks is, against what one would pick instead and against the limit of the machine.

`python benchmarks/run.py` measures all rows, prints a table and writes results.json beside this file; `--quick` shows in less than
a minute that everything works; `--only submit,run` measures these rows anew and leaves the others as they are.
"""
import json,logging,time
from argparse import ArgumentParser
from datetime import date
from importlib import import_module

from harness import Bench,here,machine,rows,scratch,table,versions

for o in ('commits', 'routes', 'tables', 'workers'): import_module(o)
order = 'submit run route tables manager crowd idle fair memory restart slow_disk'.split()

def measure(name, folder, quick):
    "One row: what it is, when it was measured, and its lines"
    start = time.monotonic()
    print(f'{name} …', flush=True)
    lines = rows[name](Bench(folder, quick))
    return dict(what=rows[name].__doc__, command=f'python benchmarks/run.py --only {name}', date=str(date.today()),
        seconds=round(time.monotonic()-start), lines=lines)

def same_machine(a, b): return all(a.get(k)==b.get(k) for k in b if k!='fsync_us')

def main(only, quick, folder, out):
    "Measure, print, and merge into what is there"
    with scratch(folder) as tmp:
        facts = machine(tmp)
        old = json.loads(out.read_text()) if out.exists() else {}
        if only!=order and old and not same_machine(old['machine'], facts):
            raise SystemExit(f'{out.name} was measured on another machine; measure all rows, or give another --out')
        print(', '.join(f'{k} {v}' for k,v in facts.items()))
        res = dict(date=str(date.today()), quick=quick, machine=facts, versions=versions(), rows=old.get('rows', {}))
        for o in only:
            sub = tmp/o
            sub.mkdir()
            res['rows'][o] = measure(o, sub, quick)
            res['rows'] = {k:res['rows'][k] for k in order if k in res['rows']}
            out.write_text(json.dumps(res, indent=1, ensure_ascii=False)+'\n')
    print(f'\n{table(res)}\n\nwritten to {out.name}')

if __name__=='__main__':
    parser = ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--only', type=lambda s: s.split(','), default=order, help=f"rows, joined by commas: {' '.join(order)}")
    parser.add_argument('--quick', action='store_true', help='small numbers, into quick.json')
    parser.add_argument('--dir', help='a directory on the disk to measure (the system\'s for temporary files)')
    parser.add_argument('--out', type=lambda s: here/s, help='where the results go (results.json)')
    args = parser.parse_args()
    if bad := set(args.only)-set(order): parser.error(f"no row {', '.join(sorted(bad))}; there are {', '.join(order)}")
    logging.disable(logging.ERROR)
    main(args.only, args.quick, args.dir, args.out or here/('quick.json' if args.quick else 'results.json'))
