"The tutorial as a reader follows it: its blocks in one file, a real uvicorn, a real worker, and kills of both"
import json,os,re,signal,subprocess,sys
from concurrent.futures import ThreadPoolExecutor

import httpx,pytest
from fastcore.net import free_port
from helpers import end,root,wait_until

from tenant_tasks import Tenants

page = root/'nbs/tutorials/small_saas.ipynb'
scripts = {'uvicorn':['-m', 'uvicorn'], 'tenant-tasks':['-m', 'tenant_tasks.cli']}
passwords = dict(ann='paper', gus='pencil', ida='ink')
customers = dict(acme=40, globex=20, initech=10)

def app_blocks(cells):
    "The blocks that the page tells its reader to paste into app.py"
    sources = [''.join(o['source']) for o in cells if o['cell_type']=='code']
    return [o.split('\n', 1)[1] for o in sources if o.startswith('#| filename: app.py\n')]

def shell_lines(cells):
    "The commands that the page tells its reader to type"
    text = '\n'.join(''.join(o['source']) for o in cells if o['cell_type']=='markdown')
    return [line for o in re.findall(r'```sh\n(.*?)```', text, re.S) for line in o.strip().split('\n')]

class Reader:
    "Follows the page in a directory"
    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.procs = {}
        self.users = {}
        cells = json.loads(page.read_text(encoding='utf-8'))['cells']
        (folder/'app.py').write_text('\n\n'.join(app_blocks(cells)), encoding='utf-8')
        lines = shell_lines(cells)
        starts = dict(web='uvicorn ', worker='tenant-tasks worker', night='tenant-tasks schedules data --run')
        self.lines = {k:next(o for o in lines if o.startswith(v)) for k,v in starts.items()}

    def __enter__(self): return self

    def __exit__(self, *args):
        for o in self.procs.values(): end(o)
        for o in self.users.values(): o.close()

    def popen(self, line):
        "A command of the page as a process"
        name,*args = line.split()
        cmd,env = [sys.executable, *scripts[name], *args],{**os.environ, 'PYTHONPATH':str(root)}
        with open(self.folder/'log.txt', 'a') as log:
            return subprocess.Popen(cmd, cwd=self.folder, env=env, stdout=log, stderr=log)

    def start(self, *names):
        for o in names: self.procs[o] = self.popen(self.lines[o]+(f' --port {self.port}' if o=='web' else ''))
        if 'web' in names: wait_until(self.is_up, why=self.log)
        self.tenants = Tenants(self.folder/'data')

    def kill(self, *names, by=signal.SIGKILL):
        procs = [self.procs.pop(o) for o in names]
        for o in procs: o.send_signal(by)
        for o in procs: assert o.wait(60)==-by

    def log(self): return (self.folder/'log.txt').read_text()

    def is_up(self):
        try: return httpx.get(f'http://127.0.0.1:{self.port}/login').status_code==200
        except httpx.TransportError: return False

    def log_in(self, user, password=None):
        "A browser in which this user is logged in"
        res = httpx.Client(base_url=f'http://127.0.0.1:{self.port}', follow_redirects=True)
        self.users[user] = res
        res.post('/login', data=dict(user=user, password=password or passwords[user]))
        return res

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
        for o in passwords: res.log_in(o)
        yield res

def test_a_crash_loses_nothing(reader, killed=('worker', 'web'), times=1):
    "Two people press each button at the same moment, processes are killed and started: each invoice is there once"
    with ThreadPoolExecutor(6) as pool: answers = list(pool.map(reader.bill, [*passwords]*2, ['2026-12']*6))
    assert sorted('written already' in o for o in answers)==[False]*3+[True]*3, answers
    deaths,before = dict.fromkeys(customers, 0),dict.fromkeys(customers, 1)
    def is_done(tenant): return reader.jobs('2026-12')[tenant][0].status=='completed'
    for _ in range(times):
        def goes_on(tenant): return is_done(tenant) or len(reader.written(tenant, '2026-12'))>before[tenant]
        wait_until(lambda: all(map(goes_on, customers)), why=reader.log)
        reader.kill(*killed)
        for o in customers: deaths[o] += not is_done(o)
        before = {o:len(reader.written(o, '2026-12')) for o in customers}
        assert before['acme']<customers['acme'], 'it was in the middle'
        reader.start(*killed)
    wait_until(lambda: reader.all_ended('2026-12'), why=reader.log)
    assert deaths['acme']==times and list(reader.problems('2026-12', deaths))==[]
    page = reader.users['ann'].get('/').text
    assert 'Invoices of acme' in page and 'Customer 40' in page, 'still logged in, and the page shows the latest'

@pytest.mark.slow
def test_the_web_process_takes_its_jobs_back(reader):
    for o in passwords: reader.bill(o, '2026-11')
    wait_until(lambda: all(reader.written(o, '2026-11') for o in customers), why=reader.log)
    reader.kill('worker', by=signal.SIGQUIT) # What Ctrl-\ sends in its terminal
    deaths = {k:o.status!='completed' for k,(o,) in reader.jobs('2026-11').items()}
    wait_until(lambda: reader.all_ended('2026-11'), why=reader.log)
    assert deaths['acme'] and list(reader.problems('2026-11', deaths))==[]

@pytest.mark.slow
def test_tenants_are_apart_and_nights_are_counted(reader):
    "Who isn't logged in sees a login; no one sees another tenant's jobs; a schedule runs once in each tenant"
    eve = reader.log_in('eve', 'paper')
    assert [str(eve.get(o).url.path) for o in ('/', '/jobs')]==['/login']*2
    assert 'password' in eve.post('/bill', data=dict(month='2026-10')).text
    assert reader.log_in('ann', 'pencil').get('/').url.path=='/login'
    reader.log_in('ann')
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
    cells = json.loads(page.read_text(encoding='utf-8'))['cells']
    text = '\n'.join(''.join(o['source']) for o in cells if o['cell_type']=='markdown')
    assert '`Ctrl-\\`' in text and not re.search(r'\b(pkill|killall|pgrep)\b', text)
