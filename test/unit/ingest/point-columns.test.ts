import {
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  List,
  makeData,
  Struct,
  Table,
  tableFromArrays,
  Uint32,
  Vector,
  vectorFromArray,
} from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { decodeIds, type PointColumns } from '../../../src/core/point.js'
import type { ResolvedVector } from '../../../src/core/schema.js'
import { columnsOfArrow } from '../../../src/ingest/arrow-columns.js'
import { Flaws } from '../../../src/ingest/flaws.js'
import { keepLast, mergeRepeated } from '../../../src/ingest/kept-rows.js'
import { columnsOfColumnar, columnsOfPoints } from '../../../src/ingest/point-columns.js'
import fc from '../../oracle/properties.js'

const vector = (name: string, size: number): ResolvedVector => ({
  name,
  size,
  distance: 'Dot',
  m: 16,
  efConstruct: 100,
  memory: { vectors: 'cached', graph: 'cached', codes: 'cached' },
  quantization: 'auto',
  overrides: {},
})
const unnamed = [vector('', 2)]
const named = [vector('image', 2), vector('text', 3)]

/** Converts columns to points. */
function points(columns: PointColumns): { id: unknown; vectors: Record<string, number[]>; payload: string }[] {
  const text = new TextDecoder()
  return decodeIds(columns.ids).map((id, row) => {
    const vectors: Record<string, number[]> = {}
    for (const { name, data, rows } of columns.vectors) {
      const at = rows ? rows.indexOf(row) : row
      const dim = data.length / (rows?.length ?? columns.count)
      if (at >= 0) vectors[name] = [...data.subarray(at * dim, (at + 1) * dim)]
    }
    const span = columns.payloads?.bytes.subarray(columns.payloads.offsets[row], columns.payloads.offsets[row + 1])
    return { id, vectors, payload: span ? text.decode(span) : '' }
  })
}

describe('columnsOfPoints', () => {
  it('keeps ids of every kind exactly', () => {
    const ids = [
      0,
      7,
      2 ** 53 - 1,
      2n ** 53n,
      2n ** 64n - 1n,
      '00000000-0000-0000-0000-000000000000',
      'f47ac10b-58cc-4372-a567-0e02b2c3d479',
    ]
    const columns = columnsOfPoints(
      ids.map((id) => ({ id, vector: [1, 2] })),
      unnamed,
    )
    expect(decodeIds(columns.ids)).toEqual(ids)
  })

  it('gives a column its room at once, so that vectors are copied once', () => {
    const [size, count] = [128, 100]
    const vectors = Array.from({ length: count }, (_, id) => new Float32Array(size).fill(id))
    const given = vectors.map((vector, id) => ({ id, vector }))
    const [column] = columnsOfPoints(given, [vector('', size)]).vectors
    expect(column?.data).toHaveLength(count * size)
    expect(column?.data.buffer.byteLength).toBe(column?.data.byteLength)
  })

  it('accepts points that lack some of the named vectors', () => {
    const columns = columnsOfPoints(
      [
        { id: 1, vector: { text: [1, 2, 3] } },
        { id: 2, vector: { image: new Float32Array([4, 5]), text: [6, 7, 8] }, payload: { a: 'ø' } },
        { id: 3, vector: {} },
      ],
      named,
    )
    expect(points(columns)).toEqual([
      { id: 1, vectors: { text: [1, 2, 3] }, payload: '' },
      { id: 2, vectors: { image: [4, 5], text: [6, 7, 8] }, payload: '{"a":"ø"}' },
      { id: 3, vectors: {}, payload: '' },
    ])
  })

  it.each([
    [{ id: 1, vector: [1, 2, 3] }, /points\[0\]\.vector: Vector dimension error: expected dim: 2, got 3/],
    [{ id: 1, vector: [1, '2'] }, /points\[0\]\.vector\[1\]: expected a number, got "2"/],
    [{ id: 1, vector: { nope: [1, 2] } }, /points\[0\]\.vector: Not existing vector name/],
    [{ id: -1, vector: [1, 2] }, /points\[0\]\.id: expected an unsigned 64-bit integer or a UUID, got -1/],
    [{ id: 1.5, vector: [1, 2] }, /points\[0\]\.id/],
    [{ id: 2n ** 64n, vector: [1, 2] }, /points\[0\]\.id/],
    [{ id: 'not-a-uuid', vector: [1, 2] }, /points\[0\]\.id/],
    [{ id: 1, vector: [1, 2], payload: [] }, /points\[0\]\.payload: expected an object/],
    [{ id: 1, vector: [1, 2], payload: { x: Number.NaN } }, /points\[0\]\.payload: expected finite numbers, got NaN/],
    [null, /points\[0\]: expected a point, got null/],
  ])('refuses bad point %#, naming the field', (point, message) => {
    expect(() => columnsOfPoints([point as never], unnamed)).toThrow(message)
  })

  it('stores __proto__ as a plain key', () => {
    const payload = JSON.parse('{"__proto__": {"x": 1}}') as Record<string, unknown>
    const columns = columnsOfPoints([{ id: 1, vector: [1, 2], payload }], unnamed)
    expect(points(columns)[0]?.payload).toBe('{"__proto__":{"x":1}}')
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })

  it('refuses a payload nested too deep instead of overflowing the stack', () => {
    let payload: Record<string, unknown> = {}
    for (let i = 0; i < 100_000; i++) payload = { a: payload }
    expect(() => columnsOfPoints([{ id: 1, vector: [1, 2], payload }], unnamed)).toThrow(/nested levels/)
  })

  it('writes integers beyond 2^53 of a payload exactly', () => {
    const columns = columnsOfPoints([{ id: 1, vector: [1, 2], payload: { n: 9007199254740993n } }], unnamed)
    expect(points(columns)[0]?.payload).toBe('{"n":9007199254740993}')
  })
})

