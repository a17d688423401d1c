// Full-text search by BM25: ours beside Lance's, in turns, on the same words; and both beside the formula.
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { open as openDatabase } from '../../dist/index.js'
import { dataset, K, workFolder } from '../lib/datasets.mjs'
import { B, exactBm25, K1, leastOfBest } from '../lib/exact-bm25.mjs'
import { inTurns, timesOf } from '../lib/passes.mjs'
import { seeded } from '../lib/random.mjs'
import { searchTexts } from '../lib/texts.mjs'
import { wordsOf } from '../lib/words-of.mjs'
import { OURS } from '../systems/index.mjs'
import { allIndexed } from '../systems/vicinal.mjs'

const SEED = 117
const QUERIES = 1000
const TINY_QUERIES = 50
/** Words of a query, as people put them. */
const LENGTHS = [1, 2, 3, 4, 6, 8]
const BATCH = 2000
/** Scores are float32, and sums of some. */
const RELATIVE_ERROR = 1e-5

const SYSTEMS = { [OURS]: vicinal, lancedb }
export const SPARSE_SYSTEMS = Object.keys(SYSTEMS)

export async function sparse({ data, limit, systems, tiny }) {
  const set = dataset(data, limit)
  const texts = searchTexts(set)
  const words = texts.map(wordsOf)
  const exact = exactBm25(words)
  const queries = drawQueries(words, tiny ? TINY_QUERIES : QUERIES)
  const folder = workFolder(set, 'sparse')
  rmSync(folder, { recursive: true, force: true })
  const opened = {}
  for (const name of systems.filter((one) => one in SYSTEMS))
    opened[name] = await SYSTEMS[name](join(folder, name), words, exact)
  const ways = Object.fromEntries(Object.entries(opened).map(([name, { search }]) => [name, search]))
  const found = await inTurns(ways, queries)
  for (const { close } of Object.values(opened)) await close()
  rmSync(folder, { recursive: true, force: true })
  const result = { texts: texts.length, words: exact.words, queries: queries.length, systems: {} }
  for (const [name, one] of Object.entries(found))
    result.systems[name] = { ...timesOf(one), ...agreement(one.answers, queries, exact), seconds: opened[name].seconds }
  return result
}

/** The first few words of texts drawn at random. */
function drawQueries(texts, count) {
  const random = seeded(SEED)
  const queries = []
  while (queries.length < count) {
    const found = texts[Math.floor(random() * texts.length)]
    const length = LENGTHS[queries.length % LENGTHS.length]
    if (found.length >= length) queries.push(found.slice(0, length))
  }
  return queries
}

/** By the formula: the share of the best that was found, whichever of equals, and the greatest error of a score. */
function agreement(answers, queries, exact) {
  let right = 0
  let wanted = 0
  let error = 0
  for (const [at, words] of queries.entries()) {
    const scores = exact.scores(words)
    const least = leastOfBest(scores, K) * (1 - RELATIVE_ERROR)
    const distinct = new Map(answers[at].map((hit) => [hit.id, hit.score]))
    wanted += Math.min(K, scores.size)
    for (const [id, score] of distinct) {
      const due = scores.get(id) ?? 0
      if (due >= least) right++
      error = Math.max(error, Math.abs(score - due) / due)
    }
  }
  return { recall: right / wanted, error }
}

async function vicinal(folder, words, { meanLength }) {
  const started = performance.now()
  // The words stay as they are: none is left out, none is stemmed.
  const options = { language: 'none', k: K1, b: B, avg_len: meanLength }
  const texts = words.map((list) => list.join(' '))
  const document = (text) => ({ text, model: 'qdrant/bm25', options })
  const db = await openDatabase(folder)
  const collection = await db.createCollection('bench', { sparseVectors: { text: { modifier: 'idf' } } })
  for (let from = 0; from < texts.length; from += BATCH) {
    const points = texts
      .slice(from, from + BATCH)
      .map((text, i) => ({ id: from + i, vector: { text: document(text) }, payload: { text } }))
    await collection.upsert(points)
  }
  await collection.flush()
  await allIndexed(collection)
  return {
    seconds: (performance.now() - started) / 1000,
    search: (asked) =>
      collection.query({ query: document(asked.join(' ')), using: 'text', limit: K, withPayload: false }),
    close: () => db.close(),
  }
}

/** Its k1 and b are the same two numbers, and fixed. */
async function lancedb(folder, words) {
  const require = createRequire(import.meta.url)
  const lance = require('@lancedb/lancedb')
  const started = performance.now()
  const connection = await lance.connect(folder)
  // The last first: with all of WordNet's glosses in their own order, LanceDB 0.31 is never done with its index. In reverse
  // it is, and also without any one of them in front.
  const rows = words.map((list, id) => ({ id, words: list.join(' ') })).reverse()
  const table = await connection.createTable('bench', rows)
  const plain = { stem: false, removeStopWords: false, asciiFolding: false, lowercase: false, withPosition: false }
  const config = lance.Index.fts({ baseTokenizer: 'whitespace', maxTokenLength: 1000, ...plain })
  await table.createIndex('words', { config })
  return {
    seconds: (performance.now() - started) / 1000,
    async search(asked) {
      const query = new lance.MatchQuery(asked.join(' '), 'words')
      const found = await table.query().fullTextSearch(query).select(['id', '_score']).limit(K).toArrow()
      const [ids, scores] = ['id', '_score'].map((column) => found.getChild(column))
      return Array.from({ length: found.numRows }, (_one, at) => ({ id: Number(ids.get(at)), score: scores.get(at) }))
    },
    close: () => connection.close(),
  }
}
