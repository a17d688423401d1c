import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../../src/core/limits.js'
import { embedQuery } from '../../../src/inference/bm25.js'
import { embedTexts, TextQuery } from '../../../src/query/texts.js'

const MODEL = 'qdrant/bm25'
const long = (seed: number) => {
  const words = Array.from({ length: 2_000 }, (_, i) => `w${(i * 7 + seed) % 997}`)
  return words.join(' ').slice(0, LIMITS.queryDocumentLength)
}
const queries = (count: number) =>
  Array.from({ length: count }, (_, i) => new TextQuery({ text: long(i), model: MODEL }, 'query'))

describe('texts of queries', () => {
  it('let other work run, however many queries begin at once', async () => {
    let turns = 0
    let immediate = setImmediate(function count() {
      turns += 1
      immediate = setImmediate(count)
    })
    const each = queries(1_500)
    // As in a batch: every query waits for its own text.
    await Promise.all(each.map((one) => embedTexts([one])))
    clearImmediate(immediate)
    expect(turns).toBeGreaterThan(10)
    expect(each[3]?.vector).toEqual(embedQuery({ text: long(3), model: MODEL }, 'query'))
  })

  it('end with the signal, and go on for others', async () => {
    const cancel = new AbortController()
    const given = embedTexts(queries(300), cancel.signal)
    const other = queries(1)
    const waits = embedTexts(other)
    setImmediate(() => cancel.abort(new Error('enough')))
    await expect(given).rejects.toThrow('enough')
    await waits
    expect(other[0]?.vector.indices.length).toBeGreaterThan(100)
  })

  it('are checked at once if that is quick', () => {
    const made = (text: unknown, model: unknown) => new TextQuery({ text, model } as never, 'query')
    expect(() => made('x'.repeat(LIMITS.queryDocumentLength + 1), MODEL)).toThrow('query.text')
    expect(() => made(7, MODEL)).toThrow('query.text')
    expect(() => made('x', 'other')).toThrow('query.model')
  })
})
