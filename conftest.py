"Every notebook in `nbs` is a test: its cells run from top to bottom in one shell"
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
        from execnb.shell import CaptureShell
        from nbdev.test import nb_test_cells
        with working_directory(self.path.parent):
            shell = CaptureShell(self.path)
            try:
                for cell in nb_test_cells(self.path):
                    outs = shell.run(cell.source, timeout=120)
                    if shell.exc: raise NotebookError(self._report(cell, outs))
            finally: shell.close()

    def _report(self, cell, outs):
        trace = ''.join(''.join(o['traceback']) for o in outs if o['output_type']=='error')
        return f"{self.path.name}, cell {cell.idx_} ({cell.id}):\n\n{cell.source}\n\n{trace}"

    def repr_failure(self, excinfo): return str(excinfo.value) if excinfo.errisinstance(NotebookError) else super().repr_failure(excinfo)
    def reportinfo(self): return self.path, 0, f'notebook {self.path.name}'
