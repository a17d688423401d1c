import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../../src/core/limits.js'
import type { Bm25Options, Document } from '../../../src/core/point.js'
import { embedDocuments, embedQuery } from '../../../src/inference/bm25.js'
import { murmur3 } from '../../oracle/murmur3.js'
import { processCpuMs } from '../cpu.js'

const bytes = (text: string) => new TextEncoder().encode(text)
const document = (text: string, options?: Bm25Options): Document => ({
  text,
  model: 'qdrant/bm25',
  ...(options ? { options } : {}),
})
const embedDocument = async (one: Document, field: string) => {
  const [vector] = await embedDocuments([{ document: one, field }])
  return vector as { indices: Uint32Array; values: Float32Array }
}
/** The expected ids, compared with the kernel's. */
const tokenId = (token: string) => Math.abs(murmur3(bytes(token)) | 0)
const query = (text: string, options?: Bm25Options) => embedQuery(document(text, options), 'query')
const ids = (...tokens: string[]) => [...new Set(tokens.map(tokenId))].sort((a, b) => a - b)

describe('murmur3', () => {
  it('gives the hashes of the reference', () => {
    // From the test vectors of MurmurHash3_x86_32 with seed 0.
    expect(murmur3(bytes(''))).toBe(0)
    expect(murmur3(bytes('hello'))).toBe(0x248bfa47)
    expect(murmur3(bytes('hello, world'))).toBe(0x149bbb7f)
    expect(murmur3(bytes('The quick brown fox jumps over the lazy dog'))).toBe(0x2e4ff723)
    expect(murmur3(Uint8Array.of(0xff, 0xff, 0xff, 0xff))).toBe(0x76293b50)
    expect(murmur3(Uint8Array.of(0x21, 0x43, 0x65))).toBe(0x7e4a8634)
  })
})

