"Runs one notebook; `conftest.py` at the top calls it in a process of the notebook's own"
from execnb.shell import CaptureShell
from fastcore.foundation import working_directory
from nbdev.test import nb_test_cells

def first_failure(
    path, # A notebook
    skipped, # Directives of cells that don't run
): # '' if all other cells ran
    "Run a notebook: the first cell that failed, with its traceback"
    with working_directory(path.parent):
        shell = CaptureShell(path)
        try:
            for cell in nb_test_cells(path, skip_flags=skipped):
                outs = shell.run(cell.source, timeout=120)
                if not shell.exc: continue
                trace = ''.join(''.join(o['traceback']) for o in outs if o['output_type']=='error')
                return f"{path.name}, cell {cell.idx_} ({cell.id}):\n\n{cell.source}\n\n{trace}"
        finally: shell.close()
    return ''

def send_failure(to, *args):
    "Send what `first_failure` returns to the process that waits for it"
    to.send(first_failure(*args))
