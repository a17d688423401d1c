import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.js'
import type { Collection } from '../../src/core/database.js'
import { Random, runSeed } from '../oracle/fault-random.js'
import { inScratch } from './child.js'
import { ServerProcess } from './server-process.js'
import { scaled, scaledMinutes } from './soak.js'

const CYCLES = scaled(12)
/** Each id is written again and again, so that a row that is stored again later shows. */
const IDS = 300
/** One row in this many is no point. */
const BAD_EVERY = 97
/** About 500 rows are one batch. */
const PADDING = 'x'.repeat(8_000)
const MOST_LIFE_MS = 400
const SOURCE = 'camera/7'

const isBad = (row: number) => row % BAD_EVERY === BAD_EVERY - 1
const idOf = (row: number) => (row * 7) % IDS

function lineOf(row: number): string {
  if (isBad(row)) return '{"id": nobody\n'
  return `${JSON.stringify({ id: idOf(row), vector: [row, 1], payload: { row, PADDING } })}\n`
}

/** Rows without end, in pieces that end anywhere. */
async function* rowsFrom(row: number, random: Random): AsyncGenerator<Buffer> {
  for (let rest = ''; ; ) {
    while (rest.length < 64_000) rest += lineOf(row++)
    const length = 1 + random.below(60_000)
    yield Buffer.from(rest.slice(0, length))
    rest = rest.slice(length)
  }
}

/** The row that each id must have after the first `position` rows. */
function stateAt(position: number): Map<number, number> {
  const state = new Map<number, number>()
  for (let row = 0; row < position; row++) if (!isBad(row)) state.set(idOf(row), row)
  return state
}

/** Resolves to the rows that are stored. A batch under way when its client went is still written. */
async function checkState(collection: Collection<{ row: number }>): Promise<number> {
  for (let position = -1; ; ) {
    const now = await collection.ingestPosition(SOURCE)
    const found = new Map<number, number>()
    for await (const { id, payload } of collection.scroll({ withPayload: ['row'], limit: 1000 }))
      found.set(id as number, (payload as { row: number }).row)
    const isSettled = now === position && now === (await collection.ingestPosition(SOURCE))
    position = now
    if (!isSettled) continue
    expect([...found].sort(), `position ${position}`).toEqual([...stateAt(position)].sort())
    return position
  }
}

describe('kill -9 of the server under a stream', () => {
  it(
    `leaves each row once, or not yet, in ${CYCLES} cycles`,
    async () => {
      const seed = runSeed('kill -9 of a stream')
      const random = new Random(seed)
      await inScratch(async (scratch) => {
        const folder = join(scratch, 'data')
        let server = await ServerProcess.start(folder)
        try {
          let position = 0
          for (let cycle = 0; cycle < CYCLES; cycle++) {
            const database = await connect(server.url, { retries: 0 })
            if (cycle === 0) await database.createCollection('a', { vectors: { size: 2, distance: 'Dot' } })
            const collection = await database.collection<{ row: number }>('a')
            // Some clients send rows again that are stored.
            const from = random.below(2) === 0 ? position : random.below(position + 1)
            const stop = new AbortController()
            const firstBatch = new Promise<void>((resolve) => {
              const source = { name: SOURCE, position: from }
              const options = { type: 'application/x-ndjson', source, signal: stop.signal } as const
              const stream = collection.ingest(rowsFrom(from, random), { ...options, onProgress: () => resolve() })
              stream.catch(() => resolve())
            })
            await firstBatch
            // The kill is to come at any moment.
            await sleep(random.below(MOST_LIFE_MS))
            // Of either side.
            if (cycle % 4 === 3) stop.abort()
            else await server.end('SIGKILL')
            await database.close()
            if (cycle % 4 !== 3) server = await ServerProcess.start(folder)
            const again = await connect(server.url)
            const reached = await checkState(await again.collection('a'))
            expect(reached, `seed ${seed}, cycle ${cycle}`).toBeGreaterThan(position)
            position = reached
            await again.close()
          }
          process.stderr.write(`kill -9 of a stream: ${position} rows in ${CYCLES} cycles\n`)
        } finally {
          await server.end('SIGKILL')
        }
      })
    },
    scaledMinutes(6),
  )
})