describe('keepLast', () => {
  it('leaves the last point of each id, like a map', () => {
    const point = fc.record({
      id: fc.integer({ min: 0, max: 8 }),
      image: fc.boolean(),
      text: fc.boolean(),
      tag: fc.nat(99),
    })
    fc.assert(
      fc.property(fc.array(point, { maxLength: 30 }), (list) => {
        const given = list.map(({ id, image, text, tag }) => ({
          id,
          vector: { ...(image ? { image: [tag, 1] } : {}), ...(text ? { text: [tag, 2, 3] } : {}) },
          ...(tag % 2 ? { payload: { tag } } : {}),
        }))
        const expected = new Map(given.map((entry) => [entry.id, entry]))
        const kept = points(keepLast(columnsOfPoints(given, named)))
        expect(kept.map(({ id }) => id).sort()).toEqual([...expected.keys()].sort())
        for (const { id, vectors, payload } of kept) {
          const want = expected.get(id as number)
          expect(vectors).toEqual(want?.vector)
          expect(payload).toBe(want?.payload ? JSON.stringify(want.payload) : '')
        }
      }),
    )
  })
})

describe('mergeRepeated', () => {
  it('joins the vectors of each id, as if its points were written one after the other', () => {
    const schema = [
      vector('image', 2),
      { ...vector('tokens', 1), multivectorConfig: { comparator: 'max_sim' as const } },
    ]
    const words = { name: 'words', size: 0, modifier: 'none', index: null }
    const point = fc.record({
      id: fc.integer({ min: 0, max: 5 }),
      image: fc.boolean(),
      tokens: fc.nat(3),
      words: fc.nat(3),
      tag: fc.nat(99),
    })
    fc.assert(
      fc.property(fc.array(point, { maxLength: 20 }), (list) => {
        const given = list.map(({ id, image, tokens, words: entries, tag }) => ({
          id,
          vector: {
            ...(image ? { image: [tag, 1] } : {}),
            ...(tokens > 0 ? { tokens: Array.from({ length: tokens }, (_, i) => [tag + i]) } : {}),
            ...(entries > 0
              ? { words: { indices: Array.from({ length: entries }, (_, i) => i), values: Array(entries).fill(tag) } }
              : {}),
          },
        }))
        const joined = new Map<number, object>()
        for (const { id, vector: named } of given) joined.set(id, { ...joined.get(id), ...named })
        const once = [...joined].map(([id, named]) => ({ id, vector: named }))
        const all = [...schema, words] as never
        const merged = mergeRepeated(columnsOfPoints(given as never, all))
        expect(vectorsById(merged)).toEqual(vectorsById(columnsOfPoints(once as never, all)))
      }),
    )
  })

  /** The components of each point in each column: floats, and for sparse vectors their indices. */
  function vectorsById({ ids, count, vectors }: PointColumns): Map<unknown, Record<string, number[]>> {
    const found = new Map<unknown, Record<string, number[]>>(decodeIds(ids).map((id) => [id, {}]))
    const idOfRow = decodeIds(ids)
    for (const { name, data, rows, counts, sparse } of vectors) {
      const given = rows ?? Uint32Array.from({ length: count }, (_, row) => row)
      const floats = data.length / (counts?.reduce((sum, each) => sum + each, 0) ?? given.length)
      let from = 0
      for (const [position, row] of given.entries()) {
        const [start, end] = sparse
          ? [sparse.offsets[position] as number, sparse.offsets[position + 1] as number]
          : [from, from + (counts?.[position] ?? 1) * floats]
        from = end
        const indices = sparse ? [...sparse.indices.subarray(start, end)] : []
        Object.assign(found.get(idOfRow[row]) as object, { [name]: [...indices, ...data.subarray(start, end)] })
      }
    }
    return found
  }
})

