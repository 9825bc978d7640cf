"The example of a whole app, served by a real uvicorn, with real workers that are killed while its jobs run"
import json,re,shutil
from http.server import BaseHTTPRequestHandler,ThreadingHTTPServer
from threading import Event,Thread

import httpx,pytest
from helpers import Site,end,root,slow,wait_until

from tenant_tasks import Tenants

passwords = dict(ann='paper', gus='pencil', ida='ink', olga='brass')
home = dict(ann='acme', gus='globex', ida='initech')
begun = 'imported','first','second' # What `begin` starts
told = 'send_mail','notify'
rows = 'name,email\n'+''.join(f'Customer {i},{i}@example.com\n' for i in range(12))

class Services:
    "What the shop calls: cards and checks answer when they may, mails after a retry, and the webhook of order 2 never"
    def __init__(self):
        services,self.got,self.answers = self,[],Event()
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                name,key = self.path[1:],self.headers['Idempotency-Key']
                body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
                first = all(o[1]!=key for o in services.got)
                services.got.append((name, key, body))
                if name in ('card','check'): services.answers.wait(60)
                self.send_response(503 if name=='mail' and first else 410 if body.get('order')==2 else 200)
                self.send_header('Retry-After', '0')
                self.end_headers()
                self.wfile.write(json.dumps(dict(receipt=key[24:32], valid=1)).encode())
            def log_message(self, *args): pass
            def handle_error(self, *args): pass
        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.handle_error = lambda *args: None # A worker that was killed doesn't wait for its answer
        Thread(target=self.server.serve_forever, args=[.05], daemon=True).start()

    def keys(self, name): return [o[1] for o in self.got if o[0]==name]

    def close(self):
        self.answers.set()
        self.server.shutdown()
        self.server.server_close()

class Shop(Site):
    "The app with its workers"
    def __init__(self, folder):
        super().__init__(folder)
        self.services = Services()
        self.workers = []
        shutil.copy(root/'examples/saas.py', folder)
        self.web = self.start('uvicorn', 'saas:app', '--port', self.port)
        wait_until(self.is_up, every=.1, why=self.log)
        self.tenants = Tenants(folder/'data')
        for o in passwords.items(): self.log_in(*o)

    def start(self, *args):
        return self.run(*args, SERVICES=f'http://127.0.0.1:{self.services.server.server_port}')

    def work(self):
        self.workers = [self.start('tenant_tasks', 'worker', 'saas:worker') for _ in range(2)]
        wait_until(lambda: all(self.tenants[o].schedules() for o in home.values()), every=.05, why=self.log)

    def kill_during(self, service, n):
        "Kill both workers while they wait for at least so many answers of a service, and start others"
        wait_until(lambda: len(self.services.keys(service))>=n, why=self.log)
        for o in self.workers: o.kill()
        assert [o.wait(60) for o in self.workers]==[-9]*2
        self.services.answers.set()
        self.work()

    def press(self, user, path, **kw):
        "Press a button: the id of the job whose card is the answer"
        res = self.users[user].post(path, headers={'hx-request':'true'}, **kw)
        return re.search(r'/jobs/([0-9a-f]{32})', res.raise_for_status().text)[1]

    def run_schedule(self, user):
        page = self.users[user].get('/jobs/~schedules').text
        data = dict(csrf=re.search('name="csrf" value="([^"]+)"', page)[1], name='nightly')
        self.users[user].post('/jobs/~schedules/run', data=data).raise_for_status()

    def jobs(self, tenant, kind=None): return self.tenants[tenant].list_jobs(kind, limit=1000)

    def is_done(self, user, job_id): return self.tenants[home[user]].get_job(job_id).status=='completed'

    def has_ended(self, *tenants):
        return not any(self.tenants[o].list_jobs(status=s, limit=1) for o in tenants or home.values()
            for s in ('pending','running'))

    def close(self):
        for o in (self.web, *self.workers): end(o)
        for o in self.users.values(): o.close()
        self.services.close()

@pytest.fixture
def shop(tmp_path):
    res = Shop(tmp_path)
    yield res
    res.close()

