/**
 * The contract of every Database. `database.test.ts` runs this one suite on all of them, so a difference between faces
 * shows as a failure of one face.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Collection, Database } from '../../src/core/database.js'
import { describeAliases } from './aliases.contract.js'
import { describeAnswerTypes } from './answer-types.contract.js'
import { describeCallersValues } from './callers-values.contract.js'
import { describeConditionalWrites } from './conditional.contract.js'
import { describeConfig } from './config.contract.js'
import { describeEnsure } from './ensure.contract.js'
import { describeExplain } from './explain.contract.js'
import { describeFilters } from './filters.contract.js'
import { describeIngest } from './ingest.contract.js'
import { describeOddValues } from './odd-values.contract.js'
import { describePlainReads } from './plain-reads.contract.js'
import { describeQuality } from './quality.contract.js'
import { describeQueries } from './queries.contract.js'
import { describeReads } from './reads.contract.js'
import { describeRefusals } from './refusals.contract.js'
import { describeSettings } from './settings.contract.js'
import { describeTextFilters } from './text-filters.contract.js'
import { describeTextIds } from './text-ids.contract.js'
import { describeUpserts } from './upserts.contract.js'
import { describeValues } from './values.contract.js'
import { describeVectorNames } from './vector-names.contract.js'
import { describeWrites } from './writes.contract.js'

export interface DatabaseUnderTest {
  database: Database
  dispose(): Promise<void>
}

/** Gives each test a collection of its own, in one database for the whole suite. */
export interface Suite {
  readonly database: Database
  /** One unnamed vector of three dimensions. */
  single(): Promise<Collection>
  /** Named vectors: `text` (2, Cosine) and `image` (3, Euclid). */
  named(): Promise<Collection>
}

/** The parts of the contract, and those that the oracle does not keep. */
const PARTS = [
  describeCollections,
  describeEnsure,
  describeAliases,
  describeConfig,
  describeSettings,
  describeWrites,
  describeUpserts,
  describeIngest,
  describeValues,
  describeVectorNames,
  describeConditionalWrites,
  describeReads,
  describePlainReads,
  describeAnswerTypes,
  describeQueries,
  describeExplain,
  describeFilters,
  describeTextFilters,
  describeRefusals,
]
const NOT_OF_ORACLE = [describeCallersValues, describeOddValues, describeQuality, describeTextIds]

export function describeDatabase(name: string, open: () => Promise<DatabaseUnderTest>): void {
  describe(name, () => {
    let opened: DatabaseUnderTest
    let made = 0
    beforeAll(async () => {
      opened = await open()
    })
    afterAll(async () => {
      await opened?.dispose()
    })

    const suite: Suite = {
      get database() {
        return opened.database
      },
      single: () => opened.database.createCollection(`single-${made++}`, { vectors: { size: 3, distance: 'Euclid' } }),
      named: () =>
        opened.database.createCollection(`named-${made++}`, {
          vectors: { text: { size: 2, distance: 'Cosine' }, image: { size: 3, distance: 'Euclid' } },
        }),
    }

    const parts = name.includes('oracle') ? PARTS : [...PARTS, ...NOT_OF_ORACLE]
    for (const describePart of parts) describePart(suite)
  })
}

