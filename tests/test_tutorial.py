"The tutorial as a reader follows it: its blocks in one file, a real uvicorn, a real worker, and kills of both"
import json,re
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers import Site,end,root,wait_until

from tenant_tasks import Tenants

page = json.loads((root/'nbs/tutorials/small_saas.ipynb').read_text(encoding='utf-8'))
scripts = {'uvicorn':'uvicorn', 'tenant-tasks':'tenant_tasks'}
passwords = dict(ann='paper', gus='pencil', ida='ink')
customers = dict(acme=40, globex=20, initech=10)

def sources(kind): return [''.join(o['source']) for o in page['cells'] if o['cell_type']==kind]

def app_blocks():
    "The blocks that the page tells its reader to paste into app.py"
    return [o.split('\n', 1)[1] for o in sources('code') if o.startswith('#| filename: app.py\n')]

def shell_lines():
    "The commands that the page tells its reader to type"
    return '\n'.join(re.findall(r'```sh\n(.*?)```', '\n'.join(sources('markdown')), re.S)).split('\n')

class Reader(Site):
    "Follows the page in a directory"
    def __init__(self, folder):
        super().__init__(folder)
        self.procs = {}
        (folder/'app.py').write_text('\n\n'.join(app_blocks()), encoding='utf-8')
        starts = dict(web='uvicorn ', worker='tenant-tasks worker', night='tenant-tasks schedules data --run')
        self.lines = {k:next(o for o in shell_lines() if o.startswith(v)) for k,v in starts.items()}

    def __enter__(self): return self

    def __exit__(self, *args):
        for o in self.procs.values(): end(o)
        for o in self.users.values(): o.close()

    def popen(self, line):
        "A command of the page as a process"
        name,*args = line.split()
        return self.run(scripts[name], *args)

    def start(self, *names):
        for o in names: self.procs[o] = self.popen(self.lines[o]+(f' --port {self.port}' if o=='web' else ''))
        if 'web' in names: wait_until(self.is_up, why=self.log)
        self.tenants = Tenants(self.folder/'data')

    def kill(self, *names):
        procs = [self.procs.pop(o) for o in names]
        for o in procs: o.kill()
        for o in procs: assert o.wait(60)==-9

    def bill(self, user, month):
        "Press the button"
        return self.users[user].post('/bill', data=dict(month=month), headers={'hx-request':'true'}).text

    def written(self, tenant, month):
        "Customers with an invoice for the month, in the order of the invoices"
        rows = self.tenants[tenant].db.t.invoices(where='month=?', where_args=[month], order_by='number')
        return [o['customer'] for o in rows]

    def jobs(self, month):
        "The jobs that bill a month, by tenant"
        jobs = {k:self.tenants[k].list_jobs('bill_month') for k in customers}
        return {k:[o for o in v if o.kwargs['month']==month] for k,v in jobs.items()}

    def all_ended(self, month):
        return all(o.status in ('completed', 'failed') for v in self.jobs(month).values() for o in v)

    def problems(self, month, deaths):
        "What isn't as the page promises once all jobs of the month have ended"
        for k,n in customers.items():
            jobs = self.jobs(month)[k]
            if [o.status for o in jobs]!=['completed'] or jobs[0].value!=f'{n} invoices': yield k,jobs
            outcomes = [a.outcome for o in jobs for a in o.attempts]
            if outcomes!=['died']*deaths[k]+['completed']: yield k,outcomes
            if self.written(k, month)!=[f'Customer {i}' for i in range(1, n+1)]: yield k,self.written(k, month)
            bills = self.tenants[k].db.t.bills(where='month=?', where_args=[month])
            if [o['job'] for o in bills]!=[o.id for o in jobs]: yield k,bills

@pytest.fixture
def reader(tmp_path):
    with Reader(tmp_path) as res:
        res.start('web', 'worker')
        wait_until(lambda: all(res.tenants[o].schedules() for o in customers), 20, why=res.log)
        for o in passwords.items(): res.log_in(*o)
        yield res

def test_a_crash_loses_nothing(reader):
    "Two people press each button at the same moment, both processes are killed and started: each invoice is there once"
    with ThreadPoolExecutor(6) as pool: answers = list(pool.map(reader.bill, [*passwords]*2, ['2026-12']*6))
    assert sorted('written already' in o for o in answers)==[False]*3+[True]*3, answers
    def is_done(tenant): return reader.jobs('2026-12')[tenant][0].status=='completed'
    def goes_on(tenant): return is_done(tenant) or len(reader.written(tenant, '2026-12'))>1
    wait_until(lambda: all(map(goes_on, customers)), why=reader.log)
    reader.kill('worker', 'web')
    deaths = {o:not is_done(o) for o in customers}
    assert len(reader.written('acme', '2026-12'))<customers['acme'], 'it was in the middle'
    reader.start('worker', 'web')
    wait_until(lambda: reader.all_ended('2026-12'), why=reader.log)
    assert deaths['acme'] and list(reader.problems('2026-12', deaths))==[]
    text = reader.users['ann'].get('/').text
    assert 'Invoices of acme' in text and 'Customer 40' in text, 'still logged in, and the page shows the latest'

@pytest.mark.slow
def test_tenants_are_apart_and_nights_are_counted(reader):
    "Who isn't logged in sees a login; no one sees another tenant's jobs; a schedule runs once in each tenant"
    eve = reader.log_in('eve', 'paper')
    assert [str(eve.get(o).url.path) for o in ('/', '/jobs')]==['/login']*2
    assert 'password' in eve.post('/bill', data=dict(month='2026-10')).text
    assert reader.log_in('ann', 'pencil').get('/').url.path=='/login'
    reader.log_in('ann', 'paper')
    reader.bill('ida', '2026-10')
    job, = reader.tenants['initech'].list_jobs()
    seen = {o:reader.users[o].get(f'/jobs/{job.id}').status_code for o in passwords}
    assert seen==dict(ann=404, gus=404, ida=200)
    wait_until(lambda: reader.tenants['initech'].get_job(job.id).status=='completed', why=reader.log)
    assert reader.popen(reader.lines['night']).wait(60)==0, reader.log()
    def counts(): return {o:[r['invoices'] for r in reader.tenants[o].db.t.counts()] for o in customers}
    wait_until(lambda: all(counts().values()), why=reader.log)
    assert counts()==dict(acme=[0], globex=[0], initech=[10])
    zones = {o:reader.tenants[o].get_schedule('nightly').tz for o in customers}
    assert zones==dict(acme='Europe/Berlin', globex='America/New_York', initech='Asia/Tokyo')

def test_commands_reach_no_other_process():
    "A reader may run other workers: the page ends its own in their terminals, or by number"
    text = '\n'.join(sources('markdown'))
    assert '`Ctrl-\\`' in text and not re.search(r'\b(pkill|killall|pgrep)\b', text)