describe('columnsOfColumnar', () => {
  it('copies the vectors, because preparing changes them in place', () => {
    const vectors = new Float32Array([1, 2, 3, 4])
    const columns = columnsOfColumnar({ ids: [1, 2], vectors, payloads: [{ a: 1 }, null] }, unnamed)
    columns.vectors[0]?.data.fill(0)
    expect([...vectors]).toEqual([1, 2, 3, 4])
    expect(points(columns).map(({ payload }) => payload)).toEqual(['{"a":1}', ''])
  })

  it('takes 64-bit ids as they are', () => {
    const columns = columnsOfColumnar(
      { ids: new BigUint64Array([1n, 2n ** 63n]), vectors: new Float32Array(4) },
      unnamed,
    )
    expect(decodeIds(columns.ids)).toEqual([1, 2n ** 63n])
  })

  it('names the bound of a column that is too short', () => {
    expect(() => columnsOfColumnar({ ids: [1, 2], vectors: new Float32Array(3) }, unnamed)).toThrow(
      /vectors: Vector dimension error: expected 2 × 2 numbers, got 3/,
    )
  })
})

describe('columnsOfArrow', () => {
  function table(): Table {
    const data = new Float32Array([1, 2, 3, 4, 5, 6, 7, 8])
    const type = new FixedSizeList(2, new Field('item', new Float32(), true))
    const list = makeData({ type, length: 4, nullCount: 0, child: makeData({ type: new Float32(), length: 8, data }) })
    const others = tableFromArrays({ id: new Int32Array([1, 2, 3, 4]), place: ['Oslo', 'Bergen', 'Moss', 'Molde'] })
    return new Table({
      id: others.getChild('id') as Vector,
      vector: new Vector([list]),
      place: others.getChild('place') as Vector,
    })
  }

  it('reads ids, vectors and payload, from a slice too', () => {
    const whole = points(columnsOfArrow(table(), unnamed))
    expect(whole[3]).toEqual({ id: 4, vectors: { '': [7, 8] }, payload: '{"place":"Molde"}' })
    const part = points(columnsOfArrow(table().slice(1, 3), unnamed))
    expect(part).toEqual(whole.slice(1, 3))
  })

  it('leaves a sparse vector out that is beyond float32, as of points', () => {
    const numbers = (type: Uint32 | Float64) => new List(new Field('item', type, true))
    const type = new Struct([new Field('indices', numbers(new Uint32())), new Field('values', numbers(new Float64()))])
    const sparse = [
      { indices: [1, 2], values: [1, 1e39] },
      { indices: [3], values: [1] },
      { indices: [3, 3], values: [1, 2] },
    ]
    const id = vectorFromArray([1, 2, 3], new Int32())
    const schema = [{ name: 's', size: 0, modifier: 'none' }] as unknown as Parameters<typeof columnsOfArrow>[1]
    const flaws = new Flaws()
    columnsOfArrow(new Table({ id, s: vectorFromArray(sparse, type) }), schema, flaws)
    expect(flaws.leftOut).toMatchObject([{ row: 0, name: 's', error: { check: 'finite' } }])
    expect([...flaws.refused.keys()]).toEqual([2])
    const ofPoints = new Flaws()
    const given = sparse.map((vector, at) => ({ id: at + 1, vector: { s: vector } }))
    columnsOfPoints(given as never, schema, { flaws: ofPoints })
    expect(flaws.leftOut.map(({ vector }) => vector)).toEqual(ofPoints.leftOut.map(({ vector }) => vector))
  })

  /** Four rows of two components; the second row is null, and a component is present if its bit is set. */
  function withHoles(bits: number): Table {
    const type = new FixedSizeList(2, new Field('item', new Float32(), true))
    const data = new Float32Array([1, 2, 3, 4, 5, 6, 7, 8])
    const child = makeData({ type: new Float32(), length: 8, nullCount: -1, nullBitmap: Uint8Array.of(bits), data })
    const list = makeData({ type, length: 4, nullCount: 1, nullBitmap: Uint8Array.of(0b1101), child })
    const ids = tableFromArrays({ id: new Int32Array([1, 2, 3, 4]) }).getChild('id') as Vector
    return new Table({ id: ids, vector: new Vector([list]) })
  }

  it('refuses null components, except in a null row', () => {
    // Some writers have nulls below a null row, others any value.
    for (const bits of [0b11110011, 0b11111111]) {
      const read = points(columnsOfArrow(withHoles(bits), unnamed))
      expect(read.map(({ vectors }) => vectors[''])).toEqual([[1, 2], undefined, [5, 6], [7, 8]])
    }
    expect(() => columnsOfArrow(withHoles(0b11010011), unnamed)).toThrow(/table\.vector\[2\]\[1\]: .* got null/)
    expect(() => columnsOfArrow(withHoles(0b11010011).slice(1), unnamed)).toThrow(/table\.vector\[1\]\[1\]/)
  })

  it('refuses a list that is shorter than its rows', () => {
    const type = new FixedSizeList(2, new Field('item', new Float32(), true))
    const child = makeData({ type: new Float32(), length: 3, data: Float32Array.of(1, 2, 3) })
    const ids = tableFromArrays({ id: new Int32Array([1, 2]) }).getChild('id') as Vector
    const short = new Table({ id: ids, vector: new Vector([makeData({ type, length: 2, nullCount: 0, child })]) })
    expect(() => columnsOfArrow(short, unnamed)).toThrow(/table\.vector: expected 2 × 2 numbers, got 3/)
  })

  it('refuses another dimension', () => {
    expect(() => columnsOfArrow(table(), [vector('', 3)])).toThrow(
      /table\.vector: Vector dimension error: expected dim: 3, got 2/,
    )
  })
})

it('arrays of other numbers, and maps, are refused by their names', () => {
  const asPoints =
    (vector: unknown, payload: unknown = null) =>
    () =>
      columnsOfPoints([{ id: 1, vector, payload } as never], unnamed)
  expect(asPoints(new Int32Array(2))).toThrow(/^points\[0\]\.vector: expected a vector, .*, got an Int32Array of 2$/)
  expect(asPoints(Buffer.alloc(2))).toThrow(/^points\[0\]\.vector: expected a vector, .*, got 2 bytes$/)
  expect(asPoints([1, 2], { a: new Map() })).toThrow(/^points\[0\]\.payload: expected JSON values, got a Map$/)
  expect(asPoints([1, 2], new Set([1]))).toThrow(/^points\[0\]\.payload: expected JSON values, got a Set$/)
  const asColumns = (vectors: unknown) => () => columnsOfColumnar({ ids: [1], vectors } as never, unnamed)
  expect(asColumns([[1, 2]])).toThrow(
    /^vectors: expected a Float32Array, or a record of them by name, got an array of 1$/,
  )
  expect(asColumns(new Int32Array(2))).toThrow(/^vectors: expected a Float32Array, .*, got an Int32Array of 2$/)
})
