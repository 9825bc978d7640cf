"""What `pytest` runs: every notebook in `nbs`, and all tests but the slow ones; `pytest --all` runs these too

A notebook's cells run from top to bottom in one shell, in a process of its own, as in Jupyter. These processes are forks
of one that has imported everything and done nothing else, so they share neither state nor the time of the imports.
"""
import signal
from multiprocessing import get_context

import pytest

for sig,usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGQUIT, signal.SIG_DFL)):
    if signal.getsignal(sig)==signal.SIG_IGN: signal.signal(sig, usual) # A shell's background jobs ignore it

def pytest_addoption(parser): parser.addoption('--all', action='store_true', help='run the slow tests and cells too')


def pytest_collection_modifyitems(config, items):
    if config.getoption('--all'): return
    slow = [o for o in items if o.get_closest_marker('slow')]
    items[:] = [o for o in items if o not in slow]
    config.hook.pytest_deselected(items=slow)

# -- notebooks

def pytest_collect_file(file_path, parent):
    hidden = any(o.startswith(('.','_')) for o in file_path.parts)
    if file_path.suffix=='.ipynb' and not hidden: return Notebook.from_parent(parent, path=file_path)

class NotebookError(Exception):
    "A cell that failed, with what is needed to find it"

class Notebook(pytest.File):
    "A notebook file holds one test"
    def collect(self): yield NotebookRun.from_parent(self, name=self.path.name)

class NotebookRun(pytest.Item):
    "Runs the cells that nbdev would test, those marked `#| slow` only with --all; the first that raises is the failure"
    def runtest(self):
        pytest.importorskip('nbdev', reason='notebooks need the extra `dev`')
        skipped = [] if self.config.getoption('--all') else ['slow']
        if why := run_notebook(self.path, skipped): raise NotebookError(why)

    def repr_failure(self, excinfo):
        if excinfo.errisinstance(NotebookError): return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self): return self.path, 0, f'notebook {self.path.name}'

forks = get_context('forkserver')
forks.set_forkserver_preload(['nbdev.test', 'execnb.shell', 'matplotlib_inline.backend_inline', 'fasthtml.common', 'uvicorn',
    'tenant_tasks.ops.command', 'tenant_tasks.web.operators', 'tenant_tasks.web.charts'])

def run_notebook(path, skipped):
    "'' if all cells of a notebook ran in a fresh process, else what failed"
    from notebooks import send_failure
    mine,its = forks.Pipe(duplex=False)
    proc = forks.Process(target=send_failure, args=(its, path, skipped))
    proc.start()
    its.close()
    try: return mine.recv() if mine.poll(300) else 'still running after 300 s'
    except EOFError: return f'its process ended with {proc.join() or proc.exitcode}'
    finally:
        proc.join(10)
        proc.kill()
