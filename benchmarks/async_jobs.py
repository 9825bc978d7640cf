"The row async_jobs"
from rates import bare_nap_secs,bg_rate,nap_secs,our_rate
from rows import line,row
from tasks import async_noop,noop

@row
def async_jobs(b):
    "Async no-op jobs against sync ones, in a worker and as `bg_task`; and 2,000 async jobs of one second with 500 places, against bare coroutines behind a semaphore"
    n,res,sides = b.n(1000, 100),[],dict(ours=async_noop, theirs=noop)
    def add(name, rate, durable):
        got = b.interleave(**{k:lambda f=f: rate(f) for k,f in sides.items()})
        res.append(line(f'async no-op, {name}', got['ours'], got['theirs'], unit='jobs/s', against='sync no-op',
            durable=f'both {durable}', budget=('>=', .6)))
    for first,what in ((False, 'submit and run'), (True, 'run what is there')):
        for workers in (1, 8):
            add(f"{what}, {workers} worker{'s'*(workers>1)}", lambda f: our_rate(b.dir(), n, workers, first, func=f),
                'NORMAL, NORMAL' if first else 'FULL, NORMAL, NORMAL')
    for k in (1, 16): add(f'bg_task, {k} at a time', lambda f: bg_rate(b.dir(), n, f, k), 'NORMAL, NORMAL')
    naps = dict(zip(('n', 'places', 'secs'), b.n((2000, 500, 1), (40, 20, .2))))
    got = b.interleave(ours=lambda: nap_secs(b.dir(), **naps), bare=lambda: bare_nap_secs(**naps))
    name = f"{naps['n']:,} async jobs of {naps['secs']:g} s, {naps['places']} at a time"
    return res+[line(name, got['ours'], got['bare'], unit='s', against='bare coroutines',
        durable='ours NORMAL, NORMAL; theirs writes nothing', budget=('<=', 1.15))]
