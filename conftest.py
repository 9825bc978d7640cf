"Every notebook in `nbs` is a test: its cells run from top to bottom in one shell, in a process of its own, as in Jupyter"
import subprocess,sys
from pathlib import Path

import pytest
from fastcore.foundation import working_directory

def pytest_collect_file(file_path, parent):
    hidden = any(o.startswith(('.','_')) for o in file_path.parts)
    if file_path.suffix=='.ipynb' and not hidden: return Notebook.from_parent(parent, path=file_path)

class NotebookError(Exception):
    "A cell that failed, with what is needed to find it"

class Notebook(pytest.File):
    "A notebook file holds one test"
    def collect(self): yield NotebookRun.from_parent(self, name=self.path.name)

class NotebookRun(pytest.Item):
    "Runs the cells that nbdev would test; the first one that raises is the failure"
    def runtest(self):
        pytest.importorskip('nbdev', reason='notebooks need the extra `dev`')
        res = subprocess.run([sys.executable, __file__, self.path], capture_output=True, text=True, timeout=300)
        if res.returncode: raise NotebookError(res.stdout+res.stderr)

    def repr_failure(self, excinfo): return str(excinfo.value) if excinfo.errisinstance(NotebookError) else super().repr_failure(excinfo)
    def reportinfo(self): return self.path, 0, f'notebook {self.path.name}'

def failure(
    path:Path, # A notebook
)->str: # '' if all cells ran
    "Run a notebook: the first cell that failed, with its traceback"
    from execnb.shell import CaptureShell
    from nbdev.test import nb_test_cells
    with working_directory(path.parent):
        shell = CaptureShell(path)
        try:
            for cell in nb_test_cells(path):
                outs = shell.run(cell.source, timeout=120)
                if not shell.exc: continue
                trace = ''.join(''.join(o['traceback']) for o in outs if o['output_type']=='error')
                return f"{path.name}, cell {cell.idx_} ({cell.id}):\n\n{cell.source}\n\n{trace}"
        finally: shell.close()
    return ''

if __name__=='__main__': sys.exit(failure(Path(sys.argv[1]).resolve()) or 0)
