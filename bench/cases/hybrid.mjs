// Dense and full-text search fused by ranks in one query, beside the dense search alone: texts with their sentence vectors,
// asked with held-out ones.
import { readFileSync, rmSync } from 'node:fs'
import { open as openDatabase } from '../../dist/index.js'
import { chunks, dataset, K, readMatrix, workFolder } from '../lib/datasets.mjs'
import { inTurns, timesOf } from '../lib/passes.mjs'
import { allIndexed } from '../systems/vicinal.mjs'

const BATCH = 2000
/** Of each ranking, so many are fused. */
const CANDIDATES = 10

export async function hybrid({ data, limit, m, efConstruct }) {
  const set = dataset(data, limit)
  const texts = JSON.parse(readFileSync(set.texts, 'utf8'))
  const folder = workFolder(set, 'hybrid')
  rmSync(folder, { recursive: true, force: true })
  const db = await openDatabase(folder)
  const collection = await db.createCollection('bench', {
    vectors: { dense: { size: set.dim, distance: set.distance } },
    sparseVectors: { text: { modifier: 'idf' } },
    hnswConfig: { m, efConstruct },
  })
  const meanLength = texts.base.reduce((sum, text) => sum + text.split(/\s+/).length, 0) / texts.base.length
  const document = (text) => ({ text, model: 'qdrant/bm25', options: { avg_len: meanLength } })
  for (const { from, rows, data: vectors } of chunks(set.base, BATCH)) {
    const points = Array.from({ length: rows }, (_, i) => {
      const dense = vectors.subarray(i * set.dim, (i + 1) * set.dim)
      const text = texts.base[from + i]
      return { id: from + i, vector: { dense, text: document(text) }, payload: { text } }
    })
    await collection.upsert(points)
  }
  await collection.flush()
  await allIndexed(collection)
  const matrix = readMatrix(set.queriesFile)
  const queries = texts.queries.map((text, at) => ({ vector: matrix.row(at), text }))
  // Requests as their callers write them, so that none of the time is that of putting them together.
  const found = await inTurns(
    {
      dense: ({ vector }) => collection.query({ query: vector, using: 'dense', limit: K }),
      text: ({ text }) => collection.query({ query: document(text), using: 'text', limit: K }),
      hybrid: ({ vector, text }) =>
        collection.query({
          prefetch: [
            { query: vector, using: 'dense', limit: CANDIDATES },
            { query: document(text), using: 'text', limit: CANDIDATES },
          ],
          query: { fusion: 'rrf' },
          limit: K,
        }),
    },
    queries,
  )
  await db.close()
  rmSync(folder, { recursive: true, force: true })
  const fused = found.hybrid.answers
  return {
    rows: texts.base.length,
    queries: queries.length,
    candidates: CANDIDATES,
    ...Object.fromEntries(Object.entries(found).map(([name, one]) => [name, timesOf(one)])),
    // How much of each ranking's ten are among the fused ten.
    kept: Object.fromEntries(['dense', 'text'].map((name) => [name, overlap(found[name].answers, fused)])),
  }
}

function overlap(answers, others) {
  let both = 0
  let all = 0
  answers.forEach((hits, at) => {
    const ids = new Set(others[at].map(({ id }) => id))
    all += hits.length
    both += hits.filter(({ id }) => ids.has(id)).length
  })
  return both / all
}
