"An app without a worker, as uvicorn serves it: its jobs run in `Processes`. FOLDER is for its database and files"
import os

import heavy
from fasthtml.common import Response,fast_app
from helpers import manager_at

from tenant_tasks import Processes,set_executors

folder = os.environ['FOLDER']
set_executors(cpu=Processes(1))
app,rt = fast_app(secret_key='x')
manager = manager_at(f'{folder}/acme.db')

@rt
def hang():
    job_id,bg_task = manager.submit('heavy', heavy.hang, path=f'{folder}/here', how='regex')
    return Response(job_id, background=bg_task)
