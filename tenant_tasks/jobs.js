// Keeps what a page shows of jobs up to date: one request for all parts of the page, by difference.
// It sends their forms in place, lets times tick, and knows which rows are ticked. Without it the pages work too.
(() => {
if (window.ttJobs) return
window.ttJobs = true
// The server puts the translations in front of this file; it finds the texts in the calls of `_`
const _ = (text, fields = {}) => (window.ttWords[text] ?? text).replace(/{(\w+)}/g, (all, o) => fields[o] ?? all)
const groups = new Map() // What is known of each address that parts are asked from
const offsets = new WeakMap() // How far the server's clock is ahead, by part
const all = (s, o = document) => [...o.querySelectorAll(s)]
const partsOf = url => all('[data-tt-url]').filter(o => o.dataset.ttUrl == url)
function make(tag, text, attrs) {
  const o = document.createElement(tag)
  o.textContent = text
  for (const k in attrs) o.setAttribute(k, attrs[k])
  return o
}

// Swapping: an element becomes like its new version, and what people are doing with it stays as it is
function held(node) { // Is text of it selected?
  const s = getSelection()
  return !!s && !s.isCollapsed && s.containsNode(node, true)
}
function keepsAttr(o, name) {
  if (name == 'open') return o.nodeName == 'DETAILS'
  if (name == 'value' || name == 'checked') return o.nodeName == 'INPUT' && o.type != 'hidden'
  return name == 'selected' || name == 'title' && o.nodeName == 'TIME'
}
const idOf = o => o.nodeType == 1 && o.getAttribute('id') || '' // A form's own `id` may be one of its inputs
const flat = o => o.data.replace(/\s+/g, ' ').trim()
function morph(old, now) { // false if something was left for later
  if (old.isEqualNode(now)) return true
  if (old.nodeName != now.nodeName || idOf(old) != idOf(now)) {
    if (held(old)) return false
    old.replaceWith(document.importNode(now, true))
    return true
  }
  if (old.nodeType != 1) {
    if (old.data == now.data || old.parentNode.nodeName != 'PRE' && flat(old) == flat(now)) return true
    if (held(old)) return false
    old.data = now.data
    return true
  }
  for (const {name} of [...old.attributes]) if (!now.hasAttribute(name) && !keepsAttr(old, name)) old.removeAttribute(name)
  for (const {name, value} of [...now.attributes])
    if (!keepsAttr(old, name) && old.getAttribute(name) != value) old.setAttribute(name, value)
  return old.dataset.ttTime ? true : morphKids(old, now)
}
function morphKids(old, now) {
  const twins = new Map([...old.children].filter(idOf).map(o => [idOf(o), o]))
  const ids = new Set([...now.children].map(idOf))
  let at = old.firstChild, done = true
  const blank = o => o.nodeType == 3 && old.nodeName != 'PRE' && !o.data.trim() // Pages are indented, answers aren't
  const kept = o => o.nodeType == 1 ? o.hasAttribute('data-tt-keep') : blank(o)
  function drop() {
    const o = at
    at = at.nextSibling
    if (held(o)) done = false
    else o.remove()
  }
  function skip() { while (at && (kept(at) || idOf(at) && !ids.has(idOf(at)))) if (kept(at)) at = at.nextSibling; else drop() }
  for (const o of [...now.childNodes].filter(o => !blank(o))) {
    skip()
    const twin = idOf(o) && twins.get(idOf(o))
    if (twin && twin != at) old.insertBefore(twin, at)
    else if (!twin && (!at || idOf(at) || idOf(o) || at.nodeName != o.nodeName)) {
      old.insertBefore(document.importNode(o, true), at)
      continue
    }
    const mine = twin || at
    if (mine == at) at = at.nextSibling
    done = morph(mine, o) && done
  }
  while (at) if (kept(at)) at = at.nextSibling; else drop()
  return done
}
function swap(part, now) {
  const focused = part.contains(document.activeElement) && document.activeElement
  const token = part.dataset.ttToken, was = part.dataset.ttTitle, title = document.title
  const ends = part.querySelector('.tt-head') && 'ttEvery' in part.dataset && !('ttEvery' in now.dataset)
  const done = morph(part, now)
  if (!done) part.dataset.ttToken = token // Ask for it again
  if (was && title.startsWith(was)) document.title = part.dataset.ttTitle+title.slice(was.length)
  offsets.delete(part)
  const status = ends && now.querySelector('.tt-badge')?.dataset.status, id = now.dataset.ttPart.replace(/^.*?:/, '')
  if (status) part.dispatchEvent(new CustomEvent('tt:ended', {bubbles: true, detail: {id, status}}))
  if (focused && !focused.isConnected) ['button', 'summary', 'a'].map(o => part.querySelector(o)).find(Boolean)?.focus()
  return done
}

// Asking: all parts of one address at once
const everyOf = url => partsOf(url).map(o => +o.dataset.ttEvery).filter(Boolean)
function waitOf(url, g) { // Seconds between two requests
  const every = everyOf(url)
  if (!every.length) return Infinity
  let res = Math.max(Math.min(...every)*(1 + Math.min(g.calm, 10)/10), 5*g.took)
  if (document.hidden) res = Math.max(res, 60)
  if (g.fails) res = Math.max(res, Math.min(30, 2**g.fails))
  return res
}
function tokensOf(url, everything) { // What the page has of each part
  const res = new Map()
  for (const o of partsOf(url)) {
    const {ttPart: key, ttToken: token, ttEvery: every} = o.dataset
    if (everything || every) res.set(key, res.has(key) && res.get(key) != token ? '' : token)
  }
  return [...res]
}
function some(g, list) { // At most 100 parts at a time
  if (list.length <= 100) return list
  g.from = (g.from || 0)%list.length
  const res = [...list.slice(g.from), ...list].slice(0, 100)
  g.from += 100
  return res
}
function groupOf(url) {
  if (!groups.has(url)) groups.set(url, {last: Date.now(), fails: 0, calm: 0, took: 0})
  return groups.get(url)
}
async function ask(url, everything) {
  const g = groupOf(url)
  while (g.busy) await g.busy
  g.busy = asking(url, g, everything)
  try { await g.busy } finally { g.busy = null }
}
async function asking(url, g, everything) {
  const list = tokensOf(url, everything), want = some(g, list), start = Date.now()
  const version = g.shown == String(list) ? g.version : '' // Of the database, if all these parts show it
  const query = new URLSearchParams(want.map(o => ['p', o.join(' ')]))
  if (version) query.append('v', version)
  let res, text = ''
  try {
    res = await fetch(`${url}?${query}`, {headers: {'tt-live': '1'}, signal: AbortSignal.timeout(10000)})
    if (res.status == 200) text = await res.text()
  } catch { res = null }
  g.last = Date.now()
  if (!res || res.status >= 500 || res.status == 429) {
    g.fails++
    return lost(url, true)
  }
  if (g.fails) lost(url, false)
  Object.assign(g, {fails: 0, took: (g.last-start)/1000})
  if (!res.ok || !res.headers.has('tt-live')) return gone(url)
  g.calm = res.status == 204 ? g.calm+1 : 0
  const done = res.status == 204 || take(text)
  g.version = done && want == list ? res.headers.get('tt-version') ?? version : ''
  g.shown = String(tokensOf(url, everything))
}
function take(text) { // false if something was left for later
  const doc = new DOMParser().parseFromString(text, 'text/html')
  let done = true
  for (const o of [...doc.body.children])
    for (const part of all('[data-tt-part]').filter(p => p.dataset.ttPart == o.dataset.ttPart)) done = swap(part, o) && done
  refresh()
  return done
}
function lost(url, on) {
  const mark = all('.tt-lost').find(o => o.dataset.ttOf == url)
  if (!on) mark?.remove()
  else if (!mark && everyOf(url).length) document.body.append(make('p', _('Connection lost. Trying again.'), {class: 'tt tt-lost', role: 'status', 'data-tt-of': url}))
}
function gone(url) {
  for (const o of partsOf(url)) {
    o.removeAttribute('data-tt-url')
    o.replaceChildren(make('p', _('This can no longer be followed here.'), {class: 'tt-note', role: 'status'}))
  }
}

// Times tick, and are shown in the time zone of the browser
function offset(o) {
  const part = o.closest('[data-tt-now]')
  if (!part) return 0
  if (!offsets.has(part)) offsets.set(part, Date.parse(part.dataset.ttNow)-Date.now())
  return offsets.get(part)
}
function duration(s) {
  const n = size => ({n: Math.max(Math.floor(s/size), 0)})
  if (s >= 172800) return _('{n} days', n(86400))
  if (s >= 86400) return _('{n} day', n(86400))
  if (s >= 3600) return _('{n} h', n(3600))
  return s >= 60 ? _('{n} min', n(60)) : _('{n} s', n(1))
}
const two = n => String(n).padStart(2, '0')
function local(d) {
  const day = [d.getFullYear(), two(d.getMonth()+1), two(d.getDate())].join('-')
  return `${day} ${[d.getHours(), d.getMinutes(), d.getSeconds()].map(two).join(':')}`
}
function show(o) {
  const at = Date.parse(o.dateTime), how = o.dataset.ttTime
  if (isNaN(at)) return
  const past = (Date.now()+offset(o)-at)/1000, utc = `${o.dateTime.slice(0, 19).replace('T', ' ')} UTC`
  const texts = {at: () => local(new Date(at)), for: () => duration(past),
    ago: () => past < 1 ? _('just now') : _('{time} ago', {time: duration(past)}),
    in: () => past >= 0 ? _('now') : _('in {time}', {time: duration(Math.max(Math.round(-past), 1))})}
  const text = (o.dataset.ttWhat || '')+(texts[how] || texts.at)(), title = how == 'at' ? utc : `${local(new Date(at))} (${utc})`
  if (o.textContent != text && !held(o)) o.textContent = text
  if (o.title != title) o.title = title
}

// Texts that can be copied have a button for that
async function copy(o, btn) {
  let ok = true
  try { await navigator.clipboard.writeText(o.textContent.trim()) } catch { // Only pages with TLS may do that
    getSelection().selectAllChildren(o)
    ok = document.execCommand('copy')
    if (ok) getSelection().removeAllRanges()
  }
  btn.textContent = ok ? _('Copied') : _('Selected. Copy it with the keyboard.')
  setTimeout(() => btn.textContent = o.dataset.ttCopy, 2500)
}
function addCopies() {
  for (const o of all('[data-tt-copy]')) {
    if (o.nextElementSibling?.classList.contains('tt-copy')) continue
    const btn = make('button', o.dataset.ttCopy, {type: 'button', class: 'tt-copy', 'aria-live': 'polite', 'data-tt-keep': ''})
    btn.onclick = () => copy(o, btn)
    o.after(btn)
  }
}

// Charts: times in the time zone of the browser
function clock(o) {
  const text = local(new Date(o.dataset.ttClock)).slice('ttDay' in o.dataset ? 5 : 11, 16)+(o.dataset.ttAfter || '')
  if (o.textContent != text) o.textContent = text
}
function zone(o) {
  const text = Intl.DateTimeFormat().resolvedOptions().timeZone
  if (text && o.textContent != text) o.textContent = text
}
// Rows that are ticked
let lastTick
function countTicks() {
  for (const o of all('.tt input[name=all]')) {
    const ticks = all('tbody input[name=id]', o.closest('table')), n = ticks.filter(t => t.checked).length
    o.checked = n > 0 && n == ticks.length
    o.indeterminate = n > 0 && n < ticks.length
    sayPicked(o.form?.querySelector('.tt-bulk'), n)
  }
}
function sayPicked(bar, n) {
  if (!bar) return
  let o = bar.querySelector('.tt-picked')
  if (!o) bar.prepend(o = make('span', '', {class: 'tt-picked', role: 'status', 'data-tt-keep': ''}))
  const text = n ? bar.dataset.ttPicked.replace('{n}', n) : ''
  if (o.textContent != text) o.textContent = text
}
addEventListener('change', e => {
  const o = e.target
  if (o.matches?.('.tt form[method=get] select')) return o.form.requestSubmit()
  if (!o.matches?.('.tt :is(input[name=id], input[name=all])')) return
  if (o.name == 'all') for (const t of all('tbody input[name=id]', o.closest('table'))) t.checked = o.checked
  if (o.form) say(o.form)
  countTicks()
})
addEventListener('click', e => { // With shift: all rows from the last one to this one
  const o = e.target
  if (!o.matches?.('.tt tbody input[name=id]')) return
  const ticks = all('input[name=id]', o.closest('tbody')), ends = [ticks.indexOf(lastTick), ticks.indexOf(o)].sort((a, b) => a-b)
  if (e.shiftKey && ends[0] >= 0) for (const t of ticks.slice(ends[0], ends[1]+1)) t.checked = o.checked
  lastTick = o
  countTicks()
})

// Forms are sent in place
function say(form, note, more = []) {
  const box = form.closest('.tt-acts') || form
  for (const o of all('.tt-said', box.parentNode)) o.remove()
  if (note) box.after(note, ...more)
}
function confirming(form, btn, text) {
  const note = make('p', `${text} `, {class: 'tt-note tt-ask tt-said tt-acts', role: 'alert', 'data-tt-keep': ''})
  const yes = make('button', _('Yes'), {type: 'button', class: 'tt-main'}), no = make('button', _('No'), {type: 'button'})
  yes.onclick = () => send(form, btn, true)
  no.onclick = () => { say(form); btn?.focus() }
  note.append(yes, no)
  say(form, note)
  no.focus()
}
async function send(form, btn, sure) {
  if (form.ttBusy) return
  form.ttBusy = true
  const data = new URLSearchParams(new FormData(form))
  data.delete('all')
  if (btn?.name) data.set(btn.name, btn.value)
  if (sure) data.set('sure', '1')
  let res, text = _('That did not work. Try again.')
  try {
    res = await fetch(form.getAttribute('action'), {method: 'POST', body: data, headers: {'tt-live': '1'}, signal: AbortSignal.timeout(15000)})
    if (res.headers.has('tt-live')) text = await res.text()
    else if (res.ok) return location.reload()
  } catch {} finally { form.ttBusy = false }
  if (res?.status == 428) return confirming(form, btn, text)
  const url = form.closest('[data-tt-url]')?.dataset.ttUrl || document.querySelector('[data-tt-url]')?.dataset.ttUrl
  say(form, text && make('p', text, {class: `tt-said ${res?.ok ? 'tt-soft' : 'tt-note'}`, role: res?.ok ? 'status' : 'alert', 'data-tt-keep': ''}))
  const pop = res?.ok && form.closest('.tt-pop')?.parentNode
  if (pop) {
    pop.open = false
    pop.querySelector('summary').focus()
  }
  if (res?.ok) for (const o of all('input[name=id]', form)) o.checked = false
  if (res?.ok) all('input:not([type=hidden], [type=checkbox])', form).forEach(o => o.value = o.defaultValue)
  if (url && (res?.ok || res?.status == 409)) await ask(url, true)
}
addEventListener('submit', e => {
  const form = e.target
  if (!form.matches?.('.tt form[method=post]') || !form.querySelector('input[name=csrf]')) return
  e.preventDefault()
  e.stopImmediatePropagation()
  send(form, e.submitter)
}, true)

function refresh() {
  all('time[data-tt-time]').forEach(show)
  addCopies()
  all('[data-tt-clock]').forEach(clock)
  all('[data-tt-zone]').forEach(zone)
  countTicks()
}
function step() {
  if (!document.hidden) refresh()
  for (const url of new Set(all('[data-tt-url]').map(o => o.dataset.ttUrl))) {
    const g = groupOf(url)
    if (!g.busy && Date.now() >= g.last+1000*waitOf(url, g)) ask(url)
  }
}
document.addEventListener('visibilitychange', step)
setInterval(step, 500)
step()
})()
