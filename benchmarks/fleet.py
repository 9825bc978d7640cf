"""A million tenants on a virtual clock: the package's own `Agenda` decides, and a simulated process does what it says.

`python benchmarks/fleet.py` runs 100 processes of 10,000 tenants, one after another, and writes fleet.json next to this file.
`--processes 2` runs fewer, and only prints.
Nothing in it waits: a job, a query and a lock take the time that results.json says, on a clock that jumps from event to event.
"""
import heapq,json,math,platform,time,tracemalloc
from argparse import ArgumentParser
from bisect import bisect
from collections import Counter,OrderedDict,deque
from dataclasses import asdict,dataclass
from datetime import date
from itertools import accumulate
from pathlib import Path
from random import Random
from statistics import median

from measure import percentile
from tenant_tasks.fleet.agenda import Agenda

here = Path(__file__).parent

# -- what things cost, measured on a real worker

# Row and line of results.json, what its number stands for here, and the factor that makes it microseconds
sources = dict( # chkstyle: ignore-node
    job   = ('run', 'run what is there, 1 worker', 'claim a job, run it, settle it', lambda o: 1e6/o),
    open  = ('backlog', '3,000 tenants × 1 job', 'the same in a database that must be opened, and another closed', lambda o: 1e6/o),
    look  = ('tables', 'claim, 1,000,000 jobs', 'ask an open database for a due job', lambda o: o),
    watch = ('idle', 'idle, 10,000 tenants: CPU', 'each second: what an idle worker does', lambda o: o*1e4))

def measured(
    results:dict, # As in results.json
    row:str, # Name of a row
    name:str, # Name of a line
)->float: # The median of our numbers
    "A number of the benchmark"
    return median(next(o for o in results['rows'][row]['lines'] if o['name']==name)['ours'])

def costs(
    results:dict, # As in results.json
)->dict: # Name → microseconds of processor time, and where the number is from
    "What a simulated process pays for each step"
    def cost(row, name, what, to_us): return dict(us=round(to_us(measured(results, row, name)), 1), what=what, row=row, line=name)
    return {k:cost(*v) for k,v in sources.items()}

# -- what happens

@dataclass
class Setting:
    "What one process has to do"
    tenants:int = 10_000
    seconds:float = 120 # Jobs arrive for this long
    places:int = 20 # As in a `Worker`
    per_tenant:int = 5
    max_open:int = 1000 # Connections, as `most_open` allows
    rate:float = 1/600 # Jobs per second of the lightest tenants; the others follow a Pareto distribution
    alpha:float = 1.2 # Its exponent: the lower, the more the busiest tenants have of all jobs
    most:float = 50. # No tenant submits more jobs per second than this
    job_ms:float = 20. # Mean time that a job waits for something else than the processor
    floods:int = 0 # Tenants that submit many jobs at once
    flood_jobs:int = 2000
    flood_ms:float = 5.
    ill:int = 0 # Tenants whose database can't be used for a time: every other one is broken, the rest are locked
    ill_secs:tuple = (30, 90) # How long, at least and at most
    together:bool = False # Do they all fall ill at the same moment?

locked_secs = .5 # A worker waits that long for a locked database
told_secs = .04 # The kernel's notices are collected for that long, at most

def tenant_rates(
    s:Setting,
    rnd:Random,
)->list: # Jobs per second of each tenant
    "Few tenants have most of the jobs"
    return [min(s.rate*rnd.paretovariate(s.alpha), s.most) for _ in range(s.tenants)]

@dataclass
class Job:
    "A job of the simulation: `ahead` tenants had to be served before its own when it arrived"
    tenant:int
    arrived:float
    secs:float
    kind:str
    ahead:int
    started:float = math.inf
    runs:int = 0

