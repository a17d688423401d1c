import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.js'
import type { CollectionOptions, CollectionSettings } from '../../src/core/schema.js'
import type { Suite } from './database.contract.js'

const VECTORS = { size: 1, distance: 'Dot' } as const

/** Each setting at both ends of its range, and beyond. */
const BOUNDS: [group: keyof CollectionSettings, key: string, fits: unknown[], refused: unknown[]][] = [
  ['optimizersConfig', 'deletedThreshold', [0, 0.25, 1], [-0.1, 1.1, '0']],
  ['optimizersConfig', 'vacuumMinVectorNumber', [100], [99, 100.5]],
  ['optimizersConfig', 'defaultSegmentNumber', [0], [-1]],
  ['optimizersConfig', 'maxSegmentSize', [1], [0]],
  ['optimizersConfig', 'memmapThreshold', [0], [-1]],
  ['optimizersConfig', 'indexingThreshold', [0, Number.MAX_SAFE_INTEGER], [-1, 2 ** 60]],
  ['optimizersConfig', 'flushIntervalSec', [0], [-1]],
  ['optimizersConfig', 'maxOptimizationThreads', [0, 'auto'], [-1, 'many']],
  ['optimizersConfig', 'preventUnoptimized', [true], ['true', 1]],
  ['walConfig', 'walCapacityMb', [1], [0]],
  ['walConfig', 'walSegmentsAhead', [0], [-1]],
  ['walConfig', 'walRetainClosed', [0], [-1]],
  ['strictModeConfig', 'enabled', [false], ['yes']],
  ['strictModeConfig', 'maxQueryLimit', [1], [0, 1.5]],
  ['strictModeConfig', 'maxTimeout', [1], [0]],
  ['strictModeConfig', 'unindexedFilteringRetrieve', [false, true], [0]],
  ['strictModeConfig', 'unindexedFilteringUpdate', [false, true], [0]],
  ['strictModeConfig', 'searchMaxHnswEf', [0], [-1]],
  ['strictModeConfig', 'searchAllowExact', [false, true], ['no']],
  ['strictModeConfig', 'searchMaxOversampling', [0, 1.5], [-0.5]],
  ['strictModeConfig', 'upsertMaxBatchsize', [0], [-1]],
  ['strictModeConfig', 'searchMaxBatchsize', [0], [-1]],
  ['strictModeConfig', 'maxCollectionVectorSizeBytes', [0], [-1]],
  ['strictModeConfig', 'maxCollectionPayloadSizeBytes', [0], [-1]],
  ['strictModeConfig', 'readRateLimit', [1], [0]],
  ['strictModeConfig', 'writeRateLimit', [1], [0]],
  ['strictModeConfig', 'maxPointsCount', [1], [0]],
  ['strictModeConfig', 'filterMaxConditions', [0], [-1]],
  ['strictModeConfig', 'conditionMaxSize', [0], [-1]],
  ['strictModeConfig', 'multivectorConfig', [{ a: { maxVectors: 1 } }], [{ a: { maxVectors: 0 } }, [], { a: 1 }]],
  ['strictModeConfig', 'sparseConfig', [{ a: { maxLength: 1 } }], [{ a: { maxLength: 0 } }, 'a']],
  ['strictModeConfig', 'maxPayloadIndexCount', [0], [-1]],
  ['strictModeConfig', 'maxResidentMemoryPercent', [1, 100], [0, 101]],
]

