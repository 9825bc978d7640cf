"Run another program as a service that may not read `/proc/sys`: its name, then its arguments"
import runpy,sys
from pathlib import Path

read_text = Path.read_text
def hidden(self, *args, **kw):
    if self.parts[:3]==('/', 'proc', 'sys'): raise FileNotFoundError(2, 'No such file or directory', str(self))
    return read_text(self, *args, **kw)

Path.read_text = hidden
del sys.argv[0]
runpy.run_path(Path(__file__).with_name(f'{sys.argv[0]}.py'), run_name='__main__')
