import { describe, expect, it } from 'vitest'
import type {
  CollectionInfo,
  ConfigChange,
  Quantization,
  QuantizationConfig,
  VectorParams,
} from '../../src/core/schema.js'
import type { Suite } from './database.contract.js'

/** docs/wire.md has the same table. */
const MAPPED: [given: QuantizationConfig, codes: Quantization][] = [
  [{ scalar: { type: 'int8' } }, 'sq8'],
  [{ scalar: { type: 'int8', quantile: 0.99, alwaysRam: true } }, 'sq8'],
  [{ product: { compression: 'x4' } }, 'sq8'],
  [{ product: { compression: 'x8' } }, 'rabitq4'],
  [{ product: { compression: 'x16' } }, 'rabitq4'],
  [{ product: { compression: 'x32', memory: 'pinned' } }, 'rabitq1'],
  [{ product: { compression: 'x64' } }, 'rabitq1'],
  [{ binary: {} }, 'rabitq1'],
  [{ binary: { encoding: 'one_bit', queryEncoding: 'scalar8bits' } }, 'rabitq1'],
  [{ binary: { encoding: 'one_and_half_bits' } }, 'rabitq4'],
  [{ binary: { encoding: 'two_bits', alwaysRam: false } }, 'rabitq4'],
  [{ turbo: {} }, 'rabitq4'],
  [{ turbo: { bits: 'bits1' } }, 'rabitq1'],
  [{ turbo: { bits: 'bits1_5' } }, 'rabitq4'],
  [{ turbo: { bits: 'bits2' } }, 'rabitq4'],
  [{ turbo: { bits: 'bits4', memory: 'cold' } }, 'rabitq4'],
]

const REFUSED: [what: string, names: RegExp, change: object][] = [
  ['codes of another name', /quantization.*sq8.*sq9/, { quantization: 'sq9' }],
  ['a config of no kind', /quantizationConfig.*scalar/, { quantizationConfig: {} }],
  ['a config of two kinds', /quantizationConfig/, { quantizationConfig: { scalar: { type: 'int8' }, binary: {} } }],
  ['a config that is a text', /quantizationConfig/, { quantizationConfig: 'Enabled' }],
  ['scalars of another type', /scalar\.type.*int8.*int4/, { quantizationConfig: { scalar: { type: 'int4' } } }],
  ['a quantile of nothing', /quantile.*0\.5/, { quantizationConfig: { scalar: { type: 'int8', quantile: 0 } } }],
  ['another compression', /compression.*x64.*x5/, { quantizationConfig: { product: { compression: 'x5' } } }],
  ['another encoding', /encoding.*one_bit/, { quantizationConfig: { binary: { encoding: 'bits' } } }],
  ['another memory', /memory.*pinned.*warm/, { quantizationConfig: { turbo: { memory: 'warm' } } }],
  ['alwaysRam by word', /alwaysRam/, { quantizationConfig: { binary: { alwaysRam: 'yes' } } }],
  ['both ways at once', /both/, { quantization: 'sq8', quantizationConfig: { binary: {} } }],
  ['graphs in another memory', /hnswConfig\.memory.*pinned.*"hot"/, { hnswConfig: { memory: 'hot' } }],
  ['too few neighbours', /hnswConfig\.m.*0 for no graph.*2 to 512/, { hnswConfig: { m: 1 } }],
  ['too many neighbours', /hnswConfig\.m.*512/, { hnswConfig: { m: 513 } }],
]

const SQUARE: VectorParams = { size: 2, distance: 'Euclid' }
const POINTS = Array.from({ length: 3000 }, (_, i) => ({ id: i, vector: [i % 60, Math.floor(i / 60)] }))