/** A store takes the longer to start, so it has fewer cycles here; 25 of each with VICINAL_SOAK=13. */
const PLACES = [
  { place: 'a folder', isStore: false, cycles: scaled(4) },
  { place: 'a store', isStore: true, cycles: scaled(2) },
]
const RULES = [
  { check: 'zero', action: 'quarantine' },
  { check: 'duplicate', window: 40, action: 'quarantine' },
] as const
const ZERO_EVERY = 31
const REPEATED_EVERY = 43

/** Of a source with broken rows: zero vectors, and such that an earlier row had. */
const isZero = (row: number) => row % ZERO_EVERY === ZERO_EVERY - 1
const isRepeated = (row: number) => row % REPEATED_EVERY === REPEATED_EVERY - 1
const isAside = (row: number) => isZero(row) || isRepeated(row)

async function* ruledRows(row: number): AsyncGenerator<Buffer> {
  for (; ; row++) {
    // A row that is neither zero nor repeated itself.
    const seen = isRepeated(row) ? (isZero(row - 3) ? row - 4 : row - 3) : row
    const vector = isZero(row) ? [0, 0] : [seen + 1, 1]
    yield Buffer.from(`${JSON.stringify({ id: row, vector, payload: { row, PADDING } })}\n`)
  }
}

/** Rows of a collection: the stored ones, or those in quarantine. */
async function rowsIn(collection: Collection, key: string): Promise<number[]> {
  const rows: number[] = []
  for await (const { payload } of collection.scroll({ withPayload: [key], limit: 1000 }))
    rows.push(Number(payload[key]))
  return rows.sort((a, b) => a - b)
}

describe.each(PLACES)('kill -9 of the server on $place, under a stream and rules', ({ isStore, cycles }) => {
  it(
    `leaves each row stored once or in quarantine once, in ${cycles} cycles`,
    async () => {
      const random = new Random(runSeed('kill -9 of a stream under rules'))
      await inScratch(async (scratch) => {
        const folder = join(scratch, 'data')
        let server = await ServerProcess.start(folder, {}, { isStore })
        try {
          for (let cycle = 0, position = 0; cycle < cycles; cycle++) {
            const database = await connect(server.url, { retries: 0 })
            const ingestion = { quarantine: 'aside', rules: RULES }
            const vectors = { size: 2, distance: 'Dot' } as const
            if (cycle === 0) await database.createCollection('a', { vectors, ingestion })
            const collection = await database.collection('a')
            const firstBatch = new Promise<void>((resolve) => {
              const source = { name: SOURCE, position }
              const options = { type: 'application/x-ndjson', source, onProgress: () => resolve() } as const
              collection.ingest(ruledRows(position), options).catch(() => resolve())
            })
            await firstBatch
            // The kill is to come at any moment, also between a record of the quarantine and the rows of its batch.
            await sleep(random.below(MOST_LIFE_MS))
            await server.end('SIGKILL')
            await database.close()
            server = await ServerProcess.start(folder, {}, { isStore })
            const again = await connect(server.url)
            const reached = await (await again.collection('a')).ingestPosition(SOURCE)
            expect(reached).toBeGreaterThan(position)
            position = reached
            const stored = await rowsIn(await again.collection('a'), 'row')
            const aside = await rowsIn(await again.collection('aside'), 'position')
            const all = Array.from({ length: position }, (_, row) => row)
            expect(stored).toEqual(all.filter((row) => !isAside(row)))
            // Rows of a batch that was not stored may be there already. They stay.
            expect(aside.filter((row) => row < position)).toEqual(all.filter(isAside))
            expect(aside.filter((row) => row >= position).every(isAside)).toBe(true)
            expect(new Set(aside).size).toBe(aside.length)
            await again.close()
          }
        } finally {
          await server.end('SIGKILL')
        }
      })
    },
    scaledMinutes(4),
  )
})
