"A tenant's pages for several test files: its jobs are rows of any kind, its clock is the test's"
import html,re
from datetime import timedelta

from fasthtml.common import Client,fast_app

from tenant_tasks import TenantJob,Tenants,jobs_ui,operator_ui,task
from tenant_tasks.jobs.history import add_error
from tenant_tasks.jobs.job import final_statuses,new_id,timestamp

evil = '"\'><script>alert(1)</script>'

@task(name='web.job')
def job(**kw): return 42

class Guarded:
    "Two tenants, an operator, and people who may read, act, or neither, as they say when they log in"
    def __init__(self, folder):
        self.tenants = Tenants(folder, backoff=lambda n: 0)
        for o in ('acme','globex'): self.tenants.create(o)
        self.app,rt = fast_app(secret_key='x')
        @rt('/login', methods=['get'])
        def login(session, tenant:str='', may:str='', operator:str=''):
            session.clear()
            session.update(tenant=tenant, may=may, operator=operator)
            return 'welcome'
        @rt('/one/{job_id}', methods=['get'])
        def one(session, job_id:str): return self.tenants[session['tenant']].get_job(job_id)
        self.own = [*map(id, self.app.routes)]
        def manager_for(req): return self.tenants[req.session['tenant']]
        self.may = None # What all may do, whatever their session says
        jobs_ui(self.app, manager_for, lambda req: self.may or req.session.get('may'), secret=['iban'])
        operator_ui(self.app, self.tenants, lambda req: req.session.get('operator'))

    def client(self, **session):
        res = Client(self.app)
        res.get('/login', params=session)
        return res

class Site:
    "An app whose pages everybody may use: those of one tenant, and the operator's"
    def __init__(self, folder, clock):
        self.clock = clock
        self.tenants = Tenants(folder, clock=clock, sleep=clock.sleep)
        self.acme = self.tenant = self.tenants.create('acme')
        app,_ = fast_app(secret_key='x')
        self.pages = jobs_ui(app, lambda req: self.tenant, lambda req: 'act', secret=['iban'])
        operator_ui(app, self.tenants, lambda req: 'act')
        self.client = Client(app)

    def add(self, status='failed', job_type='import_csv', error=None, ago=0., **kw):
        "A job in a state, whose last attempt ended so many seconds ago, perhaps with an error: its id"
        log = error and add_error(None, 1, self.clock(), f'Traceback …\n{error}')
        at = timestamp(self.clock()-timedelta(seconds=ago))
        times = dict(created_at=at, completed_at=at if status in final_statuses else None)
        vals = dict(times, payload='{}', error_log=log, function='web.job', task='web.job') | kw
        return self.acme.store.submit([TenantJob(new_id(), job_type, status, **vals)])[0].id

    def get(self, path='/jobs'): return html.unescape(self.client.get(path).text)
    def post(self, path, live=False, **form):
        csrf = re.search(r'name="csrf" value="([^"]+)"', self.client.get('/jobs/~limits').text)[1]
        headers = {'tt-live':'1'} if live else {}
        return self.client.post(path, data={'csrf':csrf, **form}, headers=headers, follow_redirects=True)
