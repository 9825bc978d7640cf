"What every row uses: sides that take turns, lines for the table, facts about the machine, processes that end"
import os,platform,shutil,signal,socket,sqlite3,subprocess,sys,tempfile,time
from contextlib import contextmanager
from importlib.metadata import version
from itertools import count
from pathlib import Path
from random import sample
from statistics import median

import apsw,psutil

here = Path(__file__).parent
rows = {}

def row(f):
    "Register a row of the benchmark under its function's name; the docstring says what is measured on both sides"
    rows[f.__name__] = f
    return f

class Bench:
    "What a row is given: how often, how much, and a place for its files"
    def __init__(self,
        folder:Path, # On the disk that is measured
        quick:bool=False, # Small numbers, to see that it works
    ):
        self.folder,self.quick,self.reps,self._n = Path(folder),quick,2 if quick else 5,count()

    def n(self, full, quick):
        "A number that depends on how thorough the run is"
        return quick if self.quick else full

    def dir(self):
        "A new directory"
        res = self.folder/str(next(self._n))
        res.mkdir()
        return res

    def interleave(self,
        reps:int|None=None, # Repetitions, if not as many as usual
        **sides, # By name, a function that measures once
    )->dict: # By name, what each repetition gave
        "Each side once, by turns, again and again: what drifts on the machine drifts under all of them"
        res = {k:[] for k in sides}
        for _ in range(reps or self.reps):
            for k,f in sides.items(): res[k].append(f())
        return res

    def calls(self,
        n:int, # Calls of each side in a repetition
        **sides, # By name, what to call, or a pair of that and of what is done with the result, untimed
    )->dict: # By name, the median microseconds of each repetition
        "Time single calls of each side; they take turns call by call, in an order drawn anew, so that none always follows the same one"
        def once():
            times = {k:[] for k in sides}
            for _ in range(n):
                for k in sample(list(sides), len(sides)): times[k].append(timed(sides[k]))
            return {k:median(v)*1e6 for k,v in times.items()}
        once() # a file that still grows is synced more slowly
        reps = [once() for _ in range(self.reps)]
        return {k:[o[k] for o in reps] for k in sides}

def timed(
    f, # What to call, or a pair of that and of what is done with the result, untimed
)->float: # Seconds
    "How long one call takes"
    f,after = f if isinstance(f, tuple) else (f, lambda _: None)
    start = time.perf_counter()
    res = f()
    took = time.perf_counter()-start
    after(res)
    return took

def percentile(xs, p): return sorted(xs)[min(int(len(xs)*p/100), len(xs)-1)]

def line(
    name:str, # What is measured
    ours:list, # A number for each repetition
    theirs:list|None=None, # The same for the other side
    *,
    unit:str, # Of these numbers
    against:str='', # What the other side is
    durable:str='', # How safe each side's writes are
    budget:tuple|None=None, # '<=' or '>=', and the limit; it holds for the ratio if there is another side
    of:str='ratio', # What the budget holds for: 'ratio' or 'ours'
)->dict: # As it stands in results.json
    "One line of the table"
    res = dict(name=name, against=against, unit=unit, durable=durable, ours=ours, theirs=theirs)
    if theirs and all(theirs):
        ratios = [a/b for a,b in zip(ours, theirs)]
        res.update(ratio=median(ours)/median(theirs), spread=[min(ratios), max(ratios)])
    if not budget: return res
    op,limit = budget
    value = res['ratio'] if of=='ratio' else median(ours)
    met = value<=limit if op=='<=' else value>=limit
    missed = 0 if met else (value/limit-1 if op=='<=' else 1-value/limit)
    return dict(res, budget=dict(op=op, limit=limit, of=of), met=met, missed_by=missed)

# -- the table

def short(x):
    "A number as people read it"
    if x is None: return ''
    return f'{x:,.0f}' if abs(x)>=100 else f'{x:.3g}'

def verdict(o):
    "Whether a line's budget is met, and by how much it is missed"
    if 'budget' not in o: return ''
    b = o['budget']
    limit = f"{b['op']} {b['limit']:g}"+('' if b['of']=='ratio' else f" {o['unit']}")
    return f'{limit}: met' if o['met'] else f"{limit}: missed by {o['missed_by']:.0%}"

