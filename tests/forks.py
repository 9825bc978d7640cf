"""Programs of the tests as forks of one process that has imported everything, which `conftest.py` at the top describes.

A start costs a tenth of that of a new interpreter. In all else a fork is as one: its arguments, its environment, its
pipes, its end.
"""
import atexit,os,runpy,signal,subprocess,sys,threading,warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import current_process,get_context
from multiprocessing.reduction import DupFd

def become(path, args, env, cwd, *fds):
    "In the fork: be the program at `path` until it ends; '-m' and a name first in `args` stand for a module"
    for n,o in enumerate(fds):
        fd = o.detach()
        os.dup2(fd, n)
        os.close(fd)
    os.environ.clear()
    os.environ.update(env)
    current_process()._config['daemon'] = False # It may start processes
    if cwd: os.chdir(cwd)
    sys.argv[:] = args if path=='-m' else [path, *args]
    sys.orig_argv[:] = [sys.executable, path, *args]
    sys.path.insert(0, os.getcwd() if path=='-m' else os.path.dirname(path))
    sys.stdin,sys.stdout,sys.stderr = open(0),open(1, 'w'),open(2, 'w', 1)
    code = exit_code(path)
    threading._shutdown()
    atexit._run_exitfuncs()
    for o in (sys.stdout, sys.stderr): o.flush()
    os._exit(code)

def exit_code(path):
    "Run a program to its end"
    try:
        if path!='-m': runpy.run_path(path, run_name='__main__')
        else:
            warnings.filterwarnings('ignore', '.* found in sys.modules')
            runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)
    except SystemExit as e:
        if isinstance(e.code, str): print(e.code, file=sys.stderr)
        return e.code if isinstance(e.code, int) else int(bool(e.code))
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0

def same(o): return o

class Fd:
    "A file descriptor that a fork gets"
    def __init__(self, fd): self.fd = fd
    def __reduce__(self): return same,(DupFd(self.fd),)

class Program:
    "A fork that runs a program, with the face of `subprocess.Popen`"
    def __init__(self, path, args, env, stderr=subprocess.PIPE, cwd=None):
        (their_in,mine_in),(mine_out,their_out) = os.pipe(),os.pipe()
        mine_err,their_err = os.pipe() if stderr==subprocess.PIPE else (None, os.dup(stderr.fileno() if stderr else 2))
        theirs = their_in,their_out,their_err
        args = [path, args, env, cwd, *map(Fd, theirs)]
        self.process = get_context('forkserver').Process(target=become, args=args, daemon=True)
        self.process.start()
        for o in theirs: os.close(o)
        self.pid = self.process.pid
        self.stdin,self.stdout = open(mine_in, 'w'),open(mine_out)
        self.stderr = mine_err and open(mine_err)

    @property
    def returncode(self): return self.poll()

    def poll(self): return self.process.exitcode

    def wait(self, timeout=None):
        self.process.join(timeout)
        if self.poll() is None: raise subprocess.TimeoutExpired(self.process.name, timeout)
        return self.poll()

    def send_signal(self, sig):
        "Nothing happens if it has ended: the server of forks reaps it before we hear of its end"
        if self.poll() is None:
            with suppress(ProcessLookupError): os.kill(self.pid, sig)

    def kill(self): self.send_signal(signal.SIGKILL)

    def communicate(self, text='', timeout=None):
        "Send it text, if there is one, and close its input: the rest of its output, and of its errors"
        try:
            if text: self.stdin.write(text)
            self.stdin.close()
        except BrokenPipeError: pass
        with ThreadPoolExecutor(2) as pool:
            found = [pool.submit(o.read) if o and not o.closed else None for o in (self.stdout, self.stderr)]
            self.wait(timeout)
            return [o and o.result() for o in found]
