/**
 * Queries that callers asked lately, kept over a restart: recall is measured on them, and what it costs. Without them the
 * next process would begin with stored vectors, and promise callers of another kind too much until it had seen enough.
 *
 * The file is a hint. One that is missing, damaged, of another version or of other vectors is ignored.
 */
import type { ResolvedVector } from '../../core/schema.js'
import type { Disk } from '../../disk/disk.js'
import type { Shard } from '../../native/shard.js'
import { type FileKind, readChecked, writeChecked } from '../../storage/checked-file.js'

/** Of all vectors together; a vector keeps at most 2 MiB, or 64 queries. Further vectors keep none. */
const MOST_QUERY_BYTES = 8 * 1024 * 1024
/** Base64 takes a third more, and names stand beside it. */
const KIND: FileKind = { magic: 'VICQRYS\n', formatVersion: 1, leastReader: 1, maxBytes: 2 * MOST_QUERY_BYTES }

interface KeptVector {
  name: string
  size: number
  distance: string
  queries: string
}

/** Whose queries these are: under another distance they are prepared in another way. */
const isOf = (vector: ResolvedVector, kept: Partial<KeptVector>) =>
  kept.name === vector.name && kept.size === vector.size && kept.distance === vector.distance

export async function keepQueries(
  shard: Shard,
  vectors: readonly ResolvedVector[],
  disk: Disk,
  path: string,
): Promise<void> {
  const kept: KeptVector[] = []
  let left = MOST_QUERY_BYTES
  for (const [at, { name, size, distance }] of vectors.entries()) {
    const queries = shard.keptQueries(at)
    if (queries.length === 0 || queries.byteLength > left) continue
    left -= queries.byteLength
    const bytes = Buffer.from(queries.buffer, queries.byteOffset, queries.byteLength)
    kept.push({ name, size, distance, queries: bytes.toString('base64') })
  }
  // Nothing was asked: what an earlier process kept stays.
  if (kept.length > 0) await writeChecked(disk, path, KIND, { vectors: kept })
}

export async function resumeQueries(
  shard: Shard,
  vectors: readonly ResolvedVector[],
  disk: Disk,
  path: string,
): Promise<void> {
  const body = await readChecked(disk, path, KIND).catch(() => null)
  const all = (body as { vectors?: unknown } | null)?.vectors
  if (!Array.isArray(all)) return
  for (const [at, vector] of vectors.entries()) {
    const kept: unknown = all.find((each: unknown) => isOf(vector, Object(each)))?.queries
    if (typeof kept === 'string') shard.resumeQueries(at, floatsOf(kept))
  }
}

/** In memory of its own, since floats lie at multiples of four bytes. */
function floatsOf(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64')
  const floats = new Float32Array(Math.floor(bytes.length / Float32Array.BYTES_PER_ELEMENT))
  new Uint8Array(floats.buffer).set(bytes.subarray(0, floats.byteLength))
  return floats
}
