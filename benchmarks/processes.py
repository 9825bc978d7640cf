"Start processes, read what they print, wait for them, and make sure that they end"
import asyncio,logging,signal,subprocess,sys,time
from contextlib import contextmanager
from pathlib import Path

@contextmanager
def process(
    script:str, # A file in this folder
    *args, # Command-line arguments
):
    "A Python process that is killed at the end of the block"
    script = Path(__file__).with_name(script)
    proc = subprocess.Popen([sys.executable, str(script), *map(str, args)], text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE)
    try: yield proc
    finally:
        proc.kill()
        proc.communicate()

def read_line(proc):
    "The next line that a process prints"
    res = proc.stdout.readline()
    if not res: raise RuntimeError(f'a process ended too early, with exit code {proc.wait()}')
    return res.strip()

def go_on(proc):
    "Give a process the line of input that it waits for"
    print(file=proc.stdin, flush=True)

def end_after(
    secs:int, # Seconds from now
):
    "End this process after some time, even if it is busy"
    signal.alarm(secs)

def run_program(
    programs, # Functions by name, sync or async, which take texts
):
    "Run the one that the command line names, with its arguments"
    end_after(600)
    logging.disable(logging.ERROR)
    name,*args = sys.argv[1:]
    res = programs[name](*args)
    if asyncio.iscoroutine(res): asyncio.run(res)

def wait_for(
    f, # Condition; called again until it returns something true
    secs:float=60, # Longest wait
    every:float=.01, # Seconds between two calls
):
    "Wait until `f` returns something true, and return that"
    end = time.monotonic()+secs
    while not (res := f()):
        if time.monotonic()>end: raise TimeoutError(f'still waiting after {secs} s')
        time.sleep(every)
    return res
