"""A shop for three tenants: they log in, import customers, take orders, charge cards, and see what their jobs do.

Start `uvicorn saas:app --port 5001` and, in other terminals, `tenant-tasks worker saas:worker`, once or more often.
Then open http://127.0.0.1:5001 as ann, gus or ida, or as olga, who operates it; the passwords are below.
"""
import csv,os,random,secrets
from datetime import timedelta
from pathlib import Path

import httpx
from fasthtml.common import A,Beforeware,Button,Div,FileResponse,Form,H2,Hidden,Input,JSONResponse,Li,P,Redirect
from fasthtml.common import Titled,UploadFile,Ul,fast_app
from starlette.exceptions import HTTPException

from tenant_tasks import Cancel,Fail,JobNotFound,Processes,Retry,Tenants,Worker,current_job,jobs_ui,operator_ui,task

data = Path(os.environ.get('DATA', 'data'))
services = os.environ.get('SERVICES', 'http://127.0.0.1:5001/services') # Mails, cards, webhooks and checks
client = httpx.Client(timeout=30)
zones = dict(acme='Europe/Berlin', globex='America/New_York', initech='Asia/Tokyo')
users = dict( # A real app stores hashes
    ann=('acme', 'paper'), gus=('globex', 'pencil'), ida=('initech', 'ink'), olga=(None, 'brass'))

tenants = Tenants(data)

def set_up(name):
    (data/'files'/name).mkdir(parents=True, exist_ok=True)
    with tenants.create(name).transaction() as db:
        db.execute('CREATE TABLE IF NOT EXISTS customers (id INTEGER PRIMARY KEY, name, email, valid)')
        db.execute('CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, form UNIQUE, email, total, receipt)')
        db.execute('CREATE TABLE IF NOT EXISTS summaries (job TEXT PRIMARY KEY, orders, total)')

for o in zones: set_up(o)

# -- jobs: calls of services

def call(service, key=None, **body):
    "Call a service, which takes a key once, may say when to call again, or that there is no point in it"
    headers = {'Idempotency-Key':key or current_job().id}
    res = client.post(f'{services}/{service}', json=body, headers=headers)
    why = f'{service} answers {res.status_code} {res.reason_phrase}'
    if res.status_code in (429, 503): raise Retry(why, after=res.headers.get('Retry-After'))
    if res.is_client_error: raise Fail(why)
    return res.raise_for_status().json()

@task(limit=2, max_retries=20)
def send_mail(to, subject): call('mail', to=to, subject=subject)

@task(max_retries=20)
def notify(job_id, error):
    job = tenants[current_job().tenant].get_job(job_id)
    call('mail', to='owner@example.com', subject=f'{job.job_type} failed: {error}')

@task(max_retries=10, on_failure=notify)
def send_webhook(event, order): call('webhook', event=event, order=order)

@task(max_retries=5, on_failure=notify)
def pay(order):
    "The card is charged once, since the service knows the key; all else is one commit, and once at that"
    job = current_job()
    row = job.db.t.orders[order]
    receipt = job.step('charge', call, 'card', f'{job.id}/charge', total=row['total'])['receipt']
    def book(db):
        db.t.orders.update(dict(id=order, receipt=receipt))
        manager = tenants[job.tenant]
        manager.submit('mail', send_mail, to=row['email'], subject=f'Your receipt {receipt}')
        manager.submit('webhook', send_webhook, event='paid', order=order)
    with job.transaction() as db: job.step('book', book, db)
    return receipt

@task
def remind(order):
    row = current_job().db.t.orders[order]
    if row['receipt']: raise Cancel('it is paid')
    call('mail', to=row['email'], subject=f'Order {order} is not paid yet')

# -- jobs: work on the tenant's rows

@task(on_failure=notify)
def import_customers(path):
    "Twenty rows and a checkpoint are one commit, so a restart goes on behind them"
    job = current_job()
    with open(path, newline='') as f: rows = [dict(name=o['name'], email=o['email']) for o in csv.DictReader(f)]
    for i in range(job.checkpoint('rows') or 0, len(rows), 20):
        with job.transaction() as db:
            db.t.customers.insert_all(rows[i:i+20])
            job.checkpoint('rows', i+20)
        job.progress(min(i+20, len(rows))/len(rows), f'{i+20} rows')
    return f'{len(rows)} customers'

@task(rate=(10, 1))
def check_email(customer):
    "At most ten a second; writing the same answer again does no harm"
    customers = current_job().db.t.customers
    res = call('check', email=customers[customer]['email'])
    customers.update(dict(id=customer, valid=res['valid']))

@task
def report_checks():
    batch = current_job().batch
    return f'{batch.counts["completed"]} of {batch.total} checked'

@task
def export_orders():
    "Writing the same file again does no harm"
    job = current_job()
    path = data/'files'/job.tenant/f'{job.id}.csv'
    with open(path, 'w', newline='') as f:
        out = csv.DictWriter(f, ['id', 'email', 'total', 'receipt'], extrasaction='ignore')
        out.writeheader()
        out.writerows(job.db.t.orders())
    return path.name

