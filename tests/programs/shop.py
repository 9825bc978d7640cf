"A small shop: each tenant has its own tables, and a sale books an invoice and the job that sends it in one transaction"
import os,sys

import uvicorn
from fasthtml.common import JSONResponse,fast_app

from tenant_tasks import Tenants,Worker,current_job,task

tenants = Tenants(os.environ['DATA'])
worker = Worker(tenants, look_every=.1, grace=2)

class CardDeclined(Exception): "The sale must leave nothing behind"

def declined(req, exc): return JSONResponse(dict(error='declined'), status_code=402)

app,rt = fast_app(secret_key='x', exception_handlers={CardDeclined: declined})

@task(backoff=lambda n: .05)
def send_invoice(invoice_id):
    current_job().db.execute('UPDATE invoices SET sent=sent+1 WHERE id=?', (invoice_id,))

@rt('/up', methods=['get'])
def up(): return 'yes'

def book(db, tenant, amount, fail):
    "What a sale does in its transaction"
    invoice = db.t.invoices.insert(dict(amount=amount, sent=0))
    job_id,bg_task = tenants[tenant].submit('send_invoice', send_invoice, invoice_id=invoice['id'])
    if fail: raise CardDeclined
    return JSONResponse(dict(invoice=invoice['id'], job=job_id), background=bg_task)

@rt('/sale', methods=['post'])
def sale(tenant:str, amount:int, fail:bool=False):
    with tenants[tenant].transaction() as db: return book(db, tenant, amount, fail)

@rt('/asale', methods=['post'])
async def asale(tenant:str, amount:int, fail:bool=False):
    async with tenants[tenant].transaction() as db: return book(db, tenant, amount, fail)

@rt('/balance', methods=['get'])
def balance(tenant:str):
    total, = tenants[tenant].db.q('SELECT count(*) AS n, sum(amount) AS total FROM invoices')
    return JSONResponse(total)

if __name__=='__main__':
    if sys.argv[1]=='worker':
        print('up', flush=True)
        worker.main()
    uvicorn.run(app, host='127.0.0.1', port=int(sys.argv[2]), log_level='error', timeout_graceful_shutdown=2)
