"Facts about the machine and the libraries that the results depend on"
import os,platform,sqlite3
from importlib.metadata import version
from pathlib import Path
from statistics import median

import apsw,psutil

from measure import timed

libs = 'tenant_tasks fastlite apswutils python-fasthtml starlette uvicorn anyio huey fastapi fastapi-taskflow dbos rq procrastinate'.split()

def cpu_model():
    "The processor's name for itself"
    try: lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError: lines = []
    names = [o.split(':')[1].strip() for o in lines if o.startswith('model name')]
    return names[0] if names else platform.processor() or platform.machine()

def file_system(folder):
    "The type of file system that holds a directory"
    parts = [o for o in psutil.disk_partitions(all=True) if Path(folder).resolve().is_relative_to(o.mountpoint)]
    return max(parts, key=lambda o: len(o.mountpoint)).fstype if parts else '?'

def sync_us(folder):
    "Microseconds to write a page and `fsync` it, as a median"
    with open(Path(folder)/'fsync', 'wb', buffering=0) as f:
        def once():
            f.write(bytes(4096))
            os.fsync(f.fileno())
        return median(timed(once) for _ in range(200))*1e6

def machine(
    folder:Path, # A directory on the disk to measure
)->dict: # As stored in results.json
    "The machine, without its name"
    memory,system = psutil.virtual_memory().total,f'{platform.system()} {platform.release()}'
    return dict(cores=os.cpu_count(), cpu=cpu_model(), memory_gb=round(memory/2**30), system=system,
        file_system=file_system(folder), fsync_us=round(sync_us(folder)))

def versions():
    "Versions of Python, of both SQLite libraries, and of the packages on all sides"
    sqlite = dict(sqlite_apsw=apsw.sqlite_lib_version(), sqlite_python=sqlite3.sqlite_version, apsw=apsw.apsw_version())
    return dict(python=platform.python_version(), **sqlite, **{o:version(o) for o in libs})
