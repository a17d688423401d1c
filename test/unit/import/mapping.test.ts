import { describe, expect, test } from 'vitest'
import { uuidOfText } from '../../../src/core/text-ids.js'
import { mappingOf, pointId, pointsOf, vectorParams } from '../../../src/import/mapping.js'
import type { RowBatch, SourceShape } from '../../../src/import/source.js'

const shape = (columns: string[], vectors: [string, number][]): SourceShape => ({
  columns,
  vectors: new Map(vectors),
  rows: null,
})
const ASKED_NOTHING = { idColumn: undefined, vectors: [], existing: [] }

describe('mapping', () => {
  test('takes the id column and the only vector column by default', () => {
    const mapping = mappingOf(shape(['id', 'v', 'text'], [['v', 3]]), ASKED_NOTHING, 'f')
    expect(mapping).toEqual({ id: 'id', vectors: [{ name: '', column: 'v', size: 3 }], textIds: false })
    expect(vectorParams(mapping, 'Dot')).toEqual({ size: 3, distance: 'Dot' })
  })

  test('takes named vectors as requested, or as the collection names them', () => {
    const two = shape(['a', 'b'], [['a', 3], ['b', 2]]) // biome-ignore format: a table
    const asked = mappingOf(two, { ...ASKED_NOTHING, vectors: ['image=a', 'text=b'] }, 'f')
    expect(vectorParams(asked, 'Cosine')).toEqual({
      image: { size: 3, distance: 'Cosine' },
      text: { size: 2, distance: 'Cosine' },
    })
    expect(mappingOf(two, { ...ASKED_NOTHING, existing: ['b'] }, 'f').vectors).toEqual([
      { name: 'b', column: 'b', size: 2 },
    ])
  })

  test.each([
    [shape(['a', 'b'], [['a', 3], ['b', 2]]), ASKED_NOTHING, 'several columns hold vectors (a, b)'], // biome-ignore format: a table
    [shape(['a'], []), ASKED_NOTHING, 'no column holds lists of floats; it has a'],
    [shape(['a'], [['a', 3]]), { ...ASKED_NOTHING, vectors: ['x=c'] }, 'no column c; it has a'],
    [shape(['a', 't'], [['a', 3]]), { ...ASKED_NOTHING, vectors: ['x=t'] }, 'column t holds no lists of floats'],
    [shape(['a'], [['a', 3]]), { ...ASKED_NOTHING, idColumn: 'key' }, 'no column key; it has a'],
  ])('names the columns of the file if none can be chosen (%#)', (given, asked, message) => {
    expect(() => mappingOf(given, asked, 'f')).toThrow(message)
  })
})

describe('ids', () => {
  test('are texts in a collection whose ids are texts', () => {
    const asked = { ...ASKED_NOTHING, textIds: true }
    const mapping = mappingOf(shape(['id', 'v'], [['v', 1]]), asked, 'f')
    const ids = ['photo-17.jpg', 7, 2n ** 63n, 'A0000000-2F0D-5C4B-9F7A-3D1E8C4B2A60']
    const vectors = new Map([['v', { data: new Float32Array(4), present: null }]])
    const batch = { firstRow: 0, count: 4, ids, vectors, payloads: null, next: null } as unknown as RowBatch
    expect(pointsOf(batch, mapping, 0, 'f')).toEqual({
      ids: ids.map(String),
      points: { ids: ids.map(String), vectors: new Float32Array(4) },
    })
    const byRow = { ...batch, ids: null, count: 2, firstRow: 5 } as unknown as RowBatch
    expect(pointsOf(byRow, mapping, 10, 'f').ids).toEqual(['15', '16'])
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
      expect(() => pointId(bad, 'f: row 3: id')).toThrow('f: row 3: id: expected an unsigned integer or a text')
    }
  })
})

describe('points', () => {
  const mapping = { id: 'id', vectors: [{ name: '', column: 'v', size: 2 }] }
  const batch = (change: Partial<RowBatch>): RowBatch => ({
    count: 2,
    firstRow: 10,
    ids: [1, 2],
    vectors: new Map([['v', { size: 2, data: Float32Array.of(1, 2, 3, 4), present: null }]]),
    payloads: null,
    next: null,
    ...change,
  })

  test('text ids keep their text in the payload', () => {
    const { ids, points } = pointsOf(batch({ ids: ['a', 'b'], payloads: [{ t: 1 }, null] }), mapping, 0, 'f')
    expect(ids).toEqual([uuidOfText('a'), uuidOfText('b')])
    expect(points).toMatchObject({ payloads: [{ t: 1, id: 'a' }, { id: 'b' }] })
  })

  test('without ids, row numbers continue over the files', () => {
    expect(pointsOf(batch({ ids: null }), { ...mapping, id: null }, 100, 'f').ids).toEqual([110, 111])
  })

  test('floats are passed on without a copy', () => {
    const given = batch({})
    expect((pointsOf(given, mapping, 0, 'f').points as { vectors: unknown }).vectors).toBe(given.vectors.get('v')?.data)
  })

  test('a row that lacks one of two vectors keeps the other, and a row without any is refused', () => {
    const vectors = (present: number[]) =>
      new Map([
        ['v', { size: 2, data: Float32Array.of(1, 2, 0, 0), present: Uint8Array.of(1, 0) }],
        ['w', { size: 1, data: Float32Array.of(5, 6), present: Uint8Array.from(present) }],
      ])
    const both = { id: 'id', vectors: [{ name: 'v', column: 'v', size: 2 }, { name: 'w', column: 'w', size: 1 }] } // biome-ignore format: short
    const { points } = pointsOf(batch({ vectors: vectors([1, 1]) }), both, 0, 'f')
    expect(points).toEqual([
      { id: 1, vector: { v: Float32Array.of(1, 2), w: Float32Array.of(5) }, payload: null },
      { id: 2, vector: { w: Float32Array.of(6) }, payload: null },
    ])
    expect(() => pointsOf(batch({ vectors: vectors([1, 0]) }), both, 0, 'f')).toThrow(
      'f: row 11: has none of the vectors',
    )
  })
})