class SimProcess:
    "A worker process with its own tenants, on a clock of its own"
    def __init__(self,
        setting:Setting,
        costs:dict, # As `costs` returns it
        start:int=0, # Where its random numbers begin
    ):
        self.s = setting
        self.cost = {k:v['us']/1e6 for k,v in costs.items()}
        self.agenda = Agenda(setting.places, setting.per_tenant)
        self.rates = tenant_rates(setting, Random(f'{start} rates'))
        self.jobs = [] # All that were accepted
        self.queues = {} # Tenant → jobs that wait
        self.open = OrderedDict() # Databases, the least recently used first
        self.written = Counter() # How often each file was written to
        self.seen = {} # And when it was looked at last
        self.told = {} # Tenants whose files have changed, in order
        self.pace = 0. # As in a `Worker`
        self.illness = {} # Tenant → from, to, locked?
        self.turns = Counter() # Turns under way, counted apart from the agenda
        self.counts = Counter()
        self.core_free = self.core_used = self.share = self.now = 0.
        self._events = []
        self._wake_at = math.inf
        self._plan(start)

    def at(self, when, f, *args):
        "Call `f(*args)` at a time; events of the same time keep their order"
        self.counts['events'] += 1
        heapq.heappush(self._events, (when, self.counts['events'], f, args))

    def run(self):
        "Run to the end of the last job"
        while self._events and (self.now<self.s.seconds or self.counts['accepted']>self.counts['served']):
            self.now,_,f,args = heapq.heappop(self._events)
            f(*args)
        return self

    def core(self, secs):
        "Use the one core that Python's threads share, after those who asked before: when it is done"
        self.core_free = max(self.core_free, self.now)+secs
        self.core_used += secs
        return self.core_free

    # What the others do: apps submit, tenants flood, databases fall ill

    def _plan(self, start):
        s,self._rnd = self.s,Random(f'{start} arrivals')
        self._sums = list(accumulate(self.rates))
        self.at(self._rnd.expovariate(self._sums[-1]), self._arrive)
        rnd,names = Random(f'{start} events'),Random(f'{start} names').sample(range(s.tenants), s.floods+s.ill)
        self.flooders = set(names[:s.floods])
        for o in names[:s.floods]: self.at(s.seconds*rnd.uniform(.3, .35), self._flood, o)
        for i,o in enumerate(names[s.floods:]):
            begin = s.seconds*(.3 if s.together else rnd.uniform(0, .75))
            self.illness[o] = begin,begin+rnd.uniform(*s.ill_secs),i%2==1
            self.at(begin, self._fall_ill, o)
        self.at(0, self._idle)
        self.at(s.seconds, self._note_share)

    def _note_share(self): self.share = self.core_used/self.now # While jobs arrived

    def is_ill(self, tenant):
        begin,end,_ = self.illness.get(tenant, (0, 0, None))
        return begin<=self.now<end

    def _arrive(self):
        tenant,secs = bisect(self._sums, self._rnd.random()*self._sums[-1]),self._rnd.expovariate(1e3/self.s.job_ms)
        if self.is_ill(tenant): self.counts['refused'] += 1 # Its app can't write either
        else: self.submit(tenant, secs, 'flooding' if tenant in self.flooders else '')
        when = self.now+self._rnd.expovariate(self._sums[-1])
        if when<self.s.seconds: self.at(when, self._arrive)

    def _flood(self, tenant):
        for _ in range(self.s.flood_jobs): self.submit(tenant, self.s.flood_ms/1e3, 'flooding')

    def _fall_ill(self, tenant): self.submit(tenant, .001, 'ill')

    def submit(self, tenant, secs, kind=''):
        "Accept a job, and tell the worker"
        self.counts['accepted'] += 1
        a = self.agenda
        job = Job(tenant, self.now, secs, kind, a.waiting if tenant in a.ready else len(a.fresh))
        self.jobs.append(job)
        self.queues.setdefault(tenant, deque()).append(job)
        self._write(tenant)
        a.nudge(tenant, self.now)
        self._dispatch()

    def _write(self, tenant):
        self.written[tenant] += 1
        if not self.told: self.at(self.now+told_secs, self._follow)
        self.told[tenant] = None

    # What a `Worker` does

    def _idle(self, slice=.005):
        "What an idle worker does shares the core with the jobs, in slices as long as Python's switch interval"
        self.core(slice)
        self.at(self.now+slice/self.cost['watch'], self._idle)

    def _follow(self):
        "Look at what has changed, unless it was looked at since"
        told,self.told = self.told,{}
        for o in told:
            if self.is_ill(o) or self.seen.get(o)==self.written[o]: continue
            self._look(o)
            if o in self.queues: self.agenda.enqueue(o)
        self._dispatch()

    def _look(self, tenant):
        self.seen[tenant] = self.written[tenant]
        self.core(self.cost['look'])

    def _dispatch(self):
        self.counts['takes'] += 1
        self.agenda.starts = 1 if self.pace<.001 else self.s.places
        for o in self.agenda.take(self.now):
            self.agenda.spread(o, self.now)
            self.turns[o] += 1
            self.counts['most_turns'] = max(self.counts['most_turns'], self.turns.total())
            self.counts['most_of_one'] = max(self.counts['most_of_one'], self.turns[o])
            self._claim(o, self.now)
        when = self.now+self.agenda.wait(self.now)
        if when<self._wake_at:
            self._wake_at = when
            self.at(math.nextafter(when, math.inf), self._wake, when)

    def _wake(self, when):
        if when!=self._wake_at: return # An earlier time came up since
        self._wake_at = math.inf
        self._dispatch()

    def _open(self, tenant):
        "Was the database closed?"
        closed = tenant not in self.open
        self.open[tenant] = None
        self.open.move_to_end(tenant)
        if len(self.open)>self.s.max_open: self.open.popitem(last=False)
        return closed

    def _claim(self, tenant, began):
        "A turn settles its job and asks for the next one"
        self.counts['claims'] += 1
        if self.is_ill(tenant): return self._try_in_vain(tenant)
        queue = self.queues.get(tenant)
        ready = self.core(self.cost['open' if self._open(tenant) else 'job' if queue else 'look'])
        if not queue: return self.at(ready, self._find_nothing, tenant)
        job = queue.popleft()
        if not queue: del self.queues[tenant]
        job.started = ready
        job.runs += 1
        self.agenda.found(tenant, ready)
        self._write(tenant)
        self.at(ready+job.secs, self._ran, tenant, began, job.secs)

    def _ran(self, tenant, began, secs):
        self.counts['served'] += 1
        self.pace += .1*(secs-self.pace)
        self._write(tenant)
        if self.agenda.keeps_turn(tenant, began, self.now): return self._claim(tenant, began)
        self.agenda.enqueue(tenant)
        self._end_turn(tenant)

    def _find_nothing(self, tenant):
        self._look(tenant)
        self._end_turn(tenant)

    def _end_turn(self, tenant, well=True):
        if well: self.agenda.recover(tenant)
        self.agenda.finish(tenant)
        self.turns[tenant] -= 1
        if not self.turns[tenant]: del self.turns[tenant]
        self._dispatch()

    def _try_in_vain(self, tenant):
        self.counts['vain'] += 1
        locked = self.illness[tenant][2]
        self.at(self.core(self.cost['open'])+locked*locked_secs, self._back_off, tenant, locked)

    def _back_off(self, tenant, locked):
        self.open.pop(tenant, None)
        self.agenda.back_off(tenant, self.now, crowded=locked)
        self._end_turn(tenant, well=False)

