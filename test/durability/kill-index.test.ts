import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.js'
import type { Collection } from '../../src/core/database.js'
import type { PayloadIndexOptions } from '../../src/core/payload-index.js'
import { inScratch } from './child.js'
import { ServerProcess } from './server-process.js'

const POINTS = 20_000
const BATCH = 2_000
const WORDS = ['red', 'blue', 'house', 'garden', 'fox', 'river', 'stone', 'cloud']
const INDEXES: Record<string, PayloadIndexOptions> = {
  text: { type: 'text', minTokenLen: 2, stemmer: { type: 'snowball', language: 'english' } },
  at: { type: 'geo' },
  n: { type: 'integer', lookup: true, onDisk: true },
  word: { type: 'keyword', onDisk: true },
}

function payloadOf(id: number): Record<string, unknown> {
  const text = Array.from({ length: 30 }, (_, at) => WORDS[(id * 7 + at * at) % WORDS.length]).join(' ')
  const word = WORDS[id % WORDS.length]
  return { text: `${text} walked${id % 100}`, word, at: { lon: (id % 360) - 180, lat: (id % 180) - 90 }, n: id }
}

async function fill(collection: Collection): Promise<void> {
  for (let from = 0; from < POINTS; from += BATCH) {
    const points = Array.from({ length: BATCH }, (_, at) => {
      const id = from + at
      return { id, vector: [id % 7, id % 11], payload: payloadOf(id) }
    })
    await collection.upsert(points)
  }
}

describe('an index that is being built', () => {
  it('is there after the next start if the process is killed, and answers correctly', async () => {
    await inScratch(async (scratch) => {
      const folder = join(scratch, 'data')
      const first = await ServerProcess.start(folder)
      const before = await connect(first.url)
      const collection = await before.createCollection('points', { vectors: { size: 2, distance: 'Euclid' } })
      await fill(collection)
      for (const [field, options] of Object.entries(INDEXES)) {
        const { status } = await collection.createPayloadIndex(field, options, { wait: false })
        expect(status).toBe('acknowledged')
      }
      first.child.kill('SIGKILL')
      await before.close()

      const second = await ServerProcess.start(folder)
      const after = await connect(second.url)
      const found = await after.collection('points')
      const { payloadSchema } = await found.info()
      for (const [field, { type, ...params }] of Object.entries(INDEXES)) {
        const said = Object.keys(params).length > 0 ? { params } : {}
        expect(payloadSchema[field]).toEqual({ kind: type, points: POINTS, params: {}, ...said })
      }
      // A stem, which only the text index knows.
      const stem = { must: { key: 'text', match: { text: 'WALKED7 rivers' } } }
      const plain = { must: [{ key: 'n', range: { lt: POINTS } }, stem.must] }
      const expected = Array.from({ length: POINTS }, (_, id) => String(payloadOf(id).text)).filter((text) =>
        ['walked7', 'river'].every((word) => text.split(' ').includes(word)),
      ).length
      expect(expected).toBeGreaterThan(0)
      expect(await found.count({ filter: stem })).toBe(expected)
      expect(await found.count({ filter: plain })).toBe(expected)
      await after.close()
      second.child.kill('SIGKILL')
    })
  })

  it('lets reads and writes go on', async () => {
    await inScratch(async (scratch) => {
      const server = await ServerProcess.start(join(scratch, 'data'))
      const database = await connect(server.url)
      const collection = await database.createCollection('points', { vectors: { size: 2, distance: 'Euclid' } })
      await fill(collection)
      let during = 0
      let id = POINTS
      // On a busy machine the index may be complete before the first of them is answered.
      for (let tries = 0; during === 0; tries++) {
        if (tries > 0) await collection.deletePayloadIndex('text')
        let isBuilt = false
        const built = collection.createPayloadIndex('text', INDEXES.text as PayloadIndexOptions, { wait: true })
        const done = built.finally(() => {
          isBuilt = true
        })
        for (; !isBuilt; id++) {
          await collection.upsert([{ id, vector: [1, 2], payload: { text: 'wandering' } }])
          expect(await collection.query({ query: [1, 2], limit: 1 })).toHaveLength(1)
          if (!isBuilt) during++
          // Leaves the index time between two requests.
          await sleep(1)
        }
        expect(await done).toMatchObject({ status: 'completed' })
      }
      const written = (await collection.info()).pointsCount - POINTS
      // All points: those written before the index existed and those written after.
      expect(await collection.count({ filter: { must: { key: 'text', match: { text: 'wander' } } } })).toBe(written)
      await database.close()
      server.child.kill('SIGKILL')
    })
  })
})
