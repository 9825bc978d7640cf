"Run a job that hangs in a process of an executor, until this one is killed; arguments: a directory, how it hangs"
import asyncio,sys

import heavy
from helpers import manager_at

from tenant_tasks import Processes,set_executors

async def main(folder, how):
    set_executors(cpu=Processes(1))
    manager = manager_at(f'{folder}/acme.db')
    _,bg_task = manager.submit('heavy', heavy.hang, path=f'{folder}/here', how=how)
    await bg_task()

if __name__=='__main__': asyncio.run(main(*sys.argv[1:]))
