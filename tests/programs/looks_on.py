"Hold a tenant open, and do with it what each line says; answer with what came of it"
import sys

from helpers import open_db,work

from tenant_tasks.fleet.tenants import Tenants

tenants = Tenants(sys.argv[1])
held = tenants[sys.argv[2]]
held.list_jobs()
own = open_db(tenants.file(sys.argv[2]))

def act(what, name=''):
    if what=='submit': held.submit('sync', work)
    if what=='claim': return 'ok' if held.claim() else 'nothing'
    if what=='count': return len(tenants[name].list_jobs())
    if what=='note': held.db.execute('INSERT INTO notes VALUES (1)')
    if what=='own': own.execute('INSERT INTO notes VALUES (1)')
    if what=='create': tenants.create(name).submit('sync', work)
    return 'ok'

print('open', flush=True)
for line in sys.stdin:
    try: print(act(*line.split()), flush=True)
    except Exception as e: print(type(e).__name__, flush=True)
