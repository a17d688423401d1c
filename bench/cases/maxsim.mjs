// Late interaction: candidates found by one vector, scored by MaxSim of their token vectors. Beside it stand the
// same dot products in the kernel alone. The vectors are made up: no figure here depends on their meaning.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { open as openDatabase } from '../../dist/index.js'
import { K, runFolder } from '../lib/datasets.mjs'
import { compileProgram, runProgram } from '../lib/kernel-program.mjs'
import { inTurns, timesOf } from '../lib/passes.mjs'
import { gaussian, seeded } from '../lib/random.mjs'
import { allIndexed } from '../systems/vicinal.mjs'

const SEED = 32
const SHAPE = { points: 5000, tokens: 32, dim: 128, queryTokens: 32, candidates: 200, queries: 100 }
const TINY_SHAPE = { points: 500, tokens: 4, dim: 16, queryTokens: 3, candidates: 50, queries: 20 }
const BATCH = 500

export async function maxsim({ tiny }) {
  const shape = tiny ? TINY_SHAPE : SHAPE
  const folder = join(runFolder(), 'maxsim')
  rmSync(folder, { recursive: true, force: true })
  const random = seeded(SEED)
  const db = await openDatabase(folder)
  const collection = await filled(db, shape, random)
  const queries = Array.from({ length: shape.queries }, () => tokensAround(random, shape, shape.queryTokens))
  const first = (tokens) => ({ query: meanOf(tokens, shape.dim), using: 'mean', limit: shape.candidates })
  const ways = {
    prefetch: (tokens) => collection.query({ ...first(tokens), withPayload: false }),
    both: (tokens) =>
      collection.query({ prefetch: first(tokens), query: tokens, using: 'tokens', limit: K, withPayload: false }),
  }
  // The kernel's turn is between two of ours, so that one state of the machine meets both.
  const before = await inTurns(ways, queries)
  const program = compileProgram('maxsim_bench')
  const kernel = runProgram(program, [shape.points, shape.tokens, shape.dim, shape.queryTokens, shape.candidates])
  const after = await inTurns(ways, queries)
  const best = (way) => Math.min(before[way].best, after[way].best)
  const plan = await collection.explain({
    prefetch: first(queries[0]),
    query: queries[0],
    using: 'tokens',
    limit: K,
  })
  await db.close()
  rmSync(folder, { recursive: true, force: true })
  return {
    shape,
    kernel,
    prefetch: { ...timesOf(after.prefetch), best: best('prefetch') },
    both: { ...timesOf(after.both), best: best('both') },
    distances: plan.plan.segments.reduce((sum, { distancesComputed }) => sum + distancesComputed, 0),
  }
}

async function filled(db, shape, random) {
  const { points, tokens, dim } = shape
  const collection = await db.createCollection('bench', {
    vectors: {
      mean: { size: dim, distance: 'Dot' },
      tokens: { size: dim, distance: 'Dot', multivectorConfig: { comparator: 'max_sim' } },
    },
  })
  for (let from = 0; from < points; from += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, points - from) }, (_, i) => {
      const vectors = tokensAround(random, shape, tokens)
      return { id: from + i, vector: { mean: meanOf(vectors, dim), tokens: vectors } }
    })
    await collection.upsert(batch)
  }
  await allIndexed(collection)
  return collection
}

/** Tokens of a text have something in common. */
function tokensAround(random, { dim }, count) {
  const centre = Float32Array.from({ length: dim }, () => gaussian(random))
  return Array.from({ length: count }, () => centre.map((value) => value + gaussian(random)))
}

function meanOf(vectors, dim) {
  const mean = new Float32Array(dim)
  for (const vector of vectors) for (let i = 0; i < dim; i++) mean[i] += vector[i] / vectors.length
  return mean
}
