import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { open } from '../../../../src/index.js'

it('a collection is yellow while a payload index is built or waits, and while its graph is built', async () => {
  const database = await open(':memory:')
  const size = 64
  const collection = await database.createCollection('points', { vectors: { size, distance: 'Euclid' } })
  const vectorOf = (id: number) =>
    Float32Array.from({ length: size }, (_, at) => Math.sin((id + 1) * (at + 1) * 12.9898))
  const text = Array.from({ length: 200 }, (_, at) => `wandering${at % 97}`).join(' ')
  const points = Array.from({ length: 2_000 }, (_, id) => {
    return { id, vector: vectorOf(id), payload: { text, id } }
  })
  // Enough that building their graph takes far longer than the check.
  const others = Array.from({ length: 40_000 }, (_, at) => ({ id: 10_000 + at, vector: vectorOf(10_000 + at) }))
  await collection.upsert([...points, ...others])
  const seenUntilGreen = async () => {
    const seen: string[] = []
    do {
      seen.push((await collection.info()).status)
      // The next look at the state.
      await sleep(2)
    } while (seen.at(-1) !== 'green')
    return seen
  }
  expect((await seenUntilGreen())[0]).toBe('yellow')
  expect((await collection.info()).tailBytes).toBe(0)
  let seen: string[] = []
  // On a busy machine an index may be complete before the first look.
  for (let tries = 0; tries < 20 && seen.length < 2; tries++) {
    if (tries > 0) for (const key of ['text', 'id']) await collection.deletePayloadIndex(key)
    await collection.createPayloadIndex('text', { type: 'text', tokenizer: 'prefix' }, { wait: false })
    await collection.createPayloadIndex('id', 'integer', { wait: false })
    seen = await seenUntilGreen()
  }
  expect(seen.length).toBeGreaterThan(1)
  expect(seen.slice(0, -1).every((status) => status === 'yellow')).toBe(true)
  const { payloadSchema } = await collection.info()
  expect([payloadSchema.text?.points, payloadSchema.id?.points]).toEqual([2_000, 2_000])
  await database.close()
})
