import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/client/index.js'
import type { Collection } from '../../src/core/database.js'
import { open } from '../../src/index.js'
import { createServer } from '../../src/server/app.js'
import type { DatabaseUnderTest } from './database.contract.js'
import { describeExamples } from './examples.contract.js'
import { describeSparse } from './sparse.contract.js'

async function inMemory(): Promise<DatabaseUnderTest> {
  const database = await open(':memory:')
  return { database, dispose: () => database.close() }
}

async function inFolder(): Promise<DatabaseUnderTest & { folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-sparse-'))
  const database = await open(folder)
  return {
    folder,
    database,
    async dispose() {
      await database.close()
      await rm(folder, { recursive: true })
    },
  }
}

async function behindService(): Promise<DatabaseUnderTest> {
  const { database: backend, dispose } = await inMemory()
  const server = createServer({ database: backend, port: 0, apiKeys: ['sparse'], logLevel: 'silent' })
  const database = await connect(await server.listen(), { apiKey: 'sparse' })
  return {
    database,
    async dispose() {
      await database.close()
      await server.close()
      await dispose()
    },
  }
}

describeSparse('embedded in memory', inMemory)
describeExamples('embedded in memory', inMemory)
describeExamples('embedded in a folder', inFolder)
describeExamples('behind the service', behindService)
describeSparse('embedded in a folder', inFolder)
describeSparse('behind the service', behindService)

const answersOf = async (collection: Collection) => ({
  words: await collection.query({ query: { indices: [3, 15, 30], values: [1, 2, 0.5] }, using: 'words', limit: 50 }),
  points: (await collection.scrollPage({ limit: 500, withVector: true })).points,
})

it('a reopened folder has the same sparse vectors, from its log, its table and its segments', async () => {
  const { folder, database, dispose } = await inFolder()
  const name = 'again'
  const collection = await database.createCollection(name, {
    vectors: { dense: { size: 2, distance: 'Dot' } },
    sparseVectors: { words: { modifier: 'idf' } },
  })
  const point = (id: number, round: number) => ({
    id,
    vector: {
      dense: [id, round],
      ...(id % 5 === 0 ? {} : { words: { indices: [id % 7, 10 + (id % 11), 30 + round], values: [1, id / 7, 0.25] } }),
    },
    payload: { id, round },
  })
  const ids = Array.from({ length: 300 }, (_, id) => id)
  await collection.upsert(ids.map((id) => point(id, 0)))
  await collection.upsert([{ id: 900, vector: { words: { indices: [], values: [] } } }])
  await collection.flush()
  await collection.upsert(ids.slice(100, 200).map((id) => point(id, 1)))
  await collection.deleteVectors(['words'], [7, 8])
  await collection.delete([150, 151])
  const before = await answersOf(collection)
  expect(before.words.length).toBeGreaterThan(10)
  await database.close()
  let current = await open(folder)
  expect(await answersOf(await current.collection(name))).toEqual(before)
  await (await current.collection(name)).flush()
  await current.close()
  // Without its segments it is rebuilt from the table.
  const { readdir } = await import('node:fs/promises')
  const [own] = (await readdir(folder)).filter((entry) => entry.startsWith('c-'))
  await rm(join(folder, own as string, 'segments'), { recursive: true, force: true })
  current = await open(folder)
  expect(await answersOf(await current.collection(name))).toEqual(before)
  await current.close()
  await dispose()
})

it('a query without a name uses the unnamed vector, whatever sparse ones there are', async () => {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const vectors = { size: 2, distance: 'Dot' } as const
  const collection = await database.createCollection('beside', { vectors, sparseVectors: { s: {} } })
  await collection.upsert([
    { id: 1, vector: { '': [1, 0], s: { indices: [1], values: [1] } } },
    { id: 2, vector: { '': [0, 1] } },
  ])
  expect((await collection.query({ query: [0, 1], limit: 1 })).map(({ id }) => id)).toEqual([2])
})