def cells(o):
    "A line of results.json as the cells of a table: name, ours, theirs, unit, against, ratio, spread, budget"
    mid = lambda xs: short(median(xs)) if xs else ''
    ratio = short(o.get('ratio'))
    spread = ' – '.join(map(short, o.get('spread', [])))
    return [o['name'], mid(o['ours']), mid(o['theirs']), o['unit'], o['against'], ratio, spread, verdict(o)]

heads = ['', 'ours', 'theirs', 'unit', 'against', 'ratio', 'spread', 'budget']

def table(
    results:dict, # As in results.json
)->str: # For a terminal
    "All lines of all rows"
    body = [[k, *cells(o)] for k,v in results['rows'].items() for o in v['lines']]
    all_ = [['row', *heads]]+body
    widths = [max(len(o[i]) for o in all_) for i in range(len(all_[0]))]
    return '\n'.join('  '.join(s.ljust(w) for s,w in zip(o, widths)).rstrip() for o in all_)

# -- the machine

libs = 'tenant_tasks fastlite apswutils python-fasthtml starlette uvicorn anyio huey fastapi fastapi-taskflow'.split()

def cpu_model():
    "What the processor calls itself"
    try: return next(o.split(':')[1].strip() for o in Path('/proc/cpuinfo').read_text().splitlines() if o.startswith('model name'))
    except (OSError, StopIteration): return platform.processor() or platform.machine()

def file_system(folder):
    "The kind of file system that a directory is on"
    parts = [o for o in psutil.disk_partitions(all=True) if Path(folder).resolve().is_relative_to(o.mountpoint)]
    return max(parts, key=lambda o: len(o.mountpoint)).fstype if parts else '?'

def sync_us(folder):
    "Microseconds of an fsync after a page was written"
    with open(Path(folder)/'fsync', 'wb', buffering=0) as f:
        def once():
            f.write(bytes(4096))
            os.fsync(f.fileno())
        return median(timed(once) for _ in range(200))*1e6

def machine(
    folder:Path, # On the disk that is measured
)->dict: # What results depend on
    "The machine, without its name"
    return dict(cores=os.cpu_count(), cpu=cpu_model(), memory_gb=round(psutil.virtual_memory().total/2**30),
        system=f'{platform.system()} {platform.release()}', file_system=file_system(folder), fsync_us=round(sync_us(folder)))

def versions():
    "Python, both SQLites, and the libraries on all sides"
    return dict(python=platform.python_version(), sqlite_apsw=apsw.sqlite_lib_version(), sqlite_python=sqlite3.sqlite_version,
        apsw=apsw.apsw_version(), **{o:version(o) for o in libs})

# -- processes

@contextmanager
def process(
    script:str, # A file beside this one
    *args, # For its command line
    **kw, # For `Popen`
):
    "A Python process that doesn't outlive the block"
    proc = subprocess.Popen([sys.executable, str(here/script), *map(str, args)], text=True, stdout=subprocess.PIPE, **kw)
    try: yield proc
    finally:
        proc.kill()
        proc.communicate()

def told(proc):
    "The next line that a process prints"
    res = proc.stdout.readline()
    if not res: raise RuntimeError(f'a process ended before its time, with {proc.wait()}')
    return res.strip()

def at_most(secs):
    "End this process after so many seconds, whatever it is doing"
    signal.alarm(secs)

def free_port():
    "A port that nobody listens on"
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]

def wait_for(
    f, # Is it so?
    secs:float=60, # How long to wait
    every:float=.01, # Seconds between two looks
):
    "Wait until something is so"
    end = time.monotonic()+secs
    while not (res := f()):
        if time.monotonic()>end: raise TimeoutError(f'not so after {secs} s')
        time.sleep(every)
    return res

@contextmanager
def scratch(folder=None):
    "A directory for a run, on the disk that is measured"
    res = tempfile.mkdtemp(prefix='tenant_tasks_bench_', dir=folder)
    try: yield Path(res)
    finally: shutil.rmtree(res, ignore_errors=True)
