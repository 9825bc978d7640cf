"A client that keeps some connections busy: `python load.py PORT PATH CONNECTIONS SECONDS COUNT PAUSE`"
import asyncio,json,re,sys,time

from measure import percentile
from processes import end_after

async def answer(reader):
    "Read one whole response"
    head = await reader.readuntil(b'\r\n\r\n')
    if b' 200 ' not in head[:16]: raise RuntimeError(head.decode())
    await reader.readexactly(int(re.search(rb'content-length: (\d+)', head, re.I)[1]))

async def connection(
    port:int, # On this machine
    path:str, # Path to request
    end:float, # When to stop, as a value of `time.perf_counter`
    left:list, # The number of requests still to make, shared by all connections
    pause:float, # Seconds between two requests
    times:list, # Collects the seconds of each request
):
    "Send request after request over one connection"
    reader,writer = await asyncio.open_connection('127.0.0.1', port)
    while time.perf_counter()<end and left[0]>0:
        left[0] -= 1
        start = time.perf_counter()
        writer.write(f'GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.encode())
        await answer(reader)
        times.append(time.perf_counter()-start)
        if pause: await asyncio.sleep(pause)
    writer.close()

async def load(
    port:int, # On this machine
    path:str, # Path to request
    connections:int, # Requests at a time
    seconds:float, # When to stop
    count:int, # Most requests to make
    pause:float, # Seconds between two requests of a connection
)->dict: # Requests per second, their number, and the median and 99th percentile of their times in ms
    "Send requests until `seconds` have passed or `count` requests have been made"
    times,left,start = [],[count],time.perf_counter()
    await asyncio.gather(*[connection(port, path, start+seconds, left, pause, times) for _ in range(connections)])
    rps = len(times)/(time.perf_counter()-start)
    return dict(rps=rps, p50=percentile(times, 50)*1e3, p99=percentile(times, 99)*1e3, n=len(times))

if __name__=='__main__':
    end_after(120)
    port,path,connections,seconds,count,pause = sys.argv[1:]
    print(json.dumps(asyncio.run(load(int(port), path, int(connections), float(seconds), int(count), float(pause)))))