describe('BM25', () => {
  it('hashes stems of words that are not stop words, each once in a query', () => {
    const { indices, values } = query('The Running dogs, running and jumping!')
    expect([...indices]).toEqual(ids('run', 'dog', 'jump'))
    expect([...values]).toEqual([1, 1, 1])
  })

  it('weighs the words of a document by the formula', async () => {
    const options = { avgLen: 5, stemmer: { type: 'none' }, stopwords: { custom: [] } } as const
    const { indices, values } = await embedDocument(document('the cat sat on the', options), 'vector')
    // 2 × 2.2 / (1.2 × 1 + 2)
    expect(values[indices.indexOf(tokenId('the'))]).toBeCloseTo(1.375, 6)
    expect(values[indices.indexOf(tokenId('cat'))]).toBeCloseTo(1, 6)
  })

  it.each<[string, Bm25Options, string[]]>([
    ['Straße Äpfel', { language: 'german', asciiFolding: true }, ['strass', 'apfel']],
    ['les chevaux', { language: 'fr' }, ['cheval']],
    ['Hello World', { lowercase: false }, ['Hello', 'World']],
    ['it-is well-known', { tokenizer: 'whitespace' }, ['it-i', 'well-known']],
    ['the theory', { tokenizer: 'prefix', maxTokenLen: 3, stemmer: { type: 'none' } }, ['the']],
    ['a bb ccc dddd', { minTokenLen: 2, maxTokenLen: 3, stopwords: { custom: ['bb'] } }, ['ccc']],
    ['今日は', { tokenizer: 'multilingual', stemmer: { type: 'none' } }, ['今日', '日は']],
    ['ﬁnding 東京 towers', { tokenizer: 'multilingual', language: 'zh' }, ['ﬁnding', '東京', 'towers']],
    ['the cats', { language: 'none' }, ['the', 'cats']],
  ])('reads %s with %j', (text, options, tokens) => {
    expect([...query(text, options).indices]).toEqual(ids(...tokens))
  })

  it('embeds many documents in order, with the same result as one by one', async () => {
    const words = ['run', 'Running', 'the', 'café', '東京', '👍', '\ud83d', 'x'.repeat(2_000)]
    const options: Bm25Options[] = [{}, { language: 'de', asciiFolding: true }, { stopwords: { custom: ['run'] } }]
    const documents = Array.from({ length: 3_000 }, (_, i) => {
      const text = Array.from({ length: i % 90 }, (_, at) => words[(i * 7 + at * at) % words.length]).join(' ')
      return { document: document(text, options[i % 7 === 0 ? i % 3 : 0]), field: `points[${i}]` }
    })
    const vectors = await embedDocuments(documents)
    expect(vectors).toHaveLength(3_000)
    for (let i = 0; i < 3_000; i += 77) {
      expect(vectors[i]).toEqual((await embedDocuments([documents[i] as (typeof documents)[0]]))[0])
    }
    const [wrong] = [{ document: document('a', { k: -1 }), field: 'points[3000]' }]
    await expect(embedDocuments([...documents, wrong])).rejects.toThrow(/points\[3000\]\.options\.k/)
  })

  it('leaves out the stop words of a language', () => {
    expect([...query("they shouldn't").indices]).toEqual([])
    expect([...query('los gatos', { language: 'spanish' }).indices]).toEqual(ids('gat'))
  })

  it('is bounded: a word of any length is one word, and longer texts are refused', async () => {
    const startedMs = processCpuMs()
    expect((await embedDocument(document('x'.repeat(LIMITS.documentLength)), 'vector')).indices).toHaveLength(1)
    expect(processCpuMs() - startedMs).toBeLessThan(1_000)
    const tooLong = document('x'.repeat(1_048_576))
    await expect(embedDocument(tooLong, 'points[0].vector.words')).rejects.toThrow(
      /points\[0\]\.vector\.words\.text.*at most 262144.*1048576/,
    )
    expect(() => embedQuery(tooLong, 'query')).toThrow(/query\.text.*at most 16384.*1048576/)
  })

  it.each<[Partial<Document>, RegExp]>([
    [{ model: 'bge-small' }, /query\.model.*bge-small/],
    [{ text: 7 as never }, /query\.text/],
    [{ options: { language: 'klingon' } }, /options\.language.*klingon/],
    [{ options: { tokenizer: 'regex' as never } }, /options\.tokenizer/],
    [{ options: { stopwords: { custom: new Array(LIMITS.stopwords + 1).fill('a') } } }, /stopwords\.custom.*10000/],
    [{ options: { stemmer: { type: 'porter' } as never } }, /options\.stemmer: .*snowball, none/],
    [{ options: { lowercase: 1 as never } }, /options\.lowercase/],
    [{ options: { minTokenLen: -1 } }, /options\.minTokenLen/],
  ])('refuses %j', (changed, expected) => {
    expect(() => embedQuery({ ...document('a word'), ...changed }, 'query')).toThrow(expected)
  })

  it('takes the names of the wire too, but not both', () => {
    const wire = { ascii_folding: true, max_token_len: 3, min_token_len: 3 }
    expect([...query('äbc b cdef', wire as never).indices]).toEqual(ids('abc'))
    const both = { minTokenLen: 1, min_token_len: 1 }
    expect(() => query('a', both as never)).toThrow(/options\.min_token_len: .*one spelling/)
  })

  it('refuses a length beyond exact JavaScript integers', () => {
    const options = { minTokenLen: 9007199254740993n as never }
    expect(() => embedQuery({ ...document('a word'), options }, 'query')).toThrow(/options\.minTokenLen/)
  })

  it.each<[Bm25Options, RegExp]>([
    [{ k: -1 }, /options\.k/],
    [{ b: 1.5 }, /options\.b/],
    [{ avgLen: 0 }, /options\.avgLen/],
    [{ k: Number.NaN }, /options\.k/],
    [{ k: Number.POSITIVE_INFINITY }, /options\.k/],
  ])('refuses parameters %j', async (options, expected) => {
    await expect(embedDocument(document('a word', options), 'vector')).rejects.toThrow(expected)
  })
})