# -- what came of it

def kind(
    p:SimProcess,
    job:Job,
)->str: # By what its tenant does, and what others do meanwhile
    "The class of a job"
    if job.kind: return job.kind
    rate = p.rates[job.tenant]
    if rate>=1: return 'busy'
    if rate>=1/60: return 'regular'
    if p.flooding and p.flooding[0]<=job.arrived<=p.flooding[1]: return 'light, beside floods'
    if p.illness: return 'light, beside ill ones'
    return 'light'

kinds = 'light', 'light, beside floods', 'light, beside ill ones', 'regular', 'busy', 'flooding', 'ill'

def waits(
    p:SimProcess, # One that has run
)->dict: # Class → seconds
    "How long each job waited for its start"
    floods = [o for o in p.jobs if o.kind=='flooding' and o.tenant in p.flooders and o.secs==p.s.flood_ms/1e3]
    p.flooding = floods and (min(o.arrived for o in floods), max(o.started for o in floods))
    res = {}
    for o in p.jobs: res.setdefault(kind(p, o), []).append(o.started-o.arrived)
    return res

def summary(
    secs:list, # Waits
)->dict: # In milliseconds
    "The waits of a class"
    return dict(jobs=len(secs), **{f'p{o}':round(percentile(secs, o)*1e3, 1) for o in (50, 95, 99)}, most=round(max(secs)*1e3, 1))

