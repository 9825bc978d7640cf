"""How fast tenant_tasks is, compared with the alternatives and with the limit of the machine.

`python benchmarks/run.py` measures all rows, prints a table and writes results.json next to this file.
`--quick` checks in a minute and a half that everything works.
`--only submit,run` measures these rows again and keeps the others.
"""
import json,logging,time
from argparse import ArgumentParser
from datetime import date
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from machine import machine,versions
from measure import Bench
from report import table
from rows import rows

here = Path(__file__).parent
for o in ('async_jobs', 'commits', 'executors', 'instructions', 'libraries', 'many', 'routes', 'servers', 'slow_disk', 'steps', 'tables', 'workers'): import_module(o)
order = '''submit run instructions libraries servers steps async_jobs backlog processes executors route tables manager
    crowd beside idle notice fair first_turns memory imports restart slow_disk'''.split()

def measure(name, folder, quick):
    "Measure one row: what it is, when it was measured, and its lines"
    start = time.monotonic()
    print(f'{name} …', flush=True)
    lines = rows[name](Bench(folder, quick))
    return dict(what=rows[name].__doc__, command=f'python benchmarks/run.py --only {name}', date=str(date.today()),
        seconds=round(time.monotonic()-start), lines=lines)

def same_machine(a, b): return all(a.get(k)==b.get(k) for k in b if k!='fsync_us')

def main(only, quick, folder, out):
    "Measure rows, print them, and merge them into the results in `out`"
    with TemporaryDirectory(prefix='tenant_tasks_bench_', dir=folder, ignore_cleanup_errors=True) as tmp:
        tmp = Path(tmp)
        facts = machine(tmp)
        old = json.loads(out.read_text()) if out.exists() else {}
        if only!=order and old and not same_machine(old['machine'], facts):
            raise SystemExit(f'{out.name} was measured on another machine; measure all rows or use another --out')
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
    parser.add_argument('--only', type=lambda s: s.split(','), default=order,
        help=f"rows, joined by commas: {' '.join(order)}")
    parser.add_argument('--quick', action='store_true', help='small numbers, written to quick.json')
    parser.add_argument('--dir', help="a directory on the disk to measure (default: the system's temporary directory)")
    parser.add_argument('--out', type=lambda s: here/s,
        help='file for the results, next to this one (default: results.json)')
    args = parser.parse_args()
    if bad := set(args.only)-set(order): parser.error(f"no row {', '.join(sorted(bad))}; there are {', '.join(order)}")
    logging.disable(logging.ERROR)
    main(args.only, args.quick, args.dir, args.out or here/('quick.json' if args.quick else 'results.json'))