@task(on='cpu', timeout=300)
def forecast(rounds):
    "Computes for long, in a process of its own; what is done isn't computed again"
    job = current_job()
    for i in range(job.checkpoint('tenths') or 0, 10):
        total = (job.checkpoint('total') or 0) + sum(random.gauss(100, 15) for _ in range(rounds))
        with job.transaction():
            job.checkpoint('total', total)
            job.checkpoint('tenths', i+1)
        job.progress((i+1)/10)
    return round(total/rounds/10)

@task(atomic=True)
def summarize():
    job = current_job()
    n,total = job.db.execute('SELECT count(*), total(total) FROM orders WHERE receipt IS NOT NULL').fetchone()
    job.db.t.summaries.insert(dict(job=job.id, orders=n, total=total))
    return f'{n} orders, {total:.2f}'

worker = Worker(tenants, executors=dict(cpu=Processes(1)))
worker.schedule('nightly', summarize, cron='0 3 * * *', tz=lambda tenant: zones.get(tenant, 'UTC'))

# -- who may do what

def tenant_of(req): return users.get(req.session.get('user'), (None, None))[0]
def manager_for(req): return tenants[tenant_of(req)] if tenant_of(req) else None
def guard(req): return 'act' if tenant_of(req) else None
def operator(req): return 'act' if req.session.get('user')=='olga' else None

def check_login(req, session):
    if session.get('user') not in users: return Redirect('/login')
    if not tenant_of(req) and not req.url.path.startswith('/ops'): return Redirect('/ops')

app,rt = fast_app(before=Beforeware(check_login, skip=['/login', '/services/.*']))
jobs_ui(app, manager_for, guard)
operator_ui(app, tenants, operator)

@rt('/login', methods=['get'])
def login_form():
    fields = Input(name='user', placeholder='Name'),Input(name='password', type='password', placeholder='Password')
    return Titled('Log in', Form(*fields, Button('Log in'), method='post', action='/login'))

@rt('/login', methods=['post'])
def log_in(session, user:str, password:str):
    if user not in users or users[user][1]!=password: return Redirect('/login')
    session['user'] = user
    return Redirect('/')

# -- pages

def starts(path, label, *fields, **kw): return Form(*fields, Button(label), hx_post=path, hx_target='#new', **kw)

@rt('/')
def home(req):
    orders = manager_for(req).db.t.orders(order_by='id DESC', limit=10)
    fields = Hidden(secrets.token_hex(8), name='form'),Input(name='email', value='bob@example.com')
    return Titled(tenant_of(req), Div(id='new'), P(A('All jobs', href='/jobs')), H2('Start'),
        starts('/import', 'Import customers', Input(name='file', type='file'), enctype='multipart/form-data'),
        starts('/order', 'Order', *fields, Input(name='total', value='25'), Input(name='remind_after', value='86400')),
        starts('/check', 'Check all addresses'), starts('/export', 'Export orders'), starts('/forecast', 'Forecast'),
        H2('Orders'), Ul(*[Li(f"{o['id']}: {o['total']} {o['receipt'] or ''}") for o in orders]))

def card(manager, submitted):
    job_id,bg_task = submitted
    return manager.get_job(job_id),bg_task

@rt('/import', methods=['post'])
def import_file(req, file:UploadFile):
    path = data/'files'/tenant_of(req)/f'{secrets.token_hex(8)}.csv'
    path.write_bytes(file.file.read())
    manager = manager_for(req)
    return card(manager, manager.using(title=f'Import {file.filename}').submit(import_customers, path=str(path)))

@rt('/order', methods=['post'])
def order(req, form:str, email:str, total:float, remind_after:float=86400):
    "The order and its jobs are one commit; the form that is sent again makes nothing new"
    manager = manager_for(req)
    with manager.transaction() as db:
        if db.t.orders(where='form=?', where_args=[form]): return P('This order was there already.')
        n = db.t.orders.insert(dict(form=form, email=email, total=total))['id']
        manager.using(title=f'Reminder of order {n}', delay=remind_after).submit(remind, order=n)
        submitted = manager.using(title=f'Payment of order {n}').submit(pay, order=n)
    return card(manager, submitted)

@rt('/check', methods=['post'])
def check(req):
    manager = manager_for(req)
    jobs = [dict(customer=o['id']) for o in manager.db.t.customers()]
    batch = manager.submit_many('check_email', check_email, jobs, then=report_checks)
    return manager.get_job(batch.batch),batch.bg_task

@rt('/export', methods=['post'])
def export(req): return card(manager_for(req), manager_for(req).submit(export_orders))

@rt('/forecast', methods=['post'])
def start_forecast(req, rounds:int=500_000):
    return card(manager_for(req), manager_for(req).using(expires=timedelta(hours=1)).submit(forecast, rounds=rounds))

@rt('/download/{job_id}', methods=['get'])
def download(req, job_id:str):
    try: job = manager_for(req).get_job(job_id)
    except JobNotFound: raise HTTPException(404)
    if job.task!='export_orders' or job.status!='completed': raise HTTPException(404)
    return FileResponse(data/'files'/tenant_of(req)/job.value, filename='orders.csv')

@rt('/services/{name}', methods=['post'])
def service(name:str): return JSONResponse(dict(receipt=f'R-{secrets.token_hex(4)}', valid=1))
