/** Rounding of vectors to their datatype, through the library and the service. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { open } from '../../src/index.js'
import { startService } from './service.js'

describe('datatypes', () => {
  it('round vectors and queries alike when they come in', async () => {
    const database = await open(':memory:')
    onTestFinished(() => database.close())
    const collection = await database.createCollection('d', {
      vectors: {
        half: { size: 2, distance: 'Euclid', datatype: 'float16' },
        byte: { size: 2, distance: 'Euclid', datatype: 'uint8' },
        unit: { size: 2, distance: 'Cosine', datatype: 'float16' },
      },
    })
    await collection.upsert([{ id: 1, vector: { half: [0.1, 2049], byte: [3.7, 400], unit: [1, 2] } }])
    const [point] = await collection.retrieve([1], { withVector: true })
    expect(point?.vector).toEqual({
      half: Float32Array.of(0.0999755859375, 2048),
      byte: Float32Array.of(3, 255),
      unit: Float32Array.of(0.447265625, 0.89453125),
    })
    const [near] = await collection.query({ query: [0.1, 2049], using: 'half' })
    expect(near?.score).toBe(0)
    const [byte] = await collection.query({ query: [3.2, 255.5], using: 'byte' })
    expect(byte?.score).toBe(0)
    expect((await collection.info()).config.vectors.map(({ datatype }) => datatype)).toEqual([
      'float16',
      'uint8',
      'float16',
    ])
  })

  it('refuse values that they cannot hold, and unknown names', async () => {
    const database = await open(':memory:')
    onTestFinished(() => database.close())
    const vectors = { size: 1, distance: 'Dot', datatype: 'float16' } as const
    const collection = await database.createCollection('d', { vectors })
    await expect(collection.upsert([{ id: 1, vector: [70_000] }])).rejects.toThrow(
      'points[0].vector: expected finite numbers',
    )
    const odd = { ...vectors, datatype: 'float8' as never }
    await expect(database.createCollection('e', { vectors: odd })).rejects.toThrow(
      'vectors.datatype: expected one of float32',
    )
  })

  it("are told on Qdrant's wire", async () => {
    const database = await open(':memory:')
    onTestFinished(() => database.close())
    const service = await startService({ database })
    const vectors = { size: 2, distance: 'Dot', datatype: 'uint8' }
    expect((await service.call('PUT', '/collections/d', { vectors })).status).toBe(200)
    const { json } = await service.call('GET', '/collections/d')
    expect(json.result).toMatchObject({ config: { params: { vectors } } })
    const odd = await service.call('PUT', '/collections/e', { vectors: { ...vectors, datatype: 'int4' } })
    expect(odd.status).toBe(400)
  })
})
