"Run a job that waits, with a delayed one behind it, in the database named on the command line"
import asyncio,sys

from helpers import manager_at,until

async def wait(): await asyncio.sleep(60)

async def main():
    manager = manager_at(sys.argv[1])
    _,bg_task = manager.submit('wait', wait)
    manager.using(delay=60).submit('later', wait)
    running = asyncio.ensure_future(bg_task())
    await until(lambda: manager.job_stats()['running'])
    print('running', flush=True)
    await running

asyncio.run(main())
