// How soon the console is there: the first paint of its overview, and the whole list of collections by which it can be
// used, in Debian's Chromium on the loopback address. Every load is of a new browser context, without any cache.
//
//   node bench/console.mjs [--collections 1000] [--loads 7]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { startService } from './lib/service.mjs'

const { values } = parseArgs({ options: { collections: { type: 'string' }, loads: { type: 'string' } } })
const COLLECTIONS = Number(values.collections ?? 1_000)
const LOADS = Number(values.loads ?? 7)
const AT_ONCE = 8

const folder = mkdtempSync(join(tmpdir(), 'vicinal-console-'))
const service = await startService(folder)
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
try {
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
} finally {
  await browser.close()
  await service.stop()
  rmSync(folder, { recursive: true, force: true })
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