export function describeSettings(suite: Suite): void {
  let made = 0
  const create = (settings: Partial<CollectionOptions>) =>
    suite.database.createCollection(`settings-${made++}`, { vectors: VECTORS, ...settings })

  describe('settings', () => {
    it.each(BOUNDS)('%s.%s is told as it was given, within its bounds', async (group, key, fits, refused) => {
      const collection = await create({})
      for (const value of fits) {
        await collection.updateConfig({ [group]: { [key]: value } })
        expect((await collection.info()).config[group]).toEqual({ [key]: value })
        const fresh = await create({ [group]: { [key]: value } })
        expect((await fresh.info()).config[group]).toEqual({ [key]: value })
      }
      const names = expect.stringMatching(new RegExp(`Config\\.${key}`))
      for (const value of refused) {
        const error = { code: 'INVALID_ARGUMENT', message: names }
        await expect(collection.updateConfig({ [group]: { [key]: value } })).rejects.toMatchObject(error)
        await expect(create({ [group]: { [key]: value } })).rejects.toMatchObject(error)
      }
      expect((await collection.info()).config[group]).toEqual({ [key]: fits.at(-1) })
    })

    it('of a group change key by key, and null changes nothing', async () => {
      const collection = await create({ strictModeConfig: { enabled: true, maxQueryLimit: 5 } })
      await collection.updateConfig({
        strictModeConfig: { maxQueryLimit: 7, maxTimeout: null } as never,
      })
      expect((await collection.info()).config.strictModeConfig).toEqual({ enabled: true, maxQueryLimit: 7 })
    })

    it.each(['optimizersConfig', 'walConfig', 'strictModeConfig'])('%s is an object', async (group) => {
      for (const value of [7, 'all', []]) {
        await expect(create({ [group]: value } as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      }
    })
  })

  describe('a setting that tunes graphs of other products', () => {
    const tuning = { fullScanThreshold: 10, maxIndexingThreads: 0, payloadM: 0, inlineStorage: false }

    it('is kept as given, for a vector too, and a change replaces what it names', async () => {
      const vectors = { a: { size: 2, distance: 'Dot', hnswConfig: { payloadM: 7 } } } as const
      const collection = await create({ vectors, hnswConfig: { m: 8, ...tuning } })
      const told = async () => {
        const { hnswConfig, vectors } = (await collection.info()).config
        return [hnswConfig, vectors[0]?.overrides.hnswConfig]
      }
      expect(await told()).toEqual([{ m: 8, efConstruct: 200, ...tuning }, { payloadM: 7 }])
      const more = { inlineStorage: true }
      await collection.updateConfig({ hnswConfig: more, vectors: { a: { hnswConfig: more } } })
      expect(await told()).toEqual([
        { m: 8, efConstruct: 200, ...tuning, ...more },
        { payloadM: 7, ...more },
      ])
      expect((await (await create({})).info()).config.hnswConfig).toEqual({
        m: 16,
        efConstruct: 200,
        fullScanThreshold: 10_000,
      })
    })

    it('names the recall of queries that ask for none, by collection and by vector', async () => {
      const vectors = {
        a: { size: 2, distance: 'Dot' },
        b: { size: 2, distance: 'Dot', hnswConfig: { recall: 0.7 } },
      } as const
      const collection = await create({ vectors })
      await collection.upsert([{ id: 1, vector: { a: [1, 2], b: [1, 2] } }])
      const asked = async (query: object) => {
        return (await collection.explain({ query: [1, 2], using: 'a', ...query })).plan.askedRecall
      }
      expect([await asked({}), await asked({ using: 'b' })]).toEqual([0.95, 0.7])
      await collection.updateConfig({ hnswConfig: { recall: 0.9 } })
      expect((await collection.info()).config.hnswConfig.recall).toBe(0.9)
      expect([await asked({}), await asked({ using: 'b' })]).toEqual([0.9, 0.7])
      // The query's own setting wins; an exact search and a fixed width ask for none.
      expect([await asked({ recall: 0.8 }), await asked({ params: { recall: 0.85 } })]).toEqual([0.8, 0.85])
      expect([await asked({ params: { exact: true } }), await asked({ params: { hnswEf: 9 } })]).toEqual([
        undefined,
        undefined,
      ])
      await collection.updateConfig({ vectors: { b: { hnswConfig: {} } } })
      expect(await asked({ using: 'b' })).toBe(0.9)
      for (const recall of [0, 1, -1, '0.9']) {
        await expect(collection.updateConfig({ hnswConfig: { recall } as never })).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
          message: expect.stringMatching(/recall/),
        })
      }
    })

    it('is warned of where it asks for vectors inside of graphs without codes', async () => {
      const size = { size: 2, distance: 'Dot' } as const
      const inline = { hnswConfig: { inlineStorage: true } }
      const collection = await create({
        vectors: {
          plain: { ...size, ...inline },
          other: size,
          many: { ...size, ...inline, multivectorConfig: { comparator: 'max_sim' } },
          coded: { ...size, ...inline, quantizationConfig: { scalar: { type: 'int8' } } },
        },
      })
      const told = async () => (await collection.info()).warnings
      const beginning = (name: string) => `The \`hnsw_config.inline_storage\` option for vector '${name}'`
      const many = `${beginning('many')} is not compatible with multivectors. This option will be ignored.`
      const plain = `${beginning('plain')} requires quantization to be enabled. This option will be ignored.`
      expect((await told()).sort()).toEqual([many, plain])
      await collection.updateConfig({ quantizationConfig: { binary: {} } })
      expect(await told()).toEqual([many])
      await collection.updateConfig({ vectors: { many: { hnswConfig: { inlineStorage: false } } } })
      expect(await told()).toEqual([])
    })

    it.each([
      ['fullScanThreshold', 9],
      ['fullScanThreshold', '10'],
      ['maxIndexingThreads', -1],
      ['payloadM', 1.5],
      ['inlineStorage', 1],
    ])('is refused if %s is %j', async (field, value) => {
      const hnswConfig = { [field]: value } as never
      const refused = { code: 'INVALID_ARGUMENT', message: expect.stringMatching(`hnswConfig\\.${field}`) }
      await expect(create({ hnswConfig })).rejects.toMatchObject(refused)
      const collection = await create({})
      await expect(collection.updateConfig({ hnswConfig })).rejects.toMatchObject(refused)
      await expect(collection.updateConfig({ vectors: { '': { hnswConfig } } })).rejects.toMatchObject(refused)
    })
  })

  describe('metadata', () => {
    it('is kept as given, including 64-bit integers', async () => {
      const metadata = { owner: 'me', large: 12_345_678_901_234_567_890n, none: null, list: [{ a: 0.1 }], score: 0.1 }
      const collection = await create({ metadata })
      expect((await collection.info()).config.metadata).toEqual(metadata)
      expect((await (await create({})).info()).config.metadata).toBeNull()
    })

    it('is merged by a change, in which null removes its key', async () => {
      const collection = await create({ metadata: { a: { x: 1 }, b: 2, c: 3 } })
      await collection.updateConfig({ metadata: { a: { y: 2 }, b: null, d: 4 } })
      expect((await collection.info()).config.metadata).toEqual({ a: { y: 2 }, c: 3, d: 4 })
      await collection.updateConfig({ hnswConfig: { m: 8 } })
      expect((await collection.info()).config.metadata).toEqual({ a: { y: 2 }, c: 3, d: 4 })
      const bare = await create({})
      await bare.updateConfig({ metadata: { first: true } })
      expect((await bare.info()).config.metadata).toEqual({ first: true })
    })

    it('with a key named __proto__ has a key of that name', async () => {
      const metadata = JSON.parse('{"__proto__": {"x": 1}, "constructor": 2}') as Record<string, unknown>
      const told = (await (await create({ metadata })).info()).config.metadata
      expect(JSON.stringify(told)).toBe('{"__proto__":{"x":1},"constructor":2}')
      expect(({} as Record<string, unknown>).x).toBeUndefined()
    })

    it('is an object with a bound on its bytes', async () => {
      const ofBytes = (bytes: number) => ({ text: 'x'.repeat(bytes - '{"text":""}'.length) })
      const collection = await create({ metadata: ofBytes(LIMITS.metadataBytes) })
      const message = expect.stringMatching(/metadata.*1048576/)
      const refused = { code: 'INVALID_ARGUMENT', message }
      await expect(create({ metadata: ofBytes(LIMITS.metadataBytes + 1) })).rejects.toMatchObject(refused)
      await expect(collection.updateConfig({ metadata: { more: 1 } })).rejects.toMatchObject(refused)
      for (const metadata of [[], 'text', 7] as never[]) {
        await expect(create({ metadata })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      }
      expect(Object.keys((await collection.info()).config.metadata ?? {})).toEqual(['text'])
    })
  })
}
