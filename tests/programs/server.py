"An app without a worker: its jobs run after the response. Arguments: a database and a port"
import asyncio,sys,time

import uvicorn
from fasthtml.common import fast_app
from fastlite import database

from tenant_tasks.manager import BackgroundTaskManager

path,port = sys.argv[1:]
app,rt = fast_app(secret_key='x')
db = database(path)

def slow(secs): time.sleep(secs)
async def aslow(secs): await asyncio.sleep(secs)
def boom(): raise ValueError

@rt
def go():
    manager = BackgroundTaskManager(db)
    _,first = manager.submit('slow', slow, secs=1)
    _,second = manager.submit('aslow', aslow, secs=60)
    return 'submitted', first, second, manager.submit('boom', boom)[1]

@rt
def up(): return 'yes'

uvicorn.run(app, host='127.0.0.1', port=int(port), log_level='warning', timeout_graceful_shutdown=3)
