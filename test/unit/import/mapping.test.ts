import { describe, expect, test } from 'vitest'
import { uuidOfText } from '../../../src/core/text-ids.js'
import { mappingOf, pointId, pointIn, vectorParams } from '../../../src/import/mapping.js'
import type { SourceShape } from '../../../src/import/source.js'

const dense = (size: number) => ({ kind: 'dense' as const, size })
const shape = (columns: string[], vectors: [string, number][]): SourceShape => ({
  columns,
  vectors: new Map(vectors.map(([name, size]) => [name, dense(size)])),
  isPoints: false,
  rows: null,
})
const ASKED_NOTHING = { idColumn: undefined, vectors: [], existing: [] }

describe('mapping', () => {
  test('takes the id column and the only vector column by default', () => {
    const mapping = mappingOf(shape(['id', 'v', 'text'], [['v', 3]]), ASKED_NOTHING, 'f')
    const vectors = [{ name: '', column: 'v', shape: dense(3) }]
    expect(mapping).toEqual({ id: 'id', vectors, textIds: false, isPoints: false, mayLackVectors: false })
    expect(vectorParams(mapping, 'Dot')).toEqual({ vectors: { size: 3, distance: 'Dot' } })
  })

  test('takes named vectors as requested, or as the collection names them', () => {
    const two = shape(['a', 'b'], [['a', 3], ['b', 2]]) // biome-ignore format: a table
    const asked = mappingOf(two, { ...ASKED_NOTHING, vectors: ['image=a', 'text=b'] }, 'f')
    expect(vectorParams(asked, 'Cosine')).toEqual({
      vectors: { image: { size: 3, distance: 'Cosine' }, text: { size: 2, distance: 'Cosine' } },
    })
    expect(mappingOf(two, { ...ASKED_NOTHING, existing: ['b'] }, 'f').vectors).toEqual([
      { name: 'b', column: 'b', shape: dense(2) },
    ])
  })

  test.each([
    [shape(['a', 'b'], [['a', 3], ['b', 2]]), ASKED_NOTHING, 'several columns hold vectors (a, b)'], // biome-ignore format: a table
    [shape(['a'], []), ASKED_NOTHING, 'no column holds lists of floats; it has a'],
    [shape(['a'], [['a', 3]]), { ...ASKED_NOTHING, vectors: ['x=c'] }, 'no column c; it has a'],
    [shape(['a', 't'], [['a', 3]]), { ...ASKED_NOTHING, vectors: ['x=t'] }, 'column t holds no vectors'],
    [shape(['a'], [['a', 3]]), { ...ASKED_NOTHING, idColumn: 'key' }, 'no column key; it has a'],
  ])('names the columns of the file if none can be chosen (%#)', (given, asked, message) => {
    expect(() => mappingOf(given, asked, 'f')).toThrow(message)
  })
})

describe('ids', () => {
  test('are texts in a collection whose ids are texts', () => {
    const ids = ['photo-17.jpg', 7, 2n ** 63n, 'A0000000-2F0D-5C4B-9F7A-3D1E8C4B2A60', '12']
    expect(ids.map((id) => pointId(id, 'id', true))).toEqual(ids.map((id) => ({ id: String(id), original: null })))
  })

  test('a text of digits is that integer, as CSV has them', () => {
    expect(['0', '12', '9007199254740993'].map((id) => pointId(id, 'id').id)).toEqual([0, 12, 9007199254740993n])
    expect(['012', '18446744073709551616'].map((id) => pointId(id, 'id').original)).toEqual([
      '012',
      '18446744073709551616',
    ])
  })

  test('a text becomes a UUID of version 5 that is always the same', () => {
    const uuid = uuidOfText('photo-17.jpg')
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    // A constant: a change would double every point in a repeated import.
    expect(uuid).toBe('42b7010b-d953-5995-a29e-b048f6337096')
    expect(uuidOfText('photo-18.jpg')).not.toBe(uuid)
  })

  test('integers up to 2^64 - 1 and UUIDs stay as they are, and other values are refused', () => {
    expect(pointId(18446744073709551615n, 'row')).toEqual({ id: 18446744073709551615n, original: null })
    expect(pointId(7n, 'row').id).toBe(7)
    const uuid = '6E5B1A0C-2F0D-5C4B-9F7A-3D1E8C4B2A60'
    expect(pointId(uuid, 'row')).toEqual({ id: uuid.toLowerCase(), original: null })
    for (const bad of [-1, 1.5, -1n, null, true, 2n ** 64n]) {
      expect(() => pointId(bad, 'key')).toThrow('key: expected an unsigned integer or a text')
    }
  })
})

describe('points', () => {
  const mapping = { id: 'id', vectors: [], textIds: false, isPoints: false }

  test('text ids keep their text in the payload', () => {
    expect(pointIn({ id: 'a', vector: { v: [1] }, payload: { t: 1 } }, 0, mapping)).toEqual({
      id: uuidOfText('a'),
      vector: { v: [1] },
      payload: { t: 1, id: 'a' },
    })
    expect(pointIn({ id: 'b', vector: { v: [1] }, payload: null }, 0, mapping).payload).toEqual({ id: 'b' })
  })

  test('without ids, the row is the id, and the unnamed vector stands by itself', () => {
    const floats = Float32Array.of(1, 2)
    const point = pointIn({ id: undefined as never, vector: { '': floats } }, 110, { ...mapping, id: null })
    expect(point).toEqual({ id: 110, vector: floats })
    expect(point.vector).toBe(floats)
    const bare = { id: undefined as never, vector: {} }
    expect(() => pointIn(bare, 1, { ...mapping, id: null })).toThrow('row: expected one of the vectors at least')
    expect(pointIn(bare, 1, { ...mapping, id: null, mayLackVectors: true })).toEqual({ id: 1, vector: {} })
    expect(pointIn({ id: undefined as never, vector: [1] }, 7, { ...mapping, id: null, textIds: true }).id).toBe('7')
  })
})
