// How soon the console is there: the first paint of its overview, and the whole list of collections by which it can be
// used, in Debian's Chromium on the loopback address. Every load is of a new browser context, without any cache.
//
//   node bench/console.mjs [--collections 1000] [--loads 7]
//   node bench/console.mjs --map 20000    the map of so many points of 64 dimensions, in 20 clusters, instead
//   node bench/console.mjs --map words    that of a data set which bench.mjs has prepared
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { chunks, DATASETS, dataset, shape } from './lib/datasets.mjs'
import { onWire, startService } from './lib/service.mjs'

const text = { type: 'string' }
const { values } = parseArgs({ options: { collections: text, loads: text, map: text } })
const COLLECTIONS = Number(values.collections ?? 1_000)
const LOADS = Number(values.loads ?? 7)
const AT_ONCE = 8
const MAP_DIMENSIONS = 64
const MAP_CLUSTERS = 20
const MAP_BATCH = 1_000
const MAP_LIMIT_MS = 1_200_000
const INDEX_POLL_MS = 1_000
const PANS = 60
const PAGE_BYTES = 4_096

const folder = mkdtempSync(join(tmpdir(), 'vicinal-console-'))
const service = await startService(folder)
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
try {
  if (values.map === undefined) await measureLoads()
  else await measureMap(values.map)
} finally {
  await browser.close()
  await service.stop()
  rmSync(folder, { recursive: true, force: true })
}

async function measureLoads() {
  await makeCollections()
  const loads = []
  for (let load = 0; load < LOADS; load++) loads.push(await oneLoad())
  console.log(`${COLLECTIONS} collections, medians of ${LOADS} loads`)
  for (const [name, at] of [
    ['first paint', 'paintMs'],
    ['list of collections, ready for input', 'readyMs'],
  ]) {
    const sorted = loads.map((load) => load[at]).sort((a, b) => a - b)
    const [least, median, most] = [sorted[0], sorted[LOADS >> 1], sorted.at(-1)].map(Math.round)
    console.log(`${name}: ${median} ms (${least} to ${most})`)
  }
}

async function measureMap(of) {
  const points = of in DATASETS ? await fillFrom(dataset(of)) : await fillBy(Number(of))
  while ((await service.call('GET', '/collections/map', null)).status !== 'green') await sleep(INDEX_POLL_MS)
  const page = await (await browser.newContext({ viewport: { width: 1200, height: 900 } })).newPage()
  await page.goto(`http://127.0.0.1:${service.port}/dashboard/#/collections/map/map`)
  await page.getByRole('combobox', { name: 'Points' }).selectOption(String(points))
  const startedMs = performance.now()
  await page.getByRole('button', { name: 'Draw the map' }).click()
  await page.getByText(/^Projecting/).waitFor({ timeout: MAP_LIMIT_MS })
  const listedMs = performance.now() - startedMs
  const most = mostMemory()
  await page.getByRole('application').waitFor({ timeout: MAP_LIMIT_MS })
  const drawnMs = performance.now() - startedMs
  console.log(`map of ${points} points: ${Math.round(drawnMs)} ms, of which neighbours ${Math.round(listedMs)} ms`)
  const perSecond = await page.evaluate(framesWhilePanned, PANS)
  console.log(`frames a second while panned: ${perSecond.toFixed(1)}`)
  console.log(`memory of the tab while it projects and pans, at most: ${Math.round((await most()) / 2 ** 20)} MiB`)
}

async function fillBy(points) {
  await service.call('PUT', '/collections/map', { vectors: { size: MAP_DIMENSIONS, distance: 'Cosine' } })
  for (let from = 0; from < points; from += MAP_BATCH) {
    const batch = Array.from({ length: Math.min(MAP_BATCH, points - from) }, (_, at) => mapPoint(from + at))
    await service.call('PUT', '/collections/map/points?wait=true', { points: batch })
  }
  return points
}

async function fillFrom({ base, dim, distance }) {
  await service.call('PUT', '/collections/map', { vectors: { size: dim, distance } })
  for (const { from, rows, data } of chunks(base, MAP_BATCH)) {
    const vectorAt = (row) => onWire(data.slice(row * dim, (row + 1) * dim), 'msgpack')
    const points = Array.from({ length: rows }, (_, row) => ({ id: from + row, vector: vectorAt(row), payload: {} }))
    await service.call('PUT', '/collections/map/points?wait=true', { points }, 'msgpack')
  }
  return shape(base).count
}

/** Looks again and again at the largest renderer of this machine's Chromium. */
function mostMemory() {
  let most = 0
  const timer = setInterval(() => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
      most = Math.max(most, rendererBytes(pid))
  }, INDEX_POLL_MS)
  return () => {
    clearInterval(timer)
    return most
  }
}

/** Resident bytes; 0 for a process that is no renderer, or has ended. */
function rendererBytes(pid) {
  try {
    if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=renderer')) return 0
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES
  } catch {
    return 0
  }
}

function mapPoint(id) {
  const vector = Array.from({ length: MAP_DIMENSIONS }, () => Math.random() - 0.5)
  vector[id % MAP_CLUSTERS] += 3
  return { id, vector, payload: { cluster: id % MAP_CLUSTERS } }
}

async function framesWhilePanned(pans) {
  const map = document.querySelector('[role=application]')
  const frame = () => new Promise((drawn) => requestAnimationFrame(drawn))
  const startedMs = performance.now()
  for (let pan = 0; pan < pans; pan++) {
    const key = pan % 2 ? 'ArrowLeft' : 'ArrowRight'
    map.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))
    await frame()
    await frame()
  }
  return (2 * pans * 1000) / (performance.now() - startedMs)
}

async function makeCollections() {
  let next = 0
  const one = async () => {
    for (let at = next++; at < COLLECTIONS; at = next++) {
      await service.call('PUT', `/collections/c${at}`, { vectors: { size: 4, distance: 'Dot' } })
      const points = Array.from({ length: 3 }, (_, id) => ({ id, vector: [id, 1, 2, 3], payload: { at } }))
      await service.call('PUT', `/collections/c${at}/points?wait=true`, { points })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
}

async function oneLoad() {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 } })
  const page = await context.newPage()
  await page.addInitScript(() => {
    const look = () => {
      const isThere = document.querySelector('input[type=search]') && document.querySelectorAll('tbody tr').length > 0
      // The next frame has painted it, and a task after it ran: the page takes input.
      if (isThere) requestAnimationFrame(() => setTimeout(() => (window.readyMs = performance.now())))
      else requestAnimationFrame(look)
    }
    look()
  })
  await page.goto(`http://127.0.0.1:${service.port}/dashboard/`)
  await page.waitForFunction(() => window.readyMs !== undefined)
  const times = await page.evaluate(() => ({
    paintMs: performance.getEntriesByName('first-contentful-paint')[0].startTime,
    readyMs: window.readyMs,
  }))
  await context.close()
  return times
}
