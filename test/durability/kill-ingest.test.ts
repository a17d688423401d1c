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
