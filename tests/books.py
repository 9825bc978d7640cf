"Sales under load while processes are killed: afterwards each tenant's invoices and jobs must agree to the row"
import json,random,threading,time
from collections import Counter
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

from fastcore.net import free_port
from helpers import end,manager_at,open_db,program,wait_until

names = 'acme','globex','initech'

class Shop:
    "Two web processes and one worker process over three tenants, and what its customers were told"
    def __init__(self, folder, seed=0):
        self.data = Path(folder)/'data'
        self.rnd = random.Random(seed)
        self.ports = [free_port(), free_port()]
        self.procs = {}
        self.told = [] # Tenant, invoice and job of each sale that was confirmed
        self.counts = Counter()
        self.stop = threading.Event()
        self.data.mkdir()
        for o in names: open_db(self.data/f'{o}.db').t.invoices.create(id=int, amount=int, sent=int, pk='id')
        for o in (*self.ports, 'worker'): self.start(o)

    def start(self, what):
        "Start, or start again, a web process by its port, or the worker"
        args = ['worker'] if what=='worker' else ['web', what]
        self.procs[what] = program('shop', *args, stderr=open(self.data.parent/f'{what}.log', 'a'), DATA=self.data)
        if what=='worker': self.procs[what].stdout.readline()
        else: wait_until(lambda: self.ask(what, 'up') is not None)

    def ask(self, port, path, **form):
        "The answer of a web process as JSON or text; None if there was none"
        try:
            data = urlencode(form).encode() if form else None
            with urlopen(f'http://127.0.0.1:{port}/{path}', data, timeout=60) as res: body = res.read().decode()
            return json.loads(body) if body.startswith('{') else body
        except HTTPError as e: self.counts[e.code] += 1
        except (OSError,ValueError,HTTPException): self.counts['no answer'] += 1

    def customer(self, seed):
        "Buy until the shop closes; one sale in four is declined, some only look"
        rnd = random.Random(seed)
        while not self.stop.is_set():
            tenant,port = rnd.choice(names),rnd.choice(self.ports)
            if rnd.random()<.2: self.ask(port, f'balance?tenant={tenant}')
            sale = dict(tenant=tenant, amount=rnd.randint(1, 99), fail=int(rnd.random()<.25))
            answer = self.ask(port, rnd.choice(['sale', 'asale']), **sale)
            if answer: self.told.append((tenant, answer['invoice'], answer['job']))
            else: time.sleep(.01)

    def run(self, secs):
        "Sell for so many seconds and until a process has been killed twice, and let the worker finish"
        crowd = [threading.Thread(target=self.customer, args=(i,)) for i in range(6)]
        for o in crowd: o.start()
        close = time.monotonic()+secs
        while time.monotonic()<close or self.counts['kills']<2:
            time.sleep(self.rnd.uniform(.5, 1.5))
            what = self.rnd.choice([*self.procs])
            end(self.procs[what])
            self.counts['kills'] += 1
            self.start(what)
        self.stop.set()
        for o in crowd: o.join()
        wait_until(lambda: not any(s['pending']+s['running'] for s in self.stats()), 60, .1, lambda: self.stats())
        for o in self.procs.values(): end(o)

    def stats(self): return [manager_at(self.data/f'{o}.db').job_stats() for o in names]

    def check(self):
        "Figures, and a list of what is wrong"
        wrong,figures = [],Counter(self.counts, confirmed=len(self.told))
        for name in names:
            manager = manager_at(self.data/f'{name}.db')
            invoices = {o['id']:o for o in manager.db.t.invoices()}
            jobs = {o.id:o for o in manager.list_jobs(limit=1_000_000)}
            booked = Counter(o.kwargs['invoice_id'] for o in jobs.values())
            figures.update(invoices=len(invoices), jobs=len(jobs))
            wrong += [f'{name}: invoice {o} has {booked[o]} jobs' for o in invoices if booked[o]!=1]
            wrong += [f'{name}: a job for invoice {o}, which is not there' for o in booked if o not in invoices]
            wrong += [f'{name}: job {o.id} is {o.status}' for o in jobs.values() if o.status!='completed']
            wrong += [f'{name}: invoice {k} was never sent' for k,o in invoices.items() if not o['sent']]
            told = [(invoice, job) for tenant,invoice,job in self.told if tenant==name]
            gone = [i for i,j in told if i not in invoices or j not in jobs]
            wrong += [f'{name}: invoice {o} was confirmed and is gone' for o in gone]
        return figures,wrong

    def close(self):
        self.stop.set()
        for o in self.procs.values(): end(o)
