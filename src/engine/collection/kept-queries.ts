/**
 * Keeps callers' recent queries over a restart. Recall and its cost are measured on them. Without them the next process
 * would measure on stored vectors, and would promise callers with other queries too much until it had seen enough.
 *
 * The file is a hint. A file that is missing, damaged, or of another version or other vectors is ignored.
 */
import type { ResolvedVector } from '../../core/schema.js'
import type { Disk } from '../../disk/disk.js'
import type { Shard } from '../../native/shard.js'
import { type FileKind, readChecked, writeChecked } from '../../storage/checked-file.js'

/** For all vectors together. Each vector keeps at most 2 MiB, or 64 queries. Vectors past the bound keep none. */
const MOST_QUERY_BYTES = 8 * 1024 * 1024
/** Base64 takes a third more, and the file also holds names. */
const KIND: FileKind = { magic: 'VICQRYS\n', formatVersion: 1, leastReader: 1, maxBytes: 2 * MOST_QUERY_BYTES }

interface KeptVector {
  name: string
  size: number
  distance: string
  queries: string
}

/** Whether kept queries belong to a vector. Another distance prepares queries in another way. */
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
  // Without new queries the file of an earlier process stays.
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

/** Copies the bytes, because a Float32Array needs an offset that is a multiple of four. */
function floatsOf(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64')
  const floats = new Float32Array(Math.floor(bytes.length / Float32Array.BYTES_PER_ELEMENT))
  new Uint8Array(floats.buffer).set(bytes.subarray(0, floats.byteLength))
  return floats
}