export function describeConfig(suite: Suite): void {
  let made = 0
  const create = (options: object) =>
    suite.database.createCollection(`config-${made++}`, { vectors: SQUARE, ...options })
  const vectorOf = ({ config }: CollectionInfo, name = '') => config.vectors.find((vector) => vector.name === name)

  describe('configuration', () => {
    it.each(MAPPED)('tells %j as it was given, and answers it by %s', async (quantizationConfig, codes) => {
      const info = await (await create({ quantizationConfig })).info()
      expect(info.config).toMatchObject({ quantizationConfig, quantization: codes })
      expect(vectorOf(info)).toMatchObject({ quantization: codes, overrides: {} })
    })

    it.each(REFUSED)('refuses %s', async (_what, names, change) => {
      const refused = { code: 'INVALID_ARGUMENT', message: expect.stringMatching(names) }
      await expect(create(change)).rejects.toMatchObject(refused)
      const collection = await create({})
      const before = (await collection.info()).config
      await expect(collection.updateConfig(change as ConfigChange)).rejects.toMatchObject(refused)
      await expect(collection.updateConfig({ vectors: { '': change as ConfigChange } })).rejects.toMatchObject(refused)
      expect((await collection.info()).config).toEqual(before)
    })

    it('refuses a change of a vector that is not there', async () => {
      const change = { vectors: { nowhere: { quantization: 'sq8' as const } } }
      await expect((await create({})).updateConfig(change)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('nowhere'),
      })
    })

    it('lets vectors follow the collection in everything that was not set for them alone', async () => {
      const collection = await create({
        vectors: {
          follows: SQUARE,
          differs: { ...SQUARE, hnswConfig: { m: 8 }, quantizationConfig: { scalar: { type: 'int8' } } },
        },
        quantization: 'none',
      })
      await collection.updateConfig({ hnswConfig: { m: 32, efConstruct: 300 }, quantization: 'rabitq4' })
      const info = await collection.info()
      expect(info.config).toMatchObject({
        hnswConfig: { m: 32, efConstruct: 300 },
        quantization: 'rabitq4',
        quantizationConfig: null,
      })
      expect(vectorOf(info, 'follows')).toMatchObject({
        m: 32,
        efConstruct: 300,
        quantization: 'rabitq4',
        overrides: {},
      })
      expect(vectorOf(info, 'differs')).toMatchObject({
        m: 8,
        efConstruct: 300,
        quantization: 'sq8',
        overrides: { hnswConfig: { m: 8 }, quantization: 'sq8', quantizationConfig: { scalar: { type: 'int8' } } },
      })
    })

    it('changes one vector, and resets what was set for it alone', async () => {
      const collection = await create({ vectors: { a: SQUARE, b: SQUARE } })
      await collection.updateConfig({
        vectors: { b: { hnswConfig: { efConstruct: 50 }, quantizationConfig: { binary: {} }, onDisk: true } },
      })
      expect(vectorOf(await collection.info(), 'a')).toMatchObject({
        efConstruct: 200,
        quantization: 'auto',
        memory: { vectors: 'cached', graph: 'cached', codes: 'cached' },
      })
      expect(vectorOf(await collection.info(), 'b')).toMatchObject({
        m: 16,
        efConstruct: 50,
        quantization: 'rabitq1',
        memory: { vectors: 'cold', graph: 'cached', codes: 'cached' },
      })
      await collection.updateConfig({ vectors: { b: { hnswConfig: {}, quantizationConfig: 'Disabled' } } })
      expect(vectorOf(await collection.info(), 'b')).toMatchObject({
        efConstruct: 200,
        quantization: 'none',
        overrides: { quantization: 'none' },
        memory: { vectors: 'cold', graph: 'cached', codes: 'cached' },
      })
    })

    it('keeps the placement of vectors, graphs and codes, and memory overrides its older spellings', async () => {
      const quantizationConfig = { scalar: { type: 'int8', alwaysRam: true } } as const
      const collection = await create({
        vectors: {
          cold: { ...SQUARE, memory: 'cold', hnswConfig: { memory: 'cached' } },
          both: { ...SQUARE, memory: 'pinned', onDisk: true },
          older: { ...SQUARE, onDisk: true, quantizationConfig: { binary: { alwaysRam: true, memory: 'cold' } } },
        },
        hnswConfig: { memory: 'pinned' },
        quantizationConfig,
      })
      const memoryOf = async (name: string) => vectorOf(await collection.info(), name)?.memory
      expect(await memoryOf('cold')).toEqual({ vectors: 'cold', graph: 'cached', codes: 'pinned' })
      expect(await memoryOf('both')).toEqual({ vectors: 'pinned', graph: 'pinned', codes: 'pinned' })
      expect(await memoryOf('older')).toEqual({ vectors: 'cold', graph: 'pinned', codes: 'cold' })
      await collection.updateConfig({ hnswConfig: { memory: 'cold' }, vectors: { both: { memory: 'cached' } } })
      expect(await memoryOf('both')).toEqual({ vectors: 'cached', graph: 'cold', codes: 'pinned' })
      const refused = {
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/memory.*cold, cached, pinned.*"hot"/),
      }
      const change = { vectors: { both: { memory: 'hot' } } } as unknown as ConfigChange
      await expect(collection.updateConfig(change)).rejects.toMatchObject(refused)
    })

    it('answers the same before, during and after a change that rebuilds everything', async () => {
      const collection = await create({})
      await collection.upsert(POINTS)
      await collection.delete([1, 2])
      await collection.waitForIndex()
      const nearest = async () => {
        const hits = await collection.query({ query: [30, 25], limit: 5, recall: 1 })
        return hits.map(({ score }) => score)
      }
      const before = await nearest()
      await collection.updateConfig({ hnswConfig: { m: 8, efConstruct: 40 }, quantization: 'sq8' })
      expect(await nearest()).toEqual(before)
      await collection.waitForIndex()
      expect(await nearest()).toEqual(before)
      expect(await collection.info()).toMatchObject({ status: 'green', pointsCount: 2998, indexedVectorsCount: 2998 })
      expect(await collection.retrieve([0, 1])).toHaveLength(1)
    })

    it('accepts how a query uses codes', async () => {
      const collection = await create({ quantization: 'sq8' })
      await collection.upsert(POINTS)
      await collection.waitForIndex()
      for (const quantization of [{ ignore: true }, { rescore: true, oversampling: 2.5 }, {}]) {
        const [hit] = await collection.query({ query: [30, 25], limit: 1, params: { quantization } })
        expect(hit, JSON.stringify(quantization)).toMatchObject({ id: 25 * 60 + 30, score: 0 })
      }
    })

    it('accepts params.acorn where it makes sense, and answers the same', async () => {
      const collection = await create({})
      await collection.upsert(POINTS)
      const query = { query: [30, 25], limit: 3 }
      const plain = await collection.query(query)
      for (const acorn of [{ enable: true }, { enable: false, maxSelectivity: 0 }, { maxSelectivity: 1 }, {}]) {
        expect(await collection.query({ ...query, params: { acorn } })).toEqual(plain)
      }
      for (const acorn of [{ maxSelectivity: 1.01 }, { maxSelectivity: -0.01 }, { enable: 1 }]) {
        await expect(collection.query({ ...query, params: { acorn: acorn as object } })).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
          message: expect.stringContaining('params.acorn.'),
        })
      }
    })

    it.each([0, 0.5, -1, 1025, Number.POSITIVE_INFINITY, '2'])(
      'refuses an oversampling of %s',
      async (oversampling) => {
        const collection = await create({})
        const params = { quantization: { oversampling: oversampling as number } }
        await expect(collection.query({ query: [1, 2], params })).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
          message: expect.stringContaining('params.quantization.oversampling'),
        })
      },
    )
  })
}
