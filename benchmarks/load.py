"A client that keeps a few connections busy, for so many seconds or requests: `python load.py PORT PATH CONNECTIONS SECONDS COUNT PAUSE`"
import asyncio,json,re,sys,time

from harness import at_most,percentile

async def answer(reader):
    "Read one response to its end"
    head = await reader.readuntil(b'\r\n\r\n')
    if b' 200 ' not in head[:16]: raise RuntimeError(head.decode())
    await reader.readexactly(int(re.search(rb'content-length: (\d+)', head, re.I)[1]))

async def connection(
    port:int, # On this machine
    path:str, # What to ask for
    end:float, # When to stop, on the clock of `time.perf_counter`
    left:list, # Requests that may still be made, as its one item
    pause:float, # Seconds between two requests
    times:list, # Gets the seconds that each request took
):
    "Ask again and again over one connection"
    reader,writer = await asyncio.open_connection('127.0.0.1', port)
    while time.perf_counter()<end and left[0]>0:
        left[0] -= 1
        start = time.perf_counter()
        writer.write(f'GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.encode())
        await answer(reader)
        times.append(time.perf_counter()-start)
        if pause: await asyncio.sleep(pause)
    writer.close()

async def load(port, path, connections, seconds, count, pause):
    "Requests per second, and the median and 99th percentile of what one takes, in ms"
    times,left,start = [],[count],time.perf_counter()
    await asyncio.gather(*[connection(port, path, start+seconds, left, pause, times) for _ in range(connections)])
    rps = len(times)/(time.perf_counter()-start)
    return dict(rps=rps, p50=percentile(times, 50)*1e3, p99=percentile(times, 99)*1e3, n=len(times))

if __name__=='__main__':
    at_most(120)
    port,path,connections,seconds,count,pause = sys.argv[1:]
    print(json.dumps(asyncio.run(load(int(port), path, int(connections), float(seconds), int(count), float(pause)))))
