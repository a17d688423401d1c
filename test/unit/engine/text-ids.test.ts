import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Collection } from '../../../src/core/database.js'
import { TEXT_ID_KEY, uuidOfText } from '../../../src/core/text-ids.js'
import { open } from '../../../src/index.js'

const vectors = { size: 2, distance: 'Euclid' } as const
const EXPECTED = [
  { id: 'b', payload: { n: 2 } },
  { id: 'a', payload: { m: 1 } },
  { id: 'c', payload: {} },
]

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vicinal-text-ids-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function fill(collection: Collection): Promise<void> {
  await collection.upsert([
    { id: 'a', vector: [0, 1], payload: { n: 1 } },
    { id: 'b', vector: [0, 2], payload: { n: 2 } },
  ])
  await collection.overwritePayload({ m: 1 }, ['a'])
  await collection.upsert({ ids: ['c', 'd'], vectors: new Float32Array([0, 3, 0, 4]) })
  await collection.delete(['d'])
}

test('texts are in the log and in the table, in snapshots and for readers', async () => {
  const ids = ['b', 'a', 'c', 'd']
  const first = await open(folder)
  await fill(await first.createCollection('texts', { vectors, ids: 'text' }))
  const reader = await open(folder, { readOnly: true })
  expect(await (await reader.collection('texts')).retrieve(ids)).toEqual(EXPECTED)
  await reader.close()
  await first.close()

  const second = await open(folder)
  const collection = await second.collection('texts')
  expect(await collection.retrieve(ids)).toEqual(EXPECTED)
  await collection.flush()
  const { name } = await collection.snapshots.create()
  await collection.clearPayload(['b'])
  await collection.createVectorName('more', { dense: { size: 1, distance: 'Dot' } })
  expect(await collection.retrieve(['b'])).toEqual([{ id: 'b', payload: {} }])
  const restored = await second.recoverCollection('restored', await collection.snapshots.read(name))
  expect(await restored.retrieve(ids)).toEqual(EXPECTED)
  await second.close()

  const third = await open(folder)
  expect(await (await third.collection('texts')).search([0, 2], { limit: 1, using: '' })).toMatchObject([{ id: 'b' }])
  await third.close()
})

test('no payload has the reserved key, and a plain collection has no text ids', async () => {
  const database = await open(':memory:')
  const collection = await database.createCollection('plain', { vectors })
  const id = uuidOfText('b')
  await collection.upsert([{ id, vector: [0, 1], payload: { a: 1 } }])
  await expect(collection.setPayload({ [TEXT_ID_KEY]: 'a' }, [id])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  await collection.clearPayload([id])
  expect(await collection.get(id)).toEqual({ id, payload: {} })
  await database.close()
})
