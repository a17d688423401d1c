/**
 * Imports more data than the memory limit and queries it: `memory-limit-runner FOLDER LIMIT POINTS SIZE`. Prints JSON
 * with the greatest memory that the system counted, the recall of the queries, and the time. LIMIT 0 means none.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { type Collection, type Hit, open, VicinalError } from '../../../src/index.js'

const BATCH_BYTES = 4 * 1024 * 1024
const CENTRES = 64
const AXES = 12
const QUERIES = 20
/** This many queries are exact, which reads all vectors from the disk. */
const EXACT_QUERIES = 2
const LIMIT = 10
const RETRY_MS = 500
let refusals = 0

interface Scored {
  id: number
  score: number
}

const [folder, limitText, pointsText, sizeText] = process.argv.slice(2) as [string, string, string, string]
const [limit, points, size] = [limitText, pointsText, sizeText].map(Number) as [number, number, number]
const random = randomNumbers(7)
const centres = Array.from({ length: CENTRES }, () => noise(1))
const axes = Array.from({ length: AXES }, () => noise(0.4))
const queries = Array.from({ length: QUERIES }, () => {
  const query = new Float32Array(size)
  fillVector(query)
  return query
})
/** The true neighbours of each query, found while the vectors are made, for a process that opens them again. */
const truthFile = `${folder}.truth.json`

const database = await open(folder, limit === 0 ? {} : { memoryLimitBytes: limit })
const collection = await database
  .collection('large')
  .catch(() =>
    database.createCollection('large', { vectors: { size, distance: 'Cosine' }, hnswConfig: { efConstruct: 100 } }),
  )
const startedMs = performance.now()
const known = await collection.count()
if (known < points) await fill(collection)
const filledMs = performance.now() - startedMs
const peakOfImport = highWaterBytes()
const askedFromMs = performance.now()
const recall = await ask(collection)
const { memory, segmentsCount, warnings } = await collection.info()
process.stdout.write(
  `${JSON.stringify({
    points: await collection.count(),
    filledMs,
    askedMs: performance.now() - askedFromMs,
    recall,
    refusals,
    peakOfImport,
    peak: highWaterBytes(),
    segmentsCount,
    warnings,
    process: memory.process,
    total: memory.total,
  })}\n`,
)
await database.close()

async function fill(into: Collection): Promise<void> {
  const rows = Math.max(1, Math.floor(BATCH_BYTES / (size * 4)))
  const vectors = new Float32Array(rows * size)
  const truth = queries.map((): Scored[] => [])
  for (let from = 0; from < points; from += rows) {
    const count = Math.min(rows, points - from)
    for (let at = 0; at < count; at++) {
      const vector = vectors.subarray(at * size, (at + 1) * size)
      fillVector(vector)
      for (const [query, asked] of queries.entries()) offer(truth[query] as Scored[], from + at, cosine(asked, vector))
    }
    const ids = Array.from({ length: count }, (_, at) => from + at)
    const payloads = ids.map((id) => ({ id, group: id % 100 }))
    await untilTaken(() => into.upsert({ ids, vectors: vectors.subarray(0, count * size), payloads }))
    if (process.env.VICINAL_PROGRESS && (from / rows) % 20 === 0)
      process.stderr.write(`${from} ${Math.round(process.memoryUsage.rss() / 1e6)} MB\n`)
  }
  await into.waitForIndex({ timeoutMs: 3_600_000 })
  await into.flush({ timeoutMs: 600_000 })
  writeFileSync(truthFile, JSON.stringify(truth.map((nearest) => nearest.map(({ id }) => id))))
}

/** Retries as clients do: a temporary refusal is repeated after the time that it names. */
async function untilTaken(write: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await write()
      return
    } catch (error) {
      if (!(error instanceof VicinalError) || !error.retryable) throw error
      refusals++
      // The refusal names this time.
      await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs ?? RETRY_MS))
    }
  }
}

/** Mean recall for vectors that are not stored. */
async function ask(of: Collection): Promise<number> {
  const truth = JSON.parse(readFileSync(truthFile, 'utf8')) as number[][]
  let found = 0
  for (const [at, query] of queries.entries()) {
    const nearest = new Set<unknown>(truth[at])
    const share = (hits: Hit[]) => hits.filter(({ id }) => nearest.has(id)).length / LIMIT
    found += share(await of.query({ query, limit: LIMIT, withPayload: false }))
    if (at >= EXACT_QUERIES) continue
    const exact = { query, limit: LIMIT, withPayload: false, params: { exact: true }, timeoutMs: 600_000 }
    if (share(await of.query(exact)) < 1) throw new Error(`an exact search lacks neighbours of query ${at}`)
  }
  return found / QUERIES
}

/** Keeps the ids with the greatest scores, greatest first. */
function offer(nearest: Scored[], id: number, score: number): void {
  if (nearest.length === LIMIT && score <= (nearest[LIMIT - 1] as Scored).score) return
  nearest.splice(nearest.findLastIndex((other) => other.score >= score) + 1, 0, { id, score })
  nearest.length = Math.min(nearest.length, LIMIT)
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [product, squares] = [0, 0]
  for (let at = 0; at < size; at++) {
    product += (a[at] as number) * (b[at] as number)
    squares += (b[at] as number) ** 2
  }
  return product / Math.sqrt(squares)
}

/** The high-water mark of resident memory, as the system keeps it. */
function highWaterBytes(): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024
}

/** Like embeddings: around centres, in few directions. */
function fillVector(vector: Float32Array): void {
  const centre = centres[Math.floor(random() ** 2 * CENTRES)] as Float32Array
  vector.set(centre)
  for (const axis of axes) {
    const weight = gaussian()
    for (let at = 0; at < size; at++) vector[at] = (vector[at] as number) + weight * (axis[at] as number)
  }
  for (let at = 0; at < size; at++) vector[at] = (vector[at] as number) + 0.2 * (random() - 0.5)
}

function noise(scale: number): Float32Array {
  return Float32Array.from({ length: size }, () => scale * gaussian())
}

function gaussian(): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