def simulate(
    setting:Setting,
    costs:dict, # As `costs` returns it
    processes:int, # Every other one has tenants that flood, two of four have ill ones
    floods:int=5, # In each of those
    ill:int=100,
    say=lambda i, p: None, # Called after each process
)->dict: # Waits by class, and what a process had to do
    "Run processes one after another: they share nothing"
    secs,rows = {},[]
    for i in range(processes):
        s = Setting(**{**asdict(setting), 'floods':floods*(i%2), 'ill':ill*(i//2%2)})
        p = SimProcess(s, costs, i).run()
        for k,v in waits(p).items(): secs.setdefault(k, []).extend(v)
        rows.append(dict(p.counts, core=p.share))
        say(i, p)
    def of(k): return dict(median=round(median(o[k] for o in rows), 3), most=round(max(o[k] for o in rows), 3))
    sums = {k:sum(o.get(k, 0) for o in rows) for k in ('accepted', 'served', 'refused', 'claims', 'vain', 'takes')}
    about = dict(tenants=processes*setting.tenants, processes=processes, setting=asdict(setting), floods=floods, ill=ill)
    shares = {k:of(k) for k in ('core', 'most_turns', 'most_of_one')}
    return dict(about, **sums, **shares, waits={k:summary(secs[k]) for k in kinds if k in secs})

# -- the agenda itself, on the real clock

def turn_us(
    n:int, # Tenants that are ready, and as many that are scheduled
    turns:int=20_000,
)->float: # Microseconds, the least of five measurements
    "How long the agenda needs for a turn: take it, keep it, nudge its tenant, finish it, and put the tenant at the end"
    agenda,times,now = Agenda(),[],0.
    for i in range(n):
        agenda.enqueue(i)
        agenda.schedule(i+n, 1e6+i)
    for _ in range(5):
        start,end = time.perf_counter(),now+turns/1000
        while now<end:
            now += .001*agenda.places
            for o in agenda.take(now):
                agenda.keeps_turn(o, now, now)
                agenda.nudge(o, now)
                agenda.enqueue(o)
                agenda.finish(o)
        times.append((time.perf_counter()-start)/turns*1e6)
    return min(times)

def tenant_bytes(
    n:int, # Tenants
)->float: # Bytes of each
    "Memory of a tenant that is ready, has a time to come, and failed before: the most that an agenda keeps"
    names = [f'tenant{i}' for i in range(n)]
    tracemalloc.start()
    agenda = Agenda()
    for i,o in enumerate(names):
        agenda.enqueue(o)
        agenda.back_off(o, float(i))
    res = tracemalloc.get_traced_memory()[0]/n
    tracemalloc.stop()
    return res

def limits(prices):
    "What a process stands: more jobs each second, and tenants whose databases are locked at the same moment"
    def once(s, **kw):
        res = simulate(s, prices, 4, floods=0, **kw)
        return dict(core=res['core'], waits=res['waits'].get('light, beside ill ones', res['waits']['light']))
    load = {str(o):once(Setting(rate=Setting.rate*o), ill=0) for o in (1, 2, 4, 6, 8)}
    return dict(load=load, together={str(o):once(Setting(together=True), ill=2*o) for o in (10, 20, 40, 80)})

def fleet(
    results:dict, # As in results.json
    processes:int,
)->dict: # As in fleet.json
    "Run the fleet and its limits, and measure the agenda on the real clock"
    start,prices = time.monotonic(),costs(results)
    res = simulate(Setting(), prices, processes, say=lambda i, p: print(f'process {i+1} of {processes}: {len(p.jobs):,} jobs', flush=True))
    agenda = dict(turn_us={str(n):round(turn_us(n), 1) for n in (100, 10_000, 1_000_000)}, tenant_bytes=round(tenant_bytes(10_000)))
    real = {k:round(measured(results, 'idle', f'idle, 10,000 tenants: {k}'), 1) for k in ('memory', 'open files', 'first look at all')}
    real['fsync_us'] = results['machine']['fsync_us']
    facts = dict(date=str(date.today()), python=platform.python_version(), costs=prices, process=real, agenda=agenda)
    return dict(facts, **res, limits=limits(prices), minutes=round((time.monotonic()-start)/60, 1))

def main(processes):
    "The whole fleet is kept, a part of it only printed"
    res = fleet(json.loads((here/'results.json').read_text(encoding='utf-8')), processes)
    text = json.dumps(res, indent=1, ensure_ascii=False)
    print(text)
    if processes==100: (here/'fleet.json').write_text(text+'\n', encoding='utf-8')

if __name__=='__main__':
    parser = ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--processes', type=int, default=100, help='how many to run (default: 100)')
    main(parser.parse_args().processes)
