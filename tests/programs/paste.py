"Run blocks of code, a JSON list on stdin, in a directory, one after the other, as if pasted into a notebook"
import ast,asyncio,inspect,json,os,sys

async def main():
    names,blocks = {},json.load(sys.stdin)
    for o in blocks:
        res = eval(compile(o, o, 'exec', flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if inspect.isawaitable(res): await res
    print(f'{len(blocks)} blocks ran')

os.chdir(sys.argv[1])
asyncio.run(main())
