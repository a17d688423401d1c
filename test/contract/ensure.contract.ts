import { describe, expect, it } from 'vitest'
import type { CollectionOptions } from '../../src/core/schema.js'
import type { Suite } from './database.contract.js'

const VECTORS = { size: 3, distance: 'Euclid' } as const
const MADE = {
  vectors: { image: { ...VECTORS, hnswConfig: { m: 8 } }, text: { size: 2, distance: 'Cosine', onDisk: true } },
  sparseVectors: { words: { modifier: 'idf' } },
  quantizationConfig: { scalar: { type: 'int8', quantile: 0.9 } },
  strictModeConfig: { enabled: false, maxQueryLimit: 10 },
  metadata: { owner: 'a', tags: ['x'] },
} as const satisfies CollectionOptions

/** Options that differ from those of `MADE`, and the field that differs. */
const DIFFERENT: [field: string, options: CollectionOptions, message: RegExp][] = [
  [
    'vectors.image.size',
    { vectors: { image: { ...VECTORS, size: 4 } } },
    /expected 3, as collection .* has it, got 4$/,
  ],
  ['vectors.image.distance', { vectors: { image: { ...VECTORS, distance: 'Dot' } } }, /expected "Euclid".* got "Dot"$/],
  ['vectors.image.hnswConfig.m', { vectors: { image: { ...VECTORS, hnswConfig: { m: 9 } } } }, /got 9$/],
  ['vectors.image.datatype', { vectors: { image: { ...VECTORS, datatype: 'uint8' } } }, /got "uint8"$/],
  ['vectors.text.memory', { vectors: { text: { ...MADE.vectors.text, memory: 'pinned' } } }, /"cold".* got "pinned"$/],
  ['vectors.other', { vectors: { other: VECTORS } }, /expected none/],
  ['vectors', { vectors: VECTORS }, /expected none/],
  ['sparseVectors.words.modifier', { sparseVectors: { words: { modifier: 'none' } } }, /"idf".* got "none"$/],
  ['hnswConfig.efConstruct', { ...MADE, hnswConfig: { efConstruct: 99 } }, /expected 200.* got 99$/],
  ['quantization', { vectors: MADE.vectors, quantization: 'none' }, /got "none"$/],
  [
    'quantizationConfig',
    { vectors: MADE.vectors, quantizationConfig: { scalar: { type: 'int8' } } },
    /got \{"scalar":\{"type":"int8"\}\}$/,
  ],
  ['strictModeConfig.maxQueryLimit', { vectors: MADE.vectors, strictModeConfig: { maxQueryLimit: 9 } }, /got 9$/],
  ['metadata.owner', { vectors: MADE.vectors, metadata: { owner: 'b' } }, /expected "a".* got "b"$/],
]

export function describeEnsure(suite: Suite): void {
  describe('a collection that is ensured', () => {
    it('is made where there is none, and is the same one the next time', async () => {
      const { database } = suite
      const made = await database.ensureCollection('ensured', { vectors: VECTORS })
      await made.upsert([{ id: 1, vector: [1, 2, 3] }])
      const present = await database.ensureCollection('ensured', { vectors: VECTORS })
      expect(present.name).toBe('ensured')
      expect(await present.count()).toBe(1)
    })

    it('is the one that an alias leads to', async () => {
      const { database } = suite
      await database.ensureCollection('ensured-behind', { vectors: VECTORS })
      await database.updateAliases([{ createAlias: { aliasName: 'ensured-alias', collectionName: 'ensured-behind' } }])
      expect((await database.ensureCollection('ensured-alias', { vectors: VECTORS })).name).toBe('ensured-behind')
    })

    it('is made once by callers at the same time', async () => {
      const { database } = suite
      const all = Array.from({ length: 8 }, () => database.ensureCollection('ensured-once', { vectors: VECTORS }))
      expect(new Set((await Promise.all(all)).map(({ name }) => name))).toEqual(new Set(['ensured-once']))
    })

    it('may be asked for with its own configuration, or with a part of it', async () => {
      const { database } = suite
      const collection = await database.ensureCollection('ensured-whole', MADE)
      await collection.createVectorName('later', { dense: VECTORS })
      await database.ensureCollection('ensured-whole', MADE)
      const { image, text } = MADE.vectors
      await database.ensureCollection('ensured-whole', { vectors: { image: VECTORS } })
      await database.ensureCollection('ensured-whole', { vectors: { text: { ...text, memory: 'cold' }, image } })
      await database.ensureCollection('ensured-whole', { vectors: { image }, hnswConfig: { m: 16 } })
      await database.ensureCollection('ensured-whole', { sparseVectors: { words: {} }, metadata: { tags: ['x'] } })
    })

    it('refuses another configuration, and names the field', async () => {
      const { database } = suite
      await database.ensureCollection('ensured-other', MADE)
      const before = (await (await database.collection('ensured-other')).info()).config
      for (const [field, options, message] of DIFFERENT) {
        const refused = expect(database.ensureCollection('ensured-other', options), field).rejects
        await refused.toMatchObject({ code: 'ALREADY_EXISTS', details: { field } })
        await expect(database.ensureCollection('ensured-other', options)).rejects.toThrow(message)
        await expect(database.ensureCollection('ensured-other', options)).rejects.toThrow(`${field}: expected `)
      }
      expect((await (await database.collection('ensured-other')).info()).config).toEqual(before)
    })

    it('refuses options that no collection could have', async () => {
      const odd = suite.database.ensureCollection('ensured-odd', { vectors: { size: 0, distance: 'Dot' } })
      await expect(odd).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', details: { field: 'vectors.size' } })
      expect(await suite.database.hasCollection('ensured-odd')).toBe(false)
    })
  })
}
