import { readFileSync, writeFileSync } from 'node:fs'

// Runs as a child process: parsing the package takes some seconds and a gigabyte, which then go back to the system.
// Arguments: the package's JSON file, the files to write (floats, words).

interface Embeddings {
  dimensions: number
  words: string[]
  /** Each has more than `dimensions` numbers; the rest is the package's own data. */
  vectors: Record<string, number[]>
}

const [, , source, vectorsFile, wordsFile] = process.argv as [string, string, string, string, string]
const { dimensions, words, vectors } = JSON.parse(readFileSync(source, 'utf8')) as Embeddings
const floats = new Float32Array(words.length * dimensions)
for (const [row, word] of words.entries()) {
  floats.set((vectors[word] as number[]).slice(0, dimensions), row * dimensions)
}
writeFileSync(wordsFile, JSON.stringify(words))
writeFileSync(vectorsFile, new Uint8Array(floats.buffer))
