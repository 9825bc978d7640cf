"Directories of many tenants, made as copies of one"
import os,shutil
from pathlib import Path

import apsw
from fastlite import database

from tenant_tasks import BackgroundTaskManager

def make_tenants(
    folder, # An empty directory
    n:int, # Number of tenants
    func=None, # A task; each tenant gets jobs that call it
    jobs:int=1, # Number of jobs of each tenant
    **kwargs, # Arguments of each job
)->Path: # The directory
    "Make the tenants t0, t1, t2 …, and wait until they are on disk, so that later syncs don't pay for them"
    model = folder/'model'
    manager = BackgroundTaskManager(database(model))
    if func: manager.submit_many('job', func, [kwargs]*jobs)
    manager.db.conn.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    for i in range(n): shutil.copyfile(model, folder/f't{i}.db')
    os.sync()
    return folder

def ids_of(
    path, # A database
)->list[str]: # In the order of submit
    "The ids of all jobs"
    return [o for o, in apsw.Connection(str(path)).execute('SELECT id FROM tenant_jobs ORDER BY rowid')]

def count_completed(folder):
    "The number of completed jobs of all tenants of a directory"
    count = "SELECT count(*) FROM tenant_jobs WHERE status='completed'"
    return sum(apsw.Connection(str(o)).execute(count).get for o in folder.glob('t*.db'))
