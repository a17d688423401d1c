/**
 * Kills during the life of codes: while directions and centres are learnt, and while codes are chosen, adopted and
 * written to files. Other kill tests have too few dimensions for directions and too few points for the choice.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { connect } from '../../src/client/index.js'
import type { Collection } from '../../src/core/database.js'
import type { Quantization } from '../../src/core/schema.js'
import { Random, runSeed } from '../oracle/fault-random.js'
import { inScratch } from './child.js'
import { ServerProcess } from './server-process.js'
import { scaled, scaledMinutes } from './soak.js'

/** Codes are chosen from 16,384 points on. */
const POINTS = 17_000
const DIM = 256
/** The number of directions in which the vectors lie. */
const DIRECTIONS = 32
const BATCH = 1_000
const CYCLES = scaled(6)
const LIMIT = 10
const QUERIES = 40
/** Slow machines take many times as long. */
const INDEX_MS = 600_000
/** The default recall is a mean of 0.95; with so few queries chance costs more. */
const LEAST_RECALL = 0.85
/** The first differs from the present configuration. */
const CODES: readonly Quantization[] = ['rabitq1', 'auto', 'rabitq4', 'auto']

/** Rows of `DIM` floats, each within a few directions. */
function makeVectors(count: number, random: Random): Float32Array {
  const directions = Float32Array.from({ length: DIRECTIONS * DIM }, () => random.between(-1, 1))
  const vectors = new Float32Array(count * DIM)
  for (let row = 0; row < count; row++) {
    for (let direction = 0; direction < DIRECTIONS; direction++) {
      const weight = random.between(-1, 1)
      for (let i = 0; i < DIM; i++) {
        vectors[row * DIM + i] = (vectors[row * DIM + i] ?? 0) + weight * (directions[direction * DIM + i] ?? 0)
      }
    }
  }
  return vectors
}

/** Squared distances of the nearest, in ascending order. */
function nearest(vectors: Float32Array, query: Float32Array): number[] {
  const distances = Array.from({ length: POINTS }, (_, row) => {
    let sum = 0
    for (let i = 0; i < DIM; i++) sum += ((vectors[row * DIM + i] ?? 0) - (query[i] ?? 0)) ** 2
    return sum
  })
  return distances.sort((a, b) => a - b).slice(0, LIMIT)
}

async function check(collection: Collection, queries: readonly Float32Array[], truth: readonly number[][]) {
  expect(await collection.count()).toBe(POINTS)
  let found = 0
  for (const [at, query] of queries.entries()) {
    const distances = truth[at] as number[]
    const exact = await collection.query({ query, limit: LIMIT, params: { exact: true } })
    expect(exact).toHaveLength(LIMIT)
    for (const [place, { score }] of exact.entries()) {
      expect(score ** 2 / (distances[place] as number)).toBeCloseTo(1, 3)
    }
    const last = (distances.at(-1) as number) * 1.001
    const hits = await collection.query({ query, limit: LIMIT })
    found += hits.filter(({ score }) => score ** 2 <= last).length
  }
  expect(found / (LIMIT * queries.length)).toBeGreaterThanOrEqual(LEAST_RECALL)
}

it(
  `kill -9 while codes are learnt, chosen and written loses nothing in ${CYCLES} cycles, and recall is kept`,
  async () => {
    const random = new Random(runSeed('kill -9 while codes are made'))
    const vectors = makeVectors(POINTS + QUERIES, random)
    const row = (at: number) => vectors.subarray(at * DIM, (at + 1) * DIM)
    const queries = Array.from({ length: QUERIES }, (_, at) => row(POINTS + at))
    const truth = queries.map((query) => nearest(vectors, query))
    await inScratch(async (scratch) => {
      const folder = join(scratch, 'data')
      let server = await ServerProcess.start(folder)
      try {
        let database = await connect(server.url)
        let collection = await database.createCollection('coded', { vectors: { size: DIM, distance: 'Euclid' } })
        for (let from = 0; from < POINTS; from += BATCH) {
          await collection.upsert(Array.from({ length: BATCH }, (_, at) => ({ id: from + at, vector: row(from + at) })))
        }
        await collection.waitForIndex({ timeoutMs: INDEX_MS })
        const startedMs = performance.now()
        await collection.updateConfig({ quantization: 'rabitq4' })
        await collection.waitForIndex({ timeoutMs: INDEX_MS })
        const rebuildMs = performance.now() - startedMs
        let unfinished = 0
        for (let cycle = 0; cycle < CYCLES; cycle++) {
          await collection.updateConfig({ quantization: CODES[cycle % CODES.length] as Quantization })
          // The first kill comes at once, so that some work is always unfinished.
          const killMs = cycle === 0 ? 0 : random.below(1.2 * rebuildMs)
          let isKilled = false
          const flush = async () => {
            // The flush begins at a random moment before the kill.
            await sleep(random.below(killMs + 1))
            await collection.flush().catch((error: unknown) => {
              if (!isKilled) throw error
            })
          }
          const flushing = Promise.allSettled(random.chance(0.5) ? [flush()] : [])
          // The kill comes at a random moment of the work.
          await sleep(killMs)
          const { status } = await collection.info()
          if (status !== 'green') unfinished++
          isKilled = true
          await server.end('SIGKILL')
          expect(await flushing, `cycle ${cycle}`).not.toContainEqual(expect.objectContaining({ status: 'rejected' }))
          await database.close()
          server = await ServerProcess.start(folder)
          database = await connect(server.url)
          collection = await database.collection('coded')
          await check(collection, queries, truth)
        }
        await collection.waitForIndex({ timeoutMs: INDEX_MS })
        await check(collection, queries, truth)
        const { config } = await collection.info()
        expect(config.vectors[0]?.quantization).toBe(CODES[(CYCLES - 1) % CODES.length])
        await database.close()
        process.stderr.write(`kill -9 while codes are made: ${unfinished} of ${CYCLES} before they were done\n`)
        expect(unfinished).toBeGreaterThan(0)
      } finally {
        await server.end('SIGKILL')
      }
    })
  },
  scaledMinutes(4),
)