def begin(shop, user):
    "Start jobs through their routes, two orders, and the first order's form again: ids by kind"
    order = dict(form='first', email='bob@example.com', total=25, remind_after=.5)
    ids = dict(imported=shop.press(user, '/import', files=dict(file=('new.csv', rows))))
    for o in ('first','second'): ids[o] = shop.press(user, '/order', data=dict(order, form=o))
    assert 'there already' in shop.users[user].post('/order', data=order).text
    return ids

def problems(shop, user, ids):
    "What isn't as it should be in a tenant when all its jobs have ended"
    tenant,db = shop.tenants[home[user]],shop.tenants[home[user]].db
    jobs = {o.id:o for o in shop.jobs(home[user])}
    if lost := {k for k,v in ids.items() if v not in jobs or jobs[v].status!='completed'}: yield lost
    for o in jobs.values():
        refused,paid = o.task=='send_webhook' and o.kwargs['order']==2,o.task=='remind' and o.status=='cancelled'
        if o.status!='completed' and not paid and not (refused and o.status=='failed'): yield o
    twice = dict.fromkeys(('send_mail','send_webhook','remind','pay'), 2)
    kinds = dict(twice, notify=1, import_customers=1, summarize=1, check_email=12)
    for k,n in kinds.items():
        if sum(o.task==k for o in jobs.values())!=n: yield k,[o for o in jobs.values() if o.task==k]
    names = [o['name'] for o in db.t.customers(order_by='id') if o['valid']]
    if names!=[f'Customer {i}' for i in range(12)]: yield names
    receipts = [o['receipt'] for o in db.t.orders(order_by='id')]
    if receipts!=[ids[o][24:] for o in ('first','second')]: yield receipts
    if tenant.get_job(ids['checked']).value!='12 of 12 checked': yield tenant.get_job(ids['checked'])
    if [o['orders'] for o in db.t.summaries()]!=[2]: yield db.t.summaries()

@pytest.mark.parametrize('twice', [False, *slow(True)])
def test_a_shop_whose_workers_are_killed(shop, twice):
    "Nothing is lost, each card is charged once, one alert tells of each final failure, and tenants stay apart"
    shop.work()
    ids = {o:begin(shop, o) for o in home}
    shop.kill_during('card', 6)
    wait_until(lambda: all(shop.is_done(u, v[o]) for u,v in ids.items() for o in begun), every=.05)
    shop.services.answers.clear()
    for o in home:
        ids[o] |= dict(checked=shop.press(o, '/check'), exported=shop.press(o, '/export'))
        shop.run_schedule(o)
    if twice:
        ids['ann']['forecast'] = shop.press('ann', '/forecast', data=dict(rounds=5000))
        shop.kill_during('check', 6)
    shop.services.answers.set()
    wait_until(shop.has_ended, every=.1, why=shop.log)
    assert [o for u,v in ids.items() for o in problems(shop, u, v)]==[]
    cards,mails = shop.services.keys('card'),[o.id for t in home.values() for o in shop.jobs(t) if o.task in told]
    assert len(cards)==12 and set(cards)=={f'{v[o]}/charge' for v in ids.values() for o in ('first','second')}
    assert len(mails)==9 and all(shop.services.keys('mail').count(o)>=2 for o in mails), 'each was asked to come again'
    check_pages(shop, ids)

def check_pages(shop, ids):
    "Each user sees the own tenant's jobs and files, the operator sees all, and without a login there is nothing"
    for user in home:
        mine = [ids[o]['exported'] for o in home]
        for path in ('jobs', 'download'):
            seen = [shop.users[user].get(f'/{path}/{o}').status_code for o in mine]
            assert seen==[200 if o==user else 404 for o in home]
        assert shop.users[user].get(f"/download/{ids[user]['exported']}").text.count('bob@example.com')==2
        assert shop.users[user].get('/ops').status_code==404
        titles = ('Import new.csv', 'Payment of order 2', 'Reminder of order 1')
        assert all(o in shop.users[user].get('/jobs').text for o in titles)
    text = shop.users['olga'].get('/ops').text
    assert all(f'/ops/{o}/jobs' in text for o in home.values())
    anyone = httpx.Client(base_url=shop.users['ann'].base_url)
    assert {anyone.get(o).headers['location'] for o in ('/', '/jobs', '/ops')}=={'/login'}