function describeCollections(suite: Suite): void {
  describe('collections', () => {
    it('lists a collection from its creation to its deletion', async () => {
      const { database } = suite
      await database.createCollection('listed', { vectors: { size: 4, distance: 'Dot' } })
      expect(await database.collections()).toContain('listed')
      expect(await database.hasCollection('listed')).toBe(true)
      expect(await database.deleteCollection('listed')).toBe(true)
      expect(await database.collections()).not.toContain('listed')
      expect(await database.hasCollection('listed')).toBe(false)
      expect(await database.deleteCollection('listed')).toBe(false)
    })

    it('takes names in any script', async () => {
      const { database } = suite
      const name = 'Bilder – 写真 & 100% +1'
      await database.createCollection(name, { vectors: { size: 2, distance: 'Dot' } })
      expect((await database.collection(name)).name).toBe(name)
      expect(await database.collections()).toContain(name)
      await database.deleteCollection(name)
    })

    it('refuses a second collection of the same name', async () => {
      const { database } = suite
      await database.createCollection('twice', { vectors: { size: 2, distance: 'Dot' } })
      await expect(database.createCollection('twice', { vectors: { size: 3, distance: 'Dot' } })).rejects.toMatchObject(
        {
          code: 'ALREADY_EXISTS',
        },
      )
      expect((await (await database.collection('twice')).info()).config.vectors[0]?.size).toBe(2)
    })

    it('starts empty after it was deleted and made again', async () => {
      const { database } = suite
      const options = { vectors: { size: 1, distance: 'Euclid' } } as const
      const before = await database.createCollection('again', options)
      await before.upsert([{ id: 1, vector: [1] }])
      await database.deleteCollection('again')
      const after = await database.createCollection('again', options)
      expect(await after.count()).toBe(0)
    })

    it('tells its configuration with every default filled in', async () => {
      const collection = await suite.database.createCollection('configured', {
        vectors: {
          a: { size: 2, distance: 'Manhattan' },
          b: { size: 5, distance: 'Cosine', hnswConfig: { m: 32, efConstruct: 64 }, onDisk: true },
        },
        hnswConfig: { m: 8, efConstruct: 100 },
      })
      expect((await collection.info()).config).toEqual({
        vectors: [
          {
            name: 'a',
            size: 2,
            distance: 'Manhattan',
            m: 8,
            efConstruct: 100,
            memory: { vectors: 'cached', graph: 'cached', codes: 'cached' },
            quantization: 'auto',
            overrides: {},
          },
          {
            name: 'b',
            size: 5,
            distance: 'Cosine',
            m: 32,
            efConstruct: 64,
            memory: { vectors: 'cold', graph: 'cached', codes: 'cached' },
            quantization: 'auto',
            overrides: { hnswConfig: { m: 32, efConstruct: 64 } },
          },
        ],
        sparseVectors: [],
        hnswConfig: { m: 8, efConstruct: 100, fullScanThreshold: 10_000 },
        quantization: 'auto',
        quantizationConfig: null,
        optimizersConfig: {},
        walConfig: {},
        strictModeConfig: null,
        metadata: null,
      })
    })

    it('counts points, vectors and payload indexes in its info', async () => {
      const collection = await suite.named()
      await collection.upsert([
        { id: 1, vector: { text: [1, 0], image: [1, 2, 3] }, payload: { place: 'Oslo' } },
        { id: 2, vector: { text: [0, 1] } },
      ])
      await collection.createPayloadIndex('place', 'keyword')
      await collection.waitForIndex()
      const info = await collection.info()
      expect(info).toMatchObject({ pointsCount: 2, vectorsCount: 3, indexedVectorsCount: 3, status: 'green' })
      expect(info.payloadSchema).toEqual({ place: { kind: 'keyword', points: 1 } })
      await collection.deletePayloadIndex('place')
      expect((await collection.info()).payloadSchema).toEqual({})
    })

    it('indexes no vectors while the threshold is 0', async () => {
      const vectors = { size: 2, distance: 'Dot' } as const
      const optimizersConfig = { indexingThreshold: 0 }
      const collection = await suite.database.createCollection('unindexed', { vectors, optimizersConfig })
      await collection.upsert(Array.from({ length: 50 }, (_, id) => ({ id, vector: [id, 1] })))
      await collection.waitForIndex()
      expect(await collection.info()).toMatchObject({ vectorsCount: 50, indexedVectorsCount: 0, status: 'green' })
      expect(await collection.query({ query: [1, 0], limit: 1 })).toMatchObject([{ id: 49 }])
      await collection.updateConfig({ optimizersConfig: { indexingThreshold: 20_000 } })
      await collection.waitForIndex()
      expect(await collection.info()).toMatchObject({ vectorsCount: 50, indexedVectorsCount: 50, status: 'green' })
      expect(await collection.query({ query: [1, 0], limit: 1 })).toMatchObject([{ id: 49 }])
    })

    it('counts points that got an indexed field by payload operations', async () => {
      const collection = await suite.single()
      await collection.createPayloadIndex('n', 'integer')
      const points = async () => (await collection.info()).payloadSchema.n?.points
      await collection.upsert([1, 2, 3, 4].map((id) => ({ id, vector: [id, 1, 1] })))
      expect(await points()).toBe(0)
      await collection.setPayload({ n: 7 }, [1, 2, 3])
      expect(await points()).toBe(3)
      await collection.deletePayload(['n'], [1])
      expect(await points()).toBe(2)
      await collection.overwritePayload({ other: 1 }, [2])
      expect(await points()).toBe(1)
      await collection.upsert([1, 2].map((id) => ({ id, vector: [id, 2, 2], payload: { n: 8 } })))
      expect(await points()).toBe(3)
      await collection.delete([1, 3])
      expect(await points()).toBe(1)
    })

    it('rejects calls on a collection that is not there', async () => {
      await expect(suite.database.collection('nowhere')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })
  })
}
