"""Make `nbs/llms.txt` and `nbs/llms-full.txt`, the pages of the site for language models, without Quarto.

`llms.txt` lists the pages with their addresses (https://llmstxt.org), as the Markdown that the site has of each;
`llms-full.txt` holds the text of all pages but the modules'. `python tools/llms.py` writes both.
"""
import os,re
from html import unescape
from pathlib import Path

import yaml
from nbdev.config import nbpath2html

from readme import markdown,root,shown

inside = 'How it is made' # The section that isn't for users

def sections()->dict[str,list[str]]: # Notebooks by section, in the order of the sidebars
    "The pages that the sidebars of the site list"
    guide,made = yaml.safe_load((root/'_quarto.yml').read_text(encoding='utf-8'))['website']['sidebar']
    def pages(o): return [p for c in o['contents'] for p in (pages(c) if isinstance(c, dict) else [c])]
    return {o['section']:pages(o) for o in guide['contents'] if isinstance(o, dict)} | {made['title']:pages(made)}

def plain(
    out, # One output of a cell
)->str: # As Markdown without HTML
    "An output as text: a picture is its description"
    data = out.get('data', {})
    svg = ''.join(data.get('image/svg+xml', ()))
    if svg: return f'[{unescape(re.search(r"""aria-label="([^"]*)""", svg)[1])}]'
    if 'text/html' not in data or 'text/markdown' in data: return shown(out)
    html = re.sub(r'(?s)<(style|script|svg).*?</\1>', '', ''.join(data['text/html']))
    html = re.sub(r'</?(?:tr|p|div|li|h\d|table)\b[^>]*>', '\n', html)
    lines = (' '.join(unescape(o).split()) for o in html.split('\n'))
    return '\n'.join(o for o in (re.sub(r'<[^>]*>', ' ', o).strip() for o in lines) if o)

def address(
    name:str, # A notebook, from `nbs`
)->str: # Its Markdown, from the root of the site
    "Where nbdev puts a page"
    return f'{nbpath2html(Path(name))}.md'

def page(
    name:str, # A notebook, from `nbs`
)->str: # Its text
    "A page as Markdown whose links lead on from the root of the site"
    def there(m):
        path = os.path.normpath(Path(name).parent/m[1])
        return f']({address(path) if path.endswith(".ipynb") else path}{m[2] or ""})'
    return re.sub(r'\]\(([\w./-]+\.(?:ipynb|png|svg))(#[^)]*)?\)', there, markdown(root/'nbs'/name, plain))

def llms()->dict[str,str]: # Text by name of file
    "Both files"
    index = page('index.ipynb')
    toc,whole = [index.split('\n\n##')[0].split('\n\n```')[0].strip()],[index]
    for name,pages in sections().items():
        toc.append(f'## {"Optional" if name==inside else name}')
        texts = {o:page(o) for o in pages}
        heads = {o:re.match(r'# (.+)\n\n> (.+)\n', t).groups() for o,t in texts.items()}
        links = [f'- [{title}]({address(o)}): {about}' for o,(title,about) in heads.items()]
        toc.append('\n'.join(links))
        if name!=inside: whole += texts.values()
    return {'llms.txt':'\n\n'.join(toc)+'\n', 'llms-full.txt':'\n'.join(whole)}

if __name__=='__main__':
    for k,v in llms().items(): (root/'nbs'/k).write_text(v, encoding='utf-8')
