import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Collection } from '../../src/core/database.js'
import type { Filter, MatchCondition } from '../../src/core/filter.js'
import type { PayloadIndexOptions } from '../../src/core/payload-index.js'
import type { Suite } from './database.contract.js'

const TEXTS: unknown[] = [
  'The quick brown fox jumps over the lazy dog',
  'Quick thinking: a fox, brown and small.',
  ['A slow loris', 'the QUICK one'],
  { title: 'quick' },
  'quicksand',
  '今天是星期一',
]

const match = (match: MatchCondition): Filter => ({ must: [{ key: 'text', match }] })

/** Matching ids (1 to 6) without an index, and with each index. */
const CASES: [options: PayloadIndexOptions | null, condition: MatchCondition, ids: number[]][] = [
  [null, { text: 'quick' }, [1, 5]],
  [null, { text: 'quick brown' }, [1]],
  [null, { textAny: 'QUICK  fox' }, [1, 2, 3]],
  [null, { phrase: 'brown fox' }, [1]],
  [{ type: 'text' }, { text: 'quick' }, [1, 2, 3]],
  [{ type: 'text' }, { text: 'Brown QUICK' }, [1, 2]],
  [{ type: 'text' }, { textAny: 'loris sand dog' }, [1, 3]],
  [{ type: 'text' }, { phrase: 'quick brown' }, [1]],
  [{ type: 'text' }, { phrase: 'fox brown' }, [2]],
  [{ type: 'text', phraseMatching: true }, { phrase: 'loris, the' }, [3]],
  [{ type: 'text' }, { text: ' ,' }, []],
  [{ type: 'text', lowercase: false, tokenizer: 'whitespace' }, { text: 'Quick' }, [2]],
  [{ type: 'text', lowercase: false, tokenizer: 'whitespace' }, { text: 'fox' }, [1]],
  [{ type: 'text', tokenizer: 'prefix', minTokenLen: 2, maxTokenLen: 6 }, { text: 'qui' }, [1, 2, 3, 5]],
  [{ type: 'text', tokenizer: 'prefix', minTokenLen: 2, maxTokenLen: 6 }, { text: 'quicksands' }, [5]],
  [{ type: 'text', tokenizer: 'prefix', minTokenLen: 2, maxTokenLen: 6 }, { text: 'q' }, []],
  [{ type: 'text', tokenizer: 'multilingual' }, { text: '星期' }, [6]],
  [{ type: 'text', tokenizer: 'multilingual' }, { text: '期星' }, []],
  [{ type: 'text', minTokenLen: 5 }, { text: 'fox quick' }, [1, 2, 3]],
  [{ type: 'text', maxTokenLen: 3 }, { text: 'quick' }, []],
  [{ type: 'text', stopwords: { custom: ['quick'] } }, { text: 'quick fox' }, [1, 2]],
  [{ type: 'keyword', prefix: true }, { prefix: 'qui' }, [5]],
  [{ type: 'keyword', prefix: true }, { text: 'quick' }, [1, 5]],
]

export function describeTextFilters(suite: Suite): void {
  describe('full-text filters', () => {
    let collection: Collection
    beforeAll(async () => {
      collection = await suite.named()
      await collection.upsert(
        TEXTS.map((text, i) => ({ id: i + 1, vector: { image: [i, 0, 0], text: [1, i] }, payload: { text } })),
      )
    })

    it.each(CASES)('with %j, %j matches %j', async (options, condition, ids) => {
      if (options) await collection.createPayloadIndex('text', options)
      const { points } = await collection.scrollPage({ filter: match(condition) })
      expect(points.map(({ id }) => id)).toEqual(ids)
      expect(await collection.count({ filter: match(condition) })).toBe(ids.length)
      await collection.deletePayloadIndex('text')
    })

    it('are yellow until an index is built', async () => {
      const text = Array.from({ length: 300 }, (_, at) => `wandering${at % 97} house`).join(' ')
      const many = Array.from({ length: 500 }, (_, at) => ({
        id: 1_000 + at,
        vector: { text: [at, 1] },
        payload: { long: text },
      }))
      await collection.upsert(many)
      await collection.createPayloadIndex('long', { type: 'text', tokenizer: 'prefix', onDisk: true }, { wait: false })
      for (;;) {
        const { status, optimizerStatus, payloadSchema } = await collection.info()
        expect(optimizerStatus).toBe('ok')
        if (status === 'green') {
          expect(payloadSchema.long).toMatchObject({
            points: many.length,
            params: { tokenizer: 'prefix', onDisk: true },
          })
          break
        }
        expect(status).toBe('yellow')
        // The next look at the state.
        await sleep(5)
      }
      await collection.delete({ ids: many.map(({ id }) => id) })
      await collection.deletePayloadIndex('long')
    })

    it('tell the options of their index', async () => {
      const options: PayloadIndexOptions = {
        type: 'text',
        tokenizer: 'word',
        minTokenLen: 2,
        maxTokenLen: 20,
        lowercase: true,
        phraseMatching: true,
        onDisk: true,
        stopwords: { languages: ['english', 'german'], custom: ['fox'] },
        stemmer: { type: 'snowball', language: 'english' },
      }
      await collection.createPayloadIndex('text', options)
      await collection.createPayloadIndex('at', 'geo')
      await collection.createPayloadIndex('n', { type: 'integer', lookup: true, range: false, isPrincipal: true })
      const { type, ...params } = options
      expect((await collection.info()).payloadSchema).toMatchObject({
        text: { kind: type, params },
        at: { kind: 'geo' },
        n: { kind: 'integer', params: { lookup: true, range: false, isPrincipal: true } },
      })
    })
  })
}
